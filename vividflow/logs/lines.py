"""How a line comes to be: completed, cleaned of secrets, written as JSON or for people."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import MutableMapping
from typing import Any

from vividflow import timing
from vividflow.logs.context import now_bound
from vividflow.logs.redaction import Redactor

_redactor = Redactor()
_json = json.JSONEncoder().encode
_MADE_HERE = frozenset({"timestamp", "level"})


def hide(*secrets: str) -> None:
    """From now on these values never appear in a log line (keys made at run time)."""
    _redactor.hide(*secrets)


def clean(text: str) -> str:
    """`text` as a log line would show it: for what others said and we keep or pass on."""
    return _redactor.text(text)


def formatter(as_text: bool) -> logging.Formatter:
    """What turns a record of the standard library into a line."""
    structlog = _structlog()
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.ExtraAdder(),
            _complete,
        ],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.StackInfoRenderer(),
            structlog.processors.format_exc_info,
            lambda _logger, _method, event: line(event, as_text),
        ],
    )


def line(event: MutableMapping[str, Any], as_text: bool) -> str:
    """A line from its fields, among which are `event`, `level`, `logger` and `timestamp`."""
    cleaned = {name: each if name in _MADE_HERE else _redactor.named(name, each) for name, each in event.items()}
    return _as_text(cleaned) if as_text else _json(cleaned)


def _structlog() -> Any:
    # structlog imports rich for coloured tracebacks wherever it finds it: 7 MB and 0.2 s for something never used here.
    barred = "rich" not in sys.modules and "structlog" not in sys.modules
    if barred:
        sys.modules["rich"] = None  # pyright: ignore[reportArgumentType]
    try:
        import structlog

        return structlog
    finally:
        if barred:
            for name in [each for each in sys.modules if each.partition(".")[0] == "rich"]:
                del sys.modules[name]


def _complete(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event["timestamp"] = timing.iso(event["_record"].created)
    for left_by_other_handlers in ("message", "asctime"):
        event.pop(left_by_other_handlers, None)
    for name, value in now_bound().items():
        event.setdefault(name, value)
    return event


def _as_text(event: dict[str, Any]) -> str:
    when, level, said = event.pop("timestamp"), event.pop("level"), event.pop("event")
    name, trace, stack = event.pop("logger"), event.pop("exception", None), event.pop("stack", None)
    fields = "".join(f" {key}={_one_line(value)}" for key, value in event.items())
    first = f"{when[11:19]} {level:<8} {name}: {_one_line(said)}{fields}"
    more = [f"  {_one_line(each)}" for block in (stack, trace) if block for each in block.splitlines()]
    return "\n".join([first, *more])


def _one_line(value: object) -> str:
    # Whoever sends us text must not be able to write lines of their own, or move the cursor.
    text = str(value)
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
