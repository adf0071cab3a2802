"""The feed: a person's jobs by tab, newest first, a page at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import request
from sqlalchemy import Connection

from vividflow.lifecycle.tools import Tools
from vividflow.pages.job_view import views
from vividflow.pages.shell import house
from vividflow.records import job_counts, jobs
from vividflow.records.jobs import COMPLETED, FAILED, Job
from vividflow.records.users import User
from vividflow.timing import now

PER_PAGE = 20
NAMES = {"all": "All", "active": "In progress", "done": "Done", "failed": "Failed"}


@dataclass(frozen=True, kw_only=True)
class Tab:
    """One tab: its address, and how many jobs are behind it where that is worth knowing."""

    key: str
    name: str
    href: str
    current: bool
    count: str | None


def feed(user: User, path: str) -> dict[str, Any]:
    """What the feed's template shows of `?show=` and `?after=`."""
    tools = house().tools
    show = request.args.get("show", "all")
    show = show if show in NAMES else "all"
    with tools.db.reading() as connection:
        active = jobs.active(connection, user.id)
        found, more = _page(connection, user, show, active)
        items = views(tools, connection, found, now())
        known = job_counts.by_status(connection, user.id)
    counts = {"active": str(len(active))}
    counts |= {key: f"{known.get(status, 0):,}" for key, status in (("done", COMPLETED), ("failed", FAILED))}
    tabs = [
        Tab(
            key=key,
            name=name,
            href=path if key == "all" else f"{path}?show={key}",
            current=key == show,
            count=counts.get(key),
        )
        for key, name in NAMES.items()
    ]
    queued = sum(job.status == jobs.QUEUED for job in active)
    return {"items": items, "tabs": tabs, "show": show, "more": _more(path, show, more), "queued": queued}


def named(tools: Tools, user: User, ids: list[str]) -> list[Any]:
    """The views of one's own jobs with these ids, in that order, without those in the trash."""
    with tools.db.reading() as connection:
        found = [jobs.own(connection, user.id, job_id) for job_id in ids]
        return views(tools, connection, [job for job in found if job and job.deleted_at is None], now())


def _page(connection: Connection, user: User, show: str, active: list[Job]) -> tuple[list[Job], str | None]:
    if show == "active":
        return list(reversed(active)), None
    given = request.args.get("after")
    after = jobs.own(connection, user.id, given) if given else None
    status = {"done": COMPLETED, "failed": FAILED}.get(show)
    found = jobs.page(connection, user.id, limit=PER_PAGE + 1, after=after, status=status)
    return found[:PER_PAGE], found[PER_PAGE - 1].id if len(found) > PER_PAGE else None


def _more(path: str, show: str, after: str | None) -> str | None:
    if after is None:
        return None
    return f"{path}?after={after}" if show == "all" else f"{path}?show={show}&after={after}"
