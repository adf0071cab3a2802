"""What a person calls a video, and which ones they marked."""

from __future__ import annotations

import unicodedata

from sqlalchemy import Connection

from vividflow.errors import Problem
from vividflow.lifecycle.orders import missing
from vividflow.lifecycle.tools import Tools
from vividflow.records import jobs
from vividflow.records.jobs import Job
from vividflow.records.users import User
from vividflow.timing import now

LONGEST_TITLE = 120
NOT_WRITTEN = ("Cc", "Cs")  # control characters, halves of characters


def rename(tools: Tools, user: User, job_id: str, title: str | None) -> Job:
    """Give one's own job a title; an empty one, or None, takes it away: the prompt speaks for it again.

    Raises `Problem` 404 for a job that is missing, somebody else's or in the trash, 422 invalid_title.
    """
    wanted = checked_title(title)
    with tools.db.transaction() as connection:
        job = _own(connection, user, job_id)
        jobs.change(connection, job.id, title=wanted)
    return job.but(title=wanted)


def favour(tools: Tools, user: User, job_id: str, on: bool) -> Job:
    """Mark one's own job as a favourite, or no longer; marking it again keeps its first time. Raises `Problem` 404."""
    with tools.db.transaction() as connection:
        job = _own(connection, user, job_id)
        if on == (job.favourite_at is not None):
            return job
        marked = now() if on else None
        jobs.change(connection, job.id, favourite_at=marked)
    return job.but(favourite_at=marked)


def checked_title(title: str | None) -> str | None:
    """A title as it is kept: trimmed, at most 120 characters on one line; None for none. Raises `Problem` 422."""
    wanted = (title or "").strip()
    if any(unicodedata.category(character) in NOT_WRITTEN for character in wanted):
        detail = "The title has line breaks, control characters or broken Unicode in it. Remove them."
        raise Problem(422, "invalid_title", detail, param="title")
    if len(wanted) > LONGEST_TITLE:
        detail = f"A title has at most {LONGEST_TITLE} characters; this one has {len(wanted):,}."
        raise Problem(422, "invalid_title", detail, param="title")
    return wanted or None


def _own(connection: Connection, user: User, job_id: str) -> Job:
    job = jobs.own(connection, user.id, job_id)
    if job is None or job.deleted_at is not None:
        raise missing()
    return job
