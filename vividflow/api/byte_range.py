"""Reading a `Range` header (RFC 9110, section 14): one span of bytes, or a reason to send the whole."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ONE = re.compile(r"bytes=[ \t]*(?P<first>[0-9]{0,30})-(?P<last>[0-9]{0,30})[ \t]*", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Span:
    """Bytes from `start`, `length` of them (at least one)."""

    start: int
    length: int


class Unsatisfiable(Exception):
    """The range is well-formed and lies outside of the file: 416."""


def read_range(header: str | None, size: int) -> Span | None:
    """The one span asked for of a file of `size` bytes; None (send it all) for none, several, or a malformed one.

    Raises `Unsatisfiable`.
    """
    match = _ONE.fullmatch(header.strip()) if header else None
    if not match or not (match["first"] or match["last"]):
        return None
    if not match["first"]:
        length = min(int(match["last"]), size)
        if not length:
            raise Unsatisfiable
        return Span(start=size - length, length=length)
    start = int(match["first"])
    last = int(match["last"]) if match["last"] else size - 1
    if match["last"] and last < start:
        return None
    if start >= size:
        raise Unsatisfiable
    return Span(start=start, length=min(last, size - 1) - start + 1)
