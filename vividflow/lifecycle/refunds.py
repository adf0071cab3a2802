"""What a cancel would give back, said before it is pressed."""

from __future__ import annotations

from typing import Any

from vividflow.lifecycle.cancelling import billed
from vividflow.lifecycle.tools import Tools
from vividflow.providers.price import usd
from vividflow.records.jobs import QUEUED, Job

_AFTER_THE_ORDER = ("generating", "reconciling", "submitting")


def cancel_offer(tools: Tools, job: Job) -> dict[str, Any]:
    """Whether a job can be cancelled now, the US dollars that come back, and if not (or if it costs) the reason."""
    if job.over:
        return _offer(False, 0, f"It is {job.status} already.")
    if job.status == QUEUED:
        return _offer(True, job.quoted, None)
    if job.cancel_requested_at is not None:
        return _offer(False, 0, "It is being cancelled already.")
    if job.state not in _AFTER_THE_ORDER:
        return _offer(False, 0, f"The {thing(job)} is made and paid; it is only being fetched and stored.")
    vendor = tools.registry.vendors[job.provider or "local"]
    if not tools.can_stop(vendor.name, job.provider_model or ""):
        unknown = job.params.get("price_unknown")
        cost = "" if unknown else f" It will cost ${usd(job.quoted):.2f}."
        return _offer(False, 0, f"{vendor.title} cannot stop a {thing(job)} once it was ordered.{cost}")
    if billed(job, tools):
        return _offer(True, 0, f"{vendor.title} charges for a {thing(job)} that was begun.")
    return _offer(True, job.quoted, None)


def _offer(possible: bool, refund: int, reason: str | None) -> dict[str, Any]:
    return {"possible": possible, "refund_usd": usd(refund), "reason": reason}


def thing(job: Job) -> str:
    """What a job makes, in a word for people: video or picture."""
    return "picture" if job.kind == "image" else "video"
