"""Where a finished video came from: what its manifest says, checked now, or the manifest itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response

from vividflow.api.address import Call
from vividflow.api.media_answer import StoredFile, send_file
from vividflow.api.status import own_job
from vividflow.errors import Problem
from vividflow.lifecycle.provenance import rendition_of, told
from vividflow.lifecycle.refunds import thing
from vividflow.media.provenance import MIME
from vividflow.records import assets
from vividflow.records.assets import Asset
from vividflow.records.jobs import COMPLETED, Job
from vividflow.storage.base import StorageGone


def show(call: Call) -> Response | tuple[int, Mapping[str, Any]]:
    """The facts as JSON; the manifest as it was signed for `format=c2pa`, or a client that prefers it."""
    job = own_job(call.house, call.caller.user.id, call.ids["job_id"])
    asset = _asset(call, job)
    if _raw(call):
        answer = _manifest(call, job, asset)
        answer.headers["Vary"] = "Accept, Cookie, Authorization, X-API-Key"
        return answer
    try:
        return 200, told(call.house.tools, job, asset)
    except (StorageGone, FileNotFoundError) as away:
        detail = "The storage does not answer. Try again in a minute."
        raise Problem(503, "storage_gone", detail, retry_after=60) from away


def _raw(call: Call) -> bool:
    wanted = None if call.query is None else call.query.format
    if wanted is not None:
        return wanted == "c2pa"
    return call.request.accept_mimetypes.best_match(["application/json", MIME]) == MIME


def _manifest(call: Call, job: Job, asset: Asset) -> Response:
    row = rendition_of(call.house.tools, asset.id)
    if row is None:
        trouble = (asset.facts.get("provenance") or {}).get("trouble") or "It was made before files were signed here."
        raise Problem(404, "no_manifest", f"There is no manifest of this {thing(job)}. {trouble}")
    file = StoredFile(
        key=row.storage_key,
        size=row.size,
        sha256=row.sha256,
        mime=row.mime,
        filename=f"{job.id}.c2pa",
        disposition="attachment",
        created_at=row.created_at,
    )
    return send_file(call.house.tools.storage, file)


def _asset(call: Call, job: Job) -> Asset:
    if not job.over:
        raise Problem(409, "job_not_finished", "The job is not over: what it makes is signed at its end.")
    with call.house.tools.db.reading() as connection:
        asset = assets.of_job(connection, job.id)
    if asset is None or job.status != COMPLETED:
        raise Problem(404, "no_result", f"There is no {thing(job)} to show: the job is {job.status}.")
    return asset
