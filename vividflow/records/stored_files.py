"""Everything that the rows say lies in the storage: the files of all assets and of all their renditions, as one list."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import ColumnElement, Connection, Table, func, literal, select

from vividflow.records.assets import assets
from vividflow.records.renditions import renditions


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredFile:
    """One file as its row has it: `size` bytes with this SHA-256 (hex) under `key`."""

    key: str
    size: int
    sha256: str
    mime: str


def page(connection: Connection, *, after: str = "", limit: int) -> list[StoredFile]:
    """At most `limit` files whose keys come behind `after`, in the order of the keys' bytes, as storages list them."""
    parts = [_part(connection, table, after, limit) for table in (assets, renditions)]
    return list(islice(heapq.merge(*parts, key=lambda file: file.key), limit))


def by_key(connection: Connection, key: str) -> StoredFile | None:
    """The file under a key, if a row names it."""
    for table in (assets, renditions):
        row = connection.execute(select(*_columns(table)).where(table.c.storage_key == key)).first()
        if row is not None:
            return StoredFile(**row._mapping)
    return None


def count(connection: Connection) -> int:
    """How many files the rows name."""
    each = (select(func.count()).select_from(table).scalar_subquery() for table in (assets, renditions))
    return int(connection.execute(select(sum(each, literal(0)))).scalar_one())


def used(connection: Connection, user_id: str) -> int:
    """How many bytes of a person are stored, those in the trash too: one query, from two indexes that hold all it needs."""
    own = assets.c.user_id == user_id
    made = assets.join(renditions, renditions.c.asset_id == assets.c.id)
    originals = select(func.coalesce(func.sum(assets.c.size), 0)).where(own).scalar_subquery()
    smaller = select(func.coalesce(func.sum(renditions.c.size), 0)).select_from(made).where(own).scalar_subquery()
    return int(connection.execute(select(originals + smaller)).scalar_one())


def _part(connection: Connection, table: Table, after: str, limit: int) -> list[StoredFile]:
    place: ColumnElement[str] = table.c.storage_key
    if connection.dialect.name == "postgresql":
        place = place.collate("C")  # a database in a person's language sorts `-` and `/` as that language does
    rows = connection.execute(select(*_columns(table)).where(place > after).order_by(place).limit(limit))
    return [StoredFile(**row._mapping) for row in rows]


def _columns(table: Table) -> tuple[ColumnElement[object], ...]:
    return table.c.storage_key.label("key"), table.c.size, table.c.sha256, table.c.mime
