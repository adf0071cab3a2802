"""Outbox deliveries: one webhook message to one endpoint, written in the transaction that ended its job."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Column, Connection, Integer, Table, Text, select, update

from vividflow.db.schema import Moment, metadata

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, nullable=False, index=True),
    Column("about_job_id", Text, nullable=False, index=True),
    Column("url", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("last_status", Integer),
    Column("last_error", Text),
    Column("delivered_at", Moment),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Delivery:
    """One message. `id` is the webhook-id, the same on every try; `body` the exact bytes that are signed, as text."""

    id: str
    user_id: str
    about_job_id: str
    url: str
    event: str
    body: str
    created_at: float
    tries: int = 0
    last_status: int | None = None
    last_error: str | None = None
    delivered_at: float | None = None


def insert(connection: Connection, delivery: Delivery) -> None:
    """Put a message into the outbox."""
    connection.execute(deliveries.insert(), {name: getattr(delivery, name) for name in Delivery.__dataclass_fields__})


def by_id(connection: Connection, delivery_id: str) -> Delivery | None:
    """One message."""
    row = connection.execute(select(deliveries).where(deliveries.c.id == delivery_id)).mappings().first()
    return Delivery(**row) if row else None


def delete_about(connection: Connection, job_id: str) -> None:
    """Forget what was told about a job: the messages carry its prompt."""
    connection.execute(deliveries.delete().where(deliveries.c.about_job_id == job_id))


def note(
    connection: Connection, delivery_id: str, *, status: int | None, error: str | None, delivered_at: float | None
) -> None:
    """Write down how a try went."""
    connection.execute(
        update(deliveries)
        .where(deliveries.c.id == delivery_id)
        .values(tries=deliveries.c.tries + 1, last_status=status, last_error=error, delivered_at=delivered_at)
    )
