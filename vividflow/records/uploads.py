"""Uploads that arrive in pieces, so that a broken line costs one piece and not the file."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import BigInteger, Column, Connection, ForeignKey, Table, Text, delete, select, update

from vividflow.db.schema import Moment, metadata

uploads = Table(
    "uploads",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("received", BigInteger, nullable=False),
    Column("asset_id", Text),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False, index=True),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Upload:
    """One file on its way: `received` of `size` bytes are here; `name` is for people and never a path."""

    id: str
    user_id: str
    name: str
    size: int
    created_at: float
    updated_at: float
    received: int = 0
    asset_id: str | None = None


def insert(connection: Connection, upload: Upload) -> None:
    """Begin an upload."""
    connection.execute(uploads.insert(), {name: getattr(upload, name) for name in Upload.__dataclass_fields__})


def own(connection: Connection, user_id: str, upload_id: str) -> Upload | None:
    """A person's own upload; somebody else's looks exactly like a missing one."""
    where = (uploads.c.id == upload_id, uploads.c.user_id == user_id)
    row = connection.execute(select(uploads).where(*where)).mappings().first()
    return Upload(**row) if row else None


def unfinished(connection: Connection, user_id: str) -> list[Upload]:
    """What a person has begun and not sent whole, newest first."""
    where = (uploads.c.user_id == user_id, uploads.c.asset_id.is_(None))
    rows = connection.execute(select(uploads).where(*where).order_by(uploads.c.created_at.desc(), uploads.c.id))
    return [Upload(**row) for row in rows.mappings()]


def advance(connection: Connection, upload: Upload, received: int, moment: float) -> bool:
    """Write that `received` bytes are here, if nobody went on with the upload since it was read."""
    seen = (uploads.c.id == upload.id, uploads.c.received == upload.received, uploads.c.asset_id.is_(None))
    done = connection.execute(update(uploads).where(*seen).values(received=received, updated_at=moment))
    return done.rowcount == 1


def change(connection: Connection, upload_id: str, **columns: object) -> None:
    """Write columns of one upload."""
    connection.execute(update(uploads).where(uploads.c.id == upload_id).values(**columns))


def forget(connection: Connection, user_id: str, upload_id: str) -> bool:
    """Remove a person's own upload; whether there was one."""
    done = connection.execute(delete(uploads).where(uploads.c.id == upload_id, uploads.c.user_id == user_id))
    return done.rowcount == 1


def known(connection: Connection, upload_ids: list[str]) -> set[str]:
    """Which of these uploads there are, whoever's they are."""
    return set(connection.execute(select(uploads.c.id).where(uploads.c.id.in_(upload_ids))).scalars())


def forget_before(connection: Connection, moment: float) -> list[str]:
    """Forget uploads that nobody went on with since `moment`; their ids, whose files can go."""
    gone = connection.execute(select(uploads.c.id).where(uploads.c.updated_at < moment)).scalars().all()
    if gone:
        connection.execute(delete(uploads).where(uploads.c.id.in_(gone)))
    return list(gone)
