"""Usage: what a person's jobs made and cost, those that are there and those that were deleted, summed by the database.

A job counts on the UTC day on which it was ordered. Amounts are micro-dollars.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cache
from typing import Any

from sqlalchemy import BigInteger, Connection, Select, bindparam, case, cast, func, literal, select, union_all
from sqlalchemy.sql.elements import ColumnElement

from vividflow.records.jobs import CANCELLED, COMPLETED, FAILED, HIDDEN_KINDS, jobs
from vividflow.records.past_jobs import past_jobs

DAY_SECONDS = 86400
GROUPS = ("day", "model", "provider", "key")
_COMMON = (
    "id",
    "user_id",
    "key_id",
    "model",
    "provider",
    "status",
    "created_at",
    "made_ms",
    "quoted",
    "actual",
    "cost",
)
_COLUMN = {"model": "model", "provider": "provider", "key": "key_id"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Sums:
    """Figures of some jobs. `estimate` is of those jobs whose `actual` (what the providers took) is known, so both compare.

    `charged` is what their owner paid, `refunded` what came back of the reserves of those that are over.
    """

    jobs: int = 0
    completed: int = 0
    failed: int = 0
    cancelled: int = 0
    made_ms: int = 0
    estimate: int = 0
    actual: int = 0
    charged: int = 0
    refunded: int = 0

    def __add__(self, other: Sums) -> Sums:
        """Both together."""
        return Sums(**{each.name: getattr(self, each.name) + getattr(other, each.name) for each in fields(Sums)})


def grouped(
    connection: Connection, user_id: str, since: float, until: float, *by: str
) -> list[tuple[tuple[Any, ...], Sums]]:
    """The sums of the jobs ordered from `since` to before `until`, for each combination of the groups named in `by`.

    A day is told as the second since 1970 at which it begins, a key as its id (None: no key ordered it). In rising order.
    """
    statement = _statement(connection.dialect.name, by)
    found = connection.execute(statement, {"owner": user_id, "since": since, "until": until})
    rows = [(tuple(row[: len(by)]), Sums(**dict(zip(_SUMS, map(int, row[len(by) :]), strict=True)))) for row in found]
    return sorted(rows, key=lambda row: [(each is not None, each) for each in row[0]])


def total(connection: Connection, user_id: str, since: float, until: float) -> Sums:
    """The sums of all a person's jobs ordered from `since` to before `until`."""
    return grouped(connection, user_id, since, until)[0][1]


_SUMS = tuple(each.name for each in fields(Sums))


@cache
def _statement(dialect: str, by: tuple[str, ...]) -> Select[Any]:
    ours = _all_jobs()
    groups = [_group(ours, dialect, name) for name in by]
    return select(*groups, *_sums(ours)).group_by(*groups)


def _all_jobs() -> Any:
    """The jobs that are there and those that are gone, in one shape."""
    c, past = jobs.c, past_jobs.c
    told = cast(c.params["estimate"].as_string(), BigInteger)
    there = select(*(c[name] for name in _COMMON), func.coalesce(told, c.quoted).label("estimate"))
    gone = select(*(past[name] for name in _COMMON), past.estimate)
    span = {"low": bindparam("since"), "high": bindparam("until")}
    owner = bindparam("owner")
    return union_all(
        there.where(
            c.user_id == owner, c.created_at >= span["low"], c.created_at < span["high"], c.kind.not_in(HIDDEN_KINDS)
        ),
        gone.where(past.user_id == owner, past.created_at >= span["low"], past.created_at < span["high"]),
    ).subquery()


def _group(ours: Any, dialect: str, name: str) -> ColumnElement[Any]:
    if name != "day":
        return ours.c[_COLUMN[name]]
    # PostgreSQL's cast rounds, SQLite's cuts off and may have no floor.
    days = ours.c.created_at / float(DAY_SECONDS)
    whole = cast(func.floor(days) if dialect == "postgresql" else days, BigInteger)
    return (whole * DAY_SECONDS).label("day")


def _sums(ours: Any) -> list[ColumnElement[Any]]:
    c = ours.c
    over = c.status.in_((COMPLETED, FAILED, CANCELLED))
    known = c.actual.is_not(None)
    found = {
        "jobs": func.count(c.id),
        "completed": _count(c.status == COMPLETED),
        "failed": _count(c.status == FAILED),
        "cancelled": _count(c.status == CANCELLED),
        "made_ms": _sum(func.coalesce(c.made_ms, 0), c.status == COMPLETED),
        "estimate": _sum(c.estimate, known),
        "actual": _sum(c.actual, known),
        "charged": _sum(func.coalesce(c.cost, 0), over),
        "refunded": _sum(c.quoted - func.coalesce(c.cost, 0), over),
    }
    return [found[name].label(f"sum_{name}") for name in _SUMS]


def _count(when: ColumnElement[bool]) -> ColumnElement[Any]:
    return _sum(literal(1), when)


def _sum(value: Any, when: ColumnElement[bool]) -> ColumnElement[Any]:
    return func.coalesce(func.sum(case((when, value), else_=0)), 0)
