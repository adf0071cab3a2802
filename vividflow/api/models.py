"""The models of this installation: what each takes, costs, and whether it can be used here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vividflow.api.address import Call
from vividflow.lifecycle.choosing import notice
from vividflow.lifecycle.model_state import state_of
from vividflow.lifecycle.standing import OPEN
from vividflow.lifecycle.tools import Tools
from vividflow.providers.catalog import PROVIDERS
from vividflow.providers.price import unit_prices
from vividflow.providers.registry import Extension, Limits, Model, Price, Route
from vividflow.timing import iso


def listing(call: Call) -> tuple[int, Mapping[str, Any]]:
    """All models in order of preference, the ones that were shut down last."""
    tools = call.house.tools
    ordered = sorted(tools.registry.models, key=lambda model: model.retired())
    return 200, {"data": [model_object(tools, model) for model in ordered], "patterns": patterns(tools)}


def patterns(tools: Tools) -> list[dict[str, Any]]:
    """The names under which any model of a vendor (or of a server of one's own) can be asked for, beside those listed."""
    return [
        {"pattern": pattern, "provider": vendor.name}
        for vendor in PROVIDERS.values()
        if tools.missing(vendor.name) is None
        for pattern in vendor.patterns(tools.settings)
    ]


def model_object(tools: Tools, model: Model) -> dict[str, Any]:
    """One model as the API shows it; its price is that of the route that would be taken, else of the first."""
    retired = model.retired()
    reason = f"It was shut down on {model.shutdown_date}." if retired else tools.usable(model)
    state = state_of(tools, model)
    route = None if retired else _taken(tools, model)
    prices = unit_prices(model, route) if route else None
    warning = notice(tools, model)
    return {
        "id": model.id,
        "title": model.title,
        "kind": model.kind,
        "note": model.note,
        "usable": reason is None,
        "reason": reason,
        "state": state.word.value,
        "state_reason": state.reason,
        "state_until": iso(state.until),
        "routes": [_route(tools, model, each, retired) for each in model.routes],
        "takes": sorted(model.takes),
        "limits": _limits(model.limits),
        "price_per_second": prices if model.kind == "video" else None,
        "price_per_image": prices if model.kind == "image" else None,
        "price_date": _day(route.price_date) if route else None,
        "price_source": route.price_source if route else None,
        "price_verified": route.price_verified if route else None,
        "shutdown_date": _day(model.shutdown_date),
        "successor": tools.successor(model) if retired or warning else None,
        "warnings": [warning] if warning else [],
    }


def _taken(tools: Tools, model: Model) -> Route | None:
    """The route of the model itself: under MOCK_VID_GENS the list still says what the model costs."""
    usable = (route for route in model.routes if tools.obstacle(route) is None)
    return next(usable, next(iter(model.routes), None))


def _route(tools: Tools, model: Model, route: Route, retired: bool) -> dict[str, Any]:
    missing = "The model was shut down." if retired else tools.obstacle(route)
    name = min(route.provider_models(), default="")
    stand = OPEN if missing is not None else tools.standing.of(route.provider, name)
    return {
        "provider": route.provider,
        "usable": missing is None,
        "reason": missing,
        "state": stand.gate.name.lower(),
        "state_reason": stand.reason or None,
        "state_until": iso(stand.until),
        "unit_prices": unit_prices(model, route),
        "prices": [_price(each) for each in route.prices],
        "price_date": _day(route.price_date),
        "price_source": route.price_source,
        "price_verified": route.price_verified,
    }


def _price(price: Price) -> dict[str, Any]:
    """One line of the price list: US dollars `per` so many seconds or frames, or for the whole."""
    whole = {"per_seconds": price.per_seconds, "per_frames": price.per_frames}
    return {
        "usd": float(price.usd),
        **whole,
        "resolution": price.resolution,
        "audio": price.audio,
        "image": price.image,
    }


def _day(day: object) -> str | None:
    return str(day) if day else None


def _limits(limits: Limits) -> dict[str, Any]:
    return {
        "durations": list(limits.durations),
        "duration_range": list(limits.duration_range) if limits.duration_range else None,
        "default_duration": limits.default_duration or None,
        "resolutions": list(limits.resolutions),
        "aspect_ratios": list(limits.aspect_ratios),
        "cfg": list(limits.cfg) if limits.cfg else None,
        "steps": list(limits.steps) if limits.steps else None,
        "seed_max": limits.seed_max,
        "only_at": {name: list(resolutions) for name, resolutions in limits.only_at.items()},
        "apart": [list(group) for group in limits.apart],
        "extend": _extension(limits.extend) if limits.extend else None,
    }


def _extension(extend: Extension) -> dict[str, Any]:
    """Seconds that can be added, and what the video may be: seconds from and to, sizes, bytes where it is sent."""
    return {
        "adds": list(extend.adds),
        "takes": list(extend.takes),
        "resolutions": list(extend.resolutions),
        "max_bytes": extend.max_bytes,
    }
