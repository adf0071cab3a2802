"""A job as the pages show it: the badge, the line under it, what can be pressed, and the facts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from vividflow.lifecycle.refunds import cancel_offer
from vividflow.lifecycle.status import eta, message, metrics
from vividflow.lifecycle.tools import Tools
from vividflow.pages import words
from vividflow.records import assets, jobs, renditions
from vividflow.records.assets import Asset
from vividflow.records.jobs import COMPLETED, FAILED, QUEUED, Job
from vividflow.records.renditions import Rendition
from vividflow.storage.signed_links import expiry_for_pages, sign

MICRO = 1_000_000
# How far past its usual time a job may be before the page says so.
PATIENCE = 1.6
FIRST = "Next in line"
_CHANGES = {
    "content_policy": "Change prompt",
    "provider_refused_input": "Change settings",
    "picture_gone": "Change image",
}
STEPS = ("Queued", "Preparing", "Generating", "Finishing")
_STEP_OF = {
    "queued": 0,
    "submitting": 1,
    "checking": 1,
    "generating": 2,
    "cancelling": 2,
    "downloading": 3,
    "finishing": 3,
}


@dataclass(frozen=True, kw_only=True)
class Badge:
    """One of the seven words, its colour class and its icon (None: a dot)."""

    word: str
    tone: str
    icon: str | None


BADGES = {
    "queued": Badge(word="Queued", tone="", icon="clock"),
    "preparing": Badge(word="Preparing", tone="run", icon=None),
    "generating": Badge(word="Generating", tone="run", icon=None),
    "retrying": Badge(word="Retrying", tone="warn", icon="alert"),
    "done": Badge(word="Done", tone="ok", icon="check"),
    "failed": Badge(word="Failed", tone="bad", icon="alert"),
    "cancelled": Badge(word="Cancelled", tone="", icon="ban"),
}


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A poster or a start image: addresses by width for `srcset`, and the plain one."""

    src: str
    srcset: str = ""


@dataclass(frozen=True, kw_only=True)
class JobView:
    """What a card, a line and the page of one job need; sentences are ready to be shown."""

    job: Job
    title: str
    badge: Badge
    line: str
    left: str
    percent: int | None
    left_seconds: int | None
    step: int
    chips: tuple[str, ...]
    poster: Picture | None
    start: Picture | None
    asset: Asset | None
    late_url: str | None
    cancel: str | None
    cancel_reason: str | None
    warnings: tuple[str, ...]
    model: str
    provider: str
    ratio: str
    estimate: str
    cost: str
    took: str

    @property
    def active(self) -> bool:
        """Whether it is still under way."""
        return not self.job.over

    @property
    def pictured(self) -> bool:
        """Whether it makes a picture instead of a video."""
        return self.job.kind == "image"

    @property
    def change(self) -> str | None:
        """What has to be changed before another try can help, None when the same wish may well succeed."""
        return _CHANGES.get(self.job.error_code or "")

    @property
    def can_retry(self) -> bool:
        """Whether pressing Try again is the fix."""
        return self.job.status == FAILED and self.change is None

    @property
    def can_front(self) -> bool:
        """Whether moving it to the front would change anything."""
        return self.job.status == QUEUED and self.line != FIRST

    @property
    def download(self) -> str:
        """Where the video is, for whoever is signed in."""
        return f"/api/v1/videos/jobs/{self.job.id}/download"


def view(tools: Tools, connection: Connection, job: Job, now: float) -> JobView:
    """One job, with whatever else has to be read for it."""
    asset = assets.by_id(connection, job.user_id, job.result["asset_id"]) if job.status == COMPLETED else None
    late = assets.by_id(connection, job.user_id, job.late_asset_id) if job.late_asset_id else None
    offer = cancel_offer(tools, job)
    left = eta(job, now) if job.status == "processing" else None
    model = tools.registry.model(job.model or "")
    measured = metrics(job, asset, now)
    took = words.span(measured["total_seconds"] or 0)
    return JobView(
        job=job,
        title=job.title or words.title(job.prompt),
        badge=badge_of(job),
        line=_line(connection, job, took),
        left=_left(job, left, now),
        left_seconds=left,
        percent=None if job.progress is None or job.status == QUEUED else min(99, job.progress),
        step=_STEP_OF.get(job.stage, len(STEPS)),
        chips=_chips(job, model.title if model else job.model),
        poster=_poster(tools, connection, asset, now) if asset else None,
        start=_start(tools, connection, job, now),
        asset=asset,
        late_url=page_link(tools, late.storage_key, now) if late else None,
        cancel=_cancel_word(offer) if not job.over else None,
        cancel_reason=offer["reason"],
        warnings=tuple(job.params.get("warnings", ())),
        model=model.title if model else job.model or "",
        provider=vendor_title(tools, job.provider),
        ratio="r169" if job.params.get("aspect_ratio", "16:9") == "16:9" else "rfit",
        estimate=_estimate(job),
        cost=_cost(job),
        took=took,
    )


def views(tools: Tools, connection: Connection, found: Iterable[Job], now: float) -> list[JobView]:
    """Several jobs."""
    return [view(tools, connection, job, now) for job in found]


def page_link(tools: Tools, key: str, now: float, disposition: str = "inline") -> str:
    """A link to a stored object for ten to fifteen minutes; on our own host without its name, so any name of it works."""
    expires_at = expiry_for_pages(now)
    url = tools.storage.signed_url(key, expires_at=expires_at, disposition=disposition)
    return url or sign(tools.secret, key, expires_at, disposition)


def image_picture(tools: Tools, asset: Asset, now: float) -> Picture:
    """A person's uploaded picture."""
    return Picture(src=page_link(tools, asset.storage_key, now))


def badge_of(job: Job) -> Badge:
    """The word for a job's state."""
    match job.status:
        case "completed":
            return BADGES["done"]
        case "failed" | "cancelled":
            return BADGES[job.status]
        case "queued":
            return BADGES["retrying" if job.attempts else "queued"]
    match job.stage:
        case "submitting":
            return BADGES["preparing"]
        case "checking":
            return BADGES["retrying"]
        case _:
            return BADGES["generating"]


def _line(connection: Connection, job: Job, took: str) -> str:
    match job.status:
        case "queued" if not job.note:
            ahead = jobs.ahead_of(connection, job)
            return FIRST if ahead == 0 else f"{words.ordinal(ahead + 1)} in line"
        case "completed":
            return f"Took {took} · {_cost(job)}"
        case "failed":
            return _failure(job)
        case "cancelled":
            if job.charged:
                return f"{words.credits(job.cost or job.quoted)} charged"
            return f"{words.credits(job.quoted)} returned" if job.quoted else "Not charged"
    return message(job, 0).rstrip(".")


def _failure(job: Job) -> str:
    cause = (job.error_message or "It failed.").strip()
    if "charged" in cause.lower():
        return cause
    return f"{cause} {'You were charged for it.' if job.charged else 'Not charged.'}"


def _left(job: Job, left: int | None, now: float) -> str:
    if job.status != "processing" or job.stage == "cancelling":
        return ""
    if job.stage in ("downloading", "finishing"):
        return "A few seconds left"
    if left is not None:
        return f"About {words.about(left)} left"
    if job.usual_seconds is None or job.generating_at is None:
        return ""
    past = (now - job.generating_at) / max(1.0, job.usual_seconds)
    return "Taking longer than usual" if past > PATIENCE else "Should be ready soon"


def _cost(job: Job) -> str:
    if job.params.get("price_unknown"):
        return "price not known"
    return words.credits(job.quoted if job.cost is None else job.cost)


def _estimate(job: Job) -> str:
    if job.params.get("price_unknown"):
        return "price not known"
    return words.credits(job.params.get("estimate", job.quoted))


def vendor_title(tools: Tools, provider: str | None) -> str:
    """A provider's name for people."""
    facts = tools.registry.vendors.get(provider or "")
    return facts.title if facts else provider or ""


def _cancel_word(offer: dict[str, Any]) -> str | None:
    if not offer["possible"]:
        return None
    refund = round(offer["refund_usd"] * MICRO)
    return f"Cancel and refund {-(-refund // words.MICRO_PER_CREDIT):,}" if refund else "Cancel"


def _chips(job: Job, model: str | None) -> tuple[str, ...]:
    params = job.params
    found = [model or "", words.length(params["duration"]) if "duration" in params else ""]
    found += [params.get("aspect_ratio", ""), params.get("resolution", "")]
    if params.get("image_id"):
        found.append("From a picture" if job.kind == "image" else "Image to video")
    if params.get("audio"):
        found.append("Sound")
    if job.status == COMPLETED and params.get("seed") is not None:
        found.append(f"Seed {params['seed']}")
    return tuple(each for each in found if each)


def _poster(tools: Tools, connection: Connection, asset: Asset, now: float) -> Picture | None:
    made = {each.name: each for each in renditions.of_asset(connection, asset.id)}
    by_width = [made[name] for name in ("poster_480", "poster_960") if name in made]
    plain = made.get("poster_jpeg") or (by_width[-1] if by_width else None)
    if plain is None:
        return None
    srcset = ", ".join(f"{page_link(tools, each.storage_key, now)} {_width(each)}w" for each in by_width)
    return Picture(src=page_link(tools, plain.storage_key, now), srcset=srcset)


def _width(poster: Rendition) -> int:
    return poster.width or int(poster.name.rpartition("_")[2])


def _start(tools: Tools, connection: Connection, job: Job, now: float) -> Picture | None:
    asset_id = job.params.get("image_id")
    asset = assets.by_id(connection, job.user_id, asset_id) if asset_id else None
    return image_picture(tools, asset, now) if asset and asset.deleted_at is None else None
