"""What happened to jobs, in order: the source of event streams and of a job's history."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Connection, Index, Table, Text, delete, func, select

from vividflow.db.prepared import Prepared
from vividflow.db.schema import Counter, Json, Moment, metadata

job_events = Table(
    "job_events",
    metadata,
    Column("id", Counter, primary_key=True, autoincrement=True),
    Column("job_id", Text, nullable=False),
    Column("user_id", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("name", Text, nullable=False),
    Column("data", Json, nullable=False),
    Index("ix_job_events_job", "job_id", "id"),
    Index("ix_job_events_user", "user_id", "id"),
)


_INSERT = Prepared(job_events.insert(), ("job_id", "user_id", "at", "name", "data"))


@dataclass(frozen=True, kw_only=True, slots=True)
class JobEvent:
    """One thing that happened. `name` is status, progress or done; `data` the public fields as they were then."""

    id: int
    job_id: str
    user_id: str
    at: float
    name: str
    data: dict[str, Any]


def insert_many(connection: Connection, rows: list[dict[str, Any]]) -> None:
    """Add events: dicts with job_id, user_id, at, name, data."""
    if rows:
        _INSERT.run_many(connection, rows)


def after(
    connection: Connection, last: int, *, user_id: str, job_id: str | None = None, limit: int = 500
) -> list[JobEvent]:
    """What happened after event `last` to one job or to all of a person's jobs, in order."""
    statement = select(job_events).where(job_events.c.id > last, job_events.c.user_id == user_id)
    if job_id is not None:
        statement = statement.where(job_events.c.job_id == job_id)
    rows = connection.execute(statement.order_by(job_events.c.id).limit(limit)).mappings()
    return [JobEvent(**row) for row in rows]


def of_job(connection: Connection, job_id: str) -> list[JobEvent]:
    """The whole history of a job."""
    rows = connection.execute(
        select(job_events).where(job_events.c.job_id == job_id).order_by(job_events.c.id)
    ).mappings()
    return [JobEvent(**row) for row in rows]


def newest_id(connection: Connection) -> int:
    """The id of the last event there is, 0 when none."""
    return connection.execute(select(func.coalesce(func.max(job_events.c.id), 0))).scalar_one()


def delete_of_job(connection: Connection, job_id: str) -> None:
    """Forget a job's history."""
    connection.execute(delete(job_events).where(job_events.c.job_id == job_id))
