"""Event streams: of one job, or of all of a person's jobs."""

from __future__ import annotations

import re

from flask import Response, g

from vividflow.api.address import Call
from vividflow.api.event_feed import load, present
from vividflow.api.hub import Event, Subscription
from vividflow.api.status import own_job
from vividflow.errors import Problem
from vividflow.records.jobs import Job

_NUMBER = re.compile(r"[0-9]{1,18}").fullmatch


def of_job(call: Call) -> Response:
    """What happens to one job, until it is over."""
    return _stream(call, own_job(call.house, call.caller.user.id, call.ids["job_id"]))


def of_all(call: Call) -> Response:
    """What happens to all of a person's jobs."""
    return _stream(call, None)


def _stream(call: Call, job: Job | None) -> Response:
    house, user_id = call.house, call.caller.user.id
    last = _last_event_id(call)
    first, position = _begin(call, job, last)
    head = dict(house.headers.data) | dict(g.get("rate_headers") or {})
    head |= {"X-Request-ID": call.request_id, "Vary": "Cookie, Authorization, X-API-Key"}
    return house.hub.stream(
        call.request.environ,
        head=head,
        user_id=user_id,
        job_id=job.id if job else None,
        first=first,
        last_event_id=position,
    )


def _begin(call: Call, job: Job | None, last: int | None) -> tuple[list[Event], int]:
    """What is written at once, and after which id the rest follows: what was missed, or else the present state."""
    tools, user_id = call.house.tools, call.caller.user.id
    if last is not None:
        missed = load(tools, Subscription(user_id=user_id, job_id=job.id if job else None), last)
        if missed:
            return missed, missed[-1].id
    first, position = present(tools, user_id, job)
    return first, position


def _last_event_id(call: Call) -> int | None:
    header = call.request.headers.get("Last-Event-ID", "").strip()
    if not header:
        return None
    if not _NUMBER(header):
        detail = "Last-Event-ID is the id of an event that you received: a whole number."
        raise Problem(422, "invalid_last_event_id", detail, param="Last-Event-ID")
    return int(header)
