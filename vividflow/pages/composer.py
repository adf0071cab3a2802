"""The form that makes a video: its values, what the chosen model allows, the price that stands at its foot."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from vividflow.lifecycle.tools import Tools
from vividflow.pages import words
from vividflow.pages.job_view import Picture, image_picture
from vividflow.pages.model_choice import ModelChoice, Need, choices, resolutions_of, shapes_of, shut_down, usual_length
from vividflow.pages.quote import Quote, quoted
from vividflow.pages.values import ASIDE, NAMES, SWITCHES, Values
from vividflow.records import assets
from vividflow.records.users import User
from vividflow.timing import new_id, now

SEED_MAX = 4_294_967_295
PICTURES = ("image", "last_image")
GONE = "The picture that was here is gone. Choose another one."


@dataclass(frozen=True, kw_only=True)
class Option:
    """One value of a row of choices; `able` is whether the chosen model takes it, width and height are its drawing."""

    value: str
    able: bool
    width: int = 0
    height: int = 0


@dataclass(frozen=True, kw_only=True)
class Length:
    """The lengths to choose from: a list, or a range."""

    options: tuple[str, ...]
    range: bool
    low: str
    high: str
    value: str


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A picture that stands in the form, and a line about it."""

    picture: Picture
    note: str


@dataclass(frozen=True, kw_only=True)
class Composer:
    """Everything the form's template shows. `key` makes sending it twice the same as once, `draft` is the kept version."""

    values: Values
    models: list[ModelChoice]
    chosen: ModelChoice
    duration: Length
    shapes: list[Option]
    resolutions: list[Option]
    pictures: dict[str, Shown]
    quote: Quote
    max_cost: str
    shut_down: list[tuple[str, str]]
    errors: dict[str, str] = field(default_factory=dict)
    summary: str = ""
    draft: int = 0
    changed: str = ""
    last_seed: str = ""
    key: str = field(default_factory=new_id)

    @property
    def why(self) -> dict[str, str]:
        """Why a field cannot be used with this model, by field."""
        return self.chosen.why

    @property
    def needs(self) -> dict[str, Need]:
        """Which models make the shapes and the sizes that this one does not."""
        return {"aspect_ratio": self.chosen.shape_needs, "resolution": self.chosen.resolution_needs}

    @property
    def field_names(self) -> str:
        """The names of what a draft holds."""
        return " ".join((*NAMES, *ASIDE, *SWITCHES))

    @property
    def seed_max(self) -> int:
        """The largest seed the model takes."""
        return self.chosen.model.limits.seed_max or SEED_MAX

    @property
    def advanced(self) -> str:
        """What the closed drawer holds."""
        parts = [f"Seed {self.values.seed}" if self.values.seed else "Seed random"]
        parts.append("negative prompt" if self.values.negative_prompt else "no negative prompt")
        more = [f"{self.values.count} variations"] if self.values.count > 1 else []
        return " · ".join([*parts, *more, *(["sound"] if self.values.audio else [])])

    @property
    def advanced_open(self) -> bool:
        """Whether something in it wants to be seen."""
        return any(
            name in self.errors for name in ("seed", "steps", "negative_prompt", "variations", "audio", "webhook_url")
        )


def compose(
    tools: Tools,
    user: User,
    given: Values,
    *,
    errors: dict[str, str] | None = None,
    summary: str = "",
    max_cost: str | None = None,
    draft: int = 0,
    last_seed: str = "",
) -> Composer:
    """The form with these values, fitted to the model that they name (or the default where that cannot be used)."""
    models = choices(tools)
    chosen = chosen_of(models, given)
    values = fitted(given, chosen)
    pictures = {name: shown for name in PICTURES if (shown := _picture(tools, user, getattr(values, f"{name}_id")))}
    missing = [name for name in PICTURES if name not in pictures]
    gone = {name: GONE for name in missing if getattr(values, f"{name}_id") and name in chosen.model.takes}
    values = replace(values, **{f"{name}_id": "" for name in missing})
    quote = quoted(tools, user, values, models)
    return Composer(
        values=values,
        models=models,
        chosen=chosen,
        duration=_length(values, chosen),
        shapes=[_shape(each, each in chosen.model.limits.aspect_ratios) for each in shapes_of(models)],
        resolutions=[Option(value=each, able=each in chosen.resolutions) for each in resolutions_of(models)],
        pictures=pictures,
        quote=quote,
        max_cost=quote.max_cost if max_cost is None else max_cost,
        shut_down=shut_down(tools),
        errors=gone | (errors or {}),
        summary=summary,
        draft=draft,
        changed=changes(given, values, chosen, models),
        last_seed=last_seed,
    )


def chosen_of(models: list[ModelChoice], given: Values) -> ModelChoice:
    """The model that the values name, or the default where that cannot be used."""
    return next((each for each in models if each.id == given.model and each.usable), models[0])


def fitted(given: Values, chosen: ModelChoice) -> Values:
    """The values as this model takes them: what fits is kept."""
    limits = chosen.model.limits
    shape = given.aspect_ratio if given.aspect_ratio in limits.aspect_ratios else limits.aspect_ratios[0]
    sizes = chosen.resolutions
    size = given.resolution if given.resolution in sizes else "720p" if "720p" in sizes else sizes[0]
    return replace(
        given, model=chosen.id, aspect_ratio=shape, resolution=size, duration=_fitted_length(given.duration, chosen)
    )


def changes(given: Values, values: Values, chosen: ModelChoice, models: list[ModelChoice]) -> str:
    """What had to change to fit the model, in words; empty when nothing had."""
    said: list[str] = []
    if given.model and given.model != chosen.id:
        asked = next((each.title for each in models if each.id == given.model), given.model[:40])
        said.append(f"Model set to {chosen.title}: {asked} cannot be used here now.")
    if given.duration and given.duration != values.duration:
        limits = chosen.model.limits
        low, high = limits.duration_range or (min(limits.durations), max(limits.durations))
        ends = {f"{high:g}": "longest", f"{low:g}": "shortest"}
        end = f", the {ends[values.duration]} for {chosen.title}" if values.duration in ends else ""
        said.append(f"Length set to {values.duration} s{end}.")
    if given.aspect_ratio != values.aspect_ratio:
        said.append(f"Shape set to {values.aspect_ratio}.")
    if given.resolution != values.resolution:
        said.append(f"Resolution set to {values.resolution}.")
    return " ".join(said)


def _fitted_length(given: str, chosen: ModelChoice) -> str:
    limits = chosen.model.limits
    try:
        asked = float(given)
    except ValueError:
        return f"{usual_length(limits):g}"
    if limits.takes_duration(asked):
        return f"{asked:g}"
    offered = limits.durations or limits.duration_range or (usual_length(limits),)
    return f"{min(offered, key=lambda each: abs(each - asked)):g}"


def _length(values: Values, chosen: ModelChoice) -> Length:
    limits = chosen.model.limits
    low, high = limits.duration_range or (min(limits.durations), max(limits.durations))
    options = tuple(f"{each:g}" for each in limits.durations) or (values.duration,)
    return Length(
        options=options,
        range=limits.duration_range is not None,
        low=f"{low:g}",
        high=f"{high:g}",
        value=values.duration,
    )


def _shape(value: str, able: bool) -> Option:
    wide, high = (float(part) for part in value.split(":"))
    longest = max(wide, high)
    return Option(value=value, able=able, width=round(15 * wide / longest), height=round(15 * high / longest))


def _picture(tools: Tools, user: User, image_id: str) -> Shown | None:
    if not image_id:
        return None
    with tools.db.reading() as connection:
        asset = assets.by_id(connection, user.id, image_id)
    if asset is None or asset.kind != "image" or asset.deleted_at is not None:
        return None
    note = f"{asset.width} × {asset.height} · {words.size(asset.size)}"
    return Shown(picture=image_picture(tools, asset, now()), note=note)
