"""The model registry: `models.toml` with an operator's own file over it, checked as a whole before anything uses it.

Models are data (docs/architecture.md, idea 7). Nothing here calls a provider or knows which keys are set.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any

from vividflow.errors import Complaints
from vividflow.providers.catalog import PROVIDERS
from vividflow.providers.model import Extension, Limits, Model, PictureLimits, Price, Route, TextFacts, VendorFacts
from vividflow.providers.reading import Table
from vividflow.providers.successors import check_successors, living_successor

__all__ = [
    "Extension", "Limits", "Model", "PictureLimits", "Price", "Registry", "Route", "TextFacts", "VendorFacts",
    "load_registry",
]  # fmt: skip

TAKES = frozenset({"image", "last_image", "references", "extend", "seed", "audio", "cfg", "negative_prompt", "steps"})
LANES = ("calls", "media")
KINDS = ("video", "image")
PICTURE_FORMATS = frozenset({"jpeg", "png", "webp"})
_ID = re.compile(r"[a-z0-9][a-zA-Z0-9._/-]*").fullmatch
_RESOLUTION = re.compile(r"[1-9][0-9]{2,3}p|[1-9]k").fullmatch
_SHAPE = re.compile(r"[1-9][0-9]?:[1-9][0-9]?").fullmatch


@dataclass(frozen=True, kw_only=True)
class Registry:
    """All models in order of preference, the retired ones too, what is known of each vendor, and who writes text."""

    dated: date
    text: TextFacts
    models: tuple[Model, ...]
    vendors: Mapping[str, VendorFacts]

    def model(self, name: str) -> Model | None:
        """The model of that id, retired or not, or None."""
        return next((model for model in self.models if model.id == name), None)

    def successor(self, model: Model, usable: Callable[[Model], bool] = lambda _: True) -> str | None:
        """What to use instead of `model`: the first successor that is `usable`, else one that lives, else one that is named.

        Successors that are shut down themselves hand on to their own.
        """
        known = {each.id: each for each in self.models}
        found = living_successor(model, known, usable) or living_successor(model, known, lambda _: True)
        return found or next(iter(model.successors), None)

    def notice(self, model: Model, usable: Callable[[Model], bool] = lambda _: True) -> str | None:
        """The sentence that warns of a shutdown within 30 days, or None."""
        if not model.ending():
            return None
        return f"{model.title} is shut down on {model.shutdown_date}. Use {self.successor(model, usable)} from then on."

    def default(self, usable: Callable[[Model], bool], kind: str = "video") -> Model:
        """The first living model of that kind that `usable` accepts. Raises `LookupError` when there is none."""
        for model in self.models:
            if model.kind == kind and not model.retired() and usable(model):
                return model
        raise LookupError(f"no {kind} model is usable")


def load_registry(extra: Path | None = None) -> Registry:
    """The registry of `models.toml`, with the operator's file `extra` over it.

    An entry of a known name or id replaces only the keys it gives (lists as a whole); others are added before the
    packaged ones, so that an operator's own model is preferred. Raises `Complaints` naming every mistake at once.
    """
    raw = _parse(Path(__file__).with_name("models.toml"))
    complaints: list[str] = []
    if extra is not None:
        theirs = _parse(extra)
        complaints += [f"{extra.name}: the id {each!r} is there twice" for each in _twice(theirs.get("models"))]
        raw = _merge(raw, theirs)
    top = Table(raw, "models.toml" if extra is None else f"models.toml with {extra.name}", complaints)
    dated = top.day("dated", needed=True) or date.min
    sections = top.table("providers")
    facts = {name: _vendor(name, sections.table(name)) for name in sections.names()}
    models = tuple(_model(table, facts) for table in top.tables("models"))
    text = _text(top.table("text"))
    top.done()
    if extra is None:
        complaints += [f"models.toml: the id {each!r} is there twice" for each in _twice(raw.get("models"))]
    complaints += check_successors({model.id: model for model in models})
    if complaints:
        raise Complaints(complaints)
    return Registry(dated=dated, text=text, models=models, vendors=facts)


def _parse(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Complaints([f"{path}: cannot be read as TOML: {error}"]) from None


def _twice(models: object) -> list[str]:
    ids = (
        [str(each.get("id")) for each in models if isinstance(each, dict) and "id" in each]
        if isinstance(models, list)
        else []
    )
    return sorted({each for each in ids if ids.count(each) > 1})


def _merge(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    """`theirs` over `ours`; what is of the wrong type is passed on, to be complained of."""
    merged = {**ours, **theirs}
    for section in ("providers", "models"):
        if type(theirs.get(section)) is not type(ours[section]):
            merged[section] = theirs.get(section, ours[section])
    if isinstance(theirs.get("providers"), dict):
        merged["providers"] = {**ours["providers"]}
        for name, table in theirs["providers"].items():
            known = ours["providers"].get(name, {})
            merged["providers"][name] = {**known, **table} if isinstance(table, dict) else table
    if isinstance(theirs.get("text"), dict):
        merged["text"] = {**ours["text"], **theirs["text"]}
    if isinstance(theirs.get("models"), list):
        own = {each.get("id"): each for each in theirs["models"] if isinstance(each, dict)}
        known = {each["id"] for each in ours["models"]}
        added = [each for each in theirs["models"] if not isinstance(each, dict) or each.get("id") not in known]
        merged["models"] = added + [{**each, **own.get(each["id"], {})} for each in ours["models"]]
    return merged


def _text(table: Table) -> TextFacts:
    table.where = "text"
    facts = TextFacts(model=table.text("model"), fallback=table.text("fallback"))
    table.done()
    return facts


def _vendor(name: str, table: Table) -> VendorFacts:
    table.where = f"provider {name}"
    if name not in PROVIDERS:
        table.complain(f"unknown provider; there are {', '.join(PROVIDERS)}")
    lane = table.text("lane", "calls")
    if lane not in LANES:
        table.complain(f"lane must be one of {', '.join(LANES)}")
    console = table.text("console", "") or None
    if console is not None and not console.startswith("https://"):
        table.complain("console is an address that begins with https://")
    facts = VendorFacts(
        name=name,
        title=table.text("title"),
        lane=lane,
        submits_per_minute=table.number("submits_per_minute", least=1),
        reads_per_minute=table.number("reads_per_minute", least=1),
        concurrency=table.whole("concurrency", least=1),
        cancel=table.flag("cancel", False),
        cancel_billed=table.flag("cancel_billed", False),
        result_hosts=table.words("result_hosts"),
        looks=table.numbers("looks", (2, 5, 10, 20, 30)),
        retention_seconds=table.number("retention_seconds", least=1),
        unit_usd=table.money("unit_usd") if table.has("unit_usd") else None,
        callbacks_signed=table.flag("callbacks_signed", True),
        console=console,
    )
    table.done()
    return facts


def _model(table: Table, facts: Mapping[str, VendorFacts]) -> Model:
    name = table.text("id")
    table.where = f"model {name or '?'}"
    if name and not _ID(name):
        table.complain("id is of small letters, digits and . _ - /, such as wan2.2")
    kind = table.text("kind")
    if kind not in KINDS:
        table.complain(f"kind must be one of {', '.join(KINDS)}")
    takes = frozenset(table.words("takes"))
    if takes - TAKES:
        table.complain(f"takes knows {', '.join(sorted(TAKES))}, not {', '.join(sorted(takes - TAKES))}")
    title, note = table.text("title"), table.text("note", "")
    sounds = table.flag("sounds", False)
    shutdown, successors = table.day("shutdown_date"), table.words("successors")
    audio_always = table.flag("audio_always", False)
    limits = _limits(table)
    routes = tuple(_route(each, facts) for each in table.tables("routes"))
    model = Model(
        id=name,
        title=title,
        kind=kind,
        note=note,
        takes=takes,
        audio_always=audio_always,
        sounds=sounds,
        limits=limits,
        routes=routes,
        shutdown_date=shutdown,
        successors=successors,
    )
    if shutdown and not successors:
        table.complain("has a shutdown_date, so it must name its successors")
    if not model.retired():
        _check_living(model, table)
    table.done()
    return model


def _limits(table: Table) -> Limits:
    return Limits(
        durations=table.numbers("durations"),
        duration_range=table.span("duration_range"),
        default_duration=table.number("default_duration", 0) or 0,
        resolutions=table.words("resolutions"),
        aspect_ratios=table.words("aspect_ratios"),
        cfg=table.span("cfg"),
        cfg_sent_max=table.number("cfg_sent_max"),
        steps=table.span("steps"),
        seed_max=table.whole("seed_max", least=1),
        references=table.whole("references", least=1),
        reference_durations=table.numbers("reference_durations"),
        only_at=table.lists("only_at"),
        apart=table.groups("apart"),
        extend=_extension(table.table("extend")) if table.has("extend") else None,
    )


def _extension(table: Table) -> Extension:
    found = Extension(
        adds=table.numbers("adds"),
        takes=table.span("takes") or (0.0, 0.0),
        resolutions=table.words("resolutions"),
        max_bytes=table.whole("max_bytes", 0, least=1) or 0,
    )
    if not (found.adds and found.takes[1] and found.resolutions and found.max_bytes):
        table.complain("needs adds, takes, resolutions and max_bytes")
    table.done()
    return found


def _check_living(model: Model, table: Table) -> None:
    """What a model that can be ordered must have beyond the right types."""
    limits = model.limits
    if not model.routes:
        table.complain("has no routes")
    if not limits.resolutions or not limits.aspect_ratios:
        table.complain("needs resolutions and aspect_ratios")
    if model.kind == "video":
        if bool(limits.durations) == bool(limits.duration_range):
            table.complain("needs either durations or duration_range")
        elif not limits.takes_duration(limits.default_duration):
            table.complain("default_duration is not a length it takes")
    elif limits.timed or limits.default_duration:
        table.complain("is a picture, so it has no durations, duration_range or default_duration")
    for key, values, fits, such in (
        ("resolutions", limits.resolutions, _RESOLUTION, "720p"),
        ("aspect_ratios", limits.aspect_ratios, _SHAPE, "16:9"),
    ):
        for wrong in (each for each in values if not fits(each)):
            table.complain(f"{key} are written like {such}, not {wrong!r}")
    if limits.cfg_sent_max is not None and limits.cfg is None:
        table.complain("cfg_sent_max needs cfg")
    if "last_image" in model.takes and "image" not in model.takes:
        table.complain("takes last_image, so it must take image too")
    if "image" in model.takes and model.routes and not any(route.image for route in model.routes):
        table.complain("takes image, but no route has the provider's id for image input")
    given_limits = {"cfg": limits.cfg, "steps": limits.steps, "seed": limits.seed_max, "references": limits.references}
    given_limits["extend"] = limits.extend
    for key, given in given_limits.items():
        if (key in model.takes) != (given is not None):
            table.complain(f"takes {key} and the limit of {key} go together")
    if not set(limits.reference_durations) <= set(limits.durations):
        table.complain("reference_durations are not lengths it takes")
    if model.sounds and "audio" not in model.takes:
        table.complain("sounds, so it must take audio")
    _check_combinations(model, table)
    inputs = {False: "text", True: "image"} if "image" in model.takes else {False: "text"}
    audios = (False, True) if "audio" in model.takes else (False,)
    for number, route in enumerate(model.routes):
        for resolution, has_image, audio in product(limits.resolutions, inputs, audios):
            if route.provider_model(has_image=has_image, resolution=resolution) is None:
                continue
            if audio and not limits.takes_at("audio", resolution):
                continue
            if not any(p.fits(resolution=resolution, audio=audio, has_image=has_image) for p in route.prices):
                given = f"{resolution}, {inputs[has_image]} input, audio {'on' if audio else 'off'}"
                table.complain(f"routes[{number}] has no price for {given}")


def _check_combinations(model: Model, table: Table) -> None:
    for name, resolutions in model.limits.only_at.items():
        if name not in model.takes or not set(resolutions) <= set(model.limits.resolutions):
            table.complain(f"only_at {name} must be something it takes, at resolutions it makes")
    for group in model.limits.apart:
        if len(group) < 2 or not set(group) <= model.takes:
            table.complain(f"apart must name two or more things it takes, not {', '.join(group)}")


def _route(table: Table, facts: Mapping[str, VendorFacts]) -> Route:
    provider = table.text("provider")
    if provider and provider not in facts:
        table.complain(f"routes to the unknown provider {provider!r}; there are {', '.join(facts)}")
    text, image = table.either("text"), table.either("image")
    if text is None and image is None:
        table.complain("needs the provider's id for text or for image")
    usual = table.table("usual")
    fps = table.whole("frames_per_second", least=1)
    prices = tuple(_price(each, fps) for each in table.tables("prices"))
    route = Route(
        provider=provider,
        text=text,
        image=image,
        shape_from_picture=table.flag("shape_from_picture", False),
        picture=_picture(table.table("picture")),
        lacks=frozenset(table.words("lacks")),
        frames_per_second=fps,
        extra_frames=table.whole("extra_frames", 0) or 0,
        usual_base=usual.number("base", 0) or 0,
        usual_per_second=usual.amounts("per_second"),
        prices=prices,
        price_date=table.day("price_date", needed=True) or date.min,
        price_source=table.text("price_source"),
        price_verified=table.flag("price_verified", True),
        run_second_usd=table.money("run_second_usd") if table.has("run_second_usd") else None,
    )
    usual.done()
    table.done()
    return route


def _picture(table: Table) -> PictureLimits:
    usual = PictureLimits()
    formats = table.words("formats") or usual.formats
    if set(formats) - PICTURE_FORMATS:
        table.complain(f"formats knows {', '.join(sorted(PICTURE_FORMATS))}, not {', '.join(formats)}")
    ratio = table.span("ratio")
    if ratio is not None and ratio[0] <= 0:
        table.complain("ratio is width divided by height, so both numbers are above 0")
    found = PictureLimits(
        formats=formats,
        min_side=table.whole("min_side", least=1),
        max_side=table.whole("max_side", least=1),
        max_bytes=table.whole("max_bytes", least=1),
        ratio=ratio,
    )
    if found.min_side is not None and found.max_side is not None and found.min_side > found.max_side:
        table.complain("min_side is larger than max_side")
    table.done()
    return found


def _price(table: Table, fps: int | None) -> Price:
    seconds, frames = table.number("per_seconds"), table.whole("per_frames", least=1)
    if seconds is not None and (frames is not None or seconds == 0):
        table.complain("is per_seconds (above 0) or per_frames, not both")
    if frames is not None and fps is None:
        table.complain("is per_frames, so the route needs frames_per_second")
    price = Price(
        usd=table.money("usd"),
        per_seconds=seconds,
        per_frames=frames,
        resolution=table.text("resolution", "") or None,
        audio=table.flag("audio", False) if table.has("audio") else None,
        image=table.flag("image", False) if table.has("image") else None,
    )
    table.done()
    return price
