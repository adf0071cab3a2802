"""How long finished things stay: after the days of their person and kind they go to the trash, which is emptied later."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection

from vividflow.config import Settings
from vividflow.lifecycle.tools import Tools
from vividflow.records import aged, retention_rules
from vividflow.records.retention_rules import FOR_EVER, KINDS

BATCH = 200
MOST_BATCHES = 25
"""For each kind in one round, which is made by the thread that also renews leases; the rest waits for the next hour."""


def usual(settings: Settings) -> Mapping[str, int]:
    """The installation's days by kind; `FOR_EVER` where things stay."""
    return {kind: getattr(settings, f"retention_{kind}_days") or FOR_EVER for kind in KINDS}


def rules_of(connection: Connection, settings: Settings, user_id: str) -> Mapping[str, int]:
    """The days that hold for one person, by kind; `FOR_EVER` where things stay."""
    return {**usual(settings), **retention_rules.of_user(connection, user_id)}


def put_away(tools: Tools, moment: float) -> int:
    """Trash what is over its days, a batch a transaction; how many jobs and uploads that were."""
    gone = 0
    for kind, days in usual(tools.settings).items():
        with tools.db.reading() as connection:
            shortest = retention_rules.least_days(connection, kind)
        held = [each for each in (days or None, shortest) if each is not None]
        if not held:
            continue
        act = _uploads if kind == "upload" else _jobs
        gone += act(tools, kind, days, min(held), moment)
    return gone


def _jobs(tools: Tools, kind: str, days: int, least: int, moment: float) -> int:
    gone = 0
    for _ in range(MOST_BATCHES):
        with tools.db.transaction() as connection:
            some = aged.jobs_to_trash(connection, kind, usual_days=days, least_days=least, moment=moment, limit=BATCH)
        for job_id, user_id in some:
            tools.changed(user_id, job_id)
        gone += len(some)
        if len(some) < BATCH:
            break
    return gone


def _uploads(tools: Tools, _kind: str, days: int, least: int, moment: float) -> int:
    gone, last = 0, None
    for _ in range(MOST_BATCHES):
        with tools.db.transaction() as connection:
            some = aged.old_uploads(
                connection, usual_days=days, least_days=least, moment=moment, limit=BATCH, after=last
            )
            used = aged.in_use(connection, {each.user_id for each in some})
            ids = [each.id for each in some if each.id not in used]
            gone += aged.uploads_to_trash(connection, ids, moment)
        if len(some) < BATCH:
            break
        last = some[-1]
    return gone
