"""What is known of a model and of a provider: plain values, read from `models.toml` by `registry.py`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from vividflow import timing

NOTICE_DAYS = 30


@dataclass(frozen=True, kw_only=True)
class VendorFacts:
    """What is known of a provider: its lane, its rates a minute (None: no limit), how it cancels, how it is looked at.

    `cancel_billed` is whether a run stopped half-way is charged; `looks` are the seconds between looks after the
    first, the last of them repeated; `retention_seconds` is how long a result stays there. `unit_usd` is what one unit
    costs where the vendor tells the price of a clip in units; `callbacks_signed` whether its callbacks prove who sent them.
    `console` is where an operator sees what was ordered there.
    """

    name: str
    title: str
    lane: str = "calls"
    submits_per_minute: float | None = None
    reads_per_minute: float | None = None
    concurrency: int | None = None
    cancel: bool = False
    cancel_billed: bool = False
    result_hosts: tuple[str, ...] = ()
    looks: tuple[float, ...] = (2, 5, 10, 20, 30)
    retention_seconds: float | None = None
    unit_usd: Decimal | None = None
    callbacks_signed: bool = True
    console: str | None = None


@dataclass(frozen=True, kw_only=True)
class TextFacts:
    """The vendor's ids of the model that writes text here, and of the one that stands in for it."""

    model: str
    fallback: str


@dataclass(frozen=True, kw_only=True)
class Extension:
    """How a model goes on from a finished video: `adds` are the lengths in seconds that can be added in one order.

    The video itself is `takes` seconds long (from, to) and of one of `resolutions` (its shorter side); one that goes as
    bytes, because the vendor cannot read it where it lies, has at most `max_bytes`.
    """

    adds: tuple[float, ...]
    takes: tuple[float, float]
    resolutions: tuple[str, ...]
    max_bytes: int


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What values a model takes. Durations are seconds: either the list, or any value of `duration_range`.

    `cfg_sent_max` is the highest cfg that is really sent; above it the caller is warned. `references` is how many
    reference pictures are taken, `reference_durations` the lengths that can be had with them (empty: all). `only_at` names
    what is taken at some resolutions only, `apart` what is never taken together. `extend` is
    how it goes on from a finished video, None where it cannot.
    """

    durations: tuple[float, ...] = ()
    duration_range: tuple[float, float] | None = None
    default_duration: float = 0
    resolutions: tuple[str, ...] = ()
    aspect_ratios: tuple[str, ...] = ()
    cfg: tuple[float, float] | None = None
    cfg_sent_max: float | None = None
    steps: tuple[float, float] | None = None
    seed_max: int | None = None
    references: int | None = None
    reference_durations: tuple[float, ...] = ()
    only_at: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    apart: tuple[tuple[str, ...], ...] = ()
    extend: Extension | None = None

    @property
    def timed(self) -> bool:
        """Whether a length can be asked for at all; pictures have none."""
        return bool(self.durations or self.duration_range)

    def takes_at(self, name: str, resolution: str) -> bool:
        """Whether what the model takes (`audio`, `last_image`, …) is taken at that resolution too."""
        return resolution in self.only_at.get(name, (resolution,))

    def takes_duration(self, seconds: float) -> bool:
        """Whether a clip of that many seconds can be ordered."""
        if self.duration_range:
            return self.duration_range[0] <= seconds <= self.duration_range[1]
        return seconds in self.durations

    def duration_covering(self, seconds: float) -> float | None:
        """The shortest length that can be ordered and is at least `seconds`, or None when none is long enough."""
        if self.duration_range:
            low, high = self.duration_range
            return max(low, seconds) if seconds <= high else None
        return next((each for each in self.durations if each >= seconds), None)


@dataclass(frozen=True, kw_only=True)
class Price:
    """One line of a price list: `usd` for `per_seconds` seconds, or `per_frames` frames, or (neither) for the whole.

    It holds for one resolution, with or without audio, with or without a start image; None means any.
    """

    usd: Decimal
    per_seconds: float | None = None
    per_frames: int | None = None
    resolution: str | None = None
    audio: bool | None = None
    image: bool | None = None

    def fits(self, *, resolution: str, audio: bool, has_image: bool) -> bool:
        """Whether this line is the one for such an order."""
        return self.resolution in (None, resolution) and self.audio in (None, audio) and self.image in (None, has_image)


@dataclass(frozen=True, kw_only=True)
class PictureLimits:
    """What pictures a route takes: `formats` in order of preference, pixels a side, bytes, width divided by height.

    None means no limit beyond our own. Format, size and bytes are made to fit; a side that is too short and a shape
    outside `ratio` are refused.
    """

    formats: tuple[str, ...] = ("jpeg", "png")
    min_side: int | None = None
    max_side: int | None = None
    max_bytes: int | None = None
    ratio: tuple[float, float] | None = None


@dataclass(frozen=True, kw_only=True)
class Route:
    """One way to a model: a provider, its own ids for text and for image input, its prices and its usual time.

    `text` and `image` are an id, or an id for each resolution, or None where that input is not taken; `lacks` names what
    the model takes and this route does not. `run_second_usd` is the price of a second of the machine where the vendor
    charges for those; `prices` are the estimate then. A route without
    `prices` is one whose price nobody knows (a model that was named by its vendor's id); `price_date` is None then.
    """

    provider: str
    text: str | Mapping[str, str] | None = None
    image: str | Mapping[str, str] | None = None
    shape_from_picture: bool = False
    picture: PictureLimits = PictureLimits()
    lacks: frozenset[str] = frozenset()
    frames_per_second: int | None = None
    extra_frames: int = 0
    usual_base: float = 0
    usual_per_second: Mapping[str, float] = field(default_factory=dict)
    prices: tuple[Price, ...] = ()
    price_date: date | None
    price_source: str
    price_verified: bool = True
    run_second_usd: Decimal | None = None

    def provider_model(self, *, has_image: bool, resolution: str) -> str | None:
        """The provider's own id of the model for such an order, or None when this route does not make it."""
        named = self.image if has_image else self.text
        return named.get(resolution) if isinstance(named, Mapping) else named

    def provider_models(self) -> set[str]:
        """All of the provider's own ids of the model."""
        named = (each.values() if isinstance(each, Mapping) else (each,) for each in (self.text, self.image) if each)
        return {name for names in named for name in names}

    def frames(self, duration: float) -> int | None:
        """How many frames are ordered for `duration` seconds, or None where the vendor counts seconds."""
        return round(duration * self.frames_per_second) + self.extra_frames if self.frames_per_second else None

    def usual_seconds(self, duration: float, resolution: str) -> float:
        """How long making a clip takes before this installation has a history of its own."""
        return self.usual_base + duration * self.usual_per_second.get(resolution, 0)


@dataclass(frozen=True, kw_only=True)
class Model:
    """A public model: what it takes beside prompt, duration, resolution and shape, its limits, its routes in order.

    `sounds` is whether it makes sound unless it is told not to, `audio_always` that it cannot be silent.
    """

    id: str
    title: str
    kind: str
    note: str = ""
    takes: frozenset[str] = frozenset()
    audio_always: bool = False
    sounds: bool = False
    limits: Limits = Limits()
    routes: tuple[Route, ...] = ()
    shutdown_date: date | None = None
    successors: tuple[str, ...] = ()

    def retired(self, today: date | None = None) -> bool:
        """Whether it is shut down on `today` (UTC)."""
        return self.shutdown_date is not None and self.shutdown_date <= (today or _today())

    def ending(self, today: date | None = None) -> bool:
        """Whether it is shut down within the next 30 days."""
        if self.shutdown_date is None or self.retired(today):
            return False
        return self.shutdown_date - (today or _today()) <= timedelta(days=NOTICE_DAYS)


def _today() -> date:
    return datetime.fromtimestamp(timing.now(), UTC).date()
