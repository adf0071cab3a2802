"""How long a commit waits for company: not at all when little moves, up to a tenth of a second when much does."""

from __future__ import annotations

import math
import threading

from vividflow.timing import monotonic

# A commit is worth waiting for this many others (at the rate of the last moment), and never longer than a tenth of a second.
COMPANY = 25
MOST_SECONDS = 0.1
REMEMBERED_SECONDS = 0.25
# Below this many moves a second there is nobody to wait for.
QUIET = 40.0


class Pace:
    """Counts moves, forgetting them within a second, and tells the `patience` that follows."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._recent = 0.0
        self._at = monotonic()

    def moved(self, count: int) -> None:
        """`count` jobs took a step just now."""
        with self._lock:
            self._recent, self._at = self._faded() + count, monotonic()

    @property
    def patience(self) -> float:
        """Seconds a commit may wait for others."""
        rate = self._faded() / REMEMBERED_SECONDS
        return min(MOST_SECONDS, COMPANY / rate) if rate > QUIET else 0.0

    def _faded(self) -> float:
        return self._recent * math.exp((self._at - monotonic()) / REMEMBERED_SECONDS)
