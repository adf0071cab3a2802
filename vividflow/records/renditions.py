"""Renditions: what was made from an asset for showing it (sizes, posters, thumbnails, sheets, frames that show what was found)."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    delete,
    select,
)

from vividflow.db.schema import Moment, metadata
from vividflow.records.assets import OWN_FINISHED, Stored, assets
from vividflow.records.jobs import jobs

renditions = Table(
    "renditions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("asset_id", Text, ForeignKey("assets.id", ondelete="CASCADE"), nullable=False),
    Column("name", Text, nullable=False),
    Column("storage_key", Text, nullable=False, unique=True),
    Column("mime", Text, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("width", Integer),
    Column("height", Integer),
    Column("created_at", Moment, nullable=False),
    UniqueConstraint("asset_id", "name"),
    Index("ix_renditions_stored", "asset_id", "size"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Rendition:
    """One file made from an asset. `name` is 720p, poster_480, spritesheet, thumbnail, …; `size` bytes."""

    id: str
    asset_id: str
    name: str
    storage_key: str
    mime: str
    size: int
    sha256: str
    created_at: float
    width: int | None = None
    height: int | None = None


_r = renditions.c
_STORED = select(_r.storage_key, _r.size, _r.sha256, _r.mime, _r.created_at).join(assets, assets.c.id == _r.asset_id)
_STREAMED = _STORED.join(jobs, jobs.c.id == assets.c.job_id).where(
    *OWN_FINISHED, assets.c.kind == "video", _r.name == bindparam("name"), _r.mime.startswith("video/")
)
_LINKED = _STORED.where(_r.storage_key == bindparam("key"), assets.c.deleted_at.is_(None))


def insert(connection: Connection, rendition: Rendition) -> None:
    """Add a rendition whose bytes are already safe in the storage."""
    connection.execute(renditions.insert(), {name: getattr(rendition, name) for name in Rendition.__dataclass_fields__})


def of_asset(connection: Connection, asset_id: str) -> list[Rendition]:
    """All renditions of an asset."""
    rows = connection.execute(select(renditions).where(renditions.c.asset_id == asset_id)).mappings()
    return [Rendition(**row) for row in rows]


def by_storage_key(connection: Connection, key: str) -> Rendition | None:
    """The rendition whose bytes lie under a storage key."""
    row = connection.execute(select(renditions).where(renditions.c.storage_key == key)).mappings().first()
    return Rendition(**row) if row else None


def streamed(connection: Connection, user_id: str, job_id: str, name: str) -> Stored | None:
    """The bytes of one size of a person's own finished video, as `assets.made` gives the original's."""
    row = connection.execute(_STREAMED, {"user_id": user_id, "job_id": job_id, "name": name}).first()
    return Stored(**row._mapping) if row else None


def linked(connection: Connection, key: str) -> Stored | None:
    """The rendition under a storage key, unless what it was made from is in the trash; only for a signed link."""
    row = connection.execute(_LINKED, {"key": key}).first()
    return Stored(**row._mapping) if row else None


def delete_of_asset(connection: Connection, asset_id: str) -> list[str]:
    """Remove an asset's renditions for good; the storage keys to delete."""
    gone = connection.execute(
        delete(renditions).where(renditions.c.asset_id == asset_id).returning(renditions.c.storage_key)
    )
    return list(gone.scalars())
