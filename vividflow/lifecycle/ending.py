"""What the end of a job brings with it, in the transaction that ends it: the money, the message, the one who keeps looking."""

from __future__ import annotations

import json

from sqlalchemy import Connection

from vividflow.lifecycle.status import status_object
from vividflow.lifecycle.tools import Tools
from vividflow.records import deliveries, jobs, ledger, orders
from vividflow.records.jobs import CANCELLED, COMPLETED, FAILED, HIDDEN_KINDS, Job
from vividflow.timing import new_id

REVIEW = "needs_review"
LATE_SECONDS = 86400.0
LATE_FIRST_SECONDS = 20.0


def end(connection: Connection, tools: Tools, ended: list[Job], moment: float) -> list[Job]:
    """Close the reserves, put webhook messages into the outbox, and leave somebody behind who looks for late results.

    Takes the jobs as they will be written and returns them, in order, with their costs filled in.
    """
    paid = [job if job.kind in HIDDEN_KINDS else _with_cost(job) for job in ended]
    public = [job for job in paid if job.kind not in HIDDEN_KINDS]
    ledger.close(connection, [_closing(job) for job in public], moment)
    for job in public:
        if job.webhook_url:
            _write_message(connection, tools, job, moment)
        if job.status in (FAILED, CANCELLED):
            _leave_behind(connection, tools, job, moment)
    return paid


def queue_delivery(connection: Connection, message: deliveries.Delivery) -> None:
    """Put a message into the outbox and the job that sends it into the queue."""
    deliveries.insert(connection, message)
    jobs.insert(
        connection,
        Job(
            id=new_id(),
            user_id=message.user_id,
            parent_id=message.about_job_id,
            kind="delivery",
            state="queued",
            status="queued",
            stage="queued",
            lane="loop",
            created_at=message.created_at,
            updated_at=message.created_at,
            due_at=message.created_at,
            params={"delivery_id": message.id},
        ),
    )


def _with_cost(job: Job) -> Job:
    if job.status == COMPLETED or (job.status == CANCELLED and job.charged):
        return job.but(cost=min(job.cost if job.cost is not None else job.quoted, job.quoted))
    return job.but(cost=0, charged=False)


def _closing(job: Job) -> ledger.Closing:
    spent = job.status == COMPLETED or (job.status == CANCELLED and bool(job.charged))
    return ledger.Closing(
        kind=ledger.SETTLE if spent else ledger.RELEASE,
        user_id=job.user_id,
        job_id=job.id,
        reserved=job.quoted,
        cost=job.cost or 0,
    )


def _write_message(connection: Connection, tools: Tools, job: Job, moment: float) -> None:
    event = f"job.{job.status}"
    data = status_object(tools, connection, job, now=moment)
    body = json.dumps({"type": event, "timestamp": data["updated_at"], "data": data}, separators=(",", ":"))
    message = deliveries.Delivery(
        id=f"msg_{new_id()}",
        user_id=job.user_id,
        about_job_id=job.id,
        url=job.webhook_url or "",
        event=event,
        body=body,
        created_at=moment,
    )
    queue_delivery(connection, message)


def _leave_behind(connection: Connection, tools: Tools, job: Job, moment: float) -> None:
    order = orders.newest_of(connection, job.id)
    if order is None or order.state != orders.ACCEPTED or order.operation_id is None:
        return
    kept = tools.registry.vendors[order.provider].retention_seconds or LATE_SECONDS
    adopt_late(connection, job, moment, kept)


def adopt_late(connection: Connection, job: Job, moment: float, seconds: float) -> None:
    """Queue the hidden job that keeps looking at the order of a job whose public story is over."""
    late = Job(
        id=new_id(),
        user_id=job.user_id,
        parent_id=job.id,
        kind="late",
        state="generating",
        status="processing",
        stage="generating",
        lane="calls",
        model=job.model,
        provider=job.provider,
        provider_model=job.provider_model,
        prompt=job.prompt,
        params=job.params,
        created_at=moment,
        updated_at=moment,
        started_at=moment,
        generating_at=moment,
        due_at=moment + LATE_FIRST_SECONDS,
        deadline_at=moment + seconds,
        request_id=job.request_id,
    )
    jobs.insert(connection, late)


def settle(connection: Connection, job: Job, moment: float) -> bool:
    """Take a job out of review: nobody needs to look at it any more. To the public nothing changes. Whether it was there."""
    if job.state != REVIEW:
        return False
    settled = job.but(state="failed", fence=job.fence + 1, updated_at=moment, changes=job.changes + 1)
    return jobs.store(connection, [(job, settled)]) == 1
