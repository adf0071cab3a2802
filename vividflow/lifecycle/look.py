"""Looking at what the provider is making, as seldom as is enough."""

from __future__ import annotations

import logging
import random

from vividflow.errors import Outcome, Permanent, Transient
from vividflow.lifecycle.answers import Advance, Answer, Wait
from vividflow.lifecycle.ordering import closed, order_of, shown
from vividflow.lifecycle.render import keep_inline, render
from vividflow.lifecycle.states import Lane
from vividflow.lifecycle.tools import Tools
from vividflow.lifecycle.usual import learned
from vividflow.lifecycle.waiting import lane_of_generating, next_look
from vividflow.providers.base import Operation, OperationStatus, Output
from vividflow.providers.price import MICRO, timed
from vividflow.records import orders
from vividflow.records.jobs import Job
from vividflow.timing import backoff, now

log = logging.getLogger(__name__)
LATE_LOOK_SECONDS = 60.0


def look(job: Job, tools: Tools) -> Answer:
    """Ask the provider once (or, for the local renderer, make the clip) and answer by what it says."""
    if job.cancel_requested_at is not None:
        return Advance(to="cancelling")
    if lane_of_generating(job, tools) is Lane.MEDIA:
        return render(job, tools)
    order = order_of(job, tools)
    operation = _poll(job, tools, order)
    if operation.status is not OperationStatus.RUNNING:
        return ended(job, tools, order, operation)
    if job.deadline_at is not None and now() > job.deadline_at:
        return _stop(job, tools, order)
    changes = {"looks": job.looks + 1, "failures": 0, "note": None, "progress": risen(job, operation)}
    return Wait(seconds=next_look(job, tools), changes=changes, since=now())


def late_look(job: Job, tools: Tools) -> Answer:
    """Look after the public end: a result that still comes is fetched; when the time is over nobody is told."""
    order = order_of(job, tools)
    if lane_of_generating(job, tools) is Lane.MEDIA or order.operation_id is None:
        return Advance(to="cancelled", writes=(closed(order, orders.DONE, now()),))
    operation = _poll(job, tools, order)
    if operation.status is not OperationStatus.RUNNING:
        return ended(job, tools, order, operation)
    if job.deadline_at is not None and now() > job.deadline_at:
        return Advance(to="cancelled", writes=(closed(order, orders.DONE, now(), error_code="never_ended"),))
    return Wait(seconds=LATE_LOOK_SECONDS * random.uniform(0.8, 1.2), changes={"looks": job.looks + 1})


def look_error(job: Job, tools: Tools, outcome: Outcome) -> Answer:
    """No answer is no news, until the deadline; an order that the provider lost or refuses to show has failed."""
    moment = now()
    if isinstance(outcome, Transient) and not (job.deadline_at and moment > job.deadline_at):
        wait = outcome.retry_after or backoff(min(6, job.failures + 1), 2.0, tools.settings.poll_max_seconds)
        return Wait(seconds=wait, failed=True, changes={"note": "The provider does not answer; asking again."})
    order = order_of(job, tools)
    if isinstance(outcome, Transient):
        return _stop(job, tools, order)
    charged = isinstance(outcome, Permanent) and outcome.charged
    ending = closed(order, orders.DONE, moment, error_code=outcome.code, error_message=outcome.message, charged=charged)
    reason = {"error_code": outcome.code, "error_message": outcome.message, "charged": charged}
    return Advance(to="failed", changes=reason, writes=(ending,))


def ended(job: Job, tools: Tools, order: orders.OrderRow, operation: Operation) -> Advance:
    """What an operation that is over means for its job."""
    moment = now()
    cost = _cost(job, tools, operation)
    if operation.status is OperationStatus.SUCCEEDED:
        keep_inline(job, tools, operation.outputs)
        found = {"outputs": stored_outputs(operation.outputs), "seconds": operation.seconds, "cost": cost}
        keep = lambda connection: orders.change(connection, order.id, **found)  # noqa: E731
        changes = {"provider_done_at": moment, "failures": 0, "note": None, "looks": job.looks + 1}
        return Advance(to="downloading", changes=changes, writes=(keep, *learned(job, moment, operation.took)))
    code = operation.error_code or "provider_failed"
    message = operation.error_message or "The provider could not make this video."
    charged = bool(operation.charged)
    ending = closed(
        order,
        orders.DONE,
        moment,
        error_code=code,
        error_message=message,
        charged=operation.charged,
        cost=cost,
        seconds=operation.seconds,
    )
    reason = {"error_code": code, "error_message": message, "charged": charged, "looks": job.looks + 1}
    if charged:
        reason["actual"] = order.quoted if cost is None else cost
    return Advance(to="failed", changes=reason, writes=(ending,))


def stored_outputs(outputs: tuple[Output, ...]) -> list[dict[str, str]]:
    """Outputs as they are kept in a row: where to fetch them, never with which key, and never the bytes themselves.

    An address that no row can hold leads nowhere, so it is left out: the provider is asked for it anew.
    """
    return [_stored(output) for output in outputs if (output.url or output.gs_uri or "").isprintable()]


def _stored(output: Output) -> dict[str, str]:
    if output.url:
        return {"url": output.url}
    if output.gs_uri:
        return {"gs_uri": output.gs_uri}
    return {"inline": "yes"} if output.data is not None else {"path": output.path or ""}


def _poll(job: Job, tools: Tools, order: orders.OrderRow) -> Operation:
    known = tools.seen.get(order.operation_id or "")
    if isinstance(known, Outcome):
        raise known
    return known or tools.provider(order.provider).poll(order.operation_id or "", shown(order, tools, job))


def _cost(job: Job, tools: Tools, operation: Operation) -> int | None:
    """Micro-dollars by the provider's own word, else by the time it worked where that is what it charges for."""
    if operation.cost_usd is not None:
        return round(operation.cost_usd * MICRO)
    model = tools.registry.model(job.model or "")
    route = next((each for each in (model.routes if model else ()) if each.provider == job.provider), None)
    return None if route is None else timed(route, operation.seconds)


def risen(job: Job, operation: Operation) -> int | None:
    """The progress to show: never less than before, and 100 only when all is stored."""
    if operation.progress is None:
        return job.progress
    return max(job.progress or 0, min(99, operation.progress))


def _stop(job: Job, tools: Tools, order: orders.OrderRow) -> Advance:
    # Its time is over: stop the spending where that is possible. A result that comes all the same is kept by a late job.
    try:
        tools.provider(order.provider).cancel(order.operation_id or "", shown(order, tools, job))
    except Outcome as trouble:
        log.info("could not stop an overdue order: %s", trouble.message)
    reason = "It took too long and was stopped. You were not charged."
    changes = {"error_code": "deadline_exceeded", "error_message": reason, "charged": False}
    return Advance(to="failed", changes=changes)
