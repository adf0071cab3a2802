"""Counters for rate limits in memory, without a thread of their own and without work between requests."""

from __future__ import annotations

import threading
import time

from limits.storage import Storage

SWEEP_SECONDS = 60.0


class QuietCounts(Storage):
    """The storage that flask-limiter's strategies count in: key to (count, end of window).

    The one of the library starts a timer thread every 10 ms of traffic and walks all its keys in it.
    """

    STORAGE_SCHEME = ["quiet"]  # noqa: RUF012 - the library reads it off the class

    def __init__(self, uri: str | None = None, wrap_exceptions: bool = False, **_options: float | str | bool) -> None:
        super().__init__(uri, wrap_exceptions)
        self._lock = threading.Lock()
        self._counts: dict[str, tuple[int, float]] = {}
        self._sweep_at = 0.0

    @property
    def base_exceptions(self) -> type[Exception]:
        """What the library may wrap: nothing here fails."""
        return ValueError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Count `amount`; a window of `expiry` seconds begins with the first."""
        now = time.time()
        with self._lock:
            if now >= self._sweep_at:
                self._sweep(now)
            count, end = self._counts.get(key, (0, 0.0))
            if end <= now:
                count, end = 0, now + expiry
            count += amount
            self._counts[key] = (count, end)
            return count

    def get(self, key: str) -> int:
        """The count of the window that is open, or 0."""
        count, end = self._counts.get(key, (0, 0.0))
        return count if end > time.time() else 0

    def get_expiry(self, key: str) -> float:
        """When the open window ends (seconds since 1970); now if none is open."""
        now = time.time()
        return max(now, self._counts.get(key, (0, now))[1])

    def check(self) -> bool:
        """Memory is always there."""
        return True

    def reset(self) -> int | None:
        """Forget everything; how many keys there were."""
        with self._lock:
            count = len(self._counts)
            self._counts.clear()
            return count

    def clear(self, key: str) -> None:
        """Forget one key."""
        with self._lock:
            self._counts.pop(key, None)

    def _sweep(self, now: float) -> None:
        self._sweep_at = now + SWEEP_SECONDS
        self._counts = {key: kept for key, kept in self._counts.items() if kept[1] > now}
