"""What event streams carry: the present state first, then everything that happened since."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from vividflow.api.hub import Event, Subscription
from vividflow.api.jsontext import dump
from vividflow.lifecycle.status import event_object, status_object
from vividflow.lifecycle.tools import Tools
from vividflow.records import job_events, jobs
from vividflow.records.job_events import JobEvent
from vividflow.records.jobs import Job

PAGE = 100
TRIES = 5
MOST_ACTIVE = 200


def load(tools: Tools, about: Subscription, after: int) -> list[Event]:
    """The next events (at most 100) after an id, in order; runs in a thread of the hub."""
    with tools.db.reading() as connection:
        found = job_events.after(connection, after, user_id=about.user_id, job_id=about.job_id, limit=PAGE)
        known: dict[str, Job | None] = {}
        return [event for row in found if (event := _event(tools, connection, row, known)) is not None]


def present(tools: Tools, user_id: str, job: Job | None) -> tuple[list[Event], int]:
    """The present state of one job, or of all of a person's active ones, and the id that what follows comes after.

    State and id belong together: when something happened between reading them, they are read again; on a job that never
    rests the id is the older one, and a client may be told twice, never not at all.
    """
    with tools.db.reading() as connection:
        newest = _newest(connection, user_id, job)
        before, rows, objects = newest, [], []
        for _ in range(TRIES):
            if job is None:
                rows = jobs.active(connection, user_id)[:MOST_ACTIVE]
            else:
                rows = [jobs.by_id(connection, job.id) or job]
            objects = [status_object(tools, connection, row) for row in rows]
            before, newest = newest, _newest(connection, user_id, job)
            if before == newest:
                break
    events = [
        Event(id=before, name="done" if row.over else "status", data=dump(found))
        for row, found in zip(rows, objects, strict=True)
    ]
    return events, before


def since(tools: Tools, last: int | None) -> tuple[int, list[tuple[str, str]]]:
    """The newest event id of the installation, and whose (user id, job id) events came after `last` (at most 1,000)."""
    column = job_events.job_events.c
    with tools.db.reading() as connection:
        if last is None:
            return job_events.newest_id(connection), []
        statement = select(column.id, column.user_id, column.job_id).where(column.id > last)
        rows = connection.execute(statement.order_by(column.id).limit(1000)).all()
    return (rows[-1].id if rows else last), list(dict.fromkeys((row.user_id, row.job_id) for row in rows))


def _newest(connection: Connection, user_id: str, job: Job | None) -> int:
    column = job_events.job_events.c
    statement = select(func.coalesce(func.max(column.id), 0)).where(column.user_id == user_id)
    return connection.execute(statement if job is None else statement.where(column.job_id == job.id)).scalar_one()


def _event(tools: Tools, connection: Connection, row: JobEvent, known: dict[str, Job | None]) -> Event | None:
    if row.job_id not in known:
        known[row.job_id] = jobs.by_id(connection, row.job_id)
    found = event_object(tools, connection, row, known[row.job_id])
    return None if found is None else Event(id=row.id, name=row.name, data=dump(found))
