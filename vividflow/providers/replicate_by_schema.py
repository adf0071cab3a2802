"""Asking a Replicate model by its own input schema: the `input` object for a request, or a refusal that says what is amiss."""

from __future__ import annotations

import math
from typing import Any

from vividflow.errors import Refused
from vividflow.providers.base import GenerationRequest, Picture
from vividflow.providers.replicate_inputs import Place
from vividflow.providers.replicate_schema import NAMES, InputSchema, Slot, pixels

FRAMES_PER_SECOND = 16.0
NEARLY = 0.06
_PLAIN = ("seed", "negative_prompt", "cfg", "steps", "audio")


def input_by_schema(request: GenerationRequest, schema: InputSchema, place: Place) -> dict[str, Any]:
    """The `input` object; `place` turns a picture into an address. Raises `Refused` for what the schema has no room for."""
    given: dict[str, Any] = {"prompt": request.prompt}
    for word in ("image", "last_image"):
        picture: Picture | None = getattr(request, word)
        if picture is not None:
            slot = _room(schema, word)
            given[slot.name] = [place(picture)] if slot.type == "array" else place(picture)
    for word in _PLAIN:
        value = getattr(request, word)
        if value is not None:
            slot = _room(schema, word)
            given[slot.name] = _valued(slot, value)
    if request.duration:
        given |= _length(schema, request.duration)
    given |= _size(schema, request)
    left = sorted(schema.required - given.keys())
    if left:
        raise _refused(f"It needs {', '.join(left)}.")
    return given


def rate_of(schema: InputSchema) -> float:
    """Frames a second of a model that counts frames: its own default, within its bounds."""
    slot = schema.slot("rate")
    return float(slot.default) if slot and isinstance(slot.default, int | float) and slot.default else FRAMES_PER_SECOND


def _length(schema: InputSchema, seconds: float) -> dict[str, Any]:
    slot = schema.slot("duration")
    if slot is not None:
        return {slot.name: _valued(slot, seconds)}
    slot = _room(schema, "frames")
    wanted = round(seconds * rate_of(schema))
    most, least = slot.high or math.inf, slot.low or 1
    return {slot.name: int(min(max(wanted, least), most))}


def _size(schema: InputSchema, request: GenerationRequest) -> dict[str, Any]:
    area, found = schema.slot("pixels"), {}
    if area is not None and request.resolution and request.aspect_ratio:
        return {area.name: _area(area, request)}
    if request.resolution:
        slot = _room(schema, "resolution")
        found[slot.name] = _valued(slot, request.resolution)
    if request.aspect_ratio:
        slot = schema.slot("aspect_ratio")
        if slot is not None:
            found[slot.name] = _valued(slot, request.aspect_ratio)
        elif request.image is None:  # else the picture has the shape already
            _room(schema, "aspect_ratio")
    return found


def _area(slot: Slot, request: GenerationRequest) -> Any:
    wide, high = (int(part) for part in request.aspect_ratio.split(":"))
    for choice in slot.choices:
        size = pixels(choice)
        if size and f"{min(size)}p" == request.resolution and abs(size[0] / size[1] / (wide / high) - 1) < NEARLY:
            return choice
    raise _refused(f"It does not make {request.resolution} at {request.aspect_ratio}.")


def _valued(slot: Slot, value: Any) -> Any:
    if slot.choices:
        found = slot.choice(value)
        if found is None:
            raise _refused(f"Its {slot.name} is one of {', '.join(map(str, slot.choices))}, not {value}.")
        return found
    if slot.type == "integer":
        value = round(value)
    if isinstance(value, int | float) and not isinstance(value, bool):
        low, high = slot.low, slot.high
        if (low is not None and value < low) or (high is not None and value > high):
            least = "" if low is None else f" at least {low:g}"
            most = "" if high is None else f" at most {high:g}"
            raise _refused(f"Its {slot.name} is{least}{most}, not {value:g}.")
        return str(value) if slot.type == "string" else value
    return value


def _room(schema: InputSchema, word: str) -> Slot:
    slot = schema.slot(word)
    if slot is None:
        takes = ", ".join(each for each in NAMES if schema.slot(each)) or "nothing that is known here"
        raise _refused(f"It does not take {word}; it takes {takes}.")
    return slot


def _refused(why: str) -> Refused:
    return Refused("provider_refused_input", f"Replicate's model describes its input otherwise. {why}")
