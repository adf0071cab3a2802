"""What paid orders cost against what they were quoted at, for the alert about prices that are out of date."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, and_, func, or_, select

from vividflow.records.jobs import HIDDEN_KINDS, jobs
from vividflow.records.orders import orders


@dataclass(frozen=True, kw_only=True, slots=True)
class Apart:
    """Orders of one model at one provider whose cost was too far from their quote; sums in micro-dollars."""

    model: str
    provider: str
    orders: int
    quoted: int
    cost: int


def apart(connection: Connection, since: float, share: float) -> list[Apart]:
    """The charged orders of jobs that ended since a moment and cost more, or less, than the quote by over `share` (0.2: 20 %)."""
    o, j = orders.c, jobs.c
    statement = (
        select(
            func.coalesce(j.model, ""),
            o.provider,
            func.count(),
            func.sum(o.quoted),
            func.sum(o.cost),
        )
        .select_from(jobs.join(orders, o.job_id == j.id))
        .where(
            and_(j.finished_at >= since, j.kind.not_in(HIDDEN_KINDS), o.charged, o.quoted > 0),
            or_(o.cost > o.quoted * (1 + share), o.cost < o.quoted * (1 - share)),
        )
        .group_by(j.model, o.provider)
        .order_by(o.provider, j.model)
    )
    return [
        Apart(model=row[0], provider=row[1], orders=int(row[2]), quoted=int(row[3]), cost=int(row[4]))
        for row in connection.execute(statement)
    ]
