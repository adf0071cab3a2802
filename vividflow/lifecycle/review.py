"""What nobody could learn, settled by a person: the order is adopted, declared lost, or its wish is placed again.

The public story of such a job is over and was free. What is adopted, or comes late after it was declared lost, is stored
beside it by a hidden job, and is never charged. Who settled it stands in the audit log, written by the same transaction.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from vividflow.errors import Outcome, Problem
from vividflow.lifecycle import orders as placing
from vividflow.lifecycle.ending import LATE_SECONDS, REVIEW, adopt_late, settle
from vividflow.lifecycle.ordering import shown
from vividflow.lifecycle.tools import Tools
from vividflow.records import audit, jobs, orders, users
from vividflow.records.audit import COMMAND_LINE, Who
from vividflow.records.jobs import Job
from vividflow.records.orders import OrderRow
from vividflow.timing import new_id, now

LONGEST_OPERATION = 500


def adopt(tools: Tools, job_id: str, operation_id: str, *, by: Who = COMMAND_LINE) -> OrderRow:
    """Bind a job's order to what the provider made of it, which is then fetched and stored, free of charge.

    Raises `Problem` 404, 409 (not in review, or the operation is another order's), 422 when it is no id, or the provider
    does not know it.
    """
    job, order = _in_review(tools, job_id)
    operation_id = operation_id.strip()
    if not 0 < len(operation_id) <= LONGEST_OPERATION or not operation_id.isprintable():
        raise Problem(422, "invalid_operation", "Give the id that the provider's console shows.", param="operation")
    try:
        tools.provider(order.provider).poll(operation_id, shown(order, tools, job, operation_id=operation_id))
    except Outcome as outcome:
        detail = f"The provider does not show {operation_id[:100]}: {outcome.message}"
        raise Problem(422, "unknown_operation", detail) from outcome
    moment = now()
    with tools.db.transaction() as connection:
        if orders.is_bound(connection, order, operation_id):
            raise Problem(409, "operation_taken", "That operation belongs to another order.")
        accepted = {"state": orders.ACCEPTED, "operation_id": operation_id, "accepted_at": moment}
        orders.change(connection, order.id, **accepted)
        kept = tools.registry.vendors[order.provider].retention_seconds or LATE_SECONDS
        adopt_late(connection, job, moment, kept)
        _settled(connection, job, moment)
        after = {"state": "failed", "order": orders.ACCEPTED, "operation_id": operation_id}
        _noted(connection, by, "adopt", job, order, moment, after)
    tools.nudge()
    tools.changed(job.user_id, job.id)
    return order


def declare_lost(tools: Tools, job_id: str, *, by: Who = COMMAND_LINE) -> None:
    """Say that an order never ran; a success that is told of all the same is still adopted. Raises `Problem` 404, 409."""
    job, order = _in_review(tools, job_id)
    moment = now()
    with tools.db.transaction() as connection:
        _lose(connection, job, order, moment)
        _noted(connection, by, "lost", job, order, moment, {"state": "failed", "order": orders.LOST})
    tools.changed(job.user_id, job.id)


def place_again(tools: Tools, job_id: str, *, by: Who = COMMAND_LINE) -> tuple[int, dict[str, Any]]:
    """Declare it lost and place its wish anew for the same person, with the same checks and at today's price.

    Raises `Problem` 404, 409, and what placing raises; then nothing has changed.
    """
    job, order = _in_review(tools, job_id)
    with tools.db.reading() as connection:
        user = users.by_id(connection, job.user_id)
    assert user is not None, "jobs have people"
    fresh, moment = new_id(), now()

    def lose(connection: Connection) -> None:
        _lose(connection, job, order, moment)
        after = {"state": "failed", "order": orders.LOST, "placed": fresh}
        _noted(connection, by, "retry", job, order, moment, after)

    answer = placing.place(tools, user, placing.wish_of(job), along=lose, job_id=fresh)
    tools.changed(job.user_id, job.id)
    return answer


def _in_review(tools: Tools, job_id: str) -> tuple[Job, OrderRow]:
    with tools.db.reading() as connection:
        job = jobs.by_id(connection, job_id)
        order = orders.newest_of(connection, job_id)
    if job is None or order is None:
        raise placing.missing()
    if job.state != REVIEW:
        raise Problem(409, "not_in_review", f"This job needs no review; it is {job.state}.")
    return job, order


def _lose(connection: Connection, job: Job, order: OrderRow, moment: float) -> None:
    _settled(connection, job, moment)
    orders.change(connection, order.id, state=orders.LOST, ended_at=moment)


def _settled(connection: Connection, job: Job, moment: float) -> None:
    """Take a job off the list. Raises `Problem` 409 when somebody else just did."""
    if not settle(connection, job, moment):
        raise Problem(409, "not_in_review", "Somebody else settled this job in the meantime.")


def _noted(
    connection: Connection, by: Who, act: str, job: Job, order: OrderRow, moment: float, after: dict[str, Any]
) -> None:
    before = {"state": job.state, "order": order.state, "operation_id": order.operation_id}
    audit.write(connection, by, act, audit.JOB, job.id, moment, before=before, after=after)
