"""How an answer changes a row: the one place where a job's next self is computed. Pure; job_queue.py writes what comes out."""

from __future__ import annotations

from typing import Any

from vividflow.lifecycle.answers import Advance, Answer, Wait
from vividflow.lifecycle.kinds import table_of
from vividflow.lifecycle.states import COMPLETED
from vividflow.lifecycle.tools import Tools
from vividflow.records.jobs import Job

_FREE: dict[str, Any] = {"lease_owner": None, "lease_until": None, "company": None, "crashes": 0}


class NotAllowed(Exception):
    """A step answered with a state that its table does not allow: a mistake of ours."""


def moved(job: Job, answer: Answer, tools: Tools, moment: float, lease: tuple[int, float] | None = None) -> Job:
    """The job after `answer` at `moment`. With `lease` (owner, until) the hand that has it keeps it for the next step.

    Raises `NotAllowed`.
    """
    match answer:
        case Wait():
            return _waited(job, answer, moment)
        case Advance():
            return _advanced(job, answer, tools, moment, lease)


def event_of(old: Job, new: Job) -> dict[str, Any] | None:
    """The event that tells watchers of the move, or None when they would see nothing new."""
    if new.changes == old.changes:
        return None
    told = {"status": new.status, "stage": new.stage, "progress": new.progress, "state": new.state, "note": new.note}
    if new.provider != old.provider:
        told["provider"] = new.provider
    name = (
        "done"
        if new.over and not old.over
        else "status"
        if (new.status, new.stage) != (old.status, old.stage)
        else "progress"
    )
    return {"job_id": new.id, "user_id": new.user_id, "at": new.updated_at, "name": name, "data": told}


def _waited(job: Job, answer: Wait, moment: float) -> Job:
    changes = dict(answer.changes)
    if answer.failed:
        changes["failures"] = job.failures + 1
    seen = any(changes.get(name, getattr(job, name)) != getattr(job, name) for name in ("progress", "note"))
    news = {"changes": job.changes + 1, "updated_at": moment} if seen else {}
    due = {"due_at": (answer.since or moment) + max(0.0, answer.seconds), "fence": job.fence + 1}
    return job.but(**(_FREE | changes | due | news))


def _advanced(job: Job, answer: Advance, tools: Tools, moment: float, lease: tuple[int, float] | None) -> Job:
    table = table_of(job.kind)
    if answer.to not in table[job.state].next:
        raise NotAllowed(f"{job.kind}: {job.state} → {answer.to}")
    state = table[answer.to]
    values: dict[str, Any] = _FREE | {"failures": 0} | answer.changes
    values |= {
        "state": answer.to,
        "status": state.status,
        "stage": state.stage,
        "fence": job.fence + 1,
        "updated_at": moment,
        "changes": job.changes + 1,
    }
    if state.end:
        values |= {"due_at": None, "finished_at": job.finished_at or moment}
        if state.status == COMPLETED:
            values["progress"] = 100
        return job.but(**values)
    new = job.but(**values)
    lane = str(state.lane_of(new, tools) if state.lane_of else state.lane)
    if lease is not None and not answer.after:
        return new.but(lane=lane, lease_owner=lease[0], lease_until=lease[1], due_at=lease[1])
    return new.but(lane=lane, due_at=(answer.since or moment) + answer.after)
