"""A Replicate model's own input schema: its fields as plain slots, and which slot means which of our words.

`GET /v1/models/{owner}/{name}` answers it under `latest_version.openapi_schema.components.schemas.Input` (providers.md
3.6). Cog writes a choice as a reference to a schema of its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# Our word, and the names that it has at the models that were seen, the commonest first.
NAMES: Mapping[str, tuple[str, ...]] = {
    "prompt": ("prompt",),
    "image": ("image", "start_image", "first_frame_image", "first_frame", "input_image", "image_input", "input_images"),
    "last_image": ("last_image", "last_frame", "last_frame_image", "end_image", "end_frame", "tail_image"),
    "seed": ("seed",),
    "negative_prompt": ("negative_prompt",),
    "cfg": ("guidance_scale", "cfg_scale", "cfg", "guidance", "sample_guide_scale", "guide_scale"),
    "steps": ("num_inference_steps", "sample_steps", "inference_steps", "steps"),
    "audio": ("generate_audio", "enable_audio"),
    "duration": ("duration", "duration_seconds", "seconds"),
    "frames": ("num_frames",),
    "rate": ("frames_per_second", "fps", "frame_rate"),
    "resolution": ("resolution",),
    "pixels": ("size", "max_area"),
    "aspect_ratio": ("aspect_ratio", "ratio"),
}
_TYPES: Mapping[str, tuple[str, ...]] = {
    "prompt": ("string",),
    "image": ("string", "array"),
    "last_image": ("string",),
    "seed": ("integer",),
    "negative_prompt": ("string",),
    "cfg": ("number", "integer"),
    "steps": ("integer",),
    "audio": ("boolean",),
    "duration": ("integer", "number", "string"),
    "frames": ("integer",),
    "rate": ("integer", "number"),
    "resolution": ("string",),
    "pixels": ("string",),
    "aspect_ratio": ("string",),
}
_PIXELS = re.compile(r"(\d{2,5})\s*[x*×]\s*(\d{2,5})").fullmatch


@dataclass(frozen=True, kw_only=True)
class Slot:
    """One field of the input: its name and JSON type, its choices, its bounds, and whether it has a default."""

    name: str
    type: str
    choices: tuple[Any, ...] = ()
    low: float | None = None
    high: float | None = None
    default: Any = None

    def choice(self, wanted: str) -> Any:
        """The choice that reads like `wanted` (case and the kind of number apart), or None."""
        return next((each for each in self.choices if plain(each) == plain(wanted)), None)


@dataclass(frozen=True, kw_only=True)
class InputSchema:
    """All fields of a model's input by their names there, and the ones that must be given."""

    slots: Mapping[str, Slot] = field(default_factory=dict)
    required: frozenset[str] = frozenset()

    def slot(self, ours: str) -> Slot | None:
        """The field that means our word `ours` (a key of `NAMES`), or None."""
        known = (self.slots.get(name) for name in NAMES[ours])
        return next((slot for slot in known if slot and slot.type in _TYPES[ours]), None)

    def needed(self) -> list[str]:
        """Names that must be given and that none of our words means."""
        ours = {slot.name for word in NAMES if (slot := self.slot(word))}
        return sorted(name for name in self.required if name not in ours)


def read_schema(openapi: Mapping[str, Any]) -> InputSchema | None:
    """The input of a model from its `openapi_schema`; None when there is none to be read."""
    schemas = _inside(_inside(openapi, "components"), "schemas")
    given = _inside(schemas, "Input")
    properties = _inside(given, "properties")
    if not properties:
        return None
    slots = {name: _slot(name, rule, schemas) for name, rule in properties.items() if isinstance(rule, dict)}
    required = given.get("required")
    return InputSchema(slots=slots, required=frozenset(required if isinstance(required, list) else ()))


def pixels(choice: Any) -> tuple[int, int] | None:
    """Width and height of a choice such as "1280*720", or None."""
    found = _PIXELS(choice) if isinstance(choice, str) else None
    return (int(found[1]), int(found[2])) if found else None


def plain(value: Any) -> str:
    """A choice as it is compared: "1080P" like "1080p", 5 like "5" and 5.0."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip().lower()


def _slot(name: str, rule: Mapping[str, Any], schemas: Mapping[str, Any]) -> Slot:
    whole = dict(rule)
    for part in (rule, *(each for each in _list(rule, "allOf") + _list(rule, "anyOf") if isinstance(each, dict))):
        reference = part.get("$ref")
        meant = _inside(schemas, reference.rpartition("/")[2]) if isinstance(reference, str) else part
        whole = {**meant, **whole}
    return Slot(
        name=name,
        type=str(whole.get("type", "")),
        choices=tuple(_list(whole, "enum")),
        low=_number(whole.get("minimum")),
        high=_number(whole.get("maximum")),
        default=whole.get("default"),
    )


def _inside(table: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = table.get(key)
    return found if isinstance(found, dict) else {}


def _list(table: Mapping[str, Any], key: str) -> list[Any]:
    found = table.get(key)
    return found if isinstance(found, list) else []


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None
