"""How many bytes a person may store, where it is not as many as everybody."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Connection, ForeignKey, Table, Text, delete, select

from vividflow.db.schema import metadata

quotas = Table(
    "quotas",
    metadata,
    Column("user_id", Text, ForeignKey("users.id"), primary_key=True),
    Column("most_bytes", BigInteger),
)


def of_user(connection: Connection, user_id: str, usual: int | None) -> int | None:
    """The most bytes of one person, `usual` where nothing else was said; None is without end."""
    row = connection.execute(select(quotas.c.most_bytes).where(quotas.c.user_id == user_id)).first()
    return usual if row is None else row.most_bytes


def put(connection: Connection, user_id: str, most_bytes: int | None) -> None:
    """Give one person a quota of their own; None: without end."""
    forget(connection, user_id)
    connection.execute(quotas.insert(), {"user_id": user_id, "most_bytes": most_bytes})


def forget(connection: Connection, user_id: str) -> None:
    """As many as everybody again."""
    connection.execute(delete(quotas).where(quotas.c.user_id == user_id))
