"""Stopping an order that a person no longer wants."""

from __future__ import annotations

from vividflow.errors import Outcome, Transient
from vividflow.lifecycle.answers import Advance, Answer, Wait
from vividflow.lifecycle.look import ended
from vividflow.lifecycle.ordering import closed, order_of, shown
from vividflow.lifecycle.tools import Tools
from vividflow.providers.base import CancelOutcome, Operation, OperationStatus
from vividflow.records import orders
from vividflow.records.jobs import Job
from vividflow.timing import backoff, now

ASK_AGAIN_SECONDS = 2.0


def cancel(job: Job, tools: Tools) -> Answer:
    """Ask the provider to stop, then look until it has: cancelled, or finished first."""
    order = order_of(job, tools)
    if order.state == orders.REFUSED or order.operation_id is None:
        return _cancelled(order, charged=False)
    provider = tools.provider(order.provider)
    seen = shown(order, tools, job)
    if not job.result.get("cancel_asked"):
        match provider.cancel(order.operation_id, seen):
            case CancelOutcome.STOPPED:
                return _cancelled(order, charged=billed(job, tools))
            case CancelOutcome.ASKED | CancelOutcome.ENDED | CancelOutcome.IMPOSSIBLE:
                return Wait(seconds=0.2, changes={"result": job.result | {"cancel_asked": True}})
    operation = provider.poll(order.operation_id, seen)
    if operation.status is OperationStatus.RUNNING:
        if job.deadline_at is not None and now() > job.deadline_at:
            return _cancelled(order, charged=billed(job, tools))
        return Wait(seconds=ASK_AGAIN_SECONDS)
    return _after_the_end(job, tools, order, operation)


def cancel_error(job: Job, tools: Tools, outcome: Outcome) -> Answer:
    """No answer: ask again; an order that is gone is a cancelled one."""
    order = order_of(job, tools)
    overdue = job.deadline_at is not None and now() > job.deadline_at
    if isinstance(outcome, Transient) and not overdue:
        return Wait(seconds=outcome.retry_after or backoff(min(5, job.failures + 1), 2.0, 30.0), failed=True)
    return _cancelled(order, charged=billed(job, tools))


def billed(job: Job, tools: Tools) -> bool:
    """Whether the provider charges for a run that was stopped."""
    return tools.registry.vendors[job.provider or "local"].cancel_billed


def _after_the_end(job: Job, tools: Tools, order: orders.OrderRow, operation: Operation) -> Advance:
    if operation.cancelled:
        charged = billed(job, tools) if operation.charged is None else operation.charged
        return _cancelled(order, charged=charged)
    return ended(job, tools, order, operation)


def _cancelled(order: orders.OrderRow, *, charged: bool) -> Advance:
    ending = (
        ()
        if order.state == orders.REFUSED
        else (closed(order, orders.DONE, now(), error_code="cancelled", charged=charged),)
    )
    changes = {"charged": charged, "cost": order.quoted if charged else 0}
    return Advance(to="cancelled", changes=changes | ({"actual": order.quoted} if charged else {}), writes=ending)
