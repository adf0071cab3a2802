"""Any Replicate model by its id: looked up once in a while, and turned into a model as the registry has them.

What it takes is read from its own schema; what it costs is not told there, so such a model has no price.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from vividflow import timing
from vividflow.errors import Refused
from vividflow.providers.model import Limits, Model, Route
from vividflow.providers.replicate_by_schema import rate_of
from vividflow.providers.replicate_schema import InputSchema, Slot, pixels, plain, read_schema

REMEMBERED_SECONDS, REFUSAL_SECONDS, MOST_REMEMBERED = 600.0, 60.0, 500
SIZES, SHAPES = ("480p", "720p", "1080p", "4k"), ("16:9", "9:16", "1:1", "4:3", "3:4", "21:9")
LONGEST_SECONDS = 60.0
USUAL_SECONDS = 60.0
SEED_MAX = 2**31 - 1
CFG, STEPS = (1.0, 20.0), (1.0, 1000.0)
NEARLY = 0.06
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*/[A-Za-z0-9][A-Za-z0-9._-]*").fullmatch
_VERSION = re.compile(r"[0-9a-f]{64}").fullmatch
_PICTURES = (".png", ".jpg", ".jpeg", ".webp")
_SHAPE = re.compile(r"[1-9][0-9]?:[1-9][0-9]?").fullmatch


@dataclass(frozen=True, kw_only=True)
class Described:
    """A model as Replicate describes it; `version` is set where it can only be run by its version."""

    name: str
    version: str | None
    schema: InputSchema
    kind: str


class OpenModels:
    """`ask` brings the object at a path, None for a 404, and raises `Transient` for no answer."""

    def __init__(self, ask: Callable[[str], Mapping[str, Any] | None]) -> None:
        self._ask = ask
        self._known: dict[str, tuple[float, Described | Refused]] = {}
        self._lock = threading.Lock()

    def described(self, name: str) -> Described:
        """What Replicate says of `owner/name`, not older than ten minutes (a no: than one).

        Raises `Refused` for a model that is not there (`model_not_found`) or cannot be run (`model_retired`), and
        `Transient` when there is no answer.
        """
        if not _NAME(name):
            raise Refused("model_not_found", f"“{name[:80]}” is not an id like owner/name.")
        with self._lock:
            known = self._known.get(name)
        if known is None or timing.monotonic() > known[0]:
            known = self._asked(name)
            with self._lock:
                if len(self._known) >= MOST_REMEMBERED:
                    self._known.clear()
                self._known[name] = known
        if isinstance(known[1], Refused):
            raise Refused(known[1].code, known[1].message, retired=known[1].retired)
        return known[1]

    def model(self, name: str) -> Model:
        """The model `replicate/<owner>/<name>`. Raises as `described`, and `Refused` (`model_not_mapped`) too."""
        return model_of(self.described(name))

    def _asked(self, name: str) -> tuple[float, Described | Refused]:
        told = self._ask(f"/v1/models/{quote(name)}")
        if told is None:
            absent = Refused("model_not_found", f"Replicate has no model {name}, or no longer.", retired=True)
            return timing.monotonic() + REFUSAL_SECONDS, absent
        try:
            return timing.monotonic() + REMEMBERED_SECONDS, describe(name, told)
        except Refused as archived:
            return timing.monotonic() + REFUSAL_SECONDS, archived


def describe(name: str, told: Mapping[str, Any]) -> Described:
    """A model object of Replicate's, read. Raises `Refused` (`model_retired`) when it has no version that can be run."""
    latest = told.get("latest_version")
    schema = read_schema(latest.get("openapi_schema") or {}) if isinstance(latest, dict) else None
    if not isinstance(latest, dict) or schema is None:
        archived = f"{name} at Replicate has no version that can be run any more."
        raise Refused("model_retired", archived, retired=True)
    version = latest.get("id")
    pinned = version if not told.get("is_official") and isinstance(version, str) and _VERSION(version) else None
    return Described(name=name, version=pinned, schema=schema, kind=_kind(schema, told))


def model_of(described: Described) -> Model:
    """The described model in the registry's words. Raises `Refused` (`model_not_mapped`) when it cannot be asked from here."""
    schema, name = described.schema, described.name
    foreign = schema.needed()
    if schema.slot("prompt") is None or foreign:
        why = f"it needs {', '.join(foreign)}" if foreign else "it takes no prompt"
        raise Refused("model_not_mapped", f"{name} at Replicate cannot be asked from here: {why}.")
    takes = {
        word
        for word in ("image", "last_image", "seed", "negative_prompt", "cfg", "steps", "audio")
        if schema.slot(word)
    }
    if "image" not in takes:
        takes.discard("last_image")
    limits = _limits(schema, takes, timed=described.kind == "video")
    provider_model = f"{name}:{described.version}" if described.version else name
    image = schema.slot("image")
    route = Route(
        provider="replicate",
        text=None if image is not None and image.name in schema.required else provider_model,
        image=provider_model if image is not None else None,
        usual_base=USUAL_SECONDS,
        price_date=None,
        price_source="not known: Replicate does not tell the price of a model",
        price_verified=False,
    )
    title = f"replicate/{name}"
    return Model(id=title, title=title, kind=described.kind, takes=frozenset(takes), limits=limits, routes=(route,))


def _kind(schema: InputSchema, told: Mapping[str, Any]) -> str:
    """video or image: by the example that is shown of it, else by whether it has a length."""
    example = told.get("default_example")
    output = example.get("output") if isinstance(example, dict) else None
    first = output[0] if isinstance(output, list) and output else output
    if isinstance(first, str):
        return "image" if urlsplit(first).path.lower().endswith(_PICTURES) else "video"
    return "video" if any(schema.slot(word) for word in ("duration", "frames", "rate")) else "image"


def _limits(schema: InputSchema, takes: set[str], *, timed: bool) -> Limits:
    durations, span = _lengths(schema) if timed else ((), None)
    usual = _usual_length(schema, durations, span)
    resolutions, shapes = _sizes(schema)
    seed = schema.slot("seed")
    return Limits(
        durations=durations,
        duration_range=span,
        default_duration=usual,
        resolutions=resolutions,
        aspect_ratios=shapes,
        cfg=_within(schema.slot("cfg"), CFG),
        steps=_within(schema.slot("steps"), STEPS),
        seed_max=int(seed.high if seed and seed.high else SEED_MAX) if "seed" in takes else None,
    )


def _lengths(schema: InputSchema) -> tuple[tuple[float, ...], tuple[float, float] | None]:
    slot = schema.slot("duration")
    if slot is not None:
        listed = sorted({float(each) for each in map(plain, slot.choices) if each.replace(".", "", 1).isdecimal()})
        if listed or slot.high is None:
            return (tuple(listed) or _default_alone(slot), None)
        return (), (max(slot.low or 1.0, 1.0), min(slot.high, LONGEST_SECONDS))
    slot = schema.slot("frames")
    if slot is None:
        return (), None
    if slot.high is None:
        return tuple(each / rate_of(schema) for each in _default_alone(slot)), None
    rate = rate_of(schema)
    return (), (round((slot.low or 1) / rate, 3), round(min(slot.high / rate, LONGEST_SECONDS), 3))


def _default_alone(slot: Slot) -> tuple[float, ...]:
    return (float(slot.default),) if isinstance(slot.default, int | float) and slot.default > 0 else ()


def _usual_length(schema: InputSchema, listed: tuple[float, ...], span: tuple[float, float] | None) -> float:
    slot = schema.slot("duration")
    told = plain(slot.default) if slot else ""
    default = float(told) if told.replace(".", "", 1).isdecimal() else 5.0
    if span:
        return min(max(default, span[0]), span[1])
    return default if default in listed else listed[0] if listed else 0.0


def _sizes(schema: InputSchema) -> tuple[tuple[str, ...], tuple[str, ...]]:
    area = schema.slot("pixels")
    sizes = [size for size in map(pixels, area.choices) if size] if area else []
    if sizes:
        ways = {(f"{min(size)}p", _shape(size)) for size in sizes}
        found = sorted({name for name, shape in ways if shape and name in SIZES}, key=SIZES.index)
        return tuple(found), tuple(shape for shape in SHAPES if any((name, shape) in ways for name in found))
    resolution, ratio = schema.slot("resolution"), schema.slot("aspect_ratio")
    resolutions = tuple(each for each in SIZES if resolution and resolution.choice(each))
    shapes = tuple(str(each) for each in ratio.choices if isinstance(each, str) and _SHAPE(each)) if ratio else ()
    return resolutions, shapes


def _shape(size: tuple[int, int]) -> str | None:
    ratio = size[0] / size[1]
    for shape in SHAPES:
        wide, high = map(int, shape.split(":"))
        if abs(ratio / (wide / high) - 1) < NEARLY:
            return shape
    return None


def _within(slot: Slot | None, ours: tuple[float, float]) -> tuple[float, float] | None:
    if slot is None:
        return None
    low = ours[0] if slot.low is None else max(slot.low, ours[0])
    high = ours[1] if slot.high is None else min(slot.high, ours[1])
    return (low, max(low, high))


def pinned(provider_model: str) -> tuple[str, str | None]:
    """A provider id as (owner/name, version or None)."""
    name, _, version = provider_model.partition(":")
    return name, version or None
