"""After a restore: what the backup has as queued may have been ordered since, so the providers are asked first."""

from __future__ import annotations

from sqlalchemy import func, select

from vividflow.lifecycle.answers import Advance
from vividflow.lifecycle.kinds import table_of
from vividflow.lifecycle.moving import event_of, moved
from vividflow.lifecycle.start import intend
from vividflow.lifecycle.tools import Tools
from vividflow.records import job_events, jobs, orders
from vividflow.timing import now

NOTE = "The installation was restored from a backup. Asking the provider whether your order arrived."


def ask_first(tools: Tools) -> int:
    """Turn every queued job of a paid provider into one whose order is unknown since the backup; how many there were.

    Reconciling then adopts what the provider made meanwhile, and orders only what it certainly never got. What it cannot
    tell goes to needs_review.
    """
    moment = now()
    asked = 0
    with tools.db.transaction() as connection:
        jobs_at = connection.execute(select(func.max(jobs.jobs.c.updated_at))).scalar()
        events_at = connection.execute(select(func.max(job_events.job_events.c.at))).scalar()
        backed_up_at = min(max(jobs_at or moment, events_at or 0.0), moment)
        waiting = select(jobs.jobs).where(
            jobs.jobs.c.status == jobs.QUEUED,
            jobs.jobs.c.kind.not_in(jobs.HIDDEN_KINDS),
            jobs.jobs.c.provider.is_not(None),
            jobs.jobs.c.provider != "local",
        )
        for row in connection.execute(waiting).all():
            job = jobs.from_row(row)
            if "submitting" not in table_of(job.kind)[job.state].next:
                continue
            intent = intend(job, tools)
            if intent.to != "submitting":
                continue  # it ends without an order, as it would have anyway
            for write in intent.writes:
                write(connection)
            order = orders.newest_of(connection, job.id)
            assert order is not None
            orders.change(connection, order.id, state=orders.UNKNOWN, intent_at=backed_up_at)
            unsure = moved(
                moved(job, intent, tools, moment), Advance(to="reconciling", changes={"note": NOTE}), tools, moment
            )
            jobs.store(connection, [(job, unsure)])
            if event := event_of(job, unsure):
                job_events.insert_many(connection, [event])
            asked += 1
    return asked
