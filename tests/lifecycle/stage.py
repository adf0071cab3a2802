"""A stage for whole lives of jobs: a worker, a simulated Replicate, and a way to wait for the end without guessing."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import update

from job_queue import JobQueue, Worker
from tests.people import make_user
from tests.simulators.replicate import TOKEN, ReplicateSimulator
from vividflow.lifecycle import orders as placing
from vividflow.lifecycle.run import run_step
from vividflow.lifecycle.tools import Tools
from vividflow.lifecycle.wish import Wish
from vividflow.providers.replicate import ReplicateProvider
from vividflow.records import job_events, jobs, ledger, orders
from vividflow.records.jobs import Job
from vividflow.records.orders import OrderRow
from vividflow.records.users import User

FAST = {"poll_first_seconds": 0.05, "poll_max_seconds": 0.1, "lease_seconds": 20, "password_memory_kib": 8}


@dataclass(kw_only=True)
class Stage:
    """Tools, a person, and the simulator that counts what was paid."""

    tools: Tools
    user: User
    simulator: ReplicateSimulator

    def place(self, **wish: object) -> str:
        """Place a job; its id."""
        values: dict[str, object] = {"prompt": "a lighthouse at dusk", "model": "wan2.2", "resolution": "480p"}
        _, body = placing.place(self.tools, self.user, Wish(**(values | wish)))  # type: ignore[arg-type]
        return body["job_id"]

    def job(self, job_id: str) -> Job:
        """The row as it is now."""
        with self.tools.db.reading() as connection:
            found = jobs.by_id(connection, job_id)
        assert found is not None
        return found

    def orders(self, job_id: str) -> list[OrderRow]:
        """The job's orders."""
        with self.tools.db.reading() as connection:
            return orders.all_of(connection, job_id)

    def states(self, job_id: str) -> list[str]:
        """The states the job went through, in order, each once in a row."""
        with self.tools.db.reading() as connection:
            seen = [str(event.data["state"]) for event in job_events.of_job(connection, job_id)]
        return [state for place, state in enumerate(seen) if place == 0 or seen[place - 1] != state]

    def until(self, job_id: str, wanted: Callable[[Job], bool] = lambda job: job.over, seconds: float = 30.0) -> Job:
        """Wait until the row is as wanted."""
        end = time.monotonic() + seconds
        while not wanted(job := self.job(job_id)):
            assert time.monotonic() < end, (job, self.states(job_id))
            time.sleep(0.01)
        return job

    def books(self) -> tuple[int, int, str | None]:
        """The ledger's sum, what is held, and nothing more."""
        with self.tools.db.reading() as connection:
            return ledger.total(connection), ledger.account(connection, self.user.id).held, None

    def begin(self, **wish: object) -> Job:
        """A job that a hand has just been given: its intent to order is on disk, nothing was sent yet."""
        job_id = self.place(**wish)
        (job,) = [each for each in self.queue().claim_starts(64)[0] if each.id == job_id]
        return job

    def again(self, job: Job) -> Job:
        """The next claim of a job that waits in the queue, however long it meant to wait."""
        self.change(job.id, due_at=job.created_at)
        (begun,) = self.queue().claim_starts(64)[0]
        return begun

    def step(self, job: Job) -> Job:
        """One step of a job by one hand, written down; the job as it is then, in nobody's hands."""
        moved = self.queue().commit(job, run_step(job, self.tools))
        assert moved is not None
        return moved

    def change(self, job_id: str, **columns: object) -> Job:
        """Columns of the row as the test wants them; the job as it is then."""
        with self.tools.db.transaction() as connection:
            connection.execute(update(jobs.jobs).where(jobs.jobs.c.id == job_id).values(**columns))
        return self.job(job_id)

    def change_order(self, job_id: str, **columns: object) -> OrderRow:
        """Columns of the job's last order as the test wants them."""
        with self.tools.db.transaction() as connection:
            orders.change(connection, self.orders(job_id)[-1].id, **columns)
        return self.orders(job_id)[-1]

    @contextmanager
    def worker(self) -> Iterator[Worker]:
        """A worker at work."""
        worker = Worker(self.tools)
        worker.start()
        try:
            yield worker
        finally:
            assert worker.stop(20)

    def queue(self) -> JobQueue:
        """The queue, for what people may do."""
        return JobQueue(self.tools)


def make_stage(tools_for: Callable[..., Tools], simulator: ReplicateSimulator, **settings: object) -> Stage:
    """A stage whose tools point at the simulator; a certain no takes a second instead of a minute."""
    given = FAST | {"replicate_api_token": TOKEN, "replicate_base_url": simulator.url, "media_hands": 2} | settings
    tools = tools_for(**given)
    tools._built["provider:replicate"] = ReplicateProvider(tools.settings, certain_no_seconds=1.0)
    return Stage(tools=tools, user=make_user(tools), simulator=simulator)
