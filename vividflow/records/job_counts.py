"""How many jobs a person has, by status, without what lies in the trash."""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, func, select

from vividflow.records.jobs import HIDDEN_KINDS, jobs

_c = jobs.c
_COUNTED = (
    select(_c.status, func.count())
    .where(_c.user_id == bindparam("user_id"), _c.deleted_at.is_(None), _c.kind.not_in(HIDDEN_KINDS))
    .group_by(_c.status)
)


def by_status(connection: Connection, user_id: str) -> dict[str, int]:
    """The counts; a status that nothing has is left out."""
    return {row[0]: int(row[1]) for row in connection.execute(_COUNTED, {"user_id": user_id})}
