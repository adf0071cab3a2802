"""How many requests may be busy with pictures at once, so that slow files and slow hosts never take all request threads."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from vividflow.errors import Problem
from vividflow.timing import monotonic

# Of the 16 request threads (gunicorn.conf.py) some are always left for everything else.
PLACES, EACH = 11, 8
PATIENCE_SECONDS = 2.0
# While somebody has been inside for longer than this, few may wait; a crowd with ordinary files passes quickly.
SLOW_SECONDS, WAITING_WHILE_SLOW = 3.0, 2


class Room:
    """`places` in all and `each` for one person; who finds none free within `patience` seconds is sent away."""

    def __init__(self, places: int = PLACES, each: int = EACH, patience: float = PATIENCE_SECONDS) -> None:
        self._places, self._each, self._patience = places, each, patience
        self._inside: Counter[str] = Counter()
        self._since: dict[object, float] = {}
        self._waiting = 0
        self._changed = threading.Condition()

    @contextmanager
    def place(self, user_id: str) -> Iterator[None]:
        """Hold a place while the block runs. Raises `Problem` 503 busy with Retry-After."""
        ticket = object()
        with self._changed:
            self._wait(user_id)
            self._inside[user_id] += 1
            self._since[ticket] = monotonic()
        try:
            yield
        finally:
            with self._changed:
                del self._since[ticket]
                self._inside[user_id] -= 1
                self._inside += Counter()  # forgets who holds none
                self._changed.notify_all()

    def _wait(self, user_id: str) -> None:
        end = monotonic() + self._patience
        while len(self._since) >= self._places or self._inside[user_id] >= self._each:
            left = end - monotonic()
            if left <= 0 or (self._waiting >= WAITING_WHILE_SLOW and self._slow()):
                detail = (
                    "Too many pictures are being read just now. Nothing was done or charged. Try again in a moment."
                )
                raise Problem(503, "busy", detail, retry_after=2)
            self._waiting += 1
            try:
                self._changed.wait(left)
            finally:
                self._waiting -= 1

    def _slow(self) -> bool:
        return min(self._since.values(), default=monotonic()) < monotonic() - SLOW_SECONDS
