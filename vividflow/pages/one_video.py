"""One video, or picture: the player, its name, its facts, its public link, and its neighbours in the library."""

from __future__ import annotations

from typing import Any

from flask import Response, jsonify, request
from werkzeug.wrappers import Response as AnyResponse

from vividflow.api.values import is_id
from vividflow.errors import Problem
from vividflow.lifecycle import naming, sharing
from vividflow.lifecycle.orders import missing
from vividflow.lifecycle.provenance import provenance
from vividflow.lifecycle.sharing import Terms
from vividflow.lifecycle.trash import KEPT_SECONDS
from vividflow.pages import session, words
from vividflow.pages.job_view import view, views
from vividflow.pages.jobs import facts
from vividflow.pages.made import Made, made_of
from vividflow.pages.route_lines import route_lines
from vividflow.pages.shell import house, render, to, zone
from vividflow.records import jobs, neighbours
from vividflow.records.jobs import COMPLETED
from vividflow.timing import now

BESIDE = 5
USUAL_FPS = 25.0
ENDS = {"1": "In 1 day", "7": "In 7 days", "30": "In 30 days", "never": "Never"}
_KEEP = "keep"


def show(job_id: str) -> Response:
    """The page; what is still under way shows how far it is."""
    return _page(_id(job_id))


def rename(job_id: str) -> AnyResponse:
    """Give it another title; an empty one takes the title away."""
    title = request.form.get("title", "")
    try:
        job = naming.rename(house().tools, session.signed_in(), _id(job_id), title)
    except Problem as problem:
        if problem.status != 422 or _by_script():
            raise
        return _page(job_id, typed=title, error=problem.detail)
    return _done(job_id, "renamed", {"title": job.title, "shown": job.title or words.title(job.prompt)})


def favourite(job_id: str) -> AnyResponse:
    """Mark it, or no longer."""
    on = request.form.get("favourite") == "on"
    naming.favour(house().tools, session.signed_in(), _id(job_id), on)
    return _done(job_id, "favourite" if on else "no_favourite", {"favourite": on})


def share(job_id: str) -> AnyResponse:
    """Make a public link, or give the one there is other terms."""
    form, ends = request.form, request.form.get("ends", str(sharing.USUAL_DAYS))
    if ends not in ENDS and ends != _KEEP:
        raise Problem(422, "invalid_expires_in_days", "Choose one of the times of the list.", param="ends")
    days = None if ends == "never" else sharing.USUAL_DAYS if ends == _KEEP else int(ends)
    terms = Terms(days=days, keep=ends == _KEEP, show_name="show_name" in form, show_prompt="show_prompt" in form)
    status, body = sharing.switch_on(house().tools, session.signed_in(), _id(job_id), terms)
    return _done(job_id, "shared" if status == 201 else "share_saved", body, place="share")


def unshare(job_id: str) -> AnyResponse:
    """End the public link at once."""
    sharing.switch_off(house().tools, session.signed_in(), _id(job_id))
    return _done(job_id, "unshared", {}, place="share")


def _page(job_id: str, *, typed: str | None = None, error: str | None = None) -> Response:
    user, tools, moment = session.signed_in(), house().tools, now()
    with tools.db.reading() as connection:
        job = jobs.own(connection, user.id, job_id)
        if job is None:
            raise missing()
        trashed, done = job.deleted_at is not None, job.status == COMPLETED
        seen = view(tools, connection, job, moment)
        link = sharing.current(connection, user, job.id) if done and not trashed else None
        row = neighbours.around(connection, user.id, job, BESIDE) if done and not trashed else []
        strip = views(tools, connection, row, moment)
        watched = seen.asset if seen.asset and seen.asset.kind == "video" else None
        made = made_of(tools, connection, job, watched, moment) if watched else Made()
    at = next((place for place, each in enumerate(row) if each.id == job.id), 0)
    asset_facts = seen.asset.facts if seen.asset else {}
    return render(
        "library/one.html",
        422 if error else 200,
        v=seen,
        typed=job.title or "" if typed is None else typed,
        error=error,
        facts=facts(seen),
        routes=route_lines(tools, seen),
        origin=_origin(provenance(job, seen.asset), seen.model) if done else None,
        fps=asset_facts.get("fps") or USUAL_FPS,
        sizes=made.sizes,
        tiles=made.tiles,
        findings=made.findings,
        strip=strip,
        newer=row[at - 1].id if at else None,
        older=row[at + 1].id if at + 1 < len(row) else None,
        gone_on=words.day_and_time(job.deleted_at + KEPT_SECONDS, zone(), moment) if job.deleted_at else "",
        link=link,
        link_address=sharing.address(tools, link) if link else "",
        ends=ENDS,
    )


def _origin(told: dict[str, Any], model: str) -> dict[str, str]:
    """How it was made, and by whom that is signed, in words; `signed` is empty without a manifest."""
    made = f"Made by AI: {model}" if told["ai_generated"] else "Preview, not AI"
    theirs = told["provider_manifest"]
    return {
        "made": made,
        "signed": "Signed by this studio" if told["signed"] else "",
        "trust": "home-made certificate, not on any trust list"
        if told["trusted"] is False
        else "the owner's certificate",
        "trouble": told["trouble"] or "",
        "theirs": f"It also carries a manifest of {theirs['signer'] or theirs['claim_generator']}." if theirs else "",
    }


def _done(job_id: str, said: str, body: dict[str, Any], *, place: str = "") -> AnyResponse:
    if _by_script():
        return jsonify(body)
    back = to(f"/library/{job_id}", said=said)
    if place:
        back.headers["Location"] += f"#{place}"
    return back


def _by_script() -> bool:
    return request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"


def _id(job_id: str) -> str:
    if not is_id(job_id):
        raise missing()
    return job_id
