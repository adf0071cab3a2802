"""Status answers of a moment ago: a row that has not changed needs no second rendering.

Every use asks the row whether it changed; only the rendering is spared. A running job's clocks (time left, seconds so far)
may be a quarter of a second old; a finished one's answer holds until its links are renewed at the full hour.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

from sqlalchemy import bindparam, select

from vividflow.api.jsontext import dump
from vividflow.lifecycle.status import status_object
from vividflow.lifecycle.tools import Tools
from vividflow.records import jobs
from vividflow.timing import monotonic, now

RUNNING_SECONDS, OVER_SECONDS, HOUR = 0.25, 300.0, 3600
MOST = 1024

_c = jobs.jobs.c
# Everything that a status shows and that can change without the worker's commit, and the worker's own count of changes.
_MARKS = select(
    _c.changes,
    _c.updated_at,
    _c.deleted_at,
    _c.cancel_requested_at,
    _c.late_asset_id,
    _c.front,
    _c.priority,
    _c.title,
    _c.favourite_at,
).where(_c.id == bindparam("job_id"), _c.user_id == bindparam("user_id"), _c.kind.not_in(jobs.HIDDEN_KINDS))


@dataclass(frozen=True, slots=True)
class Rendered:
    """A status answer: the JSON body and its tag."""

    body: bytes
    tag: str
    marks: tuple[object, ...]
    until: float


class StatusAnswers:
    """The last rendering of each job that was asked for."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._kept: dict[str, Rendered] = {}

    def find(self, user_id: str, job_id: str) -> Rendered | None:
        """The status of a person's own job as it is now; None when it is missing, somebody else's, or in the trash."""
        moment = now()
        with self._tools.db.reading() as connection:
            row = connection.execute(_MARKS, {"job_id": job_id, "user_id": user_id}).first()
            if row is None or row.deleted_at is not None:
                return None
            marks = (*row, user_id, int(moment) // HOUR)
            kept = self._kept.get(job_id)
            if kept is not None and kept.marks == marks and monotonic() < kept.until:
                return kept
            job = jobs.own(connection, user_id, job_id)
            if job is None:
                return None
            found = status_object(self._tools, connection, job, now=moment)
        body = dump(found)
        if job.over:
            tag = f'"{_digest(body)}"'
        else:
            # Clocks run on while nothing happens: of a running job the tag says what happened, not how long ago that was.
            seen = f"{job_id} {marks} {found['progress']} {found['queue_position']} {found['message']}"
            tag = f'W/"{_digest(seen.encode())}"'
        until = monotonic() + (OVER_SECONDS if job.over else RUNNING_SECONDS)
        rendered = Rendered(body=body, tag=tag, marks=marks, until=until)
        if len(self._kept) >= MOST:
            self._kept.clear()
        self._kept[job_id] = rendered
        return rendered


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=12).hexdigest()
