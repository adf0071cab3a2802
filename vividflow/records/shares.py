"""Public links to one video each, which end by themselves or at once."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Boolean, Column, Connection, ForeignKey, Table, Text, delete, select, update

from vividflow.db.schema import Moment, metadata

shares = Table(
    "shares",
    metadata,
    Column("id", Text, primary_key=True),
    Column("job_id", Text, ForeignKey("jobs.id"), nullable=False, index=True),
    Column("user_id", Text, ForeignKey("users.id"), nullable=False),
    Column("show_name", Boolean, nullable=False),
    Column("show_prompt", Boolean, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment),
    Column("ended_at", Moment),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Share:
    """One link. `id` is part of the public token, `expires_at` None means never, `ended_at` when it was switched off."""

    id: str
    job_id: str
    user_id: str
    created_at: float
    show_name: bool = False
    show_prompt: bool = False
    expires_at: float | None = None
    ended_at: float | None = None

    def alive(self, now: float) -> bool:
        """Whether the link works at `now`."""
        return self.ended_at is None and (self.expires_at is None or now < self.expires_at)


def insert(connection: Connection, share: Share) -> None:
    """Add a link."""
    connection.execute(shares.insert(), {name: getattr(share, name) for name in Share.__dataclass_fields__})


def by_id(connection: Connection, share_id: str) -> Share | None:
    """The link with this id, dead or alive, whoever it belongs to."""
    row = connection.execute(select(shares).where(shares.c.id == share_id)).mappings().first()
    return Share(**row) if row else None


def of_job(connection: Connection, user_id: str, job_id: str) -> Share | None:
    """The newest link of a person's video that was not switched off; it may have expired."""
    where = (shares.c.job_id == job_id, shares.c.user_id == user_id, shares.c.ended_at.is_(None))
    statement = select(shares).where(*where).order_by(shares.c.created_at.desc()).limit(1)
    row = connection.execute(statement).mappings().first()
    return Share(**row) if row else None


def change(
    connection: Connection, share_id: str, *, expires_at: float | None, show_name: bool, show_prompt: bool
) -> None:
    """Give a link other terms; its address stays."""
    values = {"expires_at": expires_at, "show_name": show_name, "show_prompt": show_prompt}
    connection.execute(update(shares).where(shares.c.id == share_id).values(values))


def end(connection: Connection, user_id: str, job_id: str, now: float) -> int:
    """Switch off every link of a person's video; how many there were."""
    where = (shares.c.job_id == job_id, shares.c.user_id == user_id, shares.c.ended_at.is_(None))
    return connection.execute(update(shares).where(*where).values(ended_at=now)).rowcount


def delete_of_job(connection: Connection, job_id: str) -> None:
    """Forget every link to a video that goes for good."""
    connection.execute(delete(shares).where(shares.c.job_id == job_id))
