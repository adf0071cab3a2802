"""Idempotency keys: the first answer to a request, kept for a day beside what the request did."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Column, Connection, Index, Integer, Table, Text, bindparam, delete, select

from vividflow.db.schema import Moment, metadata

KEPT_SECONDS = 86400

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("user_id", Text, primary_key=True),
    Column("address", Text, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("fingerprint", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Index("ix_idempotency_keys_created_at", "created_at"),
)

_c = idempotency_keys.c
_OVER = delete(idempotency_keys).where(
    _c.user_id == bindparam("owner"),
    _c.address == bindparam("at"),
    _c.key == bindparam("named"),
    _c.created_at < bindparam("now", type_=Moment) - KEPT_SECONDS,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """The first answer under a key: HTTP status and JSON body. `fingerprint` is of the parsed fields and files."""

    user_id: str
    address: str
    key: str
    fingerprint: str
    status: int
    body: str
    created_at: float


def insert(connection: Connection, reply: Reply) -> None:
    """Keep an answer, over one whose day is over. Raises `sqlalchemy.exc.IntegrityError` when the key is taken."""
    connection.execute(
        _OVER, {"owner": reply.user_id, "at": reply.address, "named": reply.key, "now": reply.created_at}
    )
    connection.execute(idempotency_keys.insert(), {name: getattr(reply, name) for name in Reply.__dataclass_fields__})


def find(connection: Connection, user_id: str, address: str, key: str, now: float) -> Reply | None:
    """The kept answer under a person's key, unless its day is over."""
    column = idempotency_keys.c
    row = (
        connection.execute(
            select(idempotency_keys).where(column.user_id == user_id, column.address == address, column.key == key)
        )
        .mappings()
        .first()
    )
    if row is None or row["created_at"] < now - KEPT_SECONDS:
        return None
    return Reply(**row)


def forget_old(connection: Connection, now: float) -> int:
    """Remove answers whose day is over; how many there were."""
    return connection.execute(
        delete(idempotency_keys).where(idempotency_keys.c.created_at < now - KEPT_SECONDS)
    ).rowcount
