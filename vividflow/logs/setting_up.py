"""Sending all logging one way, once for each process."""

from __future__ import annotations

import logging
import sys
import threading
from typing import Any

from vividflow.config import Settings
from vividflow.logs.handlers import File, Ours, Stderr
from vividflow.logs.lines import hide
from vividflow.logs.redaction import secrets_of

# Whose lines LOG_LEVEL is about; everybody else is heard from "warning" on (debug: from "info" on).
OURS = ("vividflow", "web_app", "api_router", "celery_app", "job_queue", "monitor", "__main__", "gunicorn.error")


def set_up(settings: Settings, *, to_file: bool = True) -> None:
    """Send all logging through structlog as the settings say; doing it again replaces what was set up before.

    Opens nothing: LOG_FILE is opened by its first line. `to_file=False` leaves it out.
    """
    hide(*secrets_of(settings))
    level = settings.log_level.upper()
    root = logging.getLogger()
    root.setLevel(logging.INFO if level == "DEBUG" else max(logging.WARNING, logging.getLevelName(level)))
    for name in OURS:
        logging.getLogger(name).setLevel(level)
    for handler in [each for each in root.handlers if isinstance(each, Ours)]:
        root.removeHandler(handler)
        handler.close()
    root.addHandler(Stderr(settings.log_format == "text" or (settings.log_format == "auto" and sys.stderr.isatty())))
    if to_file and settings.log_file is not None:
        root.addHandler(File(settings.log_file, settings.log_format == "text"))
    for name in ("gunicorn.error", "gunicorn.access"):  # they bring handlers of their own
        theirs = logging.getLogger(name)
        theirs.handlers.clear()
        theirs.propagate = True
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _uncaught
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = _uncaught_in_thread


def _uncaught(kind: type[BaseException], error: BaseException, trace: Any) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        logging.getLogger("vividflow").critical("uncaught error", exc_info=(kind, error, trace))


def _uncaught_in_thread(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None and not issubclass(args.exc_type, SystemExit):
        info = (args.exc_type, args.exc_value, args.exc_traceback)
        extra = {"thread_name": args.thread.name if args.thread else None}
        logging.getLogger("vividflow").critical("uncaught error in a thread", exc_info=info, extra=extra)
