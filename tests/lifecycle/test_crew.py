"""The crew: answers are written together, and one that cannot be written takes no other along."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from job_queue import JobQueue
from tests.lifecycle.stage import Stage
from vividflow.errors import LeaseLost
from vividflow.lifecycle import crew as module
from vividflow.lifecycle.answers import Advance, Wait
from vividflow.lifecycle.crew import DESK_FULL, Crew
from vividflow.lifecycle.states import Lane
from vividflow.records.jobs import Job


@pytest.fixture(autouse=True)
def _no_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TROUBLE_SECONDS", 0.0)


@pytest.fixture
def three(stage: Stage) -> list[Job]:
    """Three jobs that were claimed together."""
    for _ in range(3):
        stage.place()
    return JobQueue(stage.tools, 0).claim_starts(3)[0]


def _crew(stage: Stage, commit_all: Any = None) -> Crew:
    return Crew(stage.tools, commit_all or stage.queue().commit_all, threading.Event())


def test_a_lost_lease_takes_no_other_answer_along(
    stage: Stage, three: list[Job], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    crew = _crew(stage)
    crew.held.take(three)
    stage.change(three[1].id, fence=99)
    crew._write_down([(job, Wait(seconds=60, changes={"note": "Later."})) for job in three])
    assert [stage.job(job.id).note for job in three] == ["Later.", None, "Later."]
    assert stage.job(three[1].id).fence == 99
    assert len(crew.held) == 0
    assert f"lost the lease of {three[1].id}" in caplog.text
    crew.dismiss()


def test_an_answer_that_cannot_be_written_leaves_the_job_to_its_lease_and_is_said_aloud(
    stage: Stage, three: list[Job], caplog: pytest.LogCaptureFixture
) -> None:
    def commit_all(work: list[Any]) -> list[Job]:
        if any(job.id == three[0].id for job, *_ in work):
            raise OSError(28, "No space left on device")
        return stage.queue().commit_all(work)

    crew = _crew(stage, commit_all)
    crew.held.take(three)
    crew._write_down([(job, Wait(seconds=60, changes={"note": "Later."})) for job in three])
    assert [stage.job(job.id).note for job in three] == [None, "Later.", "Later."]
    left = stage.job(three[0].id)
    assert (left.state, left.lease_owner, left.fence) == ("submitting", 0, three[0].fence)
    assert f"could not write what became of {left.id}" in caplog.text
    assert len(crew.held) == 0
    crew.dismiss()


@pytest.mark.parametrize("broken", [RuntimeError("a mistake"), LeaseLost()])
def test_a_step_that_gives_no_answer_is_put_down_and_nothing_is_written(
    stage: Stage, three: list[Job], broken: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def step(*_: Any) -> None:
        raise broken

    monkeypatch.setattr(module, "run_step", step)
    if isinstance(broken, LeaseLost):
        stage.change(three[0].id, fence=99)
    crew = _crew(stage)
    crew.take([three[:1]])
    assert crew.held.wait_until_empty(10)
    job = stage.job(three[0].id)
    assert (job.state, job.lease_owner) == ("submitting", 0)
    assert stage.simulator.paid == 0
    crew.dismiss()


def test_a_job_that_goes_on_at_once_stays_in_hand_while_there_is_room(
    stage: Stage, three: list[Job], monkeypatch: pytest.MonkeyPatch
) -> None:
    crew = _crew(stage)
    taken: list[list[Job]] = []
    monkeypatch.setattr(crew, "take", taken.extend)
    monkeypatch.setattr(module, "run_step", lambda *_: None)
    crew.held.take(three)
    crew._write_down([(three[0], Advance(to="reconciling")), (three[1], Advance(to="generating", after=5.0))])
    assert [[job.id for job in group] for group in taken] == [[three[0].id]]
    assert stage.job(three[0].id).lease_owner == 0
    assert stage.job(three[1].id).lease_owner is None
    crew.dismiss()


def test_a_full_desk_gives_out_nothing_new(stage: Stage) -> None:
    crew = _crew(stage)
    assert crew.idle(Lane.MEDIA) == 2
    crew._desk.waiting = DESK_FULL + 1
    assert (crew.idle(Lane.CALLS), crew.idle(Lane.MEDIA)) == (0, 0)
