"""Fetching the result, at once and until it is here: the provider keeps it only for a while."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from vividflow.errors import Outcome, Permanent, Transient
from vividflow.lifecycle.answers import Advance, Answer, Wait
from vividflow.lifecycle.look import ended, stored_outputs
from vividflow.lifecycle.ordering import closed, order_of, shown
from vividflow.lifecycle.render import keep_inline, ready_file
from vividflow.lifecycle.tools import Tools
from vividflow.outbound import LinkGone
from vividflow.providers.base import OperationStatus
from vividflow.records import orders
from vividflow.records.jobs import Job
from vividflow.storage.base import StorageGone
from vividflow.storage.google import ObjectTooLarge
from vividflow.timing import backoff, now

MOST_BYTES = 2 * 1024**3
TOTAL_SECONDS = 600.0
KEPT_SECONDS = 7 * 86400.0
MISSING_SECONDS = 900.0
# One strange link or one strange host must not cost a clip that was paid: so often it is asked where the result is.
REFUSED_TRIES = 3


def fetch(job: Job, tools: Tools) -> Answer:
    """Bring the first output to this machine under a name that the next step knows."""
    ready = ready_file(tools, job)
    order = order_of(job, tools)
    source = order.outputs[0] if order.outputs else {}
    if "path" in source:
        return Advance(to="finishing") if ready.exists() else Advance(to="generating")
    if "inline" in source and ready.exists():  # it was put there by the look that brought it
        return Advance(to="finishing", changes={"failures": 0, "note": None})
    if not source:
        raise LinkGone(404)
    part = tools.settings.scratch / f"{job.id}.{job.fence}.part"
    part.parent.mkdir(parents=True, exist_ok=True)
    try:
        if "inline" in source:
            part.write_bytes(_inline(job, tools, order))
        elif "gs_uri" in source:
            _from_bucket(job, tools, source["gs_uri"], part)
        else:
            _from_address(tools, order, source["url"], part)
        part.replace(ready)
    finally:
        part.unlink(missing_ok=True)
    return Advance(to="finishing", changes={"failures": 0, "note": None})


def _from_address(tools: Tools, order: orders.OrderRow, url: str, part: Path) -> None:
    provider = tools.provider_at(order.provider, order.provider_model)
    tools.door.fetch(
        url,
        sink=part,
        max_bytes=MOST_BYTES,
        headers=provider.result_headers(),
        header_hosts=provider.result_hosts(),
        allow_netlocs=provider.own_netlocs(),
        total_seconds=TOTAL_SECONDS,
        keep_going=tools.keep_going,
    )


def _from_bucket(job: Job, tools: Tools, uri: str, part: Path) -> None:
    reader, limits = tools.google_objects, {"max_bytes": MOST_BYTES, "total_seconds": TOTAL_SECONDS}
    try:
        reader.fetch(uri, part, keep_going=tools.keep_going, **limits)
    except FileNotFoundError as absent:
        if now() > (job.provider_done_at or now()) + MISSING_SECONDS:
            sentence = "The result is not in the bucket where it should be. You were not charged."
            raise Permanent("result_lost", sentence) from absent
        raise Transient("result_not_there", "The result is not in the bucket yet.") from absent
    except ObjectTooLarge as large:
        raise Permanent("too_large", f"The result is larger than the {MOST_BYTES} bytes that are taken.") from large
    except (StorageGone, PermissionError) as away:
        raise Transient("bucket_unreachable", "The bucket with the result does not answer.") from away


def fetch_error(job: Job, tools: Tools, outcome: Outcome) -> Answer:
    """Try again for as long as the provider keeps the result; a link that is over is asked for afresh, never paid afresh."""
    order, moment = order_of(job, tools), now()
    kept = tools.registry.vendors[order.provider].retention_seconds or KEPT_SECONDS
    if moment > (job.provider_done_at or moment) + kept:
        return lost(
            order,
            "result_lost",
            "The result could not be fetched before the provider removed it. You were not charged.",
        )
    note = outcome.message if outcome.code == "disk_full" else "Fetching the result again."
    wait = Wait(seconds=backoff(min(6, job.failures + 1), 1.0, 30.0), failed=True, changes={"note": note})
    if isinstance(outcome, LinkGone):
        return _ask_anew(job, tools, order) or wait
    if isinstance(outcome, Permanent):
        refused = int(job.result.get("fetches_refused", 0)) + 1
        if refused >= REFUSED_TRIES or outcome.code == "result_lost":
            return lost(order, outcome.code, outcome.message)
        changes = {"result": job.result | {"fetches_refused": refused}, "note": note}
        return _ask_anew(job, tools, order, changes) or replace(wait, changes=changes)
    if isinstance(outcome, Transient) and outcome.retry_after:
        return Wait(seconds=outcome.retry_after, failed=True, changes=wait.changes)
    return wait


def lost(order: orders.OrderRow, code: str, message: str) -> Advance:
    """The end of a job whose result is out of reach: the provider was paid, the person is not charged."""
    ending = closed(order, orders.DONE, now(), error_code=code, error_message=message, charged=True)
    return Advance(
        to="failed", changes={"error_code": code, "error_message": message, "charged": False}, writes=(ending,)
    )


def _inline(job: Job, tools: Tools, order: orders.OrderRow) -> bytes:
    """A small result that travels in the answer itself: the provider is asked for it once more."""
    found = tools.provider(order.provider).poll(order.operation_id or "", shown(order, tools, job))
    data = found.outputs[0].data if found.outputs else None
    if not data:
        raise LinkGone(404)
    return data


def _ask_anew(job: Job, tools: Tools, order: orders.OrderRow, more: Mapping[str, Any] | None = None) -> Answer | None:
    try:
        operation = tools.provider(order.provider).poll(order.operation_id or "", shown(order, tools, job))
    except Outcome:
        return None
    if operation.status is OperationStatus.FAILED:
        return ended(job, tools, order, operation)
    if operation.status is OperationStatus.SUCCEEDED:
        keep_inline(job, tools, operation.outputs)
        outputs = stored_outputs(operation.outputs)
        keep = lambda connection: orders.change(connection, order.id, outputs=outputs)  # noqa: E731
        seconds = backoff(min(6, job.failures + 1), 1.0, 30.0)
        return Wait(seconds=seconds, failed=True, changes={"looks": job.looks + 1, **(more or {})}, writes=(keep,))
    return None
