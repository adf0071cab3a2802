"""Cancelling: asked once, then looked at until it has stopped or finished first."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from job_queue import JobQueue
from tests.lifecycle.stage import Stage
from vividflow.errors import Permanent, Transient
from vividflow.lifecycle.answers import Advance, Wait
from vividflow.lifecycle.cancelling import cancel, cancel_error
from vividflow.lifecycle.refunds import cancel_offer
from vividflow.providers.base import CancelOutcome, Operation, OperationStatus, Output
from vividflow.records import orders
from vividflow.records.jobs import Job
from vividflow.timing import now


@dataclass
class Slow:
    """A provider that only promises to stop."""

    operation: Operation
    asked: int = 0

    def cancel(self, *_: object) -> CancelOutcome:
        self.asked += 1
        return CancelOutcome.ASKED

    def poll(self, *_: object) -> Operation:
        return self.operation

    def own_netlocs(self) -> tuple[str, ...]:
        return ()

    def close(self) -> None:
        """Nothing is open."""


RUNNING = Operation(id="op", status=OperationStatus.RUNNING)


@pytest.fixture
def running(stage: Stage) -> Job:
    """A job whose order was accepted and that its owner no longer wants."""
    job_id = stage.place()
    (job,), _ = JobQueue(stage.tools, 1).claim_starts(1)
    with stage.tools.db.transaction() as connection:
        order = orders.newest_of(connection, job_id)
        assert order is not None
        orders.change(connection, order.id, state=orders.ACCEPTED, operation_id="op", accepted_at=now())
    stage.tools.provider("replicate").close()  # type: ignore[attr-defined]
    return replace(job, state="cancelling", cancel_requested_at=now(), deadline_at=now() + 60)


def _with(stage: Stage, operation: Operation) -> Slow:
    slow = Slow(operation)
    stage.tools._built["provider:replicate"] = slow
    return slow


def test_a_provider_that_promises_to_stop_is_asked_once_and_then_looked_at(stage: Stage, running: Job) -> None:
    slow = _with(stage, RUNNING)
    first = cancel(running, stage.tools)
    assert isinstance(first, Wait)
    second = cancel(replace(running, result=first.changes["result"]), stage.tools)
    assert isinstance(second, Wait)
    assert slow.asked == 1


@pytest.mark.parametrize(
    ("operation", "to"),
    [
        (replace(RUNNING, status=OperationStatus.FAILED, cancelled=True), "cancelled"),
        (replace(RUNNING, status=OperationStatus.FAILED, error_code="provider_failed"), "failed"),
        (replace(RUNNING, status=OperationStatus.SUCCEEDED, outputs=(Output(url="https://x/y"),)), "downloading"),
    ],
)
def test_what_it_came_to_decides(stage: Stage, running: Job, operation: Operation, to: str) -> None:
    _with(stage, operation)
    answer = cancel(replace(running, result={"cancel_asked": True}), stage.tools)
    assert isinstance(answer, Advance)
    assert answer.to == to


def test_past_its_deadline_it_counts_as_cancelled(stage: Stage, running: Job) -> None:
    _with(stage, RUNNING)
    answer = cancel(replace(running, result={"cancel_asked": True}, deadline_at=now() - 1), stage.tools)
    assert isinstance(answer, Advance)
    assert answer.to == "cancelled"


def test_no_answer_is_asked_again_and_a_lost_order_is_a_cancelled_one(stage: Stage, running: Job) -> None:
    _with(stage, RUNNING)
    assert isinstance(cancel_error(running, stage.tools, Transient("x", "Busy.")), Wait)
    gone = cancel_error(running, stage.tools, Permanent("gone", "Gone."))
    assert isinstance(gone, Advance)
    assert gone.to == "cancelled"


def test_an_order_that_was_never_accepted_is_cancelled_for_free(stage: Stage, running: Job) -> None:
    with stage.tools.db.transaction() as connection:
        order = orders.newest_of(connection, running.id)
        assert order is not None
        orders.change(connection, order.id, state=orders.REFUSED, operation_id=None)
    _with(stage, RUNNING)
    answer = cancel(running, stage.tools)
    assert isinstance(answer, Advance)
    assert (answer.to, answer.changes["charged"]) == ("cancelled", False)


def test_what_a_cancel_gives_back_is_said_before(stage: Stage, running: Job) -> None:
    asked = cancel_offer(stage.tools, running)
    assert asked["possible"] is False
    fresh = replace(running, state="generating", cancel_requested_at=None)
    offer = cancel_offer(stage.tools, fresh)
    assert (offer["possible"], offer["refund_usd"]) == (True, 0.0)
    assert offer["reason"]
    assert cancel_offer(stage.tools, replace(fresh, state="finishing"))["possible"] is False


def test_a_vendor_that_cannot_stop_says_so_with_the_price_and_one_that_gives_all_back_says_that(
    stage: Stage, running: Job
) -> None:
    def offer(**facts: bool) -> dict[str, object]:
        registry = stage.tools.registry
        vendor = replace(registry.vendors["replicate"], **facts)
        vendors = {**registry.vendors, "replicate": vendor}
        tools = replace(stage.tools, registry=replace(registry, vendors=vendors))
        return cancel_offer(tools, replace(running, state="generating", cancel_requested_at=None))

    never = offer(cancel=False)
    assert (never["possible"], never["refund_usd"]) == (False, 0.0)
    assert f"It will cost ${running.quoted / 1_000_000:.2f}." in str(never["reason"])
    kind = offer(cancel=True, cancel_billed=False)
    assert kind == {"possible": True, "refund_usd": running.quoted / 1_000_000, "reason": None}


def test_a_queued_job_gives_all_back_and_a_finished_one_nothing(stage: Stage, running: Job) -> None:
    queued = cancel_offer(stage.tools, replace(running, status="queued"))
    assert (queued["possible"], queued["refund_usd"]) == (True, running.quoted / 1_000_000)
    over = cancel_offer(stage.tools, replace(running, status="completed"))
    assert (over["possible"], over["reason"]) == (False, "It is completed already.")


@pytest.mark.parametrize("outcome", [CancelOutcome.STOPPED, CancelOutcome.ENDED, CancelOutcome.IMPOSSIBLE])
def test_what_the_provider_says_to_a_cancel_is_believed_or_looked_at(
    stage: Stage, running: Job, outcome: CancelOutcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = _with(stage, RUNNING)
    monkeypatch.setattr(slow, "cancel", lambda *_: outcome)
    answer = cancel(running, stage.tools)
    if outcome is CancelOutcome.STOPPED:
        assert isinstance(answer, Advance)
        assert (answer.to, answer.changes["charged"]) == ("cancelled", True)  # Replicate bills what ran
    else:
        assert isinstance(answer, Wait)
        assert answer.changes["result"] == {"cancel_asked": True}


def test_a_stopped_run_that_the_provider_bills_is_paid_whole_and_booked_once(stage: Stage) -> None:
    stage.simulator.generation_seconds = 3600.0
    job = stage.step(stage.begin())
    stage.queue().cancel(stage.user, job.id)
    job = stage.step(stage.job(job.id))
    while not job.over:
        job = stage.step(job)
    (order,) = stage.orders(job.id)
    assert (job.status, job.charged, job.cost) == ("cancelled", order.charged, job.quoted if job.charged else 0)
    assert order.state == "done"
    assert stage.books() == (0, 0, None)


def test_an_order_that_was_stopped_although_nobody_was_told_the_price_costs_what_the_vendor_says(
    stage: Stage, running: Job
) -> None:
    for charged in (True, False):
        _with(stage, replace(RUNNING, status=OperationStatus.FAILED, cancelled=True, charged=charged))
        answer = cancel(replace(running, result={"cancel_asked": True}), stage.tools)
        assert isinstance(answer, Advance)
        assert answer.changes["charged"] is charged
