"""Proving the file, making its posters, signing for it, storing all of it, and only then the row."""

from __future__ import annotations

import errno
import hashlib
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

from vividflow.errors import Outcome, Permanent, Transient
from vividflow.lifecycle.answers import Advance, Answer, Wait
from vividflow.lifecycle.fetch import lost
from vividflow.lifecycle.ordering import order_of
from vividflow.lifecycle.proof import NOT_IT, Proof, prove
from vividflow.lifecycle.provenance import NAME as PROVENANCE
from vividflow.lifecycle.provenance import seal_original
from vividflow.lifecycle.render import ready_file
from vividflow.lifecycle.tools import Tools
from vividflow.media.provenance import MIME
from vividflow.records import assets, jobs, orders, renditions
from vividflow.records.jobs import Job
from vividflow.storage.base import StorageFull, StorageGone
from vividflow.timing import backoff, now

# A result that is not what was ordered is fetched again three times, over five minutes.
FETCH_AGAIN_AFTER = (10.0, 60.0, 230.0)
_NAMES = uuid.UUID("3b1d3c0e-6a59-4b55-9a3c-0f2c1f7f5a10")


def finish(job: Job, tools: Tools) -> Answer:
    """Turn the ready file into a stored asset with posters, and complete the job."""
    ready = ready_file(tools, job)
    if not ready.exists():
        return Advance(to="downloading")
    order = order_of(job, tools)
    folder = tools.settings.scratch / f"{job.id}.{job.fence}"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        proof = prove(job, tools, ready, folder)
        asset, made = _store(job, tools, order, ready, proof, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    moment = now()
    actual = 0 if job.kind == "late" else order.cost if order.cost is not None else order.quoted
    cost = min(actual, order.quoted)  # the reserve may be for a dearer route than the one that was taken

    def keep(connection: jobs.Connection) -> None:
        assets.insert(connection, asset)
        for rendition in made:
            renditions.insert(connection, rendition)
        orders.change(connection, order.id, state=orders.DONE, ended_at=moment, cost=actual, charged=job.kind != "late")
        if job.kind == "late" and job.parent_id:
            jobs.change(connection, job.parent_id, late_asset_id=asset.id)

    changes = {
        "result": {"asset_id": asset.id} | {name: job.result[name] for name in ("routes",) if name in job.result},
        "progress": 100,
        "cost": cost,
        "actual": actual,
        "made_ms": round((proof.duration or 0.0) * 1000) if proof.kind == "video" else None,
        "charged": actual > 0,
        "note": None,
        "failures": 0,
    }
    return Advance(to="completed", changes=changes, writes=(keep,), then=lambda: ready.unlink(missing_ok=True))


def asset_id_of(order_id: str) -> str:
    """The id of what an order makes: it follows from the order, so a second try writes the same objects and not new ones."""
    return str(uuid.uuid5(_NAMES, order_id))


def finish_error(job: Job, tools: Tools, outcome: Outcome) -> Answer:
    """A file that is not what was ordered is fetched again a few times; a storage that is away is waited for, for ever."""
    if outcome.code in NOT_IT:
        again = int(job.result.get("fetched_again", 0))
        if again >= len(FETCH_AGAIN_AFTER):
            message = f"{outcome.message} It was fetched {again + 1} times. You were not charged."
            return lost(order_of(job, tools), "bad_result", message)
        ready_file(tools, job).unlink(missing_ok=True)
        changes = {
            "result": job.result | {"fetched_again": again + 1},
            "note": "The file was damaged; fetching it again.",
        }
        return Advance(to="downloading", after=FETCH_AGAIN_AFTER[again], changes=changes)
    if isinstance(outcome, Permanent):
        return lost(order_of(job, tools), outcome.code, outcome.message)
    return Wait(seconds=backoff(min(5, job.failures + 1), 1.0, 30.0), failed=True, changes={"note": outcome.message})


def _store(
    job: Job, tools: Tools, order: orders.OrderRow, ready: Path, proof: Proof, folder: Path
) -> tuple[assets.Asset, list[renditions.Rendition]]:
    asset_id = asset_id_of(order.id)
    base = f"users/{job.user_id}/{asset_id}"
    moment = now()
    sha256 = _hash(ready)
    key = f"{base}/original.{proof.ending}"
    stored = _put(lambda: tools.storage.put(key, ready, mime=proof.mime, sha256=sha256))
    made_at = job.provider_done_at or moment
    manifest, signing = seal_original(
        job, tools, ready, kind=proof.kind, mime=proof.mime, sha256=sha256, made_at=made_at
    )
    asset = assets.Asset(
        id=asset_id,
        user_id=job.user_id,
        job_id=job.parent_id if job.kind == "late" else job.id,
        kind=proof.kind,
        storage_key=key,
        mime=proof.mime,
        size=stored,
        sha256=sha256,
        width=proof.width,
        height=proof.height,
        duration=proof.duration,
        facts=proof.facts | {PROVENANCE: signing},
        created_at=moment,
    )
    made = []
    for poster in proof.posters:
        poster_key, poster_hash = f"{base}/{poster.name}{poster.path.suffix}", _hash(poster.path)
        size = _put(lambda k=poster_key, p=poster, h=poster_hash: tools.storage.put(k, p.path, mime=p.mime, sha256=h))
        made.append(
            renditions.Rendition(
                id=str(uuid.uuid5(_NAMES, f"{order.id}/{poster.name}")),
                asset_id=asset_id,
                name=poster.name,
                storage_key=poster_key,
                mime=poster.mime,
                size=size,
                sha256=poster_hash,
                width=poster.width,
                height=poster.height,
                created_at=moment,
            )
        )
    if manifest is not None:
        made.append(_sidecar(tools, asset, f"{order.id}/{PROVENANCE}", manifest, folder))
    return asset, made


def _sidecar(tools: Tools, asset: assets.Asset, name: str, manifest: bytes, folder: Path) -> renditions.Rendition:
    # No two signatures are equal, so a second try must write another name than the first one may have written.
    digest, written = hashlib.sha256(manifest).hexdigest(), folder / PROVENANCE
    written.write_bytes(manifest)
    key = f"{asset.storage_key.rpartition('/')[0]}/{PROVENANCE}-{digest[:16]}.c2pa"
    size = _put(lambda: tools.storage.put(key, written, mime=MIME, sha256=digest))
    return renditions.Rendition(
        id=str(uuid.uuid5(_NAMES, name)),
        asset_id=asset.id,
        name=PROVENANCE,
        storage_key=key,
        mime=MIME,
        size=size,
        sha256=digest,
        created_at=asset.created_at,
    )


def _put(put: Callable[[], object]) -> int:
    try:
        return put().size  # type: ignore[attr-defined]
    except StorageGone as away:
        raise Transient("storage_gone", "The storage does not answer; the file is kept here until it does.") from away
    except (StorageFull, OSError) as full:
        if isinstance(full, OSError) and full.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise Transient("disk_full", "There is no room left for the result; it is kept until there is.") from full


def _hash(file: Path) -> str:
    with file.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()
