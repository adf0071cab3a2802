"""One's own jobs: the list, one of them with everything about it, and what can be done to it."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify, request
from sqlalchemy import Connection
from werkzeug.wrappers import Response as AnyResponse

from vividflow.api.values import is_id
from vividflow.errors import Problem
from vividflow.lifecycle import orders, trash
from vividflow.lifecycle.orders import Once, missing
from vividflow.lifecycle.status import stages
from vividflow.lifecycle.trash import KEPT_SECONDS
from vividflow.pages import session, words
from vividflow.pages.feed import feed, named
from vividflow.pages.job_view import JobView, view, views
from vividflow.pages.route_lines import route_lines
from vividflow.pages.shell import house, own_path, render, request_id, to, zone
from vividflow.records import jobs
from vividflow.records.jobs import COMPLETED, FAILED, QUEUED, Job
from vividflow.timing import now

MOST_CARDS = 100
NEIGHBOURS = 8
LAST_ENDED = 20
_STAGE_NAMES = {
    "queued": "Queued",
    "submitting": "Preparing",
    "generating": "Generating",
    "downloading": "Fetching",
    "finishing": "Storing",
}
_STAGE_WORDS = {
    "waiting": "to come",
    "running": "now",
    "done": "done",
    "skipped": "left out",
    "failed": "failed",
    "cancelled": "cancelled",
}


def listing() -> Response:
    """All jobs as lines."""
    return render("jobs/list.html", **feed(session.signed_in(), "/jobs"))


def cards() -> Response:
    """The jobs named in `?ids=`, as they stand in a list now: what the script puts in the place of older ones."""
    ids = [part for part in request.args.get("ids", "").split(",") if is_id(part)][:MOST_CARDS]
    back = own_path(request.args.get("back"), "/create")
    items = named(house().tools, session.signed_in(), ids)
    return render("jobs/_items.html", items=items, back=back, flat="flat" in request.args)


def panel() -> Response:
    """The lines behind the jobs button: everything under way, and what ended last."""
    user, tools = session.signed_in(), house().tools
    with tools.db.reading() as connection:
        active = jobs.active(connection, user.id)
        newest = jobs.page(connection, user.id, limit=LAST_ENDED + len(active))
        ended = [job for job in newest if job.over][:LAST_ENDED]
        items = views(tools, connection, [*reversed(active), *ended], now())
    return render("jobs/_panel.html", items=items, queued=sum(job.status == QUEUED for job in active))


def show(job_id: str) -> Response:
    """One job: how far it is, or the player; its facts and its stages."""
    user, tools, moment = session.signed_in(), house().tools, now()
    with tools.db.reading() as connection:
        job = _own(connection, user.id, job_id)
        seen = view(tools, connection, job, moment)
        known = [_stage(each) for each in stages(connection, job)]
        neighbours = _neighbours(connection, user.id, job)
    return render(
        "jobs/one.html",
        v=seen,
        facts=facts(seen),
        stages=known,
        routes=route_lines(tools, seen),
        neighbours=neighbours,
        shape=_shape(job),
        gone_on=words.day_and_time(job.deleted_at + KEPT_SECONDS, zone(), moment) if job.deleted_at else "",
        again=f"Try again · {words.credits(job.quoted)}" if job.quoted else "Try again",
    )


def cancel(job_id: str) -> AnyResponse:
    """Stop a job, as far as it can be stopped."""
    status, _ = house().queue.cancel(session.signed_in(), _id(job_id))
    return _done(job_id, said="cancelled" if status == 200 else "cancelling")


def front(job_id: str) -> AnyResponse:
    """Before one's own other queued jobs."""
    house().queue.front(session.signed_in(), _id(job_id))
    return _done(job_id, said="front")


def cancel_queued() -> AnyResponse:
    """Cancel every job that still waits."""
    user, queue = session.signed_in(), house().queue
    with house().tools.db.reading() as connection:
        waiting = [job for job in jobs.active(connection, user.id) if job.status == QUEUED]
    for job in waiting:
        try:
            queue.cancel(user, job.id)
        except Problem:
            continue  # it began or ended in this very moment: the page shows what became of it
    return _done("", said="cancelled" if waiting else "nothing")


def retry(job_id: str) -> AnyResponse:
    """A failed job again, as a new job; sending the form twice makes one."""
    user, key = session.signed_in(), request.form.get("once", "")
    once = Once(address="/jobs/retry", key=key, fingerprint=job_id) if 0 < len(key) <= 255 else None
    with house().running.alone(user.id, once):
        _, answer = orders.retry(house().tools, user, _id(job_id), request_id=request_id(), once=once)
    back = _back()
    return _done(
        answer["job_id"], said="retried", path=f"/jobs/{answer['job_id']}" if back == f"/jobs/{job_id}" else back
    )


def delete(job_id: str) -> AnyResponse:
    """To the trash, for thirty days; the next page offers to take it back."""
    trash.remove(house().tools, session.signed_in(), _id(job_id))
    return _done(job_id, undo=job_id)


def restore(job_id: str) -> AnyResponse:
    """Back from the trash."""
    trash.restore(house().tools, session.signed_in(), _id(job_id))
    return _done(job_id, said="restored")


def _done(job_id: str, *, path: str | None = None, **said: str) -> AnyResponse:
    if request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json":
        return jsonify({"job_id": job_id})
    return to(path or _back(), **said)


def _back() -> str:
    return own_path(request.form.get("back"), "/create")


def _id(job_id: str) -> str:
    if not is_id(job_id):
        raise missing()
    return job_id


def _own(connection: Connection, user_id: str, job_id: str) -> Job:
    job = jobs.own(connection, user_id, _id(job_id))
    if job is None:
        raise missing()
    return job


def _neighbours(connection: Connection, user_id: str, job: Job) -> list[JobView]:
    if job.status != COMPLETED:
        return []
    found = jobs.page(connection, user_id, limit=NEIGHBOURS, status=COMPLETED)
    if job.id not in [each.id for each in found] and job.deleted_at is None:
        found = [*found[: NEIGHBOURS - 1], job]
    return views(house().tools, connection, found, now())


def _shape(job: Job) -> tuple[float, float]:
    wide, _, high = str(job.params.get("aspect_ratio", "16:9")).partition(":")
    return float(wide), float(high or 1)


def facts(v: JobView) -> list[tuple[str, str]]:
    """What is known of a job, in pairs of name and value."""
    params, asset, job = v.job.params, v.asset, v.job
    fps = asset.facts.get("fps") if asset else None
    found = [("Model", v.model)]
    if asset is not None:
        if asset.duration is not None:
            found.append(("Length", words.length(round(asset.duration, 1)) + (f" at {fps:g} fps" if fps else "")))
        found.append(("Size", f"{asset.width} × {asset.height} · {words.size(asset.size)}"))
    else:
        if "duration" in params:
            found.append(("Length", words.length(params["duration"])))
        size = [params[name] for name in ("aspect_ratio", "resolution") if name in params]
        found += [("Size", " · ".join(size))] if size else []
    known = {
        "Original prompt": "original_prompt",
        "Guidance": "cfg",
        "Steps": "steps",
        "Seed": "seed",
        "Negative prompt": "negative_prompt",
    }
    found += [(name, _value(params[key])) for name, key in known.items() if params.get(key) is not None]
    if params.get("audio"):
        found.append(("Sound", "Yes"))
    if v.provider:
        found.append(("Made by" if job.status == COMPLETED else "Provider", v.provider))
    charged = job.status == COMPLETED or bool(job.charged)
    found.append(("Estimate", v.estimate))
    if not v.active:
        found.append(("Cost", v.cost if charged else "Not charged"))
    elif v.cost != v.estimate:
        found.append(("Held", v.cost))
    if job.over:
        found.append(("Made" if job.status == COMPLETED else "Ended", _made(v)))
    if job.status == FAILED and job.error_code:
        found.append(("Code", job.error_code))
    return found


def _value(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _made(v: JobView) -> str:
    when = words.day_and_time(v.job.finished_at or v.job.updated_at, zone(), now())
    return f"{when} in {v.took}" if v.job.status == COMPLETED else when


def _stage(each: dict[str, Any]) -> dict[str, str]:
    took = ""
    if each["state"] == "done" and each["started_at"] and each["ended_at"]:
        took = words.span(_seconds(each["started_at"], each["ended_at"]))
    elif each["state"] == "running" and each["percentage"]:
        took = f"{min(99, each['percentage'])}%"
    return {
        "name": _STAGE_NAMES[each["stage"]],
        "state": each["state"],
        "word": _STAGE_WORDS[each["state"]],
        "took": took,
    }


def _seconds(start: str, end: str) -> float:
    from datetime import datetime

    return (datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds()
