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
from vividflow.lifecycle.tools import Tools
from vividflow.media.facts import MadeFile
from vividflow.records import assets, orders, renditions
from vividflow.records.jobs import Job
from vividflow.storage.base import StorageFull, StorageGone
from vividflow.timing import now

_NAMES = uuid.UUID("3b1d3c0e-6a59-4b55-9a3c-0f2c1f7f5a10")


def store(
    job: Job, tools: Tools, order: orders.OrderRow, ready: Path, proof: Proof, derived: Derived
) -> tuple[assets.Asset, list[renditions.Rendition]]:
    """The rows of a result whose bytes are safe. Raises `Transient` (storage_gone, disk_full) and `OSError`."""
    # The names follow from the order, so a second try writes the same objects again instead of new ones.
    asset_id = str(uuid.uuid5(_NAMES, order.id))
    base = f"users/{job.user_id}/{asset_id}"
    moment = now()
    sha256 = _hash(ready)
    key = f"{base}/original.{proof.ending}"
    size = _put(lambda: tools.storage.put(key, ready, mime=proof.mime, sha256=sha256))
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
        facts=proof.facts | found,
        created_at=moment,
    )
    return asset, [_rendition(tools, order, asset, base, file) for file in derived.files]


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
