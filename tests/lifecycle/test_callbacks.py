"""A callback is a hint: verified, it makes a job due, tells a lost id, and never decides anything itself."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from tests.lifecycle.stage import Stage
from vividflow.errors import Problem, Transient
from vividflow.lifecycle import callbacks
from vividflow.records import jobs
from vividflow.records.jobs import Job
from vividflow.timing import now


@pytest.fixture
def unsure(stage: Stage) -> Job:
    """A job whose order was bought and whose answer was lost."""
    stage.simulator.faults.add("accept_then_close")
    return stage.step(stage.begin())


def _receive(stage: Stage, job: Job, monkeypatch: pytest.MonkeyPatch, verified: object) -> bool:
    def verify(*_: Any) -> object:
        if isinstance(verified, Exception):
            raise verified
        return verified() if callable(verified) else verified

    monkeypatch.setattr(stage.tools.provider("replicate"), "verify_callback", verify)
    token = stage.orders(job.id)[0].token
    return callbacks.receive(stage.tools, "replicate", token, {}, b"{}")


def test_a_callback_tells_the_lost_id_and_makes_the_job_due(
    stage: Stage, unsure: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.change(unsure.id, due_at=now() + 3600)
    assert _receive(stage, unsure, monkeypatch, "op-1")
    (order,) = stage.orders(unsure.id)
    assert (order.state, order.operation_id) == ("accepted", "op-1")
    assert (stage.job(unsure.id).state, (stage.job(unsure.id).due_at or 0) <= now()) == ("reconciling", True)


def test_a_job_that_was_called_about_is_due_at_once_and_then_left_alone(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.simulator.generation_seconds = 3600.0
    running = stage.step(stage.begin())
    stage.change(running.id, due_at=now() + 3600, usual_seconds=400.0)
    assert _receive(stage, running, monkeypatch, "op-1")
    called = stage.job(running.id)
    assert (called.due_at or 0) <= now()
    assert (stage.step(called).due_at or 0) - now() > 400


def test_an_id_that_is_known_is_not_replaced(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    running = stage.step(stage.begin())
    known = stage.orders(running.id)[0].operation_id
    assert _receive(stage, running, monkeypatch, "another")
    assert stage.orders(running.id)[0].operation_id == known


@pytest.mark.parametrize(
    ("verified", "status", "code"),
    [(None, 401, "bad_signature"), (Transient("down", "Down."), 503, "callback_unverifiable")],
)
def test_what_is_not_verified_changes_nothing(
    stage: Stage, unsure: Job, verified: object, status: int, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(Problem) as refused:
        _receive(stage, unsure, monkeypatch, verified)
    assert (refused.value.status, refused.value.code) == (status, code)
    assert stage.orders(unsure.id)[0].operation_id is None
    assert stage.job(unsure.id) == unsure


def test_a_token_that_names_no_order_is_not_asked_about(stage: Stage) -> None:
    assert not callbacks.receive(stage.tools, "replicate", "no-such-token", {}, b"{}")
    assert stage.simulator.requests["secret"] == 0


def test_a_callback_about_a_job_that_was_just_removed_is_taken_in(
    stage: Stage, unsure: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    def removed_meanwhile() -> str:
        with stage.tools.db.transaction() as connection:
            jobs.delete(connection, unsure.id)
        return "op-1"

    assert _receive(stage, unsure, monkeypatch, removed_meanwhile)


def test_after_the_end_a_callback_leaves_somebody_behind_who_fetches_the_result_free(
    stage: Stage, unsure: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bought,) = stage.simulator.predictions
    over = stage.change(unsure.id, state="needs_review", status="failed", due_at=None)
    assert _receive(stage, unsure, monkeypatch, bought)
    with stage.tools.db.reading() as connection:
        late = jobs.from_row(connection.execute(select(jobs.jobs).where(jobs.jobs.c.parent_id == over.id)).one())
    assert (late.kind, late.deadline_at is not None) == ("late", True)
    told = stage.job(over.id)
    assert (told.state, told.status, told.finished_at) == (
        "failed",
        over.status,
        over.finished_at,
    )  # nobody needs to look
