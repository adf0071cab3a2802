"""The tiles of the library and the days they lie in; many at once in a handful of queries."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from itertools import groupby

from sqlalchemy import Connection

from vividflow.lifecycle.tools import Tools
from vividflow.lifecycle.trash import KEPT_SECONDS
from vividflow.pages import words
from vividflow.pages.job_view import Badge, JobView, Picture, badge_of, page_link, view
from vividflow.records import library
from vividflow.records.assets import Asset
from vividflow.records.jobs import Job
from vividflow.records.renditions import Rendition

DAY_SECONDS = 86400
LEAST_RATIO, MOST_RATIO = 0.4, 3.0


@dataclass(frozen=True, kw_only=True)
class Tile:
    """One item. `live` is what is only known of one under way; `ratio` is width by height, `days_left` that of the trash."""

    job: Job
    title: str
    badge: Badge
    poster: Picture | None
    asset: Asset | None
    ratio: float
    days_left: int | None
    live: JobView | None

    @property
    def active(self) -> bool:
        """Whether it is still under way."""
        return self.live is not None

    @property
    def pictured(self) -> bool:
        """Whether it is a picture and not a video."""
        return self.job.kind == "image"

    @property
    def percent(self) -> int | None:
        """How far it is."""
        return self.live.percent if self.live else None

    @property
    def left_seconds(self) -> int | None:
        """About how long it will take yet."""
        return self.live.left_seconds if self.live else None

    @property
    def length(self) -> str:
        """A video's length on its picture."""
        return words.clock(self.asset.duration) if self.asset and self.asset.duration else ""


@dataclass(frozen=True, kw_only=True)
class Day:
    """The tiles of a day; `key` is its date, `name` and `count` are words, all empty where the order is another one."""

    key: str
    name: str
    count: str
    tiles: tuple[Tile, ...]


def tiles(tools: Tools, connection: Connection, found: Sequence[Job], now: float) -> list[Tile]:
    """A tile for each job, in the same order."""
    if not found:
        return []
    ids = {job.id: str(job.result["asset_id"]) for job in found if job.result.get("asset_id")}
    files = library.files(connection, found[0].user_id, ids.values())
    made = library.posters(connection, ids.values())
    return [_tile(tools, connection, job, files.get(ids.get(job.id, "")), made, now) for job in found]


def days(found: Iterable[Tile], zone: tzinfo, now: float) -> list[Day]:
    """The tiles, which are in the order of time, by the day they were begun in."""
    today = datetime.fromtimestamp(now, zone).date()
    return [
        Day(key=day.isoformat(), name=day_name(day, today), count=counted(items := tuple(some)), tiles=items)
        for day, some in groupby(found, lambda tile: day_of(tile.job, zone))
    ]


def day_of(job: Job, zone: tzinfo) -> date:
    """The day that a job was begun in."""
    return datetime.fromtimestamp(job.created_at, zone).date()


def day_name(day: date, today: date) -> str:
    """ "Today", "Yesterday", "Monday 16 November", "Monday 17 November 2025"."""
    past = (today - day).days
    if past in (0, 1):
        return "Yesterday" if past else "Today"
    return f"{day:%A} {day.day} {day:%B}" + ("" if day.year == today.year else f" {day.year}")


def counted(items: Sequence[Tile], count: int | None = None) -> str:
    """ "6 videos", "1 picture", "7 items": `count` where there are more than are shown."""
    number = len(items) if count is None else count
    kinds = {tile.job.kind for tile in items}
    noun = "video" if kinds == {"video"} else "picture" if kinds == {"image"} else "item"
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _tile(
    tools: Tools,
    connection: Connection,
    job: Job,
    asset: Asset | None,
    made: library.Posters,
    now: float,
) -> Tile:
    live = None if job.over else view(tools, connection, job, now)
    poster = _poster(tools, made.get(asset.id, []), now) if asset else live.start if live else None
    left = None if job.deleted_at is None else max(1, math.ceil((job.deleted_at + KEPT_SECONDS - now) / DAY_SECONDS))
    return Tile(
        job=job,
        title=job.title or words.title(job.prompt),
        badge=badge_of(job),
        poster=poster,
        asset=asset,
        ratio=_ratio(job, asset),
        days_left=left,
        live=live,
    )


def _ratio(job: Job, asset: Asset | None) -> float:
    if asset and asset.width and asset.height:
        ratio = asset.width / asset.height
    else:
        wide, _, high = str(job.params.get("aspect_ratio", "16:9")).partition(":")
        ratio = int(wide) / int(high) if wide.isdigit() and high.isdigit() and int(high) else 16 / 9
    return round(min(MOST_RATIO, max(LEAST_RATIO, ratio)), 4)


def _poster(tools: Tools, made: Sequence[Rendition], now: float) -> Picture | None:
    by_name = {each.name: each for each in made}
    small, large = by_name.get("poster_480"), by_name.get("poster_960")
    plain = small or large or by_name.get("poster_jpeg") or by_name.get("thumbnail")
    if plain is None:
        return None
    links = {each.name: page_link(tools, each.storage_key, now) for each in (plain, large) if each}
    srcset = ""
    if small and large:
        srcset = f"{links['poster_480']} {small.width or 480}w, {links['poster_960']} {large.width or 960}w"
    return Picture(src=links[plain.name], srcset=srcset)
