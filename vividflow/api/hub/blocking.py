"""Waiting in the request thread itself, for where a connection cannot be handed over."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class BlockingWaits:
    """Ordinary waits on a `threading.Event`, at most `most` at once so that request threads stay free."""

    def __init__(self, most: int = 8) -> None:
        self._places = threading.BoundedSemaphore(most)
        self._lock = threading.Lock()
        self._changed: dict[str, set[threading.Event]] = {}
        self._stopping = False

    def wait(self, job_id: str, seconds: float, until: Callable[[], bool]) -> None:
        """Return when `until()` is true, `seconds` have passed, the server stops, or at once when all places are taken.

        `until` is asked at the start and after every `notify` of the job.
        """
        if not self._places.acquire(blocking=False):
            return
        changed = threading.Event()
        with self._lock:
            self._changed.setdefault(job_id, set()).add(changed)
        end = time.monotonic() + seconds
        try:
            while not self._stopping and not until() and (left := end - time.monotonic()) > 0:
                changed.wait(left)
                changed.clear()
        finally:
            self._places.release()
            with self._lock:
                self._changed[job_id].discard(changed)
                if not self._changed[job_id]:
                    del self._changed[job_id]

    def notify(self, job_id: str) -> None:
        """The job changed: whoever waits for it looks again."""
        if job_id in self._changed:
            with self._lock:
                for changed in self._changed.get(job_id, ()):
                    changed.set()

    def stop(self) -> None:
        """End every wait, now and later."""
        self._stopping = True
        with self._lock:
            for waiting in self._changed.values():
                for changed in waiting:
                    changed.set()
