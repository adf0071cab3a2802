"""Enhanced prompts, each with the words that it was made from, so that a job can tell both."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sqlalchemy import Column, Connection, Index, Table, Text, bindparam, delete, select

from vividflow.db.schema import Moment, metadata

KEPT_SECONDS = 30 * 86400

enhancements = Table(
    "enhancements",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, nullable=False),
    Column("original", Text, nullable=False),
    Column("prompt", Text, nullable=False),
    Column("prompt_sha256", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Index("ix_enhancements_prompt", "user_id", "prompt_sha256"),
    Index("ix_enhancements_created_at", "created_at"),
)

_c = enhancements.c
# Every job that is placed asks this, so the statement is built once.
_NEWEST = (
    select(_c.original)
    .where(_c.user_id == bindparam("user_id"), _c.prompt_sha256 == bindparam("prompt_sha256"))
    .order_by(_c.created_at.desc())
    .limit(1)
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Enhancement:
    """What `original` became (`prompt`), for whom, and by what: `source` is "gemini" or "rules"."""

    id: str
    user_id: str
    original: str
    prompt: str
    source: str
    created_at: float


def insert(connection: Connection, made: Enhancement) -> None:
    """Keep one."""
    values = {name: getattr(made, name) for name in Enhancement.__dataclass_fields__}
    connection.execute(enhancements.insert(), values | {"prompt_sha256": _digest(made.prompt)})


def original_of(connection: Connection, user_id: str, prompt: str) -> str | None:
    """The words that a person's `prompt` was made from (the latest ones), or None when it was not enhanced here."""
    return connection.execute(_NEWEST, {"user_id": user_id, "prompt_sha256": _digest(prompt)}).scalar()


def forget_old(connection: Connection, now: float) -> int:
    """Remove what is older than thirty days (jobs keep their own copy); how many there were."""
    return connection.execute(delete(enhancements).where(enhancements.c.created_at < now - KEPT_SECONDS)).rowcount


def _digest(prompt: str) -> str:
    return hashlib.sha256(prompt.encode()).hexdigest()
