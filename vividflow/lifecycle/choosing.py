"""Which model and route a wish means: the one it names, alive and usable here, or the first that is."""

from __future__ import annotations

from dataclasses import replace

from vividflow.errors import Problem, Refused, Transient
from vividflow.lifecycle.tools import Tools
from vividflow.providers.catalog import PROVIDERS
from vividflow.providers.registry import Model, Route

_GONE = {"model_not_found": (404, "model_not_found"), "model_retired": (410, "model_shut_down")}
COME_AGAIN_SECONDS = 30


def choose(tools: Tools, name: str | None, kind: str = "video", *, provider: str | None = None) -> tuple[Model, Route]:
    """The model called `name` (None: the first usable one of that kind) and the first route to it that can be used here.

    With `provider` only its routes count. Raises `Problem`: 404 and 410 for one that is not there or shut down, 422 for
    one that is unknown, that the provider does not have, or that cannot be used here, 503 when a vendor that would have to
    describe it does not answer.
    """
    if name is None:
        model = _default(tools, kind, provider)
    else:
        model = tools.registry.model(name) or _described(tools, name)
    if model.retired():
        raise _shut_down(model, tools.successor(model))
    if provider is not None and provider not in (has := [each.provider for each in model.routes]):
        detail = f"{model.title} is not made by “{provider[:40]}” here. It has {' and '.join(has)}."
        raise Problem(422, "unknown_provider", detail, param="provider", extra={"providers": has})
    route = tools.route(model, provider)
    if route is None and provider is not None and tools.route(model) is not None:
        why = " ".join(filter(None, (tools.obstacle(each) for each in model.routes if each.provider == provider)))
        detail = f"{model.title} cannot be made by {provider} here: {why}"
        raise Problem(422, "model_unavailable", detail, param="provider")
    if route is None:
        raise _refused("model_unavailable", f"{model.title} cannot be used here: {tools.usable(model)}")
    return model, route


def notice(tools: Tools, model: Model) -> str | None:
    """The warning that a model is shut down within 30 days, or None."""
    return tools.registry.notice(model, lambda each: tools.usable(each) is None)


def _default(tools: Tools, kind: str, provider: str | None) -> Model:
    def fits(each: Model) -> bool:
        made = provider is None or provider in {route.provider for route in each.routes}
        return made and tools.route(each, provider) is not None

    try:
        return tools.registry.default(fits, kind)
    except LookupError:
        if provider is None:
            raise
        has = sorted({route.provider for each in tools.registry.models for route in each.routes})
        detail = f"No {kind} model can be made by “{provider[:40]}” here. Name another provider, or a model."
        raise Problem(422, "unknown_provider", detail, param="provider", extra={"providers": has}) from None


def _described(tools: Tools, name: str) -> Model:
    """A model that is named as `<vendor>/<its id>`, as the vendor describes it."""
    vendor, _, rest = name.partition("/")
    if not rest or vendor not in PROVIDERS or not PROVIDERS[vendor].opens:
        known = ", ".join(each.id for each in tools.registry.models if not each.retired())
        raise _refused("unknown_model", f"There is no model called “{name[:80]}”. There are: {known}.")
    if tools.settings.mock_vid_gens and (local := tools.registry.model("local")) is not None:
        return replace(local, id=name, title=name)
    if (missing := tools.missing(vendor)) is not None:
        raise _refused("model_unavailable", f"{name[:80]} cannot be used here: {missing}")
    try:
        return tools.open_model(vendor, rest)
    except Refused as refused:
        status, code = _GONE.get(refused.code, (422, "model_unavailable"))
        raise Problem(status, code, refused.message, param="model") from refused
    except Transient as silent:
        detail = f"{silent.message} Nothing was placed; try again."
        raise Problem(503, "provider_unreachable", detail, param="model", retry_after=COME_AGAIN_SECONDS) from silent


def _shut_down(model: Model, successor: str | None) -> Problem:
    instead = f" Use {successor} instead." if successor else ""
    detail = f"{model.title} was shut down on {model.shutdown_date}.{instead}"
    return Problem(410, "model_shut_down", detail, param="model", extra={"successor": successor})


def _refused(code: str, detail: str) -> Problem:
    return Problem(422, code, detail, param="model")
