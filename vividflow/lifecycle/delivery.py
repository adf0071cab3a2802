"""The life of a webhook delivery: queued, delivering, completed; tried on the schedule of the Standard Webhooks."""

from __future__ import annotations

from sqlalchemy import Connection

from vividflow.errors import LeaseLost
from vividflow.lifecycle.answers import Advance, Answer, Wait
from vividflow.lifecycle.states import COMPLETED, FAILED, PROCESSING, QUEUED, Lane, State, Table
from vividflow.lifecycle.tools import Tools
from vividflow.notify import webhooks
from vividflow.records import deliveries, users
from vividflow.records.jobs import Job
from vividflow.timing import now


def begin(_job: Job, _tools: Tools, _connection: Connection) -> Answer:
    """A delivery whose turn has come is sent."""
    return Advance(to="delivering")


def deliver(job: Job, tools: Tools) -> Answer:
    """Send the message once and say how it went; the same webhook-id on every try."""
    with tools.db.reading() as connection:
        message = deliveries.by_id(connection, job.params["delivery_id"])
        user = users.by_id(connection, job.user_id)
    if message is None or user is None:
        raise LeaseLost
    result = webhooks.send(
        message.url, message_id=message.id, body=message.body.encode(), secrets=[user.webhook_secret], door=tools.door
    )
    moment = now()

    def note(connection: Connection) -> None:
        deliveries.note(
            connection, message.id, status=result.status, error=result.error, delivered_at=moment if result.ok else None
        )

    if result.ok:
        return Advance(to="completed", writes=(note,))
    wait = None if result.disable else webhooks.next_try(message.tries + 1)
    if wait is None:
        reason = {
            "error_code": "webhook_undelivered",
            "error_message": result.error or "The endpoint refused the message.",
        }
        return Advance(to="failed", changes=reason, writes=(note,))
    return Wait(seconds=max(wait, 60.0) if result.throttle else wait, failed=True, writes=(note,))


DELIVERY: Table = {
    "queued": State(status=QUEUED, stage="queued", lane=Lane.LOOP, decide=begin, next=frozenset({"delivering"})),
    "delivering": State(
        status=PROCESSING, stage="delivering", step=deliver, tries=None, next=frozenset({"completed", "failed"})
    ),
    "completed": State(status=COMPLETED, stage="completed"),
    "failed": State(status=FAILED, stage="failed"),
}
