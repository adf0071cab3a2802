"""A finished video or picture: its status with every stage, its facts, its bytes and its poster."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from flask import Response

from vividflow.api.address import Call
from vividflow.api.media_answer import StoredFile, send_file
from vividflow.api.status import own_job
from vividflow.errors import Problem
from vividflow.lifecycle.finishing_plan import quality_of
from vividflow.lifecycle.qualities import qualities
from vividflow.lifecycle.refunds import thing
from vividflow.lifecycle.status import metadata_object, stages, status_object
from vividflow.records import assets, renditions
from vividflow.records.assets import Asset
from vividflow.records.jobs import Job
from vividflow.records.renditions import Rendition

POSTER_AGE_SECONDS = 3600
ENDINGS = {
    "video/mp4": "mp4",
    "video/webm": "webm",
    "video/x-msvideo": "avi",
    "image/webp": "webp",
    "image/jpeg": "jpg",
    "image/png": "png",
    "text/vtt": "vtt",
}


def status(call: Call) -> tuple[int, Mapping[str, Any]]:
    """The status object, plus `stages`."""
    job, tools = _job(call), call.house.tools
    with tools.db.reading() as connection:
        return 200, status_object(tools, connection, job) | {"stages": stages(connection, job)}


def metadata(call: Call) -> tuple[int, Mapping[str, Any]]:
    """Technical facts, sizes, links and origin of a finished video."""
    job, tools = _job(call), call.house.tools
    with tools.db.reading() as connection:
        found = metadata_object(tools, connection, job)
    if found is None:
        raise _no_result(job)
    return 200, found


def download(call: Call) -> Response:
    """The original, byte for byte as the provider made it; ranges, conditions and HEAD as HTTP has them."""
    job = _job(call)
    return send_file(call.house.tools.storage, _file(job, _asset(call, job), "attachment"))


def file_name(stem: str, mime: str) -> str:
    """What a saved file is called."""
    return f"{stem}.{ENDINGS.get(mime, 'bin')}"


def stream(call: Call) -> Response:
    """The size that was asked for, else the best there is, to be shown; rules as for `download`."""
    job = _job(call)
    asset = _asset(call, job)
    if asset.kind != "video":
        raise Problem(404, "no_result", "A picture does not stream. Use download.")
    sizes = _sizes(call, asset)
    wanted = _wanted(call, asset)
    if wanted not in sizes:
        detail = f"There is no quality “{wanted}”. There are: {', '.join(sizes)}."
        raise Problem(404, "no_such_quality", detail, param="quality", extra={"qualities": list(sizes)})
    return send_file(call.house.tools.storage, _file(job, sizes[wanted], "inline"))


def thumbnail(call: Call) -> Response:
    """The poster: WebP for a client that takes it, else JPEG; `variant` names one of the renditions."""
    job = _job(call)
    asset = _asset(call, job)
    with call.house.tools.db.reading() as connection:
        made = {each.name: each for each in renditions.of_asset(connection, asset.id)}
    chosen = _poster(call, made, None if call.query is None else call.query.variant)
    file = _file(job, chosen, "inline", name=f"-{chosen.name}", max_age=POSTER_AGE_SECONDS)
    answer = send_file(call.house.tools.storage, file)
    answer.headers["Vary"] = "Accept, Cookie, Authorization, X-API-Key"
    return answer


def _sizes(call: Call, asset: Asset) -> dict[str, Asset | Rendition]:
    with call.house.tools.db.reading() as connection:
        return qualities(asset, renditions.of_asset(connection, asset.id))


def _wanted(call: Call, asset: Asset) -> str:
    """The quality that was asked for; without one the best, which is the original or, of one that browsers do not play,
    what was made of it in its own size."""
    asked = None if call.query is None else call.query.quality
    if asked is None:
        return quality_of(asset.width, asset.height) if asset.width and asset.height else "original"
    return "2160p" if asked == "4k" else asked


def _file(
    job: Job,
    stored: Asset | Rendition,
    disposition: Literal["inline", "attachment"],
    *,
    name: str = "",
    max_age: int = 0,
) -> StoredFile:
    return StoredFile(
        key=stored.storage_key,
        size=stored.size,
        sha256=stored.sha256,
        mime=stored.mime,
        filename=file_name(f"{job.id}{name}", stored.mime),
        disposition=disposition,
        created_at=stored.created_at,
        max_age=max_age,
    )


def _poster(call: Call, made: Mapping[str, Rendition], variant: str | None) -> Rendition:
    if variant is not None and variant != "poster":
        made = {name: each for name, each in made.items() if each.mime.startswith(("image/", "text/vtt"))}
        if variant in made:
            return made[variant]
        there = ", ".join(sorted(made)) or "none"
        raise Problem(404, "not_found", f"There is no rendition “{variant[:40]}”. There are: {there}.", param="variant")
    webp = "image/webp" in call.request.headers.get("Accept", "")
    for name in ("poster_960", "poster_480", "poster_jpeg") if webp else ("poster_jpeg", "poster_960", "poster_480"):
        if name in made:
            return made[name]
    raise Problem(404, "no_result", "There is no poster.")


def _job(call: Call) -> Job:
    return own_job(call.house, call.caller.user.id, call.ids["job_id"])


def _asset(call: Call, job: Job) -> Asset:
    with call.house.tools.db.reading() as connection:
        asset = assets.of_job(connection, job.id)
    if asset is None or job.status != "completed":
        raise _no_result(job)
    return asset


def _no_result(job: Job) -> Problem:
    return Problem(404, "no_result", f"There is no {thing(job)} to show: the job is {job.status}.")
