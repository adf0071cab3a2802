"""Assets: files that belong to a person, whether uploaded or made. The bytes lie in the storage under `storage_key`."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import permutations
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Double,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    and_,
    bindparam,
    literal,
    or_,
    select,
    tuple_,
    update,
)

from vividflow.db.schema import Json, Moment, metadata
from vividflow.records.jobs import COMPLETED, HIDDEN_KINDS, jobs

assets = Table(
    "assets",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.id"), nullable=False, index=True),
    Column("job_id", Text, index=True),
    Column("kind", Text, nullable=False),
    Column("storage_key", Text, nullable=False, unique=True),
    Column("mime", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("width", Integer),
    Column("height", Integer),
    Column("duration", Double),
    Column("facts", Json, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("deleted_at", Moment),
    Column("given_sha256", Text),
    Column("restored_at", Moment),
    Index("uq_assets_given", "user_id", "given_sha256", "kind", unique=True),
    Index("ix_assets_stored", "user_id", "id", "size"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Asset:
    """One file. `kind` is image, video or audio; `size` bytes, `duration` seconds, `facts` the technical facts.

    `sha256` is of the bytes in the storage; `given_sha256` of those that somebody sent, which may have been cleaned
    since: equal ones are kept once for each person and kind.
    """

    id: str
    user_id: str
    kind: str
    storage_key: str
    mime: str
    size: int
    sha256: str
    created_at: float
    job_id: str | None = None
    width: int | None = None
    height: int | None = None
    duration: float | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    deleted_at: float | None = None
    given_sha256: str | None = None
    restored_at: float | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Stored:
    """Of an asset just what is needed to send its bytes: `size` bytes under `storage_key`, of which `sha256` is the hash."""

    storage_key: str
    size: int
    sha256: str
    mime: str
    created_at: float


_a = assets.c
# Asked for every range of every player, so these are built once and bring no more than is sent.
_STORED = select(_a.storage_key, _a.size, _a.sha256, _a.mime, _a.created_at)
OWN_FINISHED = (
    jobs.c.id == bindparam("job_id"),
    jobs.c.user_id == bindparam("user_id"),
    jobs.c.kind.not_in(HIDDEN_KINDS),
    jobs.c.status == COMPLETED,
    jobs.c.deleted_at.is_(None),
)
_MADE = _STORED.join(jobs, jobs.c.id == _a.job_id).where(*OWN_FINISHED)
_SIZED = _MADE.where(
    _a.kind == "video", or_(*(and_(a == bindparam("side"), b >= a) for a, b in permutations((_a.width, _a.height))))
)
_LINKED = _STORED.where(_a.storage_key == bindparam("key"), _a.deleted_at.is_(None))


def made(connection: Connection, user_id: str, job_id: str) -> Stored | None:
    """The bytes that a person's own finished job made; None when it is not theirs, not finished, or in the trash."""
    row = connection.execute(_MADE, {"user_id": user_id, "job_id": job_id}).first()
    return Stored(**row._mapping) if row else None


def sized(connection: Connection, user_id: str, job_id: str, side: int) -> Stored | None:
    """The same for a video whose shorter side is so many pixels."""
    row = connection.execute(_SIZED, {"user_id": user_id, "job_id": job_id, "side": side}).first()
    return Stored(**row._mapping) if row else None


def linked(connection: Connection, key: str) -> Stored | None:
    """The asset under a storage key, unless it is in the trash; whoever's it is, so only for a signed link."""
    row = connection.execute(_LINKED, {"key": key}).first()
    return Stored(**row._mapping) if row else None


def insert(connection: Connection, asset: Asset) -> None:
    """Add an asset whose bytes are safe in the storage. Raises `sqlalchemy.exc.IntegrityError` for equal uploads."""
    connection.execute(assets.insert(), {name: getattr(asset, name) for name in Asset.__dataclass_fields__})


def by_id(connection: Connection, user_id: str, asset_id: str) -> Asset | None:
    """One person's asset."""
    return _one(connection, assets.c.id == asset_id, assets.c.user_id == user_id)


def by_any_id(connection: Connection, asset_id: str) -> Asset | None:
    """An asset, whoever's it is: only for what was allowed by other means, such as a signed link."""
    return _one(connection, assets.c.id == asset_id)


def of_job(connection: Connection, job_id: str) -> Asset | None:
    """What a job made."""
    return _one(connection, assets.c.job_id == job_id)


def all_of_job(connection: Connection, job_id: str) -> list[Asset]:
    """Everything a job made, a late result too."""
    return [Asset(**row) for row in connection.execute(select(assets).where(assets.c.job_id == job_id)).mappings()]


def by_storage_key(connection: Connection, key: str) -> Asset | None:
    """The asset whose bytes lie under a storage key."""
    return _one(connection, assets.c.storage_key == key)


def with_sha256(connection: Connection, sha256: str) -> list[Asset]:
    """What has these very bytes, whoever's it is: only for whoever runs the installation. Reads every row."""
    return [Asset(**row) for row in connection.execute(select(assets).where(assets.c.sha256 == sha256)).mappings()]


def by_given(connection: Connection, user_id: str, given_sha256: str, kind: str) -> Asset | None:
    """A person's upload of the same bytes, if there is one; it may lie in the trash."""
    return _one(connection, assets.c.user_id == user_id, assets.c.given_sha256 == given_sha256, assets.c.kind == kind)


def uploads(connection: Connection, user_id: str, kind: str, *, limit: int, after: Asset | None = None) -> list[Asset]:
    """A page of a person's uploads of one kind, newest first, without what lies in the trash."""
    wanted = [assets.c.user_id == user_id, assets.c.kind == kind]
    wanted += [assets.c.job_id.is_(None), assets.c.deleted_at.is_(None)]
    if after is not None:
        place = (assets.c.created_at, assets.c.id)
        wanted.append(tuple_(*place) < tuple_(*(literal(each) for each in (after.created_at, after.id))))
    rows = select(assets).where(*wanted).order_by(assets.c.created_at.desc(), assets.c.id.desc()).limit(limit)
    return [Asset(**row) for row in connection.execute(rows).mappings()]


def in_trash_since(connection: Connection, before: float, limit: int = 200) -> list[Asset]:
    """Uploads that were put into the trash before a moment."""
    rows = select(assets).where(assets.c.job_id.is_(None), assets.c.deleted_at < before).limit(limit)
    return [Asset(**row) for row in connection.execute(rows).mappings()]


def delete(connection: Connection, asset_id: str) -> None:
    """Remove one asset for good; its bytes are the caller's to delete."""
    connection.execute(assets.delete().where(assets.c.id == asset_id))


def delete_of_job(connection: Connection, job_id: str) -> list[str]:
    """Remove a job's assets for good; the storage keys to delete."""
    gone = connection.execute(assets.delete().where(assets.c.job_id == job_id).returning(assets.c.storage_key))
    return list(gone.scalars())


def change(connection: Connection, asset_id: str, **columns: object) -> None:
    """Write new values into columns of one asset."""
    connection.execute(update(assets).where(assets.c.id == asset_id).values(**columns))


def _one(connection: Connection, *conditions: Any) -> Asset | None:
    row = connection.execute(select(assets).where(*conditions).limit(1)).mappings().first()
    return Asset(**row) if row else None
