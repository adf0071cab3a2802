"""The routes of a model held against an order: which of them would do, at what price, and which one is best just now.

The rules are the two tables below. `_RULES` says why a route will not do; what is left is sorted by `_rank`: an account
that is open, then the price, then the usual time, then the registry's own order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from vividflow.errors import Problem
from vividflow.lifecycle.fit import check_fit
from vividflow.lifecycle.standing import Gate, Stand
from vividflow.lifecycle.tools import Tools
from vividflow.media.shapes import ratio_of
from vividflow.providers.price import quote, usd
from vividflow.providers.registry import Model, Route
from vividflow.records.assets import Asset


@dataclass(frozen=True, kw_only=True)
class Needs:
    """What an order needs of a route.

    `wants` are the registry's words (`image`, `last_image`, `references`, …), `pictures` those that are at hand,
    `provider` the one that the person named, `ceiling` micro-dollars, `passed_over` providers that said no for good.
    """

    resolution: str = ""
    shape: str = ""
    duration: float = 0.0
    audio: bool = False
    wants: frozenset[str] = frozenset()
    pictures: Mapping[str, Asset] = field(default_factory=dict)
    provider: str | None = None
    ceiling: int | None = None
    passed_over: frozenset[str] = frozenset()

    @property
    def has_image(self) -> bool:
        """Whether the clip begins with a picture."""
        return "image" in self.wants


@dataclass(frozen=True, kw_only=True)
class Way:
    """One route for one order. `unfit` says why it will not do; `cost` micro-dollars, None where nobody knows.

    `too_dear` is whether only the price speaks against it.
    """

    route: Route
    provider_model: str
    cost: int | None
    usual: float
    stand: Stand
    unfit: str | None = None
    too_dear: bool = False

    @property
    def provider(self) -> str:
        """Whose route it is."""
        return self.route.provider


def ways(tools: Tools, model: Model, needs: Needs) -> list[Way]:
    """Every route of `model` for such an order, the best first; those that will not do come last."""
    if tools.settings.mock_vid_gens and (local := tools.registry.model(tools.stand_in(model))) is not None:
        return [_held_against(tools, local, local.routes[0], Needs(resolution=needs.resolution))]
    found = [_held_against(tools, model, route, needs) for route in model.routes]
    return [found[place] for place in sorted(range(len(found)), key=lambda place: _rank(found[place], place))]


def cost_of(model: Model, route: Route, needs: Needs) -> int | None:
    """Micro-dollars of such an order by a route, None where nobody knows."""
    if not route.prices:
        return None
    try:
        return quote(
            model,
            route,
            duration=needs.duration,
            resolution=needs.resolution,
            audio=needs.audio,
            has_image=needs.has_image,
        )
    except LookupError:
        return None


def _rank(way: Way, place: int) -> tuple[bool, int, float, float, int]:
    cost = float("inf") if way.cost is None else way.cost
    gate = Gate.OPEN if way.stand.brief else way.stand.gate
    return way.unfit is not None, int(gate), cost, way.usual, place


def _held_against(tools: Tools, model: Model, route: Route, needs: Needs) -> Way:
    provider_model = route.provider_model(has_image=needs.has_image, resolution=needs.resolution) or ""
    cost = cost_of(model, route, needs)
    unfit = next(filter(None, (rule(tools, model, route, needs) for rule in _RULES)), None)
    dear = needs.ceiling is not None and (cost or 0) > needs.ceiling
    too_dear = f"It costs ${usd(cost or 0):.2f}, more than ${usd(needs.ceiling or 0):.2f}." if dear else None
    return Way(
        route=route,
        provider_model=provider_model,
        cost=cost,
        usual=route.usual_seconds(needs.duration, needs.resolution),
        stand=tools.standing.of(route.provider, provider_model),
        unfit=unfit or too_dear,
        too_dear=unfit is None and dear,
    )


# ---- why a route will not do, in the order in which it is told


def _not_asked_for(_tools: Tools, _model: Model, route: Route, needs: Needs) -> str | None:
    asked = needs.provider
    return None if asked in (None, route.provider) else f"Only {asked} was asked for."


def _said_no(_tools: Tools, _model: Model, route: Route, needs: Needs) -> str | None:
    return "It refused this order." if route.provider in needs.passed_over else None


def _not_here(tools: Tools, _model: Model, route: Route, _needs: Needs) -> str | None:
    return tools.obstacle(route)


def _lacks(_tools: Tools, _model: Model, route: Route, needs: Needs) -> str | None:
    missing = sorted(needs.wants & route.lacks)
    return f"It does not take {', '.join(missing)}." if missing else None


def _does_not_make(_tools: Tools, _model: Model, route: Route, needs: Needs) -> str | None:
    if route.provider_model(has_image=needs.has_image, resolution=needs.resolution) is not None:
        return None
    return f"It does not make {needs.resolution} {'from a picture' if needs.has_image else 'from text'}."


def _dead(tools: Tools, _model: Model, route: Route, needs: Needs) -> str | None:
    name = route.provider_model(has_image=needs.has_image, resolution=needs.resolution)
    return tools.standing.dead(route.provider, name) if name else None


def _wrong_picture(_tools: Tools, model: Model, route: Route, needs: Needs) -> str | None:
    for name, asset in needs.pictures.items():
        first = needs.pictures.get("image", asset)
        cropped = route.shape_from_picture and bool(needs.shape) and not _same_shape(first, needs.shape)
        try:
            check_fit(model, route, name, asset, shape=needs.shape if cropped else None)
        except Problem as problem:
            return problem.detail
    return None


_RULES: tuple[Callable[[Tools, Model, Route, Needs], str | None], ...] = (
    _not_asked_for,
    _said_no,
    _not_here,
    _lacks,
    _does_not_make,
    _dead,
    _wrong_picture,
)


def _same_shape(picture: Asset, shape: str) -> bool:
    return abs((picture.width or 1) / (picture.height or 1) - ratio_of(shape)) < 0.02
