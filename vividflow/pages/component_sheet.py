"""The sheet of components at /_ui: every part of the pages in every state, for who builds pages; only with MV_DEBUG_MODE."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask import Response

from vividflow.errors import Problem
from vividflow.pages import session
from vividflow.pages.feed import Tab
from vividflow.pages.job_view import JobView, view
from vividflow.pages.shell import house, render, to
from vividflow.records.assets import Asset
from vividflow.records.jobs import Job
from vividflow.records.users import User
from vividflow.timing import now

_PROMPT = "A lone lighthouse at dusk, beam sweeping through thin fog. Slow aerial push-in, long lens, calm sea."
# One job in each of the seven states, in words of its row.
_STATES: dict[str, dict[str, Any]] = {
    "queued": {"status": "queued", "stage": "queued"},
    "preparing": {"status": "processing", "stage": "submitting"},
    "generating": {"status": "processing", "stage": "generating", "progress": 62, "usual_seconds": 120.0},
    "retrying": {"status": "queued", "stage": "queued", "attempts": 1, "note": "Provider busy · try 2 of 3 in 12 s"},
    "done": {"status": "completed", "stage": "completed", "result": {"asset_id": "sample"}, "cost": 300_000},
    "failed": {"status": "failed", "stage": "failed", "error_message": "The provider timed out."},
    "cancelled": {"status": "cancelled", "stage": "cancelled", "quoted": 400_000},
}
_TABS = (("all", "All", None), ("active", "In progress", "2"), ("done", "Done", None), ("failed", "Failed", "1"))


def show() -> Response:
    """The sheet, where this installation lets people debug; else there is nothing here."""
    if not house().settings.mv_debug_mode:
        raise Problem(404, "not_found", "There is nothing at this address.")
    user = session.current_session_user()
    if user is None:
        return to("/login", next="/_ui")
    tabs = [
        Tab(key=key, name=name, href=f"/_ui?show={key}", current=key == "all", count=count)
        for key, name, count in _TABS
    ]
    stages = [
        {"name": "Queued", "state": "done", "word": "done", "took": "2 s"},
        {"name": "Preparing", "state": "done", "word": "done", "took": "4 s"},
        {"name": "Generating", "state": "running", "word": "now", "took": "62%"},
        {"name": "Fetching", "state": "skipped", "word": "left out", "took": ""},
        {"name": "Storing", "state": "waiting", "word": "to come", "took": ""},
    ]
    return render(
        "component_sheet.html",
        lines=_jobs(user, "line"),
        cards=_jobs(user, "card"),
        sample_tabs=tabs,
        stages=stages,
    )


def _jobs(user: User, mark: str) -> list[JobView]:
    tools, moment = house().tools, now()
    made: list[JobView] = []
    with tools.db.reading() as connection:
        for name, fields in _STATES.items():
            over = fields["status"] in ("completed", "failed", "cancelled")
            job = Job(
                id=f"sample-{mark}-{name}",
                user_id=user.id,
                kind="video",
                state=fields["stage"],
                lane="loop",
                created_at=moment - 90,
                updated_at=moment,
                started_at=moment - 80,
                generating_at=moment - 74,
                finished_at=moment - 10 if over else None,
                model="local",
                prompt=_PROMPT,
                params={"duration": 8, "aspect_ratio": "16:9", "resolution": "720p"},
                **fields,
            )
            seen = view(tools, connection, job, moment)
            made.append(replace(seen, asset=_asset(user, moment)) if name == "done" else seen)
    return made


def _asset(user: User, moment: float) -> Asset:
    return Asset(
        id="sample",
        user_id=user.id,
        kind="video",
        mime="video/mp4",
        size=9_400_000,
        sha256="",
        storage_key="",
        width=1280,
        height=720,
        duration=8.0,
        created_at=moment,
    )
