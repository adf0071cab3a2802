"""A person's jobs: listing, cancelling, moving to the front, trying again, putting away and taking back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vividflow.api.address import Call
from vividflow.api.bodies import JobChanges
from vividflow.api.status import own_job
from vividflow.api.values import is_id
from vividflow.errors import Problem
from vividflow.lifecycle import naming, orders, trash
from vividflow.lifecycle.orders import missing
from vividflow.lifecycle.status import status_object
from vividflow.records import jobs

DEFAULT_LIMIT = 20


def listing(call: Call) -> tuple[int, Mapping[str, Any]]:
    """Own jobs, newest first, filtered; each item is the object that its own status address answers."""
    query, user, tools = call.query, call.caller.user, call.house.tools
    limit = DEFAULT_LIMIT if query is None or query.limit is None else query.limit
    with tools.db.reading() as connection:
        after = None
        if query is not None and query.after is not None:
            after = jobs.own(connection, user.id, query.after)
            if after is None:
                raise Problem(404, "job_not_found", "There is no job with this id to go on from.", param="after")
        wanted = (
            {}
            if query is None
            else {
                "status": query.status,
                "model": query.model,
                "kind": query.kind,
                "words": query.q,
                "favourite": query.favourite,
                "trash": bool(query.trash),
            }
        )
        found = jobs.page(connection, user.id, limit=limit + 1, after=after, **wanted)
        shown = found[:limit]
        data = [status_object(tools, connection, job) for job in shown]
    more = len(found) > limit
    return 200, {"data": data, "has_more": more, "next": shown[-1].id if more else None}


def change(call: Call) -> tuple[int, Mapping[str, Any]]:
    """Another title, or the mark of a favourite: whatever of the two was sent."""
    tools, user, job_id, body = call.house.tools, call.caller.user, call.ids["job_id"], call.body
    assert isinstance(body, JobChanges)
    if not is_id(job_id):
        raise missing()
    if "title" in body.model_fields_set:
        naming.rename(tools, user, job_id, body.title)
    if body.favourite is not None:
        naming.favour(tools, user, job_id, body.favourite)
    job = own_job(call.house, user.id, job_id)
    with tools.db.reading() as connection:
        return 200, status_object(tools, connection, job)


def cancel(call: Call) -> tuple[int, Mapping[str, Any]]:
    """Stop a job: at once when it is queued, else by asking the provider."""
    return call.house.queue.cancel(call.caller.user, _own_id(call))


def front(call: Call) -> tuple[int, Mapping[str, Any]]:
    """Before one's own other queued jobs."""
    return 200, call.house.queue.front(call.caller.user, _own_id(call))


def retry(call: Call) -> tuple[int, Mapping[str, Any]]:
    """A failed job again, as a new job."""
    user = call.caller.user
    with call.house.running.alone(user.id, call.once):
        job_id = call.ids["job_id"]
        if not is_id(job_id):
            raise missing()
        ways = {"request_id": call.request_id, "once": call.once, "key_id": call.caller.key_id}
        return orders.retry(call.house.tools, user, job_id, **ways)


def remove(call: Call) -> tuple[int, Mapping[str, Any]]:
    """A finished job and its files to the trash, or with `purge` away for good."""
    if not is_id(call.ids["job_id"]):
        raise missing()
    purge = bool(call.query is not None and call.query.purge)
    trash.remove(call.house.tools, call.caller.user, call.ids["job_id"], purge=purge)
    return 204, {}


def restore(call: Call) -> tuple[int, Mapping[str, Any]]:
    """A job back from the trash."""
    if not is_id(call.ids["job_id"]):
        raise missing()
    tools = call.house.tools
    job = trash.restore(tools, call.caller.user, call.ids["job_id"])
    with tools.db.reading() as connection:
        return 200, status_object(tools, connection, job)


def _own_id(call: Call) -> str:
    return own_job(call.house, call.caller.user.id, call.ids["job_id"]).id
