"""A person's pictures: as the API shows them, kept, listed, put away."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from vividflow.errors import Problem
from vividflow.lifecycle.intake import LIBRARY, THUMBNAIL, Intake
from vividflow.lifecycle.orders import Once, replay, reply_of
from vividflow.lifecycle.status import link
from vividflow.lifecycle.tools import Tools
from vividflow.lifecycle.trash import drop, forget_upload
from vividflow.records import assets, idempotency, jobs, renditions
from vividflow.records.assets import Asset
from vividflow.records.renditions import Rendition
from vividflow.timing import iso, now

_UNCHECKED: Mapping[str, Any] = {"verdict": "not_checked", "checks": {}}


def keep(tools: Tools, user_id: str, path: Path, *, once: Once | None = None) -> tuple[int, dict[str, Any]]:
    """Keep the file at `path` (a scratch file of the caller's): 201 and the picture, 200 when it was there already.

    Raises `Problem` 422 (no picture, too small, too large, not allowed), 503 or 507.
    """
    with Intake(tools, user_id, LIBRARY) as intake:
        intake.prove("image", path)
        intake.upload()
        while True:
            asset = intake.proved["image"]
            status = 201 if intake.new else 200
            body = image_object(tools, asset)
            try:
                with tools.db.transaction() as connection:
                    intake.write(connection)
                    if once is not None:
                        idempotency.insert(connection, reply_of(user_id, once, status, body, now()))
                return status, body
            except IntegrityError:
                if once is not None and (known := replay(tools, user_id, once)) is not None:
                    return known
                if not intake.overtaken():
                    raise


def own(connection: Connection, user_id: str, image_id: str, *, trashed: bool = False) -> Asset:
    """One of a person's pictures. Raises `Problem` 404."""
    asset = assets.by_id(connection, user_id, image_id)
    if asset is None or asset.kind != "image" or asset.job_id is not None:
        raise missing()
    if asset.deleted_at is not None and not trashed:
        raise missing()
    return asset


def page(
    tools: Tools, user_id: str, *, limit: int, after: str | None = None
) -> tuple[list[dict[str, Any]], bool, str | None]:
    """A page of pictures, newest first: the objects, whether there are more, and the id to go on after. Raises 404."""
    with tools.db.reading() as connection:
        last = own(connection, user_id, after, trashed=True) if after is not None else None
        found = assets.uploads(connection, user_id, "image", limit=limit + 1, after=last)
    shown = found[:limit]
    more = len(found) > limit
    return [image_object(tools, asset) for asset in shown], more, shown[-1].id if more else None


def thumbnail(tools: Tools, user_id: str, image_id: str) -> Rendition:
    """The 512 × 512 rendition of a picture. Raises `Problem` 404."""
    with tools.db.reading() as connection:
        asset = own(connection, user_id, image_id)
        made = {each.name: each for each in renditions.of_asset(connection, asset.id)}
    if THUMBNAIL not in made:
        raise Problem(404, "no_thumbnail", "This picture came before there were thumbnails. Send it again for one.")
    return made[THUMBNAIL]


def remove(tools: Tools, user_id: str, image_id: str, *, purge: bool = False) -> None:
    """Put a picture into the trash, or (`purge`) remove it with its files for good.

    Jobs that were not ordered yet and need it will say so and cost nothing. Raises `Problem` 404, and 409 image_in_use
    for a purge while a job is at work with it.
    """
    keys: list[str] = []
    with tools.db.transaction() as connection:
        asset = own(connection, user_id, image_id, trashed=purge)
        if purge:
            _check_unused(connection, user_id, asset.id)
            keys = forget_upload(connection, asset)
        else:
            assets.change(connection, asset.id, deleted_at=now())
    drop(tools, keys)


def restore(tools: Tools, user_id: str, image_id: str) -> Asset:
    """Take a picture back from the trash. Raises `Problem` 404, 409 not_in_trash."""
    with tools.db.transaction() as connection:
        asset = own(connection, user_id, image_id, trashed=True)
        if asset.deleted_at is None:
            raise Problem(409, "not_in_trash", "This picture is not in the trash.")
        taken = now()
        assets.change(connection, asset.id, deleted_at=None, restored_at=taken)
    return replace(asset, deleted_at=None, restored_at=taken)


def image_object(tools: Tools, asset: Asset) -> dict[str, Any]:
    """A picture as the API shows it; `url` and `thumbnail_url` work without a key for an hour or two."""
    moment, facts = now(), asset.facts
    small = f"{asset.storage_key.rpartition('/')[0]}/{THUMBNAIL}.jpg"
    return {
        "id": asset.id,
        "image_id": asset.id,
        "url": link(tools, asset.storage_key, "inline", moment),
        "thumbnail_url": link(tools, small, "inline", moment),
        "mime_type": asset.mime,
        "size": asset.size,
        "width": asset.width,
        "height": asset.height,
        "sha256": asset.given_sha256 or asset.sha256,
        "given_mime_type": facts.get("given_mime", asset.mime),
        "exif": {"orientation": facts.get("orientation", 1), "location_removed": bool(facts.get("location"))},
        "moderation": facts.get("moderation", dict(_UNCHECKED)),
        "created_at": iso(asset.created_at),
    }


def missing() -> Problem:
    """The answer for a picture that is not there, or not yours: the same in every way."""
    return Problem(404, "image_not_found", "There is no picture with this id.")


def _check_unused(connection: Connection, user_id: str, asset_id: str) -> None:
    for job in jobs.active(connection, user_id):
        if asset_id in (job.params.get("image_id"), job.params.get("last_image_id")):
            detail = "A job that is at work needs this picture. Cancel it first, or delete the picture without purge."
            raise Problem(409, "image_in_use", detail, extra={"job_id": job.id})
