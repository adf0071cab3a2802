"""Rate tokens: one bucket a row for each provider and kind of request, shared by every worker.

A provider that answers 429 says until when it wants no more: the bucket is held, empty, up to that moment.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Connection, Double, Row, Table, Text, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite

from vividflow.db.schema import Moment, metadata

rate_tokens = Table(
    "rate_tokens",
    metadata,
    Column("bucket", Text, primary_key=True),
    Column("tokens", Double, nullable=False),
    Column("filled_at", Moment, nullable=False),
)

# A hold that ends later than any provider's word reaches was written before the clock was set back: it holds nothing.
LONGEST_HOLD_SECONDS = 660.0

_BUCKET = select(rate_tokens).where(rate_tokens.c.bucket == bindparam("name"))
_FILL = update(rate_tokens).where(rate_tokens.c.bucket == bindparam("name"))


def available(connection: Connection, bucket: str, *, per_minute: float, burst: float, now: float) -> float:
    """How many tokens the bucket holds at `now`; a bucket never used is full, a held one empty."""
    row = connection.execute(_BUCKET, {"name": bucket}).first()
    return 0.0 if _is_held(row, now) else _filled(row, per_minute, burst, now)


def take(connection: Connection, bucket: str, count: float, *, per_minute: float, burst: float, now: float) -> None:
    """Take `count` tokens; call it in the transaction that spends them, after `available`. A held bucket stays as it is."""
    row = connection.execute(_BUCKET, {"name": bucket}).first()
    if _is_held(row, now):
        return
    left = _filled(row, per_minute, burst, now) - count
    done = connection.execute(_FILL, {"name": bucket, "tokens": left, "filled_at": now})
    if not done.rowcount:
        connection.execute(rate_tokens.insert(), {"bucket": bucket, "tokens": left, "filled_at": now})


def hold(connection: Connection, bucket: str, *, until: float, now: float) -> None:
    """Empty the bucket up to `until`, when it has one token again; a longer hold stays."""
    longer = (rate_tokens.c.filled_at > until) & (rate_tokens.c.filled_at <= now + LONGEST_HOLD_SECONDS)
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    given = dialect.insert(rate_tokens).values(bucket=bucket, tokens=1.0, filled_at=until)
    values = {"tokens": 1.0, "filled_at": until}
    connection.execute(given.on_conflict_do_update(index_elements=["bucket"], set_=values, where=~longer))


def held(connection: Connection, now: float) -> dict[str, float]:
    """The buckets that are held, and until when."""
    inside = (rate_tokens.c.filled_at > now) & (rate_tokens.c.filled_at <= now + LONGEST_HOLD_SECONDS)
    rows = connection.execute(select(rate_tokens.c.bucket, rate_tokens.c.filled_at).where(inside))
    return {row.bucket: row.filled_at for row in rows}


def _is_held(row: Row[Any] | None, now: float) -> bool:
    return row is not None and now < row.filled_at <= now + LONGEST_HOLD_SECONDS


def _filled(row: Row[Any] | None, per_minute: float, burst: float, now: float) -> float:
    if row is None:
        return burst
    return min(burst, row.tokens + max(0.0, now - row.filled_at) * per_minute / 60)
