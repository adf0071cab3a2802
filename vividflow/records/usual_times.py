"""How long the last clips took, by model, provider, length and size: kept apart from the jobs, so that it outlives them."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import Column, Connection, Double, Table, Text, bindparam, func, select
from sqlalchemy.dialects import postgresql, sqlite

from vividflow.db.schema import Json, metadata

usual_times = Table(
    "usual_times",
    metadata,
    Column("model", Text, primary_key=True),
    Column("provider", Text, primary_key=True),
    Column("duration", Double, primary_key=True),
    Column("resolution", Text, primary_key=True),
    Column("seconds", Json, nullable=False),
)

KEPT = 40
_ADVISORY_LEARN = 7_031_103
_c = usual_times.c
_SECONDS = select(_c.seconds).where(
    _c.model == bindparam("model"),
    _c.provider == bindparam("provider"),
    _c.duration == bindparam("duration"),
    _c.resolution == bindparam("resolution"),
)


class Sort(NamedTuple):
    """What is alike enough to take alike: `duration` seconds, `resolution` "720p"; 0 and "" where there is none."""

    model: str
    provider: str
    duration: float
    resolution: str


def of(connection: Connection, sort: Sort) -> list[float]:
    """Seconds from order to result of the last clips of a sort, oldest first; at most `KEPT`."""
    return connection.execute(_SECONDS, sort._asdict()).scalar_one_or_none() or []


def add(connection: Connection, sort: Sort, seconds: float) -> None:
    """Remember one more, and forget what is more than `KEPT` ago.

    Two workers that add at once on PostgreSQL would wait for each other, one holding what the other wants: whoever comes
    second lets its figure go.
    """
    if connection.dialect.name == "postgresql":
        if not connection.execute(select(func.pg_try_advisory_xact_lock(_ADVISORY_LEARN))).scalar():
            return
        dialect = postgresql
    else:
        dialect = sqlite
    kept = [*of(connection, sort), round(seconds, 2)][-KEPT:]
    row = dialect.insert(usual_times).values(**sort._asdict(), seconds=kept)
    key = ["model", "provider", "duration", "resolution"]
    connection.execute(row.on_conflict_do_update(index_elements=key, set_={"seconds": kept}))
