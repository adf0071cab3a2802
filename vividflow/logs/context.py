"""The fields that every line of a request or of a job carries."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType

_fields: ContextVar[Mapping[str, object]] = ContextVar("vividflow_log_fields", default=MappingProxyType({}))


def bind(**fields: object) -> None:
    """Put fields (`request_id`, `job_id`, …) on every line that this thread or task logs from here on; None takes one off."""
    _fields.set(_with(fields))


@contextmanager
def bound(**fields: object) -> Iterator[None]:
    """As `bind`, until the block is left."""
    token = _fields.set(_with(fields))
    try:
        yield
    finally:
        _fields.reset(token)


def now_bound() -> Mapping[str, object]:
    """What is bound here and now."""
    return _fields.get()


def _with(fields: Mapping[str, object]) -> Mapping[str, object]:
    return {name: value for name, value in {**_fields.get(), **fields}.items() if value is not None}
