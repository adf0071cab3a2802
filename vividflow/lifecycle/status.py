"""A job as the public sees it: the status object of the API, its stages, its metadata."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from vividflow.lifecycle.diverting import why_it_waits
from vividflow.lifecycle.provenance import NAME as PROVENANCE
from vividflow.lifecycle.provenance import provenance
from vividflow.lifecycle.qualities import qualities
from vividflow.lifecycle.refunds import cancel_offer, thing
from vividflow.lifecycle.tools import Tools
from vividflow.lifecycle.variance import too_far, variance
from vividflow.providers.price import usd
from vividflow.records import assets, job_events, jobs, orders, renditions
from vividflow.records.job_events import JobEvent
from vividflow.records.jobs import COMPLETED, FAILED, QUEUED, Job
from vividflow.storage.signed_links import expiry_for_api, sign
from vividflow.storage.waiting_room import WaitingRoom
from vividflow.timing import iso
from vividflow.timing import now as wall

STAGES = ("queued", "submitting", "generating", "downloading", "finishing")
_SENTENCES = {
    "submitting": "Handing your order to the provider.",
    "checking": "Asking the provider whether your order arrived.",
    "generating": "Your {thing} is being made.",
    "downloading": "The {thing} is ready and is being fetched.",
    "finishing": "The {thing} is being checked and stored.",
    "cancelling": "Stopping.",
}


def status_object(tools: Tools, connection: Connection, job: Job, *, now: float | None = None) -> dict[str, Any]:
    """The answer of GET /api/v1/status/{id} for a job row."""
    moment = wall() if now is None else now
    ahead = jobs.ahead_of(connection, job) if job.status == QUEUED else None
    waits = why_it_waits(tools, job)
    asset = assets.by_id(connection, job.user_id, job.result["asset_id"]) if job.status == COMPLETED else None
    poster = _poster(connection, asset) if asset else None
    return {
        "job_id": job.id,
        "status": job.status,
        "kind": job.kind,
        "created_at": iso(job.created_at),
        "updated_at": iso(job.updated_at),
        "progress": job.progress,
        "stage": job.stage,
        "eta_seconds": eta(job, moment),
        "queue_position": None if ahead is None else ahead + 1,
        "model": job.model,
        "provider": job.provider,
        "prompt": job.prompt,
        "title": job.title,
        "favourite": job.favourite_at is not None,
        "params": {name: value for name, value in job.params.items() if name not in _INTERNAL},
        "message": waits or message(job, ahead),
        "result_url": link(tools, asset.storage_key, "inline", moment) if asset else None,
        "thumbnail_url": link(tools, poster.storage_key, "inline", moment) if poster else None,
        "result": _result(tools, job, asset, moment),
        "late_result_url": _late(tools, connection, job, moment),
        "cancel": cancel_offer(tools, job),
        "error_message": job.error_message if job.status == FAILED else None,
        "error_code": job.error_code if job.status == FAILED else None,
        "charged": job.charged,
        "warnings": job.params.get("warnings", []),
        "metrics": metrics(job, asset, moment),
    }


_INTERNAL = ("crop", "cfg_sent", "fault", "warnings", "price_unknown", "estimate")


def eta(job: Job, moment: float) -> int | None:
    """Whole seconds that are probably left, None when nobody can say (taking longer than usual, or over)."""
    usual = job.usual_seconds
    if usual is None or job.over:
        return 0 if job.status == COMPLETED else None
    if job.status == QUEUED:
        return round(usual)
    if job.generating_at is None or job.state in ("downloading", "finishing"):
        return max(1, round(usual if job.generating_at is None else 2))
    left = usual - (moment - job.generating_at)
    return max(1, round(left)) if left > 0 else None


def message(job: Job, ahead: int | None) -> str:
    """One sentence that says what is happening and, if something is wrong, what it means."""
    match job.status:
        case "queued" if job.note:
            return job.note
        case "queued":
            return f"Queued. {ahead or 0} {'job' if ahead == 1 else 'jobs'} ahead of you."
        case "processing":
            return job.note or _sentence(job, job.stage, "Working.")
        case "completed":
            return "Done."
        case "cancelled":
            return "Cancelled. You were charged for it." if job.charged else "Cancelled. You were not charged."
        case _:
            return job.error_message or "It failed. You were not charged."


def _sentence(job: Job, stage: str, default: str) -> str:
    return _SENTENCES.get(stage, default).format(thing=thing(job))


def metrics(job: Job, asset: assets.Asset | None, moment: float) -> dict[str, Any]:
    """How long it took, what it cost (US dollars; None: not known), how often it was tried and looked at.

    `cost` is what its owner pays, `actual_cost` what its provider took, `variance` how far that is from the estimate.
    """
    unknown = bool(job.params.get("price_unknown"))
    apart = variance(job.estimate, job.actual)
    end = job.finished_at or moment
    made = job.provider_done_at or (job.finished_at if job.generating_at else None)
    return {
        "queue_seconds": _span(job.created_at, job.started_at or end),
        "generation_seconds": _span(job.generating_at, made),
        "processing_seconds": _span(job.provider_done_at, job.finished_at),
        "total_seconds": _span(job.created_at, end),
        "cost": None if job.cost is None or (unknown and job.status == COMPLETED) else usd(job.cost),
        "estimated_cost": None if unknown else usd(job.estimate),
        "actual_cost": None if job.actual is None or unknown else usd(job.actual),
        "variance": apart,
        "variance_alert": too_far(apart),
        "attempts": job.attempts,
        "polls": job.looks,
        "routes": routes_of(job),
        "bytes": asset.size if asset else None,
    }


def routes_of(job: Job) -> list[dict[str, Any]]:
    """The providers that were left, each with the reason, and last the one that the job goes by now."""
    left = [each | {"state": "left"} for each in job.result.get("routes", [])]
    if not job.provider:
        return left
    state = "made" if job.status == COMPLETED else "ended" if job.over else "current"
    return [*left, {"provider": job.provider, "code": None, "reason": None, "at": None, "state": state}]


def stages(connection: Connection, job: Job) -> list[dict[str, Any]]:
    """Every stage of a generation with its state (waiting, running, done, skipped), start, end and percent."""
    began: dict[str, float] = {}
    for event in job_events.of_job(connection, job.id):
        began.setdefault(str(event.data.get("stage")), event.at)
    found: list[dict[str, Any]] = []
    reached = [name for name in STAGES if name in began]
    for place, name in enumerate(STAGES):
        start = began.get(name)
        later = [began[other] for other in STAGES[place + 1 :] if other in began]
        end = min(later) if later else (job.finished_at if start is not None else None)
        running = start is not None and end is None
        state = "running" if running else "done" if start is not None else "skipped" if job.over else "waiting"
        if job.status in (FAILED, "cancelled") and reached and name == reached[-1]:
            state = job.status
        percent = 100 if state == "done" else (job.progress if running and name in ("generating", "finishing") else 0)
        found.append(
            {"stage": name, "state": state, "started_at": iso(start), "ended_at": iso(end), "percentage": percent}
        )
    return found


def metadata_object(
    tools: Tools, connection: Connection, job: Job, *, now: float | None = None
) -> dict[str, Any] | None:
    """The answer of GET …/metadata for a completed job, or None while there is nothing to describe."""
    moment = wall() if now is None else now
    asset = assets.of_job(connection, job.id)
    if asset is None or job.status != COMPLETED:
        return None
    made = renditions.of_asset(connection, asset.id)
    posters = [each for each in made if each.name.startswith("poster")]
    film = asset.kind == "video"
    sizes = qualities(asset, made) if film else {}
    url = link(tools, asset.storage_key, "inline", moment)
    keys = [asset.storage_key, *(each.storage_key for each in made)]
    return {
        "job_id": job.id,
        "video_urls": {name: link(tools, each.storage_key, "inline", moment) for name, each in sizes.items()},
        "image_url": None if film else url,
        "thumbnail_urls": [link(tools, each.storage_key, "inline", moment) for each in posters],
        "technical_metadata": {name: asset.facts[name] for name in asset.facts if name not in ("findings", PROVENANCE)},
        "findings": findings(tools, asset, made, moment),
        "streaming_info": {
            "range": True,
            "faststart": film,
            "qualities": [name for name in sizes if name != "original"],
        },
        "storage_keys": keys,
        "s3_keys": keys,
        "storage_state": "waiting" if _waits(tools, asset.storage_key) else "stored",
        "file_size": asset.size,
        "duration": asset.duration,
        "dimensions": [asset.width, asset.height],
        "sha256": asset.sha256,
        "created_at": iso(asset.created_at),
        "provenance": provenance(job, asset),
    }


def findings(
    tools: Tools, asset: assets.Asset, made: list[renditions.Rendition], moment: float
) -> list[dict[str, Any]] | None:
    """What is wrong with a video, each with a link to the frame that shows it; None when nobody looked."""
    keys = {each.name: each.storage_key for each in made}
    found = asset.facts.get("findings")
    return found and [
        {
            **each,
            "evidence_url": link(tools, keys[each["evidence"]], "inline", moment) if each["evidence"] in keys else None,
        }
        for each in found
    ]


def event_object(
    tools: Tools, connection: Connection, event: JobEvent, job: Job | None = None
) -> dict[str, Any] | None:
    """The status object as it was at an event (what changed since is left as it is now); None when the job is gone."""
    job = job or jobs.by_id(connection, event.job_id)
    if job is None:
        return None
    was = status_object(tools, connection, job)
    if event.data.get("status") != job.status:
        was |= {"result_url": None, "thumbnail_url": None, "result": {}, "error_message": None, "error_code": None}
        was["message"] = event.data.get("note") or _sentence(job, str(event.data.get("stage")), "Queued.")
    changed = {name: event.data[name] for name in ("status", "stage", "progress") if name in event.data}
    return was | changed | {"updated_at": iso(event.at)}


def link(tools: Tools, key: str, disposition: str, moment: float) -> str:
    """A link to a stored object that works without a key for an hour or two: the bucket's own where it can sign, else ours."""
    expires_at = expiry_for_api(moment)
    url = tools.storage.signed_url(key, expires_at=expires_at, disposition=disposition)
    return url or f"{tools.settings.public}{sign(tools.secret, key, expires_at, disposition)}"


def _waits(tools: Tools, key: str) -> bool:
    """Whether the file is still on this machine, to be carried up to the bucket."""
    return isinstance(tools.storage, WaitingRoom) and tools.storage.local_path(key) is not None


def _poster(connection: Connection, asset: assets.Asset) -> renditions.Rendition | None:
    made = {each.name: each for each in renditions.of_asset(connection, asset.id)}
    return made.get("poster_jpeg") or made.get("poster_960") or made.get("poster_480")


def _result(tools: Tools, job: Job, asset: assets.Asset | None, moment: float) -> dict[str, Any]:
    if asset is None:
        return {}
    return {
        "asset_id": asset.id,
        "url": link(tools, asset.storage_key, "inline", moment),
        "mime_type": asset.mime,
        "size": asset.size,
        "width": asset.width,
        "height": asset.height,
        "duration": asset.duration,
        "sha256": asset.sha256,
        "is_mock": job.provider == "local" and job.model not in ("local", "local-still"),
        "is_preview": job.provider == "local",
    }


def _late(tools: Tools, connection: Connection, job: Job, moment: float) -> str | None:
    if job.late_asset_id is None:
        return None
    asset = assets.by_id(connection, job.user_id, job.late_asset_id)
    return link(tools, asset.storage_key, "inline", moment) if asset else None


def _span(start: float | None, end: float | None) -> float | None:
    return None if start is None or end is None else round(max(0.0, end - start), 3)


def order_history(connection: Connection, job: Job) -> list[dict[str, Any]]:
    """Every order that was placed for a job and how it ended."""
    return [
        {
            "n": order.n,
            "provider": order.provider,
            "provider_model": order.provider_model,
            "state": order.state,
            "placed_at": iso(order.intent_at),
            "ended_at": iso(order.ended_at),
            "error_code": order.error_code,
            "error_message": order.error_message,
        }
        for order in orders.all_of(connection, job.id)
    ]
