"""The status of a job: the hottest answer of all, also held until it changes, and given without the framework."""

from __future__ import annotations

from flask import Response, g

from vividflow.api.address import Call
from vividflow.api.caller import Caller
from vividflow.api.headers import PRIVATE
from vividflow.api.house import House
from vividflow.api.status_answers import Rendered
from vividflow.api.values import is_id
from vividflow.lifecycle.orders import missing
from vividflow.records import jobs
from vividflow.records.jobs import Job

Answer = tuple[int, dict[str, str], bytes]


def show(call: Call) -> Response:
    """The status object with an ETag; 304 when the client has it already; with `wait` held until the status changes."""
    house, user_id, job_id = call.house, call.caller.user.id, call.ids["job_id"]
    if_none_match = call.request.headers.get("If-None-Match")
    if call.query is not None and call.query.wait:
        job = own_job(house, user_id, job_id)
        if not job.over:
            return _held(call, job, if_none_match)
    found = house.statuses.find(user_id, job_id) if is_id(job_id) else None
    if found is None:
        raise missing()
    status, headers, body = _answer(found, if_none_match)
    return Response(body, status, headers)


def quick(house: House, caller: Caller, job_id: str, if_none_match: str | None) -> Answer | None:
    """The same answer for a plain request, without Flask; None when there is no such job, and Flask says so."""
    found = house.statuses.find(caller.user.id, job_id) if is_id(job_id) else None
    return None if found is None else _answer(found, if_none_match)


def own_job(house: House, user_id: str, job_id: str) -> Job:
    """A person's own job. Raises `Problem` 404 for one that is missing, somebody else's, or in the trash."""
    job = None
    if is_id(job_id):
        with house.tools.db.reading() as connection:
            job = jobs.own(connection, user_id, job_id)
    if job is None or job.deleted_at is not None:
        raise missing()
    return job


def matches(header: str, tag: str) -> bool:
    """Whether an If-None-Match names this tag (weak comparison)."""
    own = tag.removeprefix("W/")
    return header.strip() == "*" or any(part.strip().removeprefix("W/") == own for part in header.split(","))


def _held(call: Call, job: Job, if_none_match: str | None) -> Response:
    """The answer once the public status is another one, or the time is over."""
    house, user_id = call.house, call.caller.user.id
    extra = {**house.headers.data, **(g.get("rate_headers") or {}), "X-Request-ID": call.request_id}

    def changed() -> bool:
        with house.tools.db.reading() as connection:
            found = jobs.own(connection, user_id, job.id)
        return found is None or found.status != job.status

    def render() -> Answer:
        found = house.statuses.find(user_id, job.id)
        if found is None:
            status, headers, body = house.told(missing(), call.request_id)
        else:
            status, headers, body = _answer(found, if_none_match)
        return status, {**extra, **headers}, body

    return house.hub.wait(
        call.request.environ,
        user_id=user_id,
        job_id=job.id,
        seconds=call.query.wait,
        until=changed,
        render=render,
        request_id=call.request_id,
    )


def _answer(found: Rendered, if_none_match: str | None) -> Answer:
    if if_none_match is not None and matches(if_none_match, found.tag):
        return 304, {"ETag": found.tag, **PRIVATE}, b""
    return 200, {"ETag": found.tag, "Content-Type": "application/json", **PRIVATE}, found.body
