"""Asking what became of an order whose answer was lost."""

from __future__ import annotations

from vividflow.errors import Outcome, Transient
from vividflow.lifecycle.answers import Advance, Answer, Wait, Write
from vividflow.lifecycle.ordering import accepted, closed, order_of, request_of, shown
from vividflow.lifecycle.tools import Tools
from vividflow.providers.base import CannotAsk, Operation, OperationStatus
from vividflow.records import orders
from vividflow.records.jobs import Job
from vividflow.timing import backoff, now

PATIENCE_SECONDS = 900.0


def reconcile(job: Job, tools: Tools) -> Answer:
    """Adopt the order if the provider has it, order anew if it certainly has not, else ask again until patience is over."""
    order, moment = order_of(job, tools), now()
    if order.operation_id is not None:  # a callback told us meanwhile
        known = Operation(id=order.operation_id, status=OperationStatus.RUNNING)
        return _adopt(job, moment, accepted(order, known, moment))
    with tools.db.reading() as connection:
        bound = orders.bound_operations(connection, order)
        siblings = orders.siblings_open(connection, order)
        namesakes = orders.namesakes_open(connection, order)
    provider = tools.provider(order.provider)
    request = order.request or provider.prepare(request_of(job, tools, asking=True))
    waiting = {"siblings_submitting": siblings, "namesakes_submitting": namesakes}
    found = provider.find(shown(order, tools, job, request=request, bound=bound, **waiting))
    match found:
        case Operation():
            return _adopt(job, moment, accepted(order, found, moment, request))
        case None:
            gone = closed(order, orders.REFUSED, moment, error_code="never_arrived", charged=False)
            note = "The order never reached the provider. Ordering again."
            return Advance(to="queued", changes={"note": note, "failures": 0}, writes=(gone,))
        case CannotAsk():
            return _patience(job, order, moment)


def reconcile_error(job: Job, tools: Tools, outcome: Outcome) -> Answer:
    """An unanswered question changes nothing: ask again."""
    order, moment = order_of(job, tools), now()
    answer = _patience(job, order, moment)
    if isinstance(answer, Wait) and isinstance(outcome, Transient) and outcome.retry_after:
        return Wait(seconds=outcome.retry_after, changes=answer.changes)
    return answer


def _patience(job: Job, order: orders.OrderRow, moment: float) -> Answer:
    until = min(order.intent_at + PATIENCE_SECONDS, job.deadline_at or moment)
    if moment >= until:
        reason = "We could not learn whether it ran. You were not charged."
        ending = {"error_code": "outcome_unknown", "error_message": reason, "charged": False}
        return Advance(to="needs_review", changes=ending | {"failures": job.failures + 1})  # how often it was asked
    wait = min(backoff(min(6, job.failures + 1), 2.0, 30.0), max(0.1, until - moment))
    note = "Asking the provider whether your order arrived."
    return Wait(seconds=wait, failed=True, changes={"note": note})


def _adopt(job: Job, moment: float, bind: Write) -> Advance:
    changes = {"generating_at": job.generating_at or moment, "failures": 0, "note": None}
    return Advance(to="generating", changes=changes, writes=(bind,))
