"""What a person has typed on a page and not sent yet: one draft for each person and page."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Column, Connection, ForeignKey, Integer, Table, Text, delete, select, update

from vividflow.db.schema import Json, Moment, metadata

drafts = Table(
    "drafts",
    metadata,
    Column("user_id", Text, ForeignKey("users.id"), primary_key=True),
    Column("page", Text, primary_key=True),
    Column("fields", Json, nullable=False),
    Column("version", Integer, nullable=False),
    Column("updated_at", Moment, nullable=False),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Draft:
    """The fields of a form as they were typed; `version` rises by one with every save."""

    user_id: str
    page: str
    fields: dict[str, Any] = field(default_factory=dict)
    version: int = 0
    updated_at: float = 0.0


def find(connection: Connection, user_id: str, page: str) -> Draft | None:
    """A person's draft of this page."""
    where = (drafts.c.user_id == user_id, drafts.c.page == page)
    row = connection.execute(select(drafts).where(*where)).mappings().first()
    return Draft(**row) if row else None


def save(connection: Connection, draft: Draft) -> bool:
    """Keep `draft` if what is kept has the version before it (nothing is kept: version 1); whether it was kept.

    Raises `sqlalchemy.exc.IntegrityError` when two windows begin a draft in the same moment.
    """
    if draft.version == 1 and find(connection, draft.user_id, draft.page) is None:
        connection.execute(drafts.insert(), {name: getattr(draft, name) for name in Draft.__dataclass_fields__})
        return True
    where = (drafts.c.user_id == draft.user_id, drafts.c.page == draft.page, drafts.c.version == draft.version - 1)
    values = {"fields": draft.fields, "version": draft.version, "updated_at": draft.updated_at}
    return connection.execute(update(drafts).where(*where).values(values)).rowcount == 1


def forget(connection: Connection, user_id: str, page: str) -> None:
    """Throw a draft away."""
    connection.execute(delete(drafts).where(drafts.c.user_id == user_id, drafts.c.page == page))
