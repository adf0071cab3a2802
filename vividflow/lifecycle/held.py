"""The jobs in a worker's hands: which fences they carry, which leases are lost, what percent they have told."""

from __future__ import annotations

import threading
from collections.abc import Callable

from vividflow.lifecycle.tools import Tools
from vividflow.records import jobs
from vividflow.records.jobs import Job
from vividflow.timing import monotonic, now

REPORT_SECONDS = 1.0
REPORT_PATIENCE_SECONDS = 0.05


class Held:
    """All jobs in the hands of one worker."""

    def __init__(self) -> None:
        self._jobs: dict[str, Job] = {}
        self._lost: set[str] = set()
        self._lock = threading.Condition()

    def __len__(self) -> int:
        return len(self._jobs)

    def take(self, taken: list[Job]) -> None:
        """These are in our hands now, or moved on while they were."""
        with self._lock:
            self._jobs.update({job.id: job for job in taken})
            self._lost.difference_update(job.id for job in taken)

    def put_down(self, job_id: str) -> None:
        """This one no longer is."""
        with self._lock:
            self._jobs.pop(job_id, None)
            self._lost.discard(job_id)
            if not self._jobs:
                self._lock.notify_all()

    def wait_until_empty(self, seconds: float) -> bool:
        """Wait until all are put down; False when `seconds` were not enough."""
        with self._lock:
            return self._lock.wait_for(lambda: not self._jobs, seconds)

    def fences(self) -> dict[str, int]:
        """Job id to fence of all of them."""
        with self._lock:
            return {job.id: job.fence for job in self._jobs.values()}

    def lose(self, job_id: str, fence: int) -> None:
        """Its lease is lost (or the work unwanted), if it still carries that fence."""
        with self._lock:
            if (job := self._jobs.get(job_id)) is not None and job.fence == fence:
                self._lost.add(job_id)

    def has_lost(self, job_id: str) -> bool:
        """Whether work on it should stop."""
        return job_id in self._lost


class Grip:
    """What one step may know of its hand: whether to go on, and where to tell its percent."""

    def __init__(self, tools: Tools, held: Held, job: Job, stopping: Callable[[], bool]) -> None:
        self._tools = tools
        self._held = held
        self._job = job
        self._stopping = stopping
        self._told_at = 0.0
        self.progress = job.progress
        self.told = 0

    def keep_going(self) -> bool:
        """False when the lease is lost, the worker drains, or the person wants the job stopped."""
        return not (self._stopping() or self._held.has_lost(self._job.id))

    def report(self, percent: int) -> None:
        """Write a risen percent, at most once a second; 100 is kept for the end."""
        percent = min(99, percent)
        if percent <= (self.progress or 0) or monotonic() < self._told_at + REPORT_SECONDS:
            return
        self._told_at, self.progress = monotonic(), percent
        with self._tools.db.transaction(REPORT_PATIENCE_SECONDS) as connection:
            wanted, risen = jobs.report(connection, self._job, percent, now())
        self.told += risen
        self._tools.changed(self._job.user_id, self._job.id)
        if not wanted:
            self._held.lose(self._job.id, self._job.fence)
