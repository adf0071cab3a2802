"""P3: how fast the queue drains jobs that do nothing, at least once, on disk, with their history kept; beside Huey."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace

from benchmarks.report import Row, middle, report
from benchmarks.stage import house
from job_queue import Worker
from vividflow.lifecycle import kinds
from vividflow.lifecycle.answers import Advance, Answer
from vividflow.lifecycle.orders import queued_event
from vividflow.lifecycle.states import COMPLETED, FAILED, QUEUED, Lane, State
from vividflow.lifecycle.tools import Tools
from vividflow.records import job_events, jobs
from vividflow.records.jobs import Job
from vividflow.timing import new_id, now

JOBS, ROUNDS = 6000, 3
HUEY = """
import sys, time, tempfile, logging
logging.disable(logging.CRITICAL)
from huey import SqliteHuey
huey = SqliteHuey(filename=tempfile.mktemp(suffix='.db'), fsync=True)
done = []
@huey.task()
def nothing():
    done.append(1)
n = int(sys.argv[1])
for _ in range(n):
    nothing()
consumer = huey.create_consumer(workers=1, periodic=False, initial_delay=0.001, max_delay=0.01)
began = time.perf_counter()
consumer.start()
while len(done) < n:
    time.sleep(0.002)
print(n / (time.perf_counter() - began))
consumer.stop(graceful=True)
"""


def _nothing(_job: Job, _tools: Tools, _connection: object) -> Answer:
    return Advance(to="completed")


NOOP = {
    "queued": State(
        status=QUEUED, stage="queued", lane=Lane.LOOP, decide=_nothing, next=frozenset({"completed", "failed"})
    ),
    "completed": State(status=COMPLETED, stage="completed"),
    "failed": State(status=FAILED, stage="failed"),
}


def drain() -> float:
    """Jobs a second from a standing queue of JOBS."""
    kinds.KINDS["noop"] = NOOP
    with house() as (tools, person):
        moment = now()
        plain = Job(
            id="", user_id=person.id, kind="noop", state="queued", status="queued", stage="queued", lane="loop",
            created_at=moment, updated_at=moment, due_at=moment,
        )  # fmt: skip
        waiting = [replace(plain, id=new_id()) for _ in range(JOBS)]
        with tools.db.transaction() as connection:
            connection.execute(
                jobs.jobs.insert(), [{name: getattr(job, name) for name in jobs.FIELDS} for job in waiting]
            )
            job_events.insert_many(connection, [queued_event(job) for job in waiting])
        worker = Worker(tools)
        began = time.perf_counter()
        worker.start()
        while True:
            with tools.db.reading() as connection:
                if jobs.count_queued(connection) == 0:
                    break
            time.sleep(0.005)
        seconds = time.perf_counter() - began
        worker.stop(5)
        return JOBS / seconds


def huey() -> float | None:
    """The same for Huey with one thread, where it is installed."""
    done = subprocess.run(
        [sys.executable, "-c", HUEY, str(JOBS)], capture_output=True, text=True, timeout=120, check=False
    )
    return float(done.stdout.split()[-1]) if done.returncode == 0 and done.stdout.split() else None


def main() -> None:
    """Pairs in turn, medians."""
    ours, theirs = [], []
    for _ in range(ROUNDS):
        ours.append(drain())
        if (rate := huey()) is not None:
            theirs.append(rate)
    rows: list[Row] = [(f"drain of {JOBS:,} no-op jobs, history kept", f"{middle(ours):,.0f} jobs/s", None)]
    if theirs:
        ratio = middle(ours) / middle(theirs)
        rows.append(("Huey, SQLite with fsync, 1 thread, no history", f"{middle(theirs):,.0f} jobs/s", None))
        rows.append(("ours ÷ Huey (goal ≥ 1)", f"{ratio:.2f}×", ratio >= 1))
    else:
        rows.append(("Huey", "not installed: pip install huey", None))
    report("P3 drain", rows)


if __name__ == "__main__":
    main()
