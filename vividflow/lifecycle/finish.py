"""Proving the file, making of it what people need, signing for it, storing all of that, and only then the row."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace

from vividflow.errors import Outcome, Permanent
from vividflow.lifecycle.answers import Advance, Answer, Wait
from vividflow.lifecycle.clip_checks import failing
from vividflow.lifecycle.derive import derive
from vividflow.lifecycle.fetch import lost
from vividflow.lifecycle.ordering import order_of
from vividflow.lifecycle.proof import NOT_IT, prove
from vividflow.lifecycle.render import ready_file
from vividflow.lifecycle.storing import store
from vividflow.lifecycle.tools import Tools
from vividflow.records import assets, jobs, orders, renditions
from vividflow.records.jobs import Job
from vividflow.timing import backoff, now

# A result that is not what was ordered is fetched again three times, over five minutes.
FETCH_AGAIN_AFTER = (10.0, 60.0, 230.0)


def finish(job: Job, tools: Tools) -> Answer:
    """Turn the ready file into a stored asset with its renditions, and complete the job."""
    ready = ready_file(tools, job)
    if not ready.exists():
        return Advance(to="downloading")
    order = order_of(job, tools)
    folder = tools.settings.scratch / f"{job.id}.{job.fence}"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        proof = prove(job, tools, ready, folder)
        derived = derive(job, tools, ready, proof, folder)
        if words := failing(tools, derived.findings or ()):
            return _spoilt(order, words, lambda: ready.unlink(missing_ok=True))
        asset, made = store(job, tools, order, ready, proof, derived, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    moment = now()
    actual = 0 if job.kind == "late" else order.cost if order.cost is not None else order.quoted
    cost = min(actual, order.quoted)  # the reserve may be for a dearer route than the one that was taken

    def keep(connection: jobs.Connection) -> None:
        assets.insert(connection, asset)
        for rendition in made:
            renditions.insert(connection, rendition)
        orders.change(connection, order.id, state=orders.DONE, ended_at=moment, cost=actual, charged=job.kind != "late")
        if job.kind == "late" and job.parent_id:
            jobs.change(connection, job.parent_id, late_asset_id=asset.id)

    changes = {
        "result": {"asset_id": asset.id} | {name: job.result[name] for name in ("routes",) if name in job.result},
        "progress": 100,
        "cost": cost,
        "actual": actual,
        "made_ms": round((proof.duration or 0.0) * 1000) if proof.kind == "video" else None,
        "charged": actual > 0,
        "note": None,
        "failures": 0,
    }
    return Advance(to="completed", changes=changes, writes=(keep,), then=lambda: ready.unlink(missing_ok=True))


def finish_error(job: Job, tools: Tools, outcome: Outcome) -> Answer:
    """A file that is not what was ordered is fetched again a few times; a storage that is away is waited for, for ever."""
    if outcome.code in NOT_IT:
        again = int(job.result.get("fetched_again", 0))
        if again >= len(FETCH_AGAIN_AFTER):
            message = f"{outcome.message} It was fetched {again + 1} times. You were not charged."
            return lost(order_of(job, tools), "bad_result", message)
        ready_file(tools, job).unlink(missing_ok=True)
        changes = {
            "result": job.result | {"fetched_again": again + 1},
            "note": "The file was damaged; fetching it again.",
        }
        return Advance(to="downloading", after=FETCH_AGAIN_AFTER[again], changes=changes)
    if isinstance(outcome, Permanent):
        return lost(order_of(job, tools), outcome.code, outcome.message)
    return Wait(seconds=backoff(min(5, job.failures + 1), 1.0, 30.0), failed=True, changes={"note": outcome.message})


def _spoilt(order: orders.OrderRow, words: str, then: Callable[[], None]) -> Answer:
    """The end of a job whose film is whole but has what CHECKS_FAIL does not allow: fetching it again changes nothing."""
    return replace(lost(order, "clip_check_failed", f"{words} You were not charged."), then=then)
