"""Structured logs: one line for each thing that happened, with request and job ids, without secrets.

Everything logs through the standard library (`logging.getLogger(__name__)`, fields as `extra={…}`); `set_up` sends it all
through structlog to stderr. JSON unless stderr is a terminal or LOG_FORMAT says otherwise; LOG_FILE gets the same lines.
"""

from vividflow.logs.access import log_request
from vividflow.logs.context import bind, bound
from vividflow.logs.lines import clean, hide
from vividflow.logs.setting_up import set_up

__all__ = ["bind", "bound", "clean", "hide", "log_request", "set_up"]
