"""After how many days a person's finished things of a kind go to the trash, where it is not as for everybody."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Column, Connection, ForeignKey, Integer, Table, Text, delete, func, select

from vividflow.db.schema import metadata

KINDS = ("video", "image", "export", "upload")
FOR_EVER = 0

retention_rules = Table(
    "retention_rules",
    metadata,
    Column("user_id", Text, ForeignKey("users.id"), primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("days", Integer, nullable=False),
)
_c = retention_rules.c


def of_user(connection: Connection, user_id: str) -> Mapping[str, int]:
    """Days by kind, `FOR_EVER` where things stay; kinds that are as for everybody are not in it."""
    rows = connection.execute(select(_c.kind, _c.days).where(_c.user_id == user_id))
    return {row.kind: row.days for row in rows}


def put(connection: Connection, user_id: str, kind: str, days: int | None) -> None:
    """Set one rule; None: as for everybody."""
    connection.execute(delete(retention_rules).where(_c.user_id == user_id, _c.kind == kind))
    if days is not None:
        connection.execute(retention_rules.insert(), {"user_id": user_id, "kind": kind, "days": days})


def least_days(connection: Connection, kind: str) -> int | None:
    """The shortest rule that any person has for a kind; None when there is none."""
    return connection.execute(select(func.min(_c.days)).where(_c.kind == kind, _c.days != FOR_EVER)).scalar_one()
