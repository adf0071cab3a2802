"""Pictures on their way out: loaded for a job, and made fit for the model that it goes to."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal, cast

from vividflow.errors import Permanent
from vividflow.lifecycle.intake import ENDINGS
from vividflow.lifecycle.tools import Tools
from vividflow.media.shapes import ratio_of
from vividflow.providers.base import Picture
from vividflow.providers.registry import PictureLimits
from vividflow.records import assets
from vividflow.records.jobs import Job


def load_picture(job: Job, tools: Tools, name: str, *, asking: bool = False) -> Picture | None:
    """The picture a job starts from ("image") or ends with ("last_image"), as bytes, as its model takes it.

    Cropped to the shape asked for where the model takes its shape from it, scaled down, in a format of the model's,
    with white behind what is transparent where it is converted. `asking` is for orders that may have been sent: then a
    picture in the trash still counts. Raises `Permanent` picture_gone.
    """
    asset = _asset(job, tools, name, trashed=asking)
    if asset is None:
        return None
    return _loaded(job, tools, asset, crop=bool(job.params.get("crop")))


def load_references(job: Job, tools: Tools, *, asking: bool = False) -> tuple[Picture, ...]:
    """The pictures that show what things in the clip look like, as bytes, uncropped; `asking` as in `load_picture`."""
    found = [_by_id(job, tools, each, trashed=asking) for each in job.params.get("reference_ids", ())]
    return tuple(_loaded(job, tools, asset, crop=False) for asset in found)


def picture_file(job: Job, tools: Tools, name: str, folder: Path) -> Path | None:
    """The same picture as a file on this machine, in `folder` unless the storage has it here."""
    asset = _asset(job, tools, name)
    if asset is None:
        return None
    here = tools.storage.local_path(asset.storage_key)
    if here is not None and here.exists():
        return here
    copy = folder / f"{name}.{ENDINGS.get(asset.mime, 'png')}"
    with copy.open("wb") as out:
        for piece in _open(tools, asset):
            out.write(piece)
    return copy


def limits_of(job: Job, tools: Tools) -> PictureLimits:
    """What pictures the route of a job takes; the usual limits when the route is no longer there."""
    model = tools.registry.model(job.model or "")
    routes = (route.picture for route in model.routes if route.provider == job.provider) if model else ()
    return next(iter(routes), PictureLimits())


def _asset(job: Job, tools: Tools, name: str, *, trashed: bool = False) -> assets.Asset | None:
    asset_id = job.params.get(f"{name}_id")
    return None if asset_id is None else _by_id(job, tools, asset_id, trashed=trashed)


def _by_id(job: Job, tools: Tools, asset_id: str, *, trashed: bool) -> assets.Asset:
    with tools.db.reading() as connection:
        asset = assets.by_id(connection, job.user_id, asset_id)
    if asset is None or (asset.deleted_at is not None and not trashed):
        raise Permanent(
            "picture_gone", "The picture was deleted before the video could be ordered. You were not charged."
        )
    return asset


def _loaded(job: Job, tools: Tools, asset: assets.Asset, *, crop: bool) -> Picture:
    limits, data = limits_of(job, tools), b"".join(_open(tools, asset))
    if crop or not _fits(asset, limits):
        return _made_fit(job, tools, data, asset, limits, crop=crop)
    return Picture(data=data, mime=asset.mime, width=asset.width or 0, height=asset.height or 0)


def _open(tools: Tools, asset: assets.Asset) -> Iterator[bytes]:
    try:
        yield from tools.storage.open_range(asset.storage_key)
    except FileNotFoundError as gone:
        raise Permanent("picture_gone", "The picture is no longer in the storage. You were not charged.") from gone


def _fits(asset: assets.Asset, limits: PictureLimits) -> bool:
    return (
        asset.mime.removeprefix("image/") in limits.formats
        and max(asset.width or 0, asset.height or 0) <= (limits.max_side or 1 << 20)
        and asset.size <= (limits.max_bytes or 1 << 30)
    )


def _made_fit(
    job: Job, tools: Tools, data: bytes, asset: assets.Asset, limits: PictureLimits, *, crop: bool
) -> Picture:
    tools.settings.scratch.mkdir(parents=True, exist_ok=True)
    given = tools.settings.scratch / f"{job.id}.{job.fence}.given"
    made = given.with_suffix(".fit")
    own = asset.mime.removeprefix("image/")
    format = own if own in limits.formats else limits.formats[0]
    try:
        given.write_bytes(data)
        facts = tools.decoder.normalise_image(
            given,
            made,
            cast(Literal["JPEG", "PNG", "WEBP"], format.upper()),
            shape=ratio_of(job.params["aspect_ratio"]) if crop else None,
            most_side=limits.max_side,
            most_bytes=limits.max_bytes,
        )
        return Picture(data=made.read_bytes(), mime=facts.mime, width=facts.width, height=facts.height)
    finally:
        given.unlink(missing_ok=True)
        made.unlink(missing_ok=True)
