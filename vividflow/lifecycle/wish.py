"""What a person asks for, held against what the chosen model takes: the plan of a job, or a refusal that says what would do."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from vividflow.errors import Complaints, Problem
from vividflow.lifecycle import extending
from vividflow.lifecycle.choosing import choose, notice
from vividflow.lifecycle.combinations import check_combination
from vividflow.lifecycle.fit import check_fit
from vividflow.lifecycle.routes import Needs, Way, ways
from vividflow.lifecycle.tools import Tools
from vividflow.lifecycle.usual import usual_seconds
from vividflow.media.shapes import nearest_shape
from vividflow.providers.faults import Faults
from vividflow.providers.price import MICRO, quote
from vividflow.providers.registry import Model, Route
from vividflow.records import assets
from vividflow.records.users import User

PREFERRED_SECONDS, PREFERRED_RESOLUTION, PREFERRED_SHAPE = 5.0, "720p", "16:9"
# A seed of our own stays small enough for every vendor and for people to type.
SEED_MAX = 2**31 - 1
_WORDS = {
    "cfg": "guidance (cfg)",
    "seed": "a seed",
    "negative_prompt": "a negative prompt",
    "audio": "audio",
    "steps": "steps",
    "image": "a start image",
    "last_image": "a last image",
    "references": "reference pictures",
    "extend": "a video to go on from",
}


_ID_FIELDS = {
    "image": "image_id",
    "last_image": "last_image_id",
    "references": "reference_ids",
    "extend": "extend_id",
}


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A generation as it was asked for; None means not said. `duration` seconds, `max_cost` US dollars, pictures by asset id, the
    video that is extended by the id of its job.

    `brought` holds pictures that come with the request (`image`, `last_image`): proved and not kept yet, or None while
    they are still to be read.
    """

    prompt: str
    model: str | None = None
    duration: float | None = None
    resolution: str | None = None
    aspect_ratio: str | None = None
    cfg: float | None = None
    seed: int | None = None
    negative_prompt: str | None = None
    audio: bool | None = None
    steps: int | None = None
    image_id: str | None = None
    last_image_id: str | None = None
    reference_ids: tuple[str, ...] = ()
    extend_id: str | None = None
    priority: int = 0
    webhook_url: str | None = None
    max_cost: float | None = None
    provider: str | None = None
    quality_levels: tuple[str, ...] = ()
    fault: str | None = None
    brought: Mapping[str, assets.Asset | None] = field(default_factory=dict)

    def has(self, name: str) -> bool:
        """Whether there is, or will be, such a picture (or, for `extend`, a video)."""
        return name in self.brought or getattr(self, f"{name}_id") is not None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A wish that can be done: by which model and route, with which parameters, in about how many seconds (`usual`).

    `quoted` is micro-dollars, None for a model whose price nobody knows; `held` what is reserved, so that a dearer route
    may be taken if this one certainly refuses. `left` are better routes that take no orders now.
    """

    model: Model
    route: Route
    provider_model: str
    params: dict[str, Any]
    quoted: int | None
    held: int
    usual: float
    warnings: tuple[str, ...] = field(default_factory=tuple)
    left: tuple[Way, ...] = ()


def plan(tools: Tools, user: User, wish: Wish) -> Plan:
    """The plan for a wish. Raises `Problem`: what `choose` says of the model, 422 for parameters, 403 for priority."""
    model, route = choose(tools, wish.model, provider=wish.provider)
    _check_known(tools, model, wish)
    _check_sound(model, wish.audio)
    _check_priority(user, wish)
    pictures = _pictures(tools, user, wish)
    picture, has_image = pictures.get("image"), wish.has("image")
    film = None if wish.extend_id is None else extending.film_of(tools, user.id, wish.extend_id)
    warnings = [warning] if (warning := notice(tools, model)) else []
    said = {
        "duration": _duration(model, wish.duration) if film is None else extending.added(model, wish.duration),
        "resolution": _resolution(model, wish.resolution),
        "aspect_ratio": _shape(model, wish.aspect_ratio, picture or film),
    }
    params: dict[str, Any] = {name: value for name, value in said.items() if value is not None}
    found = ways(tools, model, _needs(model, wish, params, pictures))
    route, left = _best(found, route)
    _check_references(model, route, wish, params.get("duration"))
    if film is not None:
        extending.check_route(model, route)
        check_combination(model, _told(wish, False), params["resolution"])
        extending.check_film(tools, model, film)
        _check_kept_shape(model, film, params["aspect_ratio"])
        params["extend_id"] = wish.extend_id
    params |= _guidance(model, wish.cfg, warnings)
    if "seed" in model.takes:
        params["seed"] = _seed(model, wish.seed)
    if "audio" in model.takes and (wish.audio is not None or model.sounds):
        params["audio"] = model.sounds if wish.audio is None else wish.audio
    for name in ("negative_prompt", "steps", "fault", "provider"):
        if (value := getattr(wish, name)) is not None:
            params[name] = value
    params |= {f"{name}_id": asset.id for name, asset in pictures.items()}
    if wish.reference_ids:
        params["reference_ids"] = list(wish.reference_ids)
    if wish.quality_levels and model.kind == "video":
        params["quality_levels"] = list(wish.quality_levels)
    _check_steps(model, wish.steps)
    check_combination(model, _told(wish, params.get("audio", False)), params.get("resolution", ""))
    if picture and route.shape_from_picture and not _same_shape(picture, params["aspect_ratio"]):
        warnings.append(f"The picture is cropped to {params['aspect_ratio']} around its centre.")
        params["crop"] = True
    for name, asset in pictures.items():
        check_fit(model, route, name, asset, shape=params["aspect_ratio"] if params.get("crop") else None)
    duration, resolution = params.get("duration", 0.0), params.get("resolution", "")
    provider_model = route.provider_model(has_image=has_image, resolution=resolution)
    if provider_model is None:
        _check_size_of_route(model, route, resolution)
        needs = "a start image" if not has_image else "a prompt without a start image"
        at = f" at {resolution}" if resolution else ""
        raise _refuse("image", "image_required", f"{model.title}{at} needs {needs}.")
    if (dead := tools.standing.dead(route.provider, provider_model)) is not None:
        raise _refuse("model", "model_unavailable", f"{model.title} cannot be used here: {dead}")
    if wish.fault is not None:
        _check_fault(tools, wish.fault)
    known = bool(route.prices)
    sound = params.get("audio", False)
    cost = (
        quote(model, route, duration=duration, resolution=resolution, audio=sound, has_image=has_image)
        if known
        else None
    )
    usual = usual_seconds(tools, model, route, duration=duration, resolution=resolution)
    return Plan(
        model=model,
        route=route,
        provider_model=provider_model,
        params=params,
        quoted=cost,
        held=_held(tools, wish, found, cost or 0),
        usual=usual,
        warnings=tuple(warnings),
        left=left,
    )


def _needs(model: Model, wish: Wish, params: Mapping[str, Any], pictures: Mapping[str, assets.Asset]) -> Needs:
    asked = {
        "seed": wish.seed is not None,
        "negative_prompt": bool(wish.negative_prompt),
        "cfg": wish.cfg is not None,
        "steps": wish.steps is not None,
        "audio": bool(wish.audio),
        "image": wish.has("image"),
        "last_image": wish.has("last_image"),
        "references": bool(wish.reference_ids),
        "extend": wish.extend_id is not None,
    }
    return Needs(
        resolution=params.get("resolution", ""),
        shape=params.get("aspect_ratio", ""),
        duration=params.get("duration", 0.0),
        audio=model.sounds if wish.audio is None else wish.audio,
        wants=frozenset(name for name, wanted in asked.items() if wanted),
        pictures=pictures,
        provider=wish.provider,
        ceiling=None if wish.max_cost is None else int(wish.max_cost * MICRO),
    )


def _best(found: list[Way], first: Route) -> tuple[Route, tuple[Way, ...]]:
    """The route that is taken, and those that would have been but for their state; `first` where none will do.

    What is too dear alone is taken all the same: the refusal says what it would cost.
    """
    fit = [way for way in found if way.unfit is None] or [way for way in found if way.too_dear]
    if not fit:
        return first, ()
    better = [way for way in fit[1:] if way.stand.gate > fit[0].stand.gate]
    return fit[0].route, tuple(way for way in better if (way.cost or 0, way.usual) < (fit[0].cost or 0, fit[0].usual))


def _held(tools: Tools, wish: Wish, found: list[Way], quoted: int) -> int:
    """What is reserved: the dearest route that may be taken. Dearer ones than the quoted may be only up to max_cost."""
    if wish.max_cost is None:
        return quoted
    caps = [each for each in (wish.max_cost, tools.settings.max_job_usd) if each is not None]
    ceiling = int(min(caps) * MICRO)
    return max([quoted, *(way.cost or 0 for way in found if way.unfit is None and (way.cost or 0) <= ceiling)])


def _told(wish: Wish, sound: bool) -> frozenset[str]:
    """What the wish wants to be in the clip, by the registry's words."""
    given = {"audio": sound, "references": bool(wish.reference_ids)}
    given |= {name: wish.has(name) for name in ("image", "last_image", "extend")}
    return frozenset(name for name, value in given.items() if value)


def _check_known(tools: Tools, model: Model, wish: Wish) -> None:
    given = {
        "cfg": wish.cfg,
        "seed": wish.seed,
        "negative_prompt": wish.negative_prompt,
        "audio": wish.audio,
        "steps": wish.steps,
        "image": wish.has("image") or None,
        "last_image": wish.has("last_image") or None,
        "references": wish.reference_ids or None,
        "extend": wish.extend_id,
    }
    for name, value in given.items():
        if value is None or name in model.takes or (name == "audio" and value is False):
            continue
        able = [
            each.id
            for each in tools.registry.models
            if name in each.takes and not each.retired() and each.kind == model.kind
        ]
        takes = ", ".join(["prompt", *sorted(model.takes)])
        detail = f"{model.title} does not take {_WORDS[name]}; it takes {takes}. Models that do: {', '.join(able) or 'none'}."
        param = _ID_FIELDS[name] if name in ("references", "extend") else name
        raise Problem(422, "unsupported_parameter", detail, param=param, extra={"models": able})


def _check_sound(model: Model, asked: bool | None) -> None:
    if asked is False and model.audio_always:
        raise _refuse("audio", "audio_always_on", f"{model.title} always makes sound. Leave audio out, or choose true.")


def _check_size_of_route(model: Model, route: Route, asked: str) -> None:
    made = [each for each in model.limits.resolutions if _makes(route, each)]
    if asked and asked not in made:
        detail = f"{model.title} makes {_either(made)} by the route that is used here ({route.provider}), not {asked}."
        raise _refuse("resolution", "invalid_resolution", detail)


def _makes(route: Route, resolution: str) -> bool:
    return any(route.provider_model(has_image=each, resolution=resolution) for each in (False, True))


def _check_priority(user: User, wish: Wish) -> None:
    if wish.priority > 0 and not user.is_admin:
        raise Problem(403, "admin_only", "A priority above 0 is for admins only.", param="priority")


def _pictures(tools: Tools, user: User, wish: Wish) -> dict[str, assets.Asset]:
    """The pictures that are at hand, by name; those still to be read are left out."""
    if wish.has("last_image") and not wish.has("image"):
        raise _refuse("last_image", "last_image_needs_image", "A last image needs a start image beside it.")
    found = {name: asset for name, asset in wish.brought.items() if asset is not None}
    if wish.image_id is None and wish.last_image_id is None and not wish.reference_ids:
        return found
    with tools.db.reading() as connection:
        named = [(name, getattr(wish, f"{name}_id")) for name in ("image", "last_image")]
        for name, asset_id in [*named, *(("references", each) for each in wish.reference_ids)]:
            if asset_id is None:
                continue
            asset = assets.by_id(connection, user.id, asset_id)
            if asset is None or asset.kind != "image" or asset.deleted_at is not None:
                raise Problem(422, "unknown_image", "You have no image with this id.", param=_ID_FIELDS[name])
            if name != "references":
                found[name] = asset
    return found


def _check_references(model: Model, route: Route, wish: Wish, duration: float | None) -> None:
    if not wish.reference_ids:
        return
    limits = model.limits
    if "references" in route.lacks:
        detail = f"{model.title} takes reference pictures, but not by the route that is used here ({route.provider})."
        raise _refuse("reference_ids", "unsupported_parameter", detail)
    if wish.has("image") or wish.has("last_image"):
        detail = f"{model.title} takes reference pictures or a start image, not both."
        raise _refuse("reference_ids", "references_exclude_images", detail)
    if len(wish.reference_ids) > (limits.references or 0):
        detail = f"{model.title} takes {limits.references} reference pictures at most, not {len(wish.reference_ids)}."
        raise _refuse("reference_ids", "too_many_references", detail)
    lengths = limits.reference_durations
    if lengths and duration not in lengths:
        takes = _either([f"{each:g}" for each in lengths])
        detail = f"With reference pictures {model.title} makes {takes} seconds, not {duration:g}."
        raise _refuse("duration", "invalid_duration", detail)


def _duration(model: Model, asked: float | None) -> float | None:
    limits = model.limits
    if not limits.timed:
        if asked is None:
            return None
        makes = "pictures, which have no length" if model.kind == "image" else "clips of its own length"
        detail = f"{model.title} makes {makes}. Leave duration out."
        raise _refuse("duration", "unsupported_parameter", detail)
    if asked is None:
        return limits.default_duration or limits.duration_covering(PREFERRED_SECONDS) or limits.durations[-1]
    if limits.takes_duration(asked):
        return asked
    if limits.duration_range:
        takes = f"{limits.duration_range[0]:g} to {limits.duration_range[1]:g}"
    else:
        takes = _either([f"{each:g}" for each in limits.durations])
    raise _refuse("duration", "invalid_duration", f"{model.title} takes {takes} seconds, not {asked:g}.")


def _resolution(model: Model, asked: str | None) -> str | None:
    offered = model.limits.resolutions
    if not offered:
        if asked is None:
            return None
        raise _refuse("resolution", "unsupported_parameter", f"{model.title} takes no resolution. Leave it out.")
    if asked is None:
        return PREFERRED_RESOLUTION if PREFERRED_RESOLUTION in offered else offered[0]
    if asked in offered:
        return asked
    raise _refuse("resolution", "invalid_resolution", f"{model.title} takes {_either(offered)}, not “{asked[:20]}”.")


def _shape(model: Model, asked: str | None, picture: assets.Asset | None) -> str | None:
    offered = model.limits.aspect_ratios
    if not offered:
        if asked is None:
            return None
        raise _refuse("aspect_ratio", "unsupported_parameter", f"{model.title} takes no aspect_ratio. Leave it out.")
    if asked is None:
        if picture is not None and picture.width and picture.height:
            return nearest_shape(picture.width, picture.height, offered)
        return PREFERRED_SHAPE if PREFERRED_SHAPE in offered else offered[0]
    if asked in offered:
        return asked
    raise _refuse(
        "aspect_ratio", "invalid_aspect_ratio", f"{model.title} takes {_either(offered)}, not “{asked[:20]}”."
    )


def _check_kept_shape(model: Model, film: assets.Asset, shape: str) -> None:
    if (kept := extending.shape_of(model, film)) != shape:
        detail = f"An extended video keeps its shape, which is {kept}. Leave aspect_ratio out."
        raise _refuse("aspect_ratio", "invalid_aspect_ratio", detail)


def _guidance(model: Model, asked: float | None, warnings: list[str]) -> dict[str, float]:
    if asked is None:
        return {}
    low, high = model.limits.cfg or (1.0, 20.0)
    if not low <= asked <= high:
        raise _refuse("cfg", "invalid_cfg", f"Guidance (cfg) is {low:g} to {high:g}, not {asked:g}.")
    most = model.limits.cfg_sent_max
    if most is not None and asked > most:
        warnings.append(f"{model.title} takes guidance up to {most:g}; {most:g} is sent instead of {asked:g}.")
        return {"cfg": asked, "cfg_sent": most}
    return {"cfg": asked}


def _seed(model: Model, asked: int | None) -> int:
    most = model.limits.seed_max or SEED_MAX
    if asked is None:
        return random.randint(1, min(most, SEED_MAX))
    if not 0 <= asked <= most:
        raise _refuse("seed", "invalid_seed", f"{model.title} takes seeds from 0 to {most}.")
    return asked


def _check_steps(model: Model, asked: int | None) -> None:
    if asked is None or model.limits.steps is None:
        return
    low, high = model.limits.steps
    if not low <= asked <= high:
        raise _refuse("steps", "invalid_steps", f"{model.title} takes {low:g} to {high:g} steps, not {asked}.")


def _check_fault(tools: Tools, fault: str) -> None:
    if not tools.settings.local_faults_header:
        raise Problem(403, "faults_not_allowed", "This installation does not take rehearsed faults from requests.")
    try:
        Faults.parse(fault, "X-Local-Fault", for_one_job=True)
    except Complaints as wrong:
        raise _refuse("X-Local-Fault", "invalid_fault", str(wrong)) from wrong


def _same_shape(picture: assets.Asset, shape: str) -> bool:
    wide, high = (float(part) for part in shape.split(":"))
    return abs((picture.width or 1) / (picture.height or 1) - wide / high) < 0.02


def _either(values: tuple[str, ...] | list[str]) -> str:
    return values[0] if len(values) == 1 else ", ".join(values[:-1]) + f" or {values[-1]}"


def _refuse(param: str, code: str, detail: str) -> Problem:
    return Problem(422, code, detail, param=param)
