"""What was made of one video, for its page: the sizes to save, the small pictures for scrubbing, what was noticed in it."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from vividflow.lifecycle.qualities import qualities
from vividflow.lifecycle.tools import Tools
from vividflow.media.finishing import INDEX
from vividflow.pages import words
from vividflow.pages.job_view import page_link
from vividflow.records import renditions
from vividflow.records.assets import Asset
from vividflow.records.jobs import Job


@dataclass(frozen=True, kw_only=True)
class SizeView:
    """One size to save: its name, where it is, what the file is called, how large it is in words."""

    name: str
    address: str
    file: str
    weight: str


@dataclass(frozen=True, kw_only=True)
class FindingView:
    """One thing noticed: words, and the frame that shows it with words for those who do not see it."""

    words: str
    picture: str | None
    alt: str


@dataclass(frozen=True, kw_only=True)
class Made:
    """All of it; `sizes` is empty when there is only the original, `tiles` is the address of the index."""

    sizes: tuple[SizeView, ...] = ()
    tiles: str | None = None
    findings: tuple[FindingView, ...] = ()


def made_of(tools: Tools, connection: Connection, job: Job, asset: Asset, now: float) -> Made:
    """What there is of a finished video."""
    made = renditions.of_asset(connection, asset.id)
    base = f"/api/v1/videos/jobs/{job.id}"
    sizes = {name: each for name, each in qualities(asset, made).items() if name != "original"}
    keys = {each.name: each.storage_key for each in made}
    return Made(
        sizes=tuple(
            SizeView(
                name=f"{name} (original)" if each is asset else name,
                address=f"{base}/stream?quality={name}",
                file=f"{job.id}-{name}.{each.storage_key.rpartition('.')[2]}",
                weight=words.size(each.size),
            )
            for name, each in sizes.items()
        )
        if len(sizes) > 1
        else (),
        tiles=f"{base}/thumbnail?variant=vtt" if INDEX in keys else None,
        findings=tuple(
            FindingView(
                words=each["words"],
                picture=page_link(tools, keys[each["evidence"]], now) if each["evidence"] in keys else None,
                alt="A frame from there",
            )
            for each in asset.facts.get("findings") or ()
        ),
    )
