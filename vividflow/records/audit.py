"""The audit log: what operators did, to which job or provider, and what was so before and after. Only ever added to."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Column, Connection, Index, Table, Text, select

from vividflow.db.schema import Json, Moment, metadata
from vividflow.records.users import User
from vividflow.timing import new_id

JOB, PROVIDER = "job", "provider"

audit = Table(
    "audit",
    metadata,
    Column("id", Text, primary_key=True),
    Column("at", Moment, nullable=False),
    # No foreign key: what somebody did stays known when their account goes.
    Column("who_id", Text),
    Column("who", Text, nullable=False),
    Column("act", Text, nullable=False),
    Column("about", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("before", Json, nullable=False),
    Column("after", Json, nullable=False),
)
_c = audit.c
Index("ix_audit_about_at", _c.about, _c.at)


@dataclass(frozen=True, kw_only=True, slots=True)
class Who:
    """Who acts: an account and its address, or (no id) whoever is at the command line."""

    id: str | None = None
    name: str


COMMAND_LINE = Who(name="command line")


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One act at `at`. `about` is JOB or PROVIDER, `subject` its id or name; `before` and `after` hold what the act changed."""

    id: str = field(default_factory=new_id)
    at: float
    who_id: str | None = None
    who: str
    act: str
    about: str
    subject: str
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)


def who_of(user: User) -> Who:
    """An account as somebody who acts."""
    return Who(id=user.id, name=user.email)


def write(
    connection: Connection,
    by: Who,
    act: str,
    about: str,
    subject: str,
    moment: float,
    *,
    before: dict[str, Any],
    after: dict[str, Any],
) -> None:
    """Add an entry; call it in the transaction of the act itself."""
    entry = Entry(
        at=moment, who_id=by.id, who=by.name, act=act, about=about, subject=subject, before=before, after=after
    )
    connection.execute(audit.insert(), {name: getattr(entry, name) for name in Entry.__dataclass_fields__})


def newest(connection: Connection, about: str, limit: int) -> list[Entry]:
    """The last entries about jobs, or about providers, newest first."""
    statement = select(audit).where(_c.about == about).order_by(_c.at.desc(), _c.id.desc()).limit(limit)
    return [Entry(**row) for row in connection.execute(statement).mappings()]


def newest_of(connection: Connection, about: str, subject: str, act: str) -> Entry | None:
    """The last time that an act was done to one job or provider."""
    wanted = (_c.about == about, _c.subject == subject, _c.act == act)
    row = connection.execute(select(audit).where(*wanted).order_by(_c.at.desc()).limit(1)).mappings().first()
    return Entry(**row) if row else None
