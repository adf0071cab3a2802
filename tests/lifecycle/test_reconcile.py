"""An order whose answer was lost is asked about: adopted, ordered anew on a certain no, never on a guess."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lifecycle.stage import Stage
from vividflow.errors import Transient
from vividflow.lifecycle.reconcile import PATIENCE_SECONDS
from vividflow.providers.base import CannotAsk
from vividflow.records.jobs import Job
from vividflow.timing import now


@pytest.fixture
def unsure(stage: Stage) -> Job:
    """A job whose order was bought and whose answer was lost."""
    stage.simulator.faults.add("accept_then_close")
    job = stage.step(stage.begin())
    assert (job.state, stage.simulator.paid) == ("reconciling", 1)
    return job


def _finds(stage: Stage, monkeypatch: pytest.MonkeyPatch, answer: object) -> None:
    def find(*_: Any) -> object:
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(stage.tools.provider("replicate"), "find", find)


def test_what_was_bought_is_adopted(stage: Stage, unsure: Job) -> None:
    job = stage.step(unsure)
    assert (job.state, job.note, job.generating_at is not None) == ("generating", None, True)
    assert stage.orders(job.id)[0].operation_id in stage.simulator.predictions
    assert (stage.simulator.paid, len(stage.orders(job.id))) == (1, 1)


def test_what_a_callback_told_meanwhile_needs_no_question(stage: Stage, unsure: Job) -> None:
    (bought,) = stage.simulator.predictions
    stage.change_order(unsure.id, operation_id=bought)
    job = stage.step(unsure)
    assert (job.state, stage.orders(job.id)[0].state) == ("generating", "accepted")
    assert stage.simulator.requests["list"] == 0


def test_only_a_certain_no_leads_to_another_order(stage: Stage) -> None:
    stage.simulator.faults.add("read_then_close")
    unsure = stage.step(stage.begin())
    stage.change_order(unsure.id, intent_at=now() - 600)
    queued = stage.step(unsure)
    (order,) = stage.orders(unsure.id)
    assert (queued.status, queued.note) == ("queued", "The order never reached the provider. Ordering again.")
    assert (order.state, order.error_code, order.charged) == ("refused", "never_arrived", False)
    assert stage.step(stage.again(queued)).state == "generating"
    assert stage.simulator.paid == 1


def test_what_cannot_be_told_yet_is_asked_again(stage: Stage, unsure: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    _finds(stage, monkeypatch, CannotAsk.NOT_YET)
    job = stage.step(unsure)
    assert (job.state, job.failures) == ("reconciling", 1)
    assert job.note == "Asking the provider whether your order arrived."
    assert 0 < (job.due_at or 0) - now() < 3


@pytest.mark.parametrize(("asked", "least", "most"), [(None, 1.5, 2.5), (33.0, 32.9, 33.1)])
def test_a_question_without_an_answer_changes_nothing(
    stage: Stage, unsure: Job, asked: float | None, least: float, most: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    _finds(stage, monkeypatch, Transient("busy", "Busy.", retry_after=asked))
    job = stage.step(unsure)
    assert (job.state, stage.orders(job.id)[0].state) == ("reconciling", "unknown")
    assert least < (job.due_at or 0) - job.updated_at < most


@pytest.mark.parametrize("over", ["patience", "deadline"])
def test_when_nobody_can_tell_it_is_put_before_a_person_and_costs_nothing(
    stage: Stage, unsure: Job, over: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _finds(stage, monkeypatch, CannotAsk.NEVER)
    if over == "patience":
        stage.change_order(unsure.id, intent_at=now() - PATIENCE_SECONDS - 1)
    else:
        unsure = stage.change(unsure.id, deadline_at=now() - 1)
    job = stage.step(unsure)
    assert (job.state, job.status, job.error_code, job.charged) == ("needs_review", "failed", "outcome_unknown", False)
    assert stage.orders(job.id)[0].state == "unknown"
    assert stage.books() == (0, 0, None)
