"""What a worker holds, and what a step may know of its hand."""

from __future__ import annotations

import pytest

from tests.lifecycle.stage import Stage
from vividflow.lifecycle import held as module
from vividflow.lifecycle.held import Grip, Held
from vividflow.records import job_events
from vividflow.records.jobs import Job
from vividflow.timing import now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The monotonic time that the grip sees."""
    moment = [1000.0]
    monkeypatch.setattr(module, "monotonic", lambda: moment[0])
    return moment


@pytest.fixture
def job(stage: Stage) -> Job:
    """A job in a hand."""
    return stage.begin()


def _grip(stage: Stage, job: Job, *, stopping: bool = False) -> tuple[Held, Grip]:
    held = Held()
    held.take([job])
    return held, Grip(stage.tools, held, job, lambda: stopping)


def test_a_lease_is_lost_only_under_the_fence_it_was_held_with(stage: Stage, job: Job) -> None:
    held, grip = _grip(stage, job)
    held.lose(job.id, job.fence - 1)
    held.lose("somebody else's", job.fence)
    assert grip.keep_going()
    held.lose(job.id, job.fence)
    assert not grip.keep_going()
    held.take([job.but(fence=job.fence + 1)])  # moved on while it was in hand
    assert grip.keep_going()


def test_a_draining_worker_lets_go(stage: Stage, job: Job) -> None:
    assert not _grip(stage, job, stopping=True)[1].keep_going()


def test_empty_is_when_the_last_one_is_put_down(stage: Stage, job: Job) -> None:
    held, _ = _grip(stage, job)
    held.take([job.but(id="another")])
    held.put_down("another")
    assert (len(held), held.wait_until_empty(0.0), held.fences()) == (1, False, {job.id: job.fence})
    held.put_down(job.id)
    assert (len(held), held.wait_until_empty(0.0)) == (0, True)


def test_a_percent_is_told_when_it_has_risen_and_not_more_than_once_a_second(
    stage: Stage, job: Job, clock: list[float]
) -> None:
    _, grip = _grip(stage, job)
    for moment, percent in ((1000.0, 0), (1000.0, 10), (1000.5, 30), (1001.1, 5), (1001.1, 40), (1003.0, 100)):
        clock[0] = moment
        grip.report(percent)
    with stage.tools.db.reading() as connection:
        told = [each.data["progress"] for each in job_events.of_job(connection, job.id) if each.name == "progress"]
    assert told == [10, 40, 99]
    assert (stage.job(job.id).progress, grip.progress, grip.told) == (99, 99, 3)


@pytest.mark.parametrize("why", ["the lease is lost", "the person wants it stopped"])
def test_telling_a_percent_learns_that_the_work_is_not_wanted(stage: Stage, job: Job, why: str) -> None:
    _, grip = _grip(stage, job)
    if why == "the lease is lost":
        stage.change(job.id, fence=job.fence + 1)
    else:
        stage.change(job.id, cancel_requested_at=now())
    grip.report(10)
    assert not grip.keep_going()
    assert stage.job(job.id).progress == (None if why == "the lease is lost" else 10)
