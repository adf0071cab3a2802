"""The ledger as its owner reads it: one line for each thing that happened to their credit, newest first."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import BigInteger, Connection, and_, cast, func, or_, select

from vividflow.records.jobs import jobs
from vividflow.records.ledger import AVAILABLE, RELEASE, SETTLE, SPENT, ledger
from vividflow.records.past_jobs import past_jobs

RESERVED, CHARGED, RETURNED, GRANTED = "Reserved", "Charged", "Returned", "Granted"
_l, _j, _p = ledger.c, jobs.c, past_jobs.c
_WORDS = {("reserve", AVAILABLE): RESERVED, (SETTLE, SPENT): CHARGED, ("grant", AVAILABLE): GRANTED}
_shown = or_(
    and_(_l.kind == SETTLE, or_(_l.account == SPENT, _l.account == AVAILABLE)),
    and_(_l.kind.in_(("reserve", RELEASE, "grant")), _l.account == AVAILABLE),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """`amount` micro-dollars were reserved, charged, returned or granted. `there` is whether the job can still be shown."""

    id: int
    at: float
    word: str
    amount: int
    reason: str | None
    job_id: str | None
    prompt: str | None
    there: bool
    estimate: int | None
    actual: int | None


def page(connection: Connection, user_id: str, *, limit: int, before: int | None = None) -> list[Line]:
    """A person's lines, newest first, from before the line with the id `before`. What moved nothing is left out."""
    told = func.coalesce(cast(_j.params["estimate"].as_string(), BigInteger), _j.quoted)
    statement = (
        select(
            _l.id,
            _l.at,
            _l.kind,
            _l.account,
            _l.amount,
            _l.reason,
            _l.job_id,
            _j.prompt,
            (_j.id.is_not(None) & _j.deleted_at.is_(None)).label("there"),
            func.coalesce(told, _p.estimate).label("estimate"),
            func.coalesce(_j.actual, _p.actual).label("actual"),
        )
        .select_from(ledger.outerjoin(jobs, _j.id == _l.job_id).outerjoin(past_jobs, _p.id == _l.job_id))
        .where(_l.user_id == user_id, _l.amount != 0, _shown)
        .order_by(_l.id.desc())
        .limit(limit)
    )
    if before is not None:
        statement = statement.where(_l.id < before)
    return [
        Line(
            id=row.id,
            at=row.at,
            word=_WORDS.get((row.kind, row.account), RETURNED),
            amount=row.amount if row.kind == "grant" else abs(row.amount),
            reason=row.reason,
            job_id=row.job_id,
            prompt=row.prompt,
            there=bool(row.there),
            estimate=row.estimate,
            actual=row.actual,
        )
        for row in connection.execute(statement)
    ]
