"""The models as the composer offers them: what each costs, takes and cannot do, in the words that are shown."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from vividflow.lifecycle.model_state import ModelState, Word, state_of
from vividflow.lifecycle.tools import Tools
from vividflow.lifecycle.usual import usual_seconds
from vividflow.pages import words
from vividflow.pages.job_view import Badge
from vividflow.providers.price import MICRO, quote, unit_prices
from vividflow.providers.registry import Limits, Model, Route

PRICED_RESOLUTION = "720p"
MOST_NAMED = 2
MOST_LENGTHS = 4
_SHOWN = {
    "image": "a start image",
    "last_image": "a last image",
    "cfg": "guidance",
    "seed": "a seed",
    "steps": "steps",
    "negative_prompt": "a negative prompt",
    "audio": "sound",
}
_BADGES = {
    Word.ENDING: Badge(word="Ending", tone="warn", icon="alert"),
    Word.PAUSED: Badge(word="Paused", tone="warn", icon="pause"),
    Word.STOPPED: Badge(word="Stopped", tone="warn", icon="alert"),
    Word.RESTING: Badge(word="Resting", tone="warn", icon="clock"),
    Word.GONE: Badge(word="No longer offered", tone="", icon="ban"),
    Word.NOT_SET_UP: Badge(word="Not set up", tone="", icon="ban"),
}
_WAITING = (Word.PAUSED, Word.STOPPED, Word.RESTING)


@dataclass(frozen=True, kw_only=True)
class Need:
    """A sentence about what another model does (empty: nothing), and the id of one that can be chosen for it."""

    text: str = ""
    switch: str = ""


@dataclass(frozen=True, kw_only=True)
class ModelChoice:
    """One model to choose: `price` is what a clip of its usual length costs, `reason` why it cannot be chosen here.

    `resolutions` are those that the route taken here really makes, `rates` credits a second by resolution in words,
    `source` the day and the origin of the price. A `need` says which model does what this one does not.
    """

    model: Model
    price: str
    reason: str | None
    why: dict[str, str]
    resolutions: tuple[str, ...]
    rates: str
    usual: str
    source: str
    state: ModelState
    shape_needs: Need
    resolution_needs: Need

    @property
    def id(self) -> str:
        """The public id."""
        return self.model.id

    @property
    def title(self) -> str:
        """The name for people."""
        return self.model.title

    @property
    def note(self) -> str:
        """One sentence about it."""
        return self.model.note

    @property
    def usable(self) -> bool:
        """Whether it can be chosen."""
        return self.reason is None

    @property
    def badge(self) -> Badge | None:
        """The word for its state; None where nothing speaks against it."""
        return _BADGES.get(self.state.word)

    @property
    def waits(self) -> bool:
        """Whether an order would have to wait just now."""
        return self.state.word in _WAITING

    @property
    def unfit(self) -> str:
        """The few words in the list of models for one that cannot be chosen."""
        return "no longer offered" if self.state.word is Word.GONE else "not set up here"

    @property
    def lengths(self) -> str:
        """The lengths it makes, in words."""
        limits = self.model.limits
        if limits.duration_range:
            return f"{limits.duration_range[0]:g} to {limits.duration_range[1]:g} s"
        first, last = limits.durations[0], limits.durations[-1]
        if len(limits.durations) > MOST_LENGTHS and last - first == len(limits.durations) - 1:
            return f"{first:g} to {last:g} s"
        return f"{_listed([f'{each:g}' for each in limits.durations], 'or')} s"

    @property
    def inputs(self) -> str:
        """What it can be given, in words."""
        kinds = {"image": "start image", "last_image": "last image", "references": "reference pictures"}
        found = ["text", *(word for name, word in kinds.items() if name in self.model.takes)]
        return _listed(found, "and").capitalize()

    @property
    def data(self) -> str:
        """All of it for the script, as JSON."""
        limits = self.model.limits
        return json.dumps(
            {
                "title": self.title,
                "price": self.price,
                "note": self.state.reason if self.waits else self.note,
                "lengths": [f"{each:g}" for each in limits.durations],
                "range": list(limits.duration_range) if limits.duration_range else None,
                "length": f"{usual_length(limits):g}",
                "shapes": limits.aspect_ratios,
                "resolutions": self.resolutions,
                "seed_max": limits.seed_max,
                "cfg": limits.cfg,
                "why": self.why,
                "needs": {
                    name: [need.text, need.switch]
                    for name, need in (("aspect_ratio", self.shape_needs), ("resolution", self.resolution_needs))
                },
            },
            separators=(",", ":"),
        )


def choices(tools: Tools) -> list[ModelChoice]:
    """Every living video model, the usable ones first, in the registry's order."""
    living = [model for model in tools.registry.models if model.kind == "video" and not model.retired()]
    found = [_choice(tools, model, living) for model in living]
    return sorted(found, key=lambda choice: not choice.usable)


def shut_down(tools: Tools) -> list[tuple[str, str]]:
    """The video models that are shut down: title, and since when and what to use instead."""
    gone = [model for model in tools.registry.models if model.kind == "video" and model.retired()]
    return [(model.title, state_of(tools, model).reason or "") for model in gone]


def usual_length(limits: Limits) -> float:
    """The length in seconds that a model makes when none is asked for."""
    return limits.default_duration or (limits.durations[0] if limits.durations else 4)


def resolutions_of(found: list[ModelChoice]) -> list[str]:
    """Every size that some model makes, small to large."""
    every = {each for choice in found for each in choice.resolutions}
    return sorted(every, key=_size)


def shapes_of(found: list[ModelChoice]) -> list[str]:
    """Every shape that some model makes, the usual ones first."""
    return list(dict.fromkeys(each for choice in _by_fewest(found) for each in choice.model.limits.aspect_ratios))


def _by_fewest(found: list[ModelChoice]) -> list[ModelChoice]:
    return sorted(found, key=lambda choice: len(choice.model.limits.aspect_ratios))


def _choice(tools: Tools, model: Model, living: list[Model]) -> ModelChoice:
    route = _route(tools, model)
    return ModelChoice(
        model=model,
        price=_price(tools, model, route) if route else "",
        reason=tools.usable(model),
        why=_why(model),
        resolutions=_made(tools, model),
        rates=_rates(model, route) if route else "",
        usual=_usual(tools, model, route) if route else "",
        source=_source(route) if route else "",
        state=state_of(tools, model),
        shape_needs=_needs(tools, "aspect_ratio", model, living),
        resolution_needs=_needs(tools, "resolution", model, living),
    )


def _route(tools: Tools, model: Model) -> Route | None:
    return tools.route(model) or (model.routes[0] if model.routes else None)


def _routes(tools: Tools, model: Model) -> tuple[Route, ...]:
    """The routes that can be taken here; the first one, for what it would do, where none can."""
    first = _route(tools, model)
    usable = tuple(each for each in model.routes if tools.obstacle(each) is None)
    return (first,) if first is not None and first not in usable else usable


def _made(tools: Tools, model: Model) -> tuple[str, ...]:
    """The sizes that can be had here: a route that is not set up may make more."""
    routes = _routes(tools, model)
    return tuple(each for each in model.limits.resolutions if any(_makes(route, each) for route in routes))


def _makes(route: Route, resolution: str) -> bool:
    return any(route.provider_model(has_image=pictured, resolution=resolution) for pictured in (False, True))


def _usual_size(model: Model, route: Route) -> str:
    made = [each for each in model.limits.resolutions if _makes(route, each)]
    return PRICED_RESOLUTION if PRICED_RESOLUTION in made else made[0]


def _price(tools: Tools, model: Model, route: Route) -> str:
    seconds, resolution = usual_length(model.limits), _usual_size(model, route)
    if not route.prices:
        return "Price not known"
    # As the form stands: its Sound switch begins off, and off means silent. Some sizes are only made from a picture.
    pictured = route.provider_model(has_image=False, resolution=resolution) is None
    micro = quote(model, route, duration=seconds, resolution=resolution, audio=False, has_image=pictured)
    cost = "Free" if micro == 0 else f"{words.credits(micro)} for {seconds:g} s at {resolution}"
    usual = _usual(tools, model, route)
    return f"{cost} · {usual}" if usual else cost


def _usual(tools: Tools, model: Model, route: Route) -> str:
    size = _usual_size(model, route)
    usual = usual_seconds(tools, model, route, duration=usual_length(model.limits), resolution=size)
    return f"about {words.about(usual)}" if usual else ""


def _rates(model: Model, route: Route) -> str:
    """ "2.2 credits a second at 720p, 1 at 480p"; one figure where all sizes cost the same."""
    by_price: dict[float, list[str]] = {}
    for resolution, usd in unit_prices(model, route).items():
        by_price.setdefault(round(usd * MICRO / words.MICRO_PER_CREDIT, 1), []).append(resolution)
    if not by_price:
        return "Price not known"
    if len(by_price) == 1:
        (rate,) = by_price
        return f"{rate:g} credits a second" if rate else "Free"
    parts = [f"{rate:g} at {_listed(sizes, 'and')}" for rate, sizes in by_price.items()]
    return f"Credits a second: {', '.join(parts)}"


def _source(route: Route) -> str:
    """ "Price of 21 November 2026, not confirmed by the vendor: about 0.05 for a clip; general knowledge"."""
    day = route.price_date
    if day is None or not any(price.usd for price in route.prices):
        return ""
    doubt = "" if route.price_verified else ", not confirmed by the vendor"
    return f"Price of {day.day} {day:%B %Y}{doubt}: {route.price_source}"


def _why(model: Model) -> dict[str, str]:
    missing: dict[str, Any] = {name: shown for name, shown in _SHOWN.items() if name not in model.takes}
    return {name: f"{model.title} does not take {shown}." for name, shown in missing.items()}


def _needs(tools: Tools, what: str, model: Model, living: list[Model]) -> Need:
    """ "1080p and 4k need Local preview." for what this model cannot do and another one can; empty when it can do all."""
    own = _values(tools, what, model)
    able: dict[str, list[Model]] = {}
    for other in living:
        for value in _values(tools, what, other):
            if value not in own:
                able.setdefault(value, []).append(other)
    if not able:
        return Need()
    everyone = list({other.id: other for others in able.values() for other in others}.values())
    values = sorted(able, key=_size) if what == "resolution" else list(able)
    named, needs = _listed(values, "and"), "needs" if len(values) == 1 else "need"
    best = max(everyone, key=lambda other: (tools.usable(other) is None, sum(other in ones for ones in able.values())))
    switch = best.id if tools.usable(best) is None else ""
    if len(everyone) <= MOST_NAMED:
        return Need(text=f"{named} {needs} {' or '.join(sorted(other.title for other in everyone))}.", switch=switch)
    return Need(text=f"{named} {needs} another model, such as {best.title}.", switch=switch)


def _values(tools: Tools, what: str, model: Model) -> tuple[str, ...]:
    return _made(tools, model) if what == "resolution" else model.limits.aspect_ratios


def _listed(values: list[str], word: str) -> str:
    return values[0] if len(values) == 1 else f"{', '.join(values[:-1])} {word} {values[-1]}"


def _size(resolution: str) -> int:
    return int(resolution[:-1]) * (540 if resolution.endswith("k") else 1)
