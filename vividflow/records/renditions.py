"""Renditions: what was made from an asset for showing it (posters, thumbnails; sizes and sprite sheets later)."""

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
    delete,
    select,
)

from vividflow.db.schema import Moment, metadata

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
    """One file made from an asset. `name` is poster_480, poster_960, poster_jpeg, thumbnail, …; `size` bytes."""

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


def delete_of_asset(connection: Connection, asset_id: str) -> list[str]:
    """Remove an asset's renditions for good; the storage keys to delete."""
    gone = connection.execute(
        delete(renditions).where(renditions.c.asset_id == asset_id).returning(renditions.c.storage_key)
    )
    return list(gone.scalars())
