"""Our words to the fields of `POST /videos`, as a dialect wants them (providers.md 4.1 and 4.3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vividflow.errors import Refused
from vividflow.media.shapes import size_of
from vividflow.providers.base import GenerationRequest, Picture
from vividflow.providers.model import Route
from vividflow.providers.openai_dialects import Body, Dialect, Length
from vividflow.providers.openai_line import File

PICTURE = "input_reference"


def fields_of(request: GenerationRequest, name: str, dialect: Dialect, route: Route | None = None) -> dict[str, Any]:
    """The plain fields of an order for the server's model `name`, as JSON values; `route` counts the frames if it can.

    Raises `Refused` for a size that is none.
    """
    fields: dict[str, Any] = {"model": name, "prompt": request.prompt, "size": _size(request, dialect)}
    fields |= _length(request, dialect, route)
    for ours, theirs in dialect.fields.items():
        if (value := getattr(request, ours)) is not None:
            fields[theirs] = value
    return fields


def body_of(fields: Mapping[str, Any], picture: Picture | None, dialect: Dialect) -> dict[str, Any]:
    """The same as what `VideoLine.send` takes: `json`, or `form` with the picture as a file."""
    if picture is None and dialect.body is Body.JSON_WITHOUT_FILE:
        return {"json": dict(fields)}
    form: dict[str, str | File] = {name: _text(value) for name, value in fields.items()}
    if picture is not None:
        form[PICTURE] = (f"image.{picture.mime.partition('/')[2] or 'bin'}", picture.data, picture.mime)
    return {"form": form}


def _size(request: GenerationRequest, dialect: Dialect) -> str:
    try:
        sides = size_of(request.resolution, request.aspect_ratio)
    except ValueError as wrong:
        raise Refused("provider_refused_input", f"There is no such size: {wrong}.") from wrong
    step = dialect.sides_of
    width, height = (step * round(side / step) for side in sides)
    return f"{width}x{height}"


def _length(request: GenerationRequest, dialect: Dialect, route: Route | None) -> dict[str, Any]:
    if dialect.length is Length.SECONDS:
        return {"seconds": f"{request.duration:g}"}
    rate = route.frames_per_second if route and route.frames_per_second else dialect.frame_rate
    frames = (route.frames(request.duration) if route else None) or round(request.duration * rate)
    # The frames decide; the seconds are what a list shows again.
    return {"seconds": str(max(1, round(request.duration))), "num_frames": frames, "fps": rate}


def _text(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
