"""What stands beside a finished video in its owner's library."""

from __future__ import annotations

from sqlalchemy import Connection, literal, select, tuple_

from vividflow.records.jobs import COMPLETED, Job, from_row, jobs

KINDS = ("video", "image")


def around(connection: Connection, user_id: str, job: Job, each: int) -> list[Job]:
    """A finished job among its owner's other finished ones, at most `each` on either side, newest first."""
    c = jobs.c
    mine = (c.user_id == user_id, c.status == COMPLETED, c.deleted_at.is_(None), c.kind.in_(KINDS))
    order, place = (c.created_at, c.id), tuple_(literal(job.created_at), literal(job.id))
    newer = select(jobs).where(*mine, tuple_(*order) > place).order_by(*order).limit(each)
    older = select(jobs).where(*mine, tuple_(*order) < place).order_by(*(each.desc() for each in order)).limit(each)
    before = [from_row(row) for row in connection.execute(newer)]
    return [*reversed(before), job, *(from_row(row) for row in connection.execute(older))]
