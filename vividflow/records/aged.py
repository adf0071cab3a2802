"""Finished things that are older than their person keeps them: put into the trash, some at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, exists, func, literal, or_, select, tuple_, update

from vividflow.records.assets import assets
from vividflow.records.jobs import PROCESSING, QUEUED, jobs
from vividflow.records.retention_rules import FOR_EVER, retention_rules
from vividflow.records.shares import shares

DAY_SECONDS = 86400.0
IN_REVIEW = "needs_review"
_j, _a, _r = jobs.c, assets.c, retention_rules.c


@dataclass(frozen=True, kw_only=True, slots=True)
class Upload:
    """An upload that is old enough, and its place among these."""

    id: str
    user_id: str
    created_at: float


def jobs_to_trash(
    connection: Connection, kind: str, *, usual_days: int, least_days: int, moment: float, limit: int
) -> list[tuple[str, str]]:
    """Trash some finished jobs of a kind whose days are over; each one's id and its person's.

    `usual_days` holds for people without a rule, `FOR_EVER` never; `least_days` is the shortest that holds for anybody.
    Favourites, what a living link shows and what waits for a review are not taken. What was taken back counts from then.
    """
    days = func.coalesce(_r.days, usual_days)
    limits = moment - days * DAY_SECONDS
    rules = jobs.outerjoin(retention_rules, and_(_r.user_id == _j.user_id, _r.kind == kind))
    some = (
        select(_j.id)
        .select_from(rules)
        .where(_j.kind == kind, _j.finished_at < moment - least_days * DAY_SECONDS, _j.state != IN_REVIEW)
        .where(days != FOR_EVER, _j.finished_at < limits, or_(_j.restored_at.is_(None), _j.restored_at < limits))
        .where(*_not_kept(moment))
        .order_by(_j.finished_at)
        .limit(limit)
    )
    # Said twice, because PostgreSQL looks again at a row that somebody changed meanwhile only by the outer conditions.
    taken = update(jobs).where(_j.id.in_(some), *_not_kept(moment)).values(deleted_at=moment)
    return [(row.id, row.user_id) for row in connection.execute(taken.returning(_j.id, _j.user_id))]


def old_uploads(
    connection: Connection,
    *,
    usual_days: int,
    least_days: int,
    moment: float,
    limit: int,
    after: Upload | None = None,
) -> list[Upload]:
    """Some uploads whose days are over, oldest first, from behind `after`; the days as in `jobs_to_trash`."""
    days = func.coalesce(_r.days, usual_days)
    limits = moment - days * DAY_SECONDS
    rules = assets.outerjoin(retention_rules, and_(_r.user_id == _a.user_id, _r.kind == "upload"))
    wanted = (
        select(_a.id, _a.user_id, _a.created_at)
        .select_from(rules)
        .where(_a.job_id.is_(None), _a.deleted_at.is_(None), _a.created_at < moment - least_days * DAY_SECONDS)
        .where(days != FOR_EVER, _a.created_at < limits, or_(_a.restored_at.is_(None), _a.restored_at < limits))
    )
    if after is not None:
        place = tuple_(literal(after.created_at), literal(after.id))
        wanted = wanted.where(tuple_(_a.created_at, _a.id) > place)
    rows = connection.execute(wanted.order_by(_a.created_at, _a.id).limit(limit))
    return [Upload(**row._mapping) for row in rows]


def in_use(connection: Connection, user_ids: Iterable[str]) -> set[str]:
    """The ids of pictures that jobs under way of these people begin, end or are shown with."""
    rows = connection.execute(
        select(_j.params).where(_j.user_id.in_(list(user_ids)), _j.status.in_((QUEUED, PROCESSING)))
    )
    found: set[str] = set()
    for params in rows.scalars():
        found.update(each for name in ("image_id", "last_image_id") if (each := params.get(name)))
        found.update(params.get("reference_ids", ()))
    return found


def uploads_to_trash(connection: Connection, ids: Sequence[str], moment: float) -> int:
    """Put uploads into the trash; how many were not there yet."""
    wanted = update(assets).where(_a.id.in_(ids), _a.deleted_at.is_(None))
    return connection.execute(wanted.values(deleted_at=moment)).rowcount


def _not_kept(moment: float) -> tuple[ColumnElement[bool], ...]:
    alive = and_(shares.c.ended_at.is_(None), or_(shares.c.expires_at.is_(None), shares.c.expires_at > moment))
    shown = exists(select(literal(1)).select_from(shares).where(shares.c.job_id == _j.id, alive))
    return _j.deleted_at.is_(None), _j.favourite_at.is_(None), ~shown.correlate(jobs)
