"""A picture as the pages show it: its facts in words, its addresses, and what was made from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from vividflow.lifecycle.intake import THUMBNAIL
from vividflow.lifecycle.pieces import KEPT_SECONDS
from vividflow.lifecycle.tools import Tools
from vividflow.pages import words
from vividflow.pages.job_view import page_link
from vividflow.records import picture_uses
from vividflow.records.assets import Asset
from vividflow.records.picture_uses import Use
from vividflow.records.uploads import Upload

_TYPES = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WebP", "image/heic": "HEIC", "image/avif": "AVIF"}


@dataclass(frozen=True, kw_only=True)
class AssetView:
    """What a tile and the page of one picture need."""

    asset: Asset
    thumbnail: str
    source: str
    download: str
    uses: tuple[Use, ...]

    @property
    def pixels(self) -> str:
        """Its width and height, which is what a picture is called here."""
        return f"{self.asset.width} × {self.asset.height}"

    @property
    def size(self) -> str:
        """How large the file is."""
        return words.size(self.asset.size)

    @property
    def type(self) -> str:
        """What kind of file it is."""
        return _TYPES.get(self.asset.mime, self.asset.mime)

    @property
    def given(self) -> str:
        """What kind of file was sent, where that was another one."""
        mime: str = self.asset.facts.get("given_mime") or self.asset.mime
        return "" if mime == self.asset.mime else _TYPES.get(mime, mime)

    @property
    def located(self) -> bool:
        """Whether the file told where it was taken; what is kept does not."""
        return bool(self.asset.facts.get("location"))

    @property
    def used(self) -> str:
        """In how many videos it is: "Used in 3 videos", or nothing."""
        return f"Used in {_videos(len(self.uses))}" if self.uses else ""

    @property
    def farewell(self) -> str:
        """What is said when it was put into the trash."""
        said = ["Picture moved to the trash."]
        waiting = sum(use.active for use in self.uses)
        if made := len(self.uses) - waiting:
            said.append(f"{_videos(made)} made with it {'stays' if made == 1 else 'stay'}.")
        if waiting:
            said.append(f"{_videos(waiting)} in progress may still need it and would fail, free of charge.")
        return " ".join(said)


@dataclass(frozen=True, kw_only=True)
class Unfinished:
    """An upload that broke off, as the page offers to go on with it."""

    upload: Upload
    percent: int
    ends_at: float

    @property
    def said(self) -> str:
        """How much of it is here."""
        if not self.upload.received:
            return f"Nothing of {words.size(self.upload.size)} is here yet"
        return f"{words.size(self.upload.received)} of {words.size(self.upload.size)} are here"


def asset_views(
    tools: Tools, connection: Connection, user_id: str, found: Sequence[Asset], now: float
) -> list[AssetView]:
    """Several pictures of one person."""
    since = min((asset.created_at for asset in found), default=0.0)
    uses = picture_uses.uses(connection, user_id, [asset.id for asset in found], since)
    return [
        AssetView(
            asset=asset,
            thumbnail=page_link(tools, f"{asset.storage_key.rpartition('/')[0]}/{THUMBNAIL}.jpg", now),
            source=page_link(tools, asset.storage_key, now),
            download=page_link(tools, asset.storage_key, now, "attachment"),
            uses=tuple(uses[asset.id]),
        )
        for asset in found
    ]


def unfinished_view(upload: Upload) -> Unfinished:
    """An upload that nobody is known to be sending."""
    percent = min(99, 100 * upload.received // max(1, upload.size))
    return Unfinished(upload=upload, percent=percent, ends_at=upload.updated_at + KEPT_SECONDS)


def _videos(count: int) -> str:
    return "1 video" if count == 1 else f"{count:,} videos"
