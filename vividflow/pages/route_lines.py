"""The routes of a job as its page tells them: every provider that was tried, in order, and why it was left."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from vividflow.lifecycle.status import routes_of
from vividflow.lifecycle.tools import Tools
from vividflow.pages.job_view import JobView, vendor_title
from vividflow.records.jobs import QUEUED

_MARKS = {"left": "cancelled", "current": "running", "made": "done", "ended": "failed"}


@dataclass(frozen=True, kw_only=True)
class RouteLine:
    """One provider: `state` is the class of a stage, `word` what became of it, `why` the sentence it was left with."""

    name: str
    state: str
    word: str
    why: str
    at: float | None


def route_lines(tools: Tools, v: JobView) -> list[RouteLine]:
    """The routes of a job, in the order in which they were tried; nothing where there was only ever one."""
    routes = routes_of(v.job)
    if len(routes) < 2:
        return []
    return [
        RouteLine(
            name=vendor_title(tools, each["provider"]),
            state="cancelled" if v.job.status == "cancelled" else _MARKS[each["state"]],
            word=_word(v, each["state"]),
            why=each["reason"] or (v.job.error_message or "" if each["state"] == "ended" else ""),
            at=datetime.fromisoformat(each["at"]).timestamp() if each["at"] else None,
        )
        for each in routes
    ]


def _word(v: JobView, state: str) -> str:
    match state:
        case "left":
            return "left"
        case "made":
            return "made it"
        case "current":
            return "waiting" if v.job.status == QUEUED else "at work"
    return "cancelled" if v.job.status == "cancelled" else "failed"
