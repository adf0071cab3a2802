"""API keys: `vf_<id>_<secret>`, of which only the SHA-256 is kept."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass

from sqlalchemy import Column, Connection, ForeignKey, Table, Text, select, update

from vividflow.db.schema import Moment, metadata

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("last_used_at", Moment),
    Column("expires_at", Moment),
    Column("revoked_at", Moment),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ApiKey:
    """One key as it is kept: `id` is the visible start, `hash` the SHA-256 of the whole key in hex."""

    id: str
    user_id: str
    name: str
    hash: str
    created_at: float
    last_used_at: float | None = None
    expires_at: float | None = None
    revoked_at: float | None = None

    def usable(self, now: float) -> bool:
        """Whether it opens the door at `now`."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)


def mint(user_id: str, name: str, now: float, expires_at: float | None = None) -> tuple[ApiKey, str]:
    """A new key: the record to insert, and the bare key that is shown once and never kept."""
    key_id = secrets.token_hex(5)
    bare = f"vf_{key_id}_{secrets.token_urlsafe(32)}"
    return ApiKey(id=key_id, user_id=user_id, name=name, hash=_hash(bare), created_at=now, expires_at=expires_at), bare


def insert(connection: Connection, key: ApiKey) -> None:
    """Keep a minted key."""
    connection.execute(api_keys.insert(), {name: getattr(key, name) for name in ApiKey.__dataclass_fields__})


def by_bare_key(connection: Connection, bare: str) -> ApiKey | None:
    """The key that `bare` is, revoked or not; None for a malformed, unknown or wrong one. Compares in constant time."""
    parts = bare.split("_", 2)
    if len(parts) != 3 or parts[0] != "vf" or not (len(parts[1]) == 10 and len(parts[2]) == 43 and bare.isascii()):
        return None
    row = connection.execute(select(api_keys).where(api_keys.c.id == parts[1])).mappings().first()
    if row is None or not hmac.compare_digest(row["hash"], _hash(bare)):
        return None
    return ApiKey(**row)


def of_user(connection: Connection, user_id: str) -> list[ApiKey]:
    """A person's keys, newest first."""
    rows = connection.execute(
        select(api_keys).where(api_keys.c.user_id == user_id).order_by(api_keys.c.created_at.desc())
    ).mappings()
    return [ApiKey(**row) for row in rows]


def revoke(connection: Connection, user_id: str, key_id: str, now: float) -> bool:
    """Close a key for good; False when this person has no such open key."""
    done = connection.execute(
        update(api_keys)
        .where(api_keys.c.id == key_id, api_keys.c.user_id == user_id, api_keys.c.revoked_at.is_(None))
        .values(revoked_at=now)
    )
    return done.rowcount == 1


def touch(connection: Connection, seen: dict[str, float]) -> None:
    """Write when keys were last used: key id to time."""
    for key_id, moment in seen.items():
        connection.execute(update(api_keys).where(api_keys.c.id == key_id).values(last_used_at=moment))


def _hash(bare: str) -> str:
    return hashlib.sha256(bare.encode()).hexdigest()
