"""The first step of a generation: the intent to order, written down before anything leaves the house."""

from __future__ import annotations

import hashlib
import json
import secrets

from sqlalchemy import Connection

from vividflow.errors import Permanent
from vividflow.lifecycle.answers import Advance, Answer
from vividflow.lifecycle.breaker import let_through
from vividflow.lifecycle.diverting import held_up, price_by
from vividflow.lifecycle.standing import Gate
from vividflow.lifecycle.tools import Tools
from vividflow.records import orders
from vividflow.records.jobs import Job
from vividflow.timing import new_id, now

# Parameters that no provider gets to see: orders that differ in them alone are alike.
_OURS = ("original_prompt", "quality_levels", "warnings", "provider", "estimate")


def start(job: Job, tools: Tools, connection: Connection) -> Answer:
    """Go to submitting with a fresh order as intent, if its account takes orders now: else another route, or a wait.

    A job that is over its time or unwanted ends here, free.
    """
    answer = intend(job, tools)
    if answer.to != "submitting":
        return answer
    provider, provider_model = job.provider or "local", job.provider_model or "local"
    stand = tools.standing.of(provider, provider_model)
    if stand.gate is Gate.OPEN:
        return answer
    if stand.gate is Gate.TRYING and let_through(connection, tools, provider, provider_model, now()):
        return answer
    return held_up(job, tools, tools.standing.of(provider, provider_model))


def intend(job: Job, tools: Tools) -> Advance:
    """The same without a look at the account: submitting with a fresh order, or the end of what is over its time or unwanted."""
    moment = now()
    if job.cancel_requested_at is not None:
        return Advance(to="cancelled", changes={"charged": False})
    late = overdue(job, tools, moment)
    if late is not None:
        return Advance(to="failed", changes={"error_code": late.code, "error_message": late.message, "charged": False})
    order = orders.OrderRow(
        id=new_id(),
        job_id=job.id,
        n=job.attempts + 1,
        provider=job.provider or "local",
        provider_model=job.provider_model or "local",
        state=orders.INTENT,
        token=secrets.token_urlsafe(24),
        request={},
        request_hash=request_hash(job),
        fence=job.fence + 1,
        quoted=price_by(tools, job),
        intent_at=moment,
    )
    changes = {
        "attempts": job.attempts + 1,
        "failures": job.failures,  # moving on forgets them, and then no order would ever run out of tries
        "started_at": job.started_at or moment,
        "deadline_at": job.deadline_at or moment + tools.settings.job_deadline_seconds,
        "note": None,
    }
    return Advance(to="submitting", changes=changes, writes=(lambda connection: orders.insert(connection, order),))


def overdue(job: Job, tools: Tools, moment: float) -> Permanent | None:
    """Why a queued job waits no longer, or None: its time in the queue or (after a first try) its deadline is over."""
    if job.deadline_at is not None and moment > job.deadline_at:
        return Permanent("deadline_exceeded", "It took too long and was stopped. You were not charged.")
    if moment > job.created_at + tools.settings.queue_deadline_seconds:
        return Permanent("queue_deadline_exceeded", "It waited too long for its turn. You were not charged.")
    return None


def request_hash(job: Job) -> str:
    """What makes two orders alike in the provider's eyes: model, prompt and parameters, as a SHA-256 in hex."""
    seen = {name: value for name, value in job.params.items() if name not in _OURS}
    text = json.dumps([job.provider, job.provider_model, job.prompt, seen], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
