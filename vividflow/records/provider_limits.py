"""Limits that an operator set: how many jobs may be under way on a provider, whatever the registry says."""

from __future__ import annotations

from sqlalchemy import Column, Connection, Integer, Table, Text, delete, select

from vividflow.db.schema import Moment, metadata

provider_limits = Table(
    "provider_limits",
    metadata,
    Column("provider", Text, primary_key=True),
    Column("concurrency", Integer, nullable=False),
    Column("since", Moment, nullable=False),
)


def limit(connection: Connection, provider: str, concurrency: int | None, now: float) -> None:
    """Set how many may run at once (0: none is begun); None goes back to the registry's word."""
    connection.execute(delete(provider_limits).where(provider_limits.c.provider == provider))
    if concurrency is not None:
        connection.execute(provider_limits.insert(), {"provider": provider, "concurrency": concurrency, "since": now})


def all_of(connection: Connection) -> dict[str, int]:
    """The limits, by provider."""
    rows = connection.execute(select(provider_limits.c.provider, provider_limits.c.concurrency))
    return {row.provider: row.concurrency for row in rows}
