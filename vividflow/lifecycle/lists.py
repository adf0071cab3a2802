"""What a worker remembers of the vendors' lists: which are of no use just now, and which jobs they did not show."""

from __future__ import annotations

import threading

from vividflow.timing import monotonic

# A list that gave no answer is left alone for a minute, a job that its list did not show for ten.
REST_SECONDS, ALONE_SECONDS = 60.0, 600.0
REMEMBERED = 20_000


class Lists:
    """May be used from many threads. Nothing is lost with it: a list is only ever a cheaper way to look."""

    def __init__(self) -> None:
        self._resting: dict[str, float] = {}
        self._alone: dict[str, float] = {}
        self._lock = threading.Lock()

    def useful(self, name: str) -> bool:
        """Whether the list of that name may be asked now."""
        return self._resting.get(name, 0.0) <= monotonic()

    def shows(self, job_id: str) -> bool:
        """Whether nothing is known against finding the job in its list."""
        return self._alone.get(job_id, 0.0) <= monotonic()

    def rest(self, name: str) -> None:
        """The list gave no answer that can be used."""
        with self._lock:
            self._resting[name] = monotonic() + REST_SECONDS

    def missed(self, job_id: str) -> None:
        """The list did not show the job."""
        with self._lock:
            self._alone.pop(job_id, None)
            self._alone[job_id] = monotonic() + ALONE_SECONDS
            while len(self._alone) > REMEMBERED:
                del self._alone[next(iter(self._alone))]
