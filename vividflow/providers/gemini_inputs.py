"""Our words to the body of an interaction that makes a video (providers.md 2.4)."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

from vividflow.errors import Refused
from vividflow.providers.base import GenerationRequest, Picture

Body = dict[str, Any]


def video_body(request: GenerationRequest) -> Body:
    """What is asked for, as plain JSON values; pictures by their SHA-256, so that a row stays small.

    Raises `Refused` for references beside a start image: the model takes one or the other.
    """
    if request.references and request.image:
        raise Refused("references_exclude_images", "Reference images cannot be combined with a start image.")
    content: list[Body] = [{"type": "text", "text": request.prompt}]
    content += [{"type": "image", "mime_type": each.mime, "sha256": _digest(each)} for each in _pictures(request)]
    settings: Body = {"video_config": {"task": _task(request)}}
    if request.seed is not None:
        settings["seed"] = request.seed
    return {
        "input": [{"type": "user_input", "content": content}],
        "generation_config": settings,
        "response_format": {
            "type": "video",
            "aspect_ratio": request.aspect_ratio,
            "duration": f"{request.duration:g}s",
            "resolution": request.resolution,
            "delivery": "uri",  # inline answers end at about 4 MB
        },
    }


def with_pictures(body: Body, request: GenerationRequest) -> Body:
    """The same body with the bytes of the request's pictures in it: what is sent."""
    bytes_of = {_digest(each): base64.b64encode(each.data).decode() for each in _pictures(request)}

    def filled(part: Body) -> Body:
        if part.get("type") != "image":
            return part
        return {"type": "image", "mime_type": part["mime_type"], "data": bytes_of[part["sha256"]]}

    steps = [step | {"content": [filled(part) for part in step["content"]]} for step in body["input"]]
    return body | {"input": steps}


def _task(request: GenerationRequest) -> str:
    if request.references:
        return "reference_to_video"
    return "image_to_video" if request.image else "text_to_video"


def _pictures(request: GenerationRequest) -> Iterator[Picture]:
    """In the order that has a meaning: the first frame, the last frame; or the references."""
    yield from (each for each in (request.image, request.last_image) if each is not None)
    yield from request.references


def _digest(picture: Picture) -> str:
    return hashlib.sha256(picture.data).hexdigest()
