"""The two clocks, ids, and how a time is written.

Wall time goes into rows; the monotonic clock measures time-outs within a process. Everything that tells the time asks
here, so a test can put its own clock in place.
"""

from __future__ import annotations

import random
import time
import uuid
from datetime import UTC, datetime


def now() -> float:
    """Wall time in seconds since 1970, UTC: the only time that is written into rows."""
    return time.time()


def monotonic() -> float:
    """Seconds of a clock that never jumps: for time-outs and leases within one process."""
    return time.monotonic()


def iso(moment: float | None) -> str | None:
    """`moment` (seconds since 1970) as ISO 8601 UTC with milliseconds and `Z`; None stays None."""
    if moment is None:
        return None
    whole = datetime.fromtimestamp(moment, UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{whole.microsecond // 1000:03d}Z"


def new_id() -> str:
    """A fresh opaque UUID (version 4) in its canonical text form."""
    return str(uuid.uuid4())


def backoff(failures: int, first: float = 1.0, most: float = 60.0) -> float:
    """Seconds to wait after `failures` (>= 1) failures in a row: doubling from `first` to `most`, with 20 % jitter."""
    whole = min(most, first * 2 ** (failures - 1))
    return whole * random.uniform(0.8, 1.2)
