"""Browser sessions and one-time links. Only the SHA-256 of what the browser holds is kept."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass

from sqlalchemy import Column, Connection, ForeignKey, Table, Text, delete, select, update

from vividflow.db.schema import Moment, metadata

IDLE_SECONDS = 12 * 3600
ABSOLUTE_SECONDS = 7 * 86400

sessions = Table(
    "sessions",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.id"), nullable=False, index=True),
    Column("agent", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False),
)

one_time_links = Table(
    "one_time_links",
    metadata,
    Column("hash", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.id"), nullable=False),
    Column("purpose", Text, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("used_at", Moment),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Session:
    """One signed-in browser; ends after 12 h of rest or 7 days."""

    hash: str
    user_id: str
    agent: str
    created_at: float
    seen_at: float

    def alive(self, now: float) -> bool:
        """Whether it still holds at `now`."""
        return now < self.seen_at + IDLE_SECONDS and now < self.created_at + ABSOLUTE_SECONDS


def digest(secret: str) -> str:
    """What is kept of a secret: its SHA-256 in hex."""
    return hashlib.sha256(secret.encode()).hexdigest()


def begin(connection: Connection, user_id: str, agent: str, now: float) -> str:
    """Open a session and return the secret that the browser keeps."""
    secret = secrets.token_urlsafe(32)
    row = {"hash": digest(secret), "user_id": user_id, "agent": agent[:200], "created_at": now, "seen_at": now}
    connection.execute(sessions.insert(), row)
    return secret


def find(connection: Connection, secret: str) -> Session | None:
    """The session that this secret opens, dead or alive."""
    row = connection.execute(select(sessions).where(sessions.c.hash == digest(secret))).mappings().first()
    return Session(**row) if row else None


def of_user(connection: Connection, user_id: str) -> list[Session]:
    """A person's sessions, last seen first."""
    rows = connection.execute(
        select(sessions).where(sessions.c.user_id == user_id).order_by(sessions.c.seen_at.desc())
    ).mappings()
    return [Session(**row) for row in rows]


def touch(connection: Connection, seen: dict[str, float]) -> None:
    """Write when sessions were last seen: hash to time."""
    for hashed, moment in seen.items():
        connection.execute(update(sessions).where(sessions.c.hash == hashed).values(seen_at=moment))


def end(connection: Connection, secret: str) -> None:
    """Close one session."""
    connection.execute(delete(sessions).where(sessions.c.hash == digest(secret)))


def end_one(connection: Connection, user_id: str, hashed: str) -> bool:
    """Close one of a person's sessions by its hash; whether there was one."""
    own = (sessions.c.user_id == user_id) & (sessions.c.hash == hashed)
    return connection.execute(delete(sessions).where(own)).rowcount == 1


def end_all(connection: Connection, user_id: str, but: str | None = None) -> None:
    """Close all of a person's sessions, except the one that the secret `but` opens."""
    statement = delete(sessions).where(sessions.c.user_id == user_id)
    connection.execute(statement.where(sessions.c.hash != digest(but)) if but else statement)


def forget_ended(connection: Connection, now: float) -> None:
    """Remove the sessions and one-time links that would open nothing any more."""
    resting, old = sessions.c.seen_at <= now - IDLE_SECONDS, sessions.c.created_at <= now - ABSOLUTE_SECONDS
    connection.execute(delete(sessions).where(resting | old))
    connection.execute(delete(one_time_links).where(one_time_links.c.expires_at <= now))


def make_link(connection: Connection, user_id: str, purpose: str, expires_at: float) -> str:
    """A secret for a link that works once: `purpose` is "sign-in" or "reset"."""
    secret = secrets.token_urlsafe(32)
    row = {"hash": digest(secret), "user_id": user_id, "purpose": purpose, "expires_at": expires_at}
    connection.execute(one_time_links.insert(), row)
    return secret


def use_link(connection: Connection, secret: str, purpose: str, now: float) -> str | None:
    """Use a link up: whose it is, or None when it is unknown, used or over."""
    link = one_time_links.c
    used = connection.execute(
        update(one_time_links)
        .where(link.hash == digest(secret), link.purpose == purpose, link.used_at.is_(None), link.expires_at > now)
        .values(used_at=now)
        .returning(link.user_id)
    )
    return used.scalar()


def peek_link(connection: Connection, secret: str, purpose: str, now: float) -> str | None:
    """Whose link it is, without using it up; None when it would not work."""
    link = one_time_links.c
    return connection.execute(
        select(link.user_id).where(
            link.hash == digest(secret), link.purpose == purpose, link.used_at.is_(None), link.expires_at > now
        )
    ).scalar()
