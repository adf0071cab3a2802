"""What is tidied: scratch files of jobs that need them no more, old answers, old trash."""

from __future__ import annotations

import contextlib
import logging
import shutil
import time
from pathlib import Path

from vividflow.lifecycle import pieces, retention, trash
from vividflow.lifecycle.tools import Tools
from vividflow.records import enhancements, idempotency, jobs, pauses, sessions
from vividflow.timing import now

log = logging.getLogger(__name__)
STALE_SECONDS = 3600.0
OLD_KEY_SECONDS = 7 * 86400.0


def sweep_scratch(tools: Tools) -> int:
    """Remove what dead processes left half-made; finished fetches of living jobs stay. Returns how many names went.

    Names are `<job>.<fence>…` and `<job>.ready`: whoever wrote under a fence that is no longer the job's has lost it.
    """
    tools.storage.sweep()
    folder = tools.settings.scratch
    gone = 0
    for left in folder.iterdir() if folder.is_dir() else ():
        if not _needed(tools, left):
            shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)
            gone += 1
    return gone


def tidy(tools: Tools) -> None:
    """The round at start and each hour: scratch, answers and broken uploads older than a day, ended sessions,
    what is over its days, old trash.
    """
    moment = now()
    swept = sweep_scratch(tools)
    with tools.db.transaction() as connection:
        idempotency.forget_old(connection, moment)
        sessions.forget_ended(connection, moment)
        enhancements.forget_old(connection, moment)
        pauses.forget_old(connection, moment - OLD_KEY_SECONDS)
    trashed = retention.put_away(tools, moment)
    removed, forgotten = trash.empty(tools, moment), pieces.forget_old(tools, moment)
    if swept or trashed or removed or forgotten:
        log.info(
            "swept %d scratch names, trashed %d old jobs and uploads, emptied the trash of %d, forgot %d broken uploads",
            *(swept, trashed, removed, forgotten),
        )


def _needed(tools: Tools, left: Path) -> bool:
    job_id, _, rest = left.name.partition(".")
    fence = rest.partition(".")[0]
    if rest != "ready" and not fence.isdigit():  # somebody's upload; its own request removes it
        with contextlib.suppress(FileNotFoundError):
            return time.time() - left.stat().st_mtime < STALE_SECONDS
        return True
    with tools.db.reading() as connection:
        job = jobs.by_id(connection, job_id)
    if job is None or job.over:
        return False
    return rest == "ready" or job.fence == int(fence)
