"""What a step may answer. Everything else a step could want is said by raising one of the outcomes of errors.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

Write = Callable[[Connection], None]


@dataclass(frozen=True, kw_only=True, slots=True)
class Advance:
    """Go to state `to` and look again `after` seconds, which count from `since` (None: from when this is written).

    `changes` are new values of job columns, `writes` further rows; all are written in the transaction that moves the job.
    `then` is done once that is on disk, if this process still lives.
    """

    to: str
    changes: dict[str, Any] = field(default_factory=dict)
    after: float = 0.0
    writes: tuple[Write, ...] = ()
    then: Callable[[], None] | None = None
    since: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Wait:
    """Stay, and look again in `seconds`, which count from `since` (None: from when this is written).

    `failed` uses up patience; a look that merely found nothing new does not.
    """

    seconds: float
    changes: dict[str, Any] = field(default_factory=dict)
    writes: tuple[Write, ...] = ()
    failed: bool = False
    since: float | None = None


Answer = Advance | Wait
