"""Our words to the body of a Kling order (providers.md 5.2).

The provider's model ids of the registry name the path too: `text2video/kling-v2-6`.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

from vividflow.errors import Refused
from vividflow.providers.base import GenerationRequest, Picture
from vividflow.providers.model import PictureLimits

Body = dict[str, Any]

KINDS = ("text2video", "image2video")
MODES = {"720p": "std", "1080p": "pro", "4k": "4k"}
MOST_PROMPT = 2500


def path_of(provider_model: str) -> str:
    """Where orders for a provider id are placed and found. Raises `Refused` for an id without a known path."""
    kind, _, model = provider_model.partition("/")
    if kind not in KINDS or not model:
        raise Refused("model_not_mapped", f"How to ask {provider_model} is not known here.")
    return f"/v1/videos/{kind}"


def video_body(request: GenerationRequest, limits: PictureLimits) -> Body:
    """What is asked for, as plain JSON values; pictures by their SHA-256, so that a row stays small.

    Sound is always said, so that a default of the vendor's cannot make a clip dearer. Raises `Refused` for what the
    model certainly does not take.
    """
    kind, _, model = request.provider_model.partition("/")
    path_of(request.provider_model)
    for name, text in (("prompt", request.prompt), ("negative prompt", request.negative_prompt or "")):
        if len(text) > MOST_PROMPT:
            raise Refused("prompt_too_long", f"Kling takes a {name} of {MOST_PROMPT} characters at most.")
    body: Body = {
        "model_name": model,
        "prompt": request.prompt,
        "negative_prompt": request.negative_prompt,
        "mode": _mode(request),
        "duration": _seconds(request.duration),
        "sound": "on" if request.audio else "off",
    }
    if kind == "image2video":
        if request.image is None:
            raise Refused("image_required", f"{request.model} needs a start image here.")
        for field, picture in _pictures(request):
            body[field] = {"sha256": _digest(_fit(picture, limits))}
    else:
        body["aspect_ratio"] = request.aspect_ratio
    return {name: value for name, value in body.items() if value is not None}


def with_pictures(body: Body, request: GenerationRequest) -> Body:
    """The same body with the request's pictures in it as bare base64: what is sent."""
    return body | {field: base64.b64encode(picture.data).decode() for field, picture in _pictures(request)}


def _mode(request: GenerationRequest) -> str:
    if request.resolution not in MODES:
        raise Refused("invalid_resolution", f"Kling makes {', '.join(MODES)}, not {request.resolution}.")
    return MODES[request.resolution]


def _seconds(duration: float) -> str:
    if duration != int(duration) or duration <= 0:
        raise Refused("invalid_duration", f"Kling makes clips of whole seconds, not {duration:g}.")
    return str(int(duration))


def _pictures(request: GenerationRequest) -> Iterator[tuple[str, Picture]]:
    if request.image is not None and not request.provider_model.startswith("text2video/"):
        yield "image", request.image
        if request.last_image is not None:
            yield "image_tail", request.last_image


def _fit(picture: Picture, limits: PictureLimits) -> Picture:
    """The picture itself. Raises `Refused` for one that the vendor would refuse: it says why more plainly."""
    shape = picture.width / picture.height if picture.height else 0
    low, high = limits.ratio or (0.0, float("inf"))
    if picture.mime.removeprefix("image/") not in limits.formats:
        flaw = f"takes {' or '.join(limits.formats)}, not {picture.mime}"
    elif limits.max_bytes is not None and len(picture.data) > limits.max_bytes:
        flaw = f"takes at most {limits.max_bytes / 1e6:g} MB"
    elif limits.min_side is not None and min(picture.width, picture.height) < limits.min_side:
        flaw = f"needs at least {limits.min_side} px a side; this one is {picture.width} × {picture.height}"
    elif not low <= shape <= high:
        flaw = (
            f"takes shapes from {low:g} to {high:g} (width by height); this one is {picture.width} × {picture.height}"
        )
    else:
        return picture
    raise Refused("image_unsuitable", f"Kling cannot use the picture: it {flaw}.")


def _digest(picture: Picture) -> str:
    return hashlib.sha256(picture.data).hexdigest()
