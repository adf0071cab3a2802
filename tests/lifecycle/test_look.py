"""Looks: no news changes nothing, an end is an end, and a result that comes too late is kept for free."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from tests.lifecycle.stage import Stage
from vividflow.errors import Transient
from vividflow.lifecycle.status import status_object
from vividflow.lifecycle.waiting import first_look
from vividflow.providers.base import Operation, OperationStatus
from vividflow.records import jobs
from vividflow.records.jobs import Job
from vividflow.timing import now

RUNNING, FAILED = OperationStatus.RUNNING, OperationStatus.FAILED


@pytest.fixture
def running(stage: Stage) -> Job:
    """A job that the provider is at, for a long time yet."""
    stage.simulator.generation_seconds = 3600.0
    return stage.step(stage.begin())


@pytest.fixture
def overdue(stage: Stage, running: Job) -> Job:
    """The same, past its deadline."""
    return stage.change(running.id, deadline_at=now() - 1)


def _late(stage: Stage, job: Job) -> Job:
    """The hidden job that still looks for the result of `job`."""
    with stage.tools.db.reading() as connection:
        row = connection.execute(select(jobs.jobs).where(jobs.jobs.c.parent_id == job.id)).one()
    return jobs.from_row(row)


def _says(stage: Stage, monkeypatch: pytest.MonkeyPatch, **operation: Any) -> None:
    told = Operation(id="op", **operation)
    monkeypatch.setattr(stage.tools.provider("replicate"), "poll", lambda *_: told)


@pytest.mark.parametrize(("told", "shown"), [(30, 40), (70, 70), (100, 99), (None, 40)])
def test_progress_never_falls_and_is_not_100_before_the_end(
    stage: Stage, running: Job, told: int | None, shown: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    _says(stage, monkeypatch, status=RUNNING, progress=told)
    job = stage.step(stage.change(running.id, progress=40, failures=3, note="No answer."))
    assert (job.state, job.progress, job.looks) == ("generating", shown, running.looks + 1)
    assert (job.failures, job.note) == (0, None)
    assert (job.due_at or 0) > now() - 1


def test_a_job_past_its_deadline_is_stopped_for_free_and_somebody_keeps_looking(stage: Stage, overdue: Job) -> None:
    job = stage.step(overdue)
    assert (job.status, job.error_code, job.charged) == ("failed", "deadline_exceeded", False)
    assert stage.simulator.requests["cancel"] == 1
    assert (_late(stage, job).kind, _late(stage, job).status) == ("late", "processing")
    assert stage.books() == (0, 0, None)


@pytest.mark.parametrize("waited", [None, 44.0])
def test_no_answer_is_no_news(
    stage: Stage, running: Job, waited: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*_: Any) -> None:
        raise Transient("timed_out", "The provider took too long.", retry_after=waited)

    monkeypatch.setattr(stage.tools.provider("replicate"), "poll", silent)
    job = stage.step(running)
    assert (job.state, job.failures) == ("generating", 1)
    assert job.note == "The provider does not answer; asking again."
    wait = (job.due_at or 0) - job.updated_at
    assert wait == pytest.approx(waited) if waited else 0 < wait <= stage.tools.settings.poll_max_seconds * 1.2


def test_no_answer_past_the_deadline_ends_the_job_free(stage: Stage, overdue: Job) -> None:
    stage.simulator.faults.add("poll_error", times=None)
    stage.simulator.faults.add("cancel_error", times=None)
    job = stage.step(overdue)
    assert (job.status, job.error_code, job.charged) == ("failed", "deadline_exceeded", False)
    assert stage.orders(job.id)[0].state == "accepted"
    assert _late(stage, job).due_at is not None


def test_an_order_that_the_provider_lost_has_failed(stage: Stage, running: Job) -> None:
    stage.simulator.predictions.clear()
    stage.change_order(
        running.id, intent_at=now() - 600
    )  # long enough for every one of the provider's machines to know
    job = stage.step(running)
    (order,) = stage.orders(job.id)
    assert (job.status, job.charged, order.state) == ("failed", False, "done")
    assert job.error_code == order.error_code
    assert stage.books() == (0, 0, None)


def test_a_run_that_ended_by_a_cancel_nobody_asked_for_has_failed(
    stage: Stage, running: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    _says(stage, monkeypatch, status=FAILED, cancelled=True)
    job = stage.step(running)
    assert (job.status, job.error_code, job.charged) == ("failed", "provider_failed", False)
    assert job.error_message == "The provider could not make this video."


def test_a_wish_to_cancel_is_passed_on_at_the_next_look(stage: Stage, running: Job) -> None:
    stage.queue().cancel(stage.user, running.id)
    assert stage.step(stage.job(running.id)).state == "cancelling"
    assert stage.simulator.requests["cancel"] == 0


def test_a_late_result_is_stored_free_and_the_public_story_stays_as_it_ended(stage: Stage, overdue: Job) -> None:
    stage.simulator.faults.add("cancel_error", times=None)
    failed = stage.step(overdue)
    for prediction in stage.simulator.predictions.values():
        prediction.seconds = 0.0
    late = _late(stage, failed)
    while not late.over:
        late = stage.step(late)
    job = stage.job(failed.id)
    with stage.tools.db.reading() as connection:
        told = status_object(stage.tools, connection, job)
    (order,) = stage.orders(job.id)
    assert (late.state, late.cost, late.charged) == ("completed", 0, False)
    assert (job.status, job.updated_at, job.cost) == ("failed", failed.updated_at, 0)
    assert told["late_result_url"]
    assert (order.state, order.charged) == ("done", False)
    assert stage.books() == (0, 0, None)


def test_a_late_look_that_finds_it_running_comes_again_in_a_minute(stage: Stage, overdue: Job) -> None:
    stage.simulator.faults.add("cancel_error", times=None)
    late = _late(stage, stage.step(overdue))
    looked = stage.step(late)
    assert (looked.state, looked.looks) == ("generating", late.looks + 1)
    assert 40 < (looked.due_at or 0) - now() < 80


def test_what_never_ended_is_given_up_in_silence(stage: Stage, overdue: Job) -> None:
    stage.simulator.faults.add("cancel_error", times=None)
    failed = stage.step(overdue)
    late = stage.change(_late(stage, failed).id, deadline_at=now() - 1)
    assert stage.step(late).status == "cancelled"
    (order,) = stage.orders(failed.id)
    assert (order.state, order.error_code) == ("done", "never_ended")
    assert stage.job(failed.id) == failed


def test_an_order_that_was_never_accepted_bears_nothing_late(stage: Stage, overdue: Job) -> None:
    late = _late(stage, stage.step(overdue))
    stage.change_order(overdue.id, operation_id=None)
    assert stage.step(late).status == "cancelled"
    assert stage.orders(overdue.id)[0].state == "done"


def test_the_first_look_comes_at_the_usual_time(stage: Stage, running: Job) -> None:
    object.__setattr__(stage.tools, "settings", stage.tools.settings.model_copy(update={"poll_first_seconds": None}))
    assert 95 <= first_look(running.but(usual_seconds=100.0), stage.tools) <= 105
    assert 9.5 <= first_look(running.but(usual_seconds=None), stage.tools) <= 10.5
    assert first_look(running.but(provider="local"), stage.tools) == 0.0
