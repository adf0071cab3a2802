"""The one paid request. It is sent by the very claim that wrote the intent, once, or not at all."""

from __future__ import annotations

import logging

from vividflow.errors import Outcome, Permanent, Refused, Transient, Unknown
from vividflow.lifecycle.answers import Advance, Answer, Write
from vividflow.lifecycle.breaker import judged, opened
from vividflow.lifecycle.diverting import first_open, leaves_room, onto, others, tired_of, trying, waiting
from vividflow.lifecycle.look import risen
from vividflow.lifecycle.ordering import accepted, closed, order_of, request_of, shown
from vividflow.lifecycle.routes import Way
from vividflow.lifecycle.standing import Stand
from vividflow.lifecycle.start import overdue
from vividflow.lifecycle.tools import Tools
from vividflow.lifecycle.waiting import first_look
from vividflow.providers.base import GenerationRequest, Operation, Order, Provider
from vividflow.records import orders
from vividflow.records.jobs import Job
from vividflow.timing import backoff, now

log = logging.getLogger(__name__)
TRIES = 5
# A worker that may have been frozen since its claim must not send: another one may already have asked and ordered anew.
LEASE_MARGIN = 0.2


def submit(job: Job, tools: Tools) -> Answer:
    """Order the clip and go to generating with the provider's id. What may have been sent before is asked for instead."""
    order = order_of(job, tools)
    if order.fence != job.fence:
        raise Unknown("interrupted", "The order was interrupted; asking the provider whether it arrived.")
    if job.cancel_requested_at is not None:
        return Advance(to="cancelling", writes=(closed(order, orders.REFUSED, now(), error_code="cancelled"),))
    late = overdue(job, tools, now())
    if late is not None:
        raise late
    provider = tools.provider(order.provider)
    request = request_of(job, tools)
    body = provider.prepare(request)
    if provider.uploads(request):  # an upload gets a new address each time, so this body cannot be made again
        with tools.db.transaction() as connection:
            orders.change(connection, order.id, request=body)
    if not tools.keep_going() or now() > (job.lease_until or 0) - LEASE_MARGIN * tools.settings.lease_seconds:
        raise Transient("put_down", "The worker was stopping.", retry_after=0.0, counts=False)
    operation = _send(provider, request, shown(order, tools, job, request=body))
    with tools.db.reading() as connection:
        if orders.is_bound(connection, order, operation.id):
            raise Unknown("outcome_unknown", "The provider named another order; asking whether this one arrived.")
    moment = now()
    return Advance(
        to="generating",
        changes={"generating_at": moment, "failures": 0, "note": None, "progress": risen(job, operation)},
        after=first_look(job, tools),
        since=moment,
        writes=(accepted(order, operation, moment, body), *opened(tools, order)),
    )


def submit_error(job: Job, tools: Tools, outcome: Outcome) -> Answer:
    """Sort a failed order into its class (docs/architecture.md section 3): unknown is asked for, never sent again.

    Only what was certainly refused goes by another route.
    """
    order, moment = order_of(job, tools), now()
    told = judged(tools, order, outcome, moment)
    refusal = closed(
        order, orders.REFUSED, moment, error_code=outcome.code, error_message=outcome.message, charged=False
    )
    match outcome:
        case Unknown():
            unknown = {"error_code": outcome.code, "error_message": outcome.message}
            note = lambda connection: orders.change(connection, order.id, state=orders.UNKNOWN, **unknown)  # noqa: E731
            return Advance(to="reconciling", changes={"failures": 0, "note": outcome.message}, writes=(note, *told))
        case Transient(retry_after=seconds, counts=counts):
            ill = tools.standing.kept(order.provider, order.provider_model)
            # Finding out whether a provider is back must not use up the patience of whoever was sent to look.
            failures = job.failures + (counts and not (ill is not None and ill.trips))
            enough = failures >= TRIES or tired_of(tools, order, outcome)
            if enough and (way := first_open(others(tools, job))) is not None:
                return _by(way, job, tools, outcome, refusal, *told)
            if failures >= TRIES:
                return _failed(outcome, refusal, *told)
            wait = seconds if seconds is not None else backoff(max(1, failures), 2.0, 60.0)
            changes = {"failures": failures, "note": f"{outcome.message} Trying again in {max(1, round(wait))} s."}
            return Advance(to="queued", after=wait, changes=changes, writes=(refusal, *told))
        case Refused() if leaves_room(outcome):
            found = others(tools, job)
            if (way := first_open(found) or next(iter(() if outcome.pauses else found), None)) is not None:
                return _by(way, job, tools, outcome, refusal, *told)
            if outcome.pauses:
                return _waits(job, tools, outcome, refusal, *told)
            return _failed(outcome, refusal, *told)
        case Refused() | Permanent() | Outcome():
            return _failed(outcome, refusal, *told)


def _by(way: Way, job: Job, tools: Tools, outcome: Outcome, *writes: Write) -> Advance:
    changes = onto(job, way, code=outcome.code, reason=outcome.message)
    note = f"{outcome.message} {trying(tools, way)}"
    return Advance(to="queued", changes=changes | {"deadline_at": None, "note": note}, writes=writes)


def _waits(job: Job, tools: Tools, outcome: Outcome, *writes: Write) -> Advance:
    """Until the operator has acted nothing was begun, so the clock of a begun job does not run."""
    note = waiting(tools, job.provider or "local", Stand(code=outcome.code, reason=outcome.message))
    changes = {"failures": job.failures, "deadline_at": None, "note": note}
    return Advance(to="queued", after=1.0, changes=changes, writes=writes)


def _failed(outcome: Outcome, *writes: Write) -> Advance:
    reason = {"error_code": outcome.code, "error_message": outcome.message, "charged": False}
    return Advance(to="failed", changes=reason, writes=writes)


def _send(provider: Provider, request: GenerationRequest, order: Order) -> Operation:
    try:
        return provider.submit(request, order)
    except Outcome:
        raise
    except Exception as error:  # whatever broke, the request may have left: only the provider knows
        log.exception("submit broke")
        raise Unknown("submit_broke", "The order was interrupted; asking the provider whether it arrived.") from error
