"""Past jobs: what usage still has to tell of jobs that were deleted. Written in the very transaction that deletes the job."""

from __future__ import annotations

from sqlalchemy import Column, Connection, ForeignKey, Index, Table, Text

from vividflow.db.schema import Moment, Money, metadata
from vividflow.records.jobs import Job

past_jobs = Table(
    "past_jobs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.id"), nullable=False),
    Column("key_id", Text),
    Column("model", Text),
    Column("provider", Text),
    Column("status", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("made_ms", Money),
    Column("quoted", Money, nullable=False),
    Column("estimate", Money, nullable=False),
    Column("actual", Money),
    Column("cost", Money),
)
Index("ix_past_jobs_own", past_jobs.c.user_id, past_jobs.c.created_at)
_SAME = ("id", "user_id", "key_id", "model", "provider", "status", "created_at", "made_ms", "quoted", "actual", "cost")


def keep(connection: Connection, job: Job) -> None:
    """Remember the figures of a job whose row is about to go. Raises `sqlalchemy.exc.IntegrityError` for one that is kept."""
    row = {name: getattr(job, name) for name in _SAME}
    connection.execute(past_jobs.insert(), row | {"estimate": job.estimate})
