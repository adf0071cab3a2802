"""Putting a result and what was made of it into the storage, and the rows that say where."""

from __future__ import annotations

import errno
import hashlib
import uuid
from collections.abc import Callable
from pathlib import Path

from vividflow.errors import Transient
from vividflow.lifecycle.derive import Derived
from vividflow.lifecycle.proof import Proof
from vividflow.lifecycle.provenance import NAME as PROVENANCE
from vividflow.lifecycle.provenance import seal_original
from vividflow.lifecycle.tools import Tools
from vividflow.media.facts import MadeFile
from vividflow.media.provenance import MIME
from vividflow.records import assets, orders, renditions
from vividflow.records.jobs import Job
from vividflow.storage.base import StorageFull, StorageGone
from vividflow.timing import now

_NAMES = uuid.UUID("3b1d3c0e-6a59-4b55-9a3c-0f2c1f7f5a10")


def asset_id_of(order_id: str) -> str:
    """The id of what an order makes: it follows from the order, so a second try writes the same objects and not new ones."""
    return str(uuid.uuid5(_NAMES, order_id))


def store(
    job: Job, tools: Tools, order: orders.OrderRow, ready: Path, proof: Proof, derived: Derived, folder: Path
) -> tuple[assets.Asset, list[renditions.Rendition]]:
    """The rows of a result whose bytes are safe. Raises `Transient` (storage_gone, disk_full) and `OSError`."""
    asset_id = asset_id_of(order.id)
    base = f"users/{job.user_id}/{asset_id}"
    moment = now()
    sha256 = _hash(ready)
    key = f"{base}/original.{proof.ending}"
    size = _put(lambda: tools.storage.put(key, ready, mime=proof.mime, sha256=sha256))
    made_at = job.provider_done_at or moment
    manifest, signing = seal_original(
        job, tools, ready, kind=proof.kind, mime=proof.mime, sha256=sha256, made_at=made_at
    )
    found = {} if derived.findings is None else {"findings": [each.told() for each in derived.findings]}
    asset = assets.Asset(
        id=asset_id,
        user_id=job.user_id,
        job_id=job.parent_id if job.kind == "late" else job.id,
        kind=proof.kind,
        storage_key=key,
        mime=proof.mime,
        size=size,
        sha256=sha256,
        width=proof.width,
        height=proof.height,
        duration=proof.duration,
        facts=proof.facts | found | {PROVENANCE: signing},
        created_at=moment,
    )
    made = [_rendition(tools, order, asset, base, file) for file in derived.files]
    if manifest is not None:
        made.append(_sidecar(tools, order, asset, base, manifest, folder))
    return asset, made


def _rendition(
    tools: Tools, order: orders.OrderRow, asset: assets.Asset, base: str, file: MadeFile
) -> renditions.Rendition:
    key, sha256 = f"{base}/{file.name}{file.path.suffix}", _hash(file.path)
    size = _put(lambda: tools.storage.put(key, file.path, mime=file.mime, sha256=sha256))
    return renditions.Rendition(
        id=str(uuid.uuid5(_NAMES, f"{order.id}/{file.name}")),
        asset_id=asset.id,
        name=file.name,
        storage_key=key,
        mime=file.mime,
        size=size,
        sha256=sha256,
        width=file.width,
        height=file.height,
        created_at=asset.created_at,
    )


def _sidecar(
    tools: Tools, order: orders.OrderRow, asset: assets.Asset, base: str, manifest: bytes, folder: Path
) -> renditions.Rendition:
    # No two signatures are equal, so a second try must write another name than the first one may have written.
    digest, written = hashlib.sha256(manifest).hexdigest(), folder / PROVENANCE
    written.write_bytes(manifest)
    key = f"{base}/{PROVENANCE}-{digest[:16]}.c2pa"
    size = _put(lambda: tools.storage.put(key, written, mime=MIME, sha256=digest))
    return renditions.Rendition(
        id=str(uuid.uuid5(_NAMES, f"{order.id}/{PROVENANCE}")),
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
