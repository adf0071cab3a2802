"""The neighbours of a video: one's own finished ones on both sides, whichever database."""

from __future__ import annotations

from typing import Any

from tests.people import make_user
from vividflow.lifecycle.tools import Tools
from vividflow.records import jobs
from vividflow.records.jobs import Job
from vividflow.records.neighbours import around
from vividflow.records.users import User

NOW = 1_800_000_000.0


def kept(tools: Tools, user: User, name: str, at: float, **more: Any) -> Job:
    done = dict.fromkeys(("state", "status", "stage"), "completed")
    values: dict[str, Any] = {"kind": "video", "lane": "loop"} | done | more
    job = Job(id=name, user_id=user.id, created_at=at, updated_at=at, **values)
    with tools.db.transaction() as connection:
        jobs.insert(connection, job)
    return job


def test_a_video_stands_between_newer_and_older_ones_of_its_owner(tools: Tools, user: User) -> None:
    for name, at in (("a", 1), ("b", 2), ("d1", 3), ("d3", 3), ("e", 4), ("f", 5), ("g", 6)):
        kept(tools, user, name, NOW + at, kind="image" if name == "e" else "video")
    middle = kept(tools, user, "d2", NOW + 3)
    kept(tools, user, "trashed", NOW + 3.1, deleted_at=NOW)
    kept(tools, user, "failed", NOW + 3.2, status="failed")
    kept(tools, user, "hidden", NOW + 2.9, kind="delivery")
    kept(tools, make_user(tools), "foreign", NOW + 2.9)
    with tools.db.reading() as connection:
        assert [job.id for job in around(connection, user.id, middle, 3)] == ["f", "e", "d3", "d2", "d1", "b", "a"]
        newest = jobs.by_id(connection, "g")
        assert newest is not None
        assert [job.id for job in around(connection, user.id, newest, 1)] == ["g", "f"]
