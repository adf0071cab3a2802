"""Our words to Veo's on Vertex (providers.md 2.3): what goes as parameters, what as bytes, what does not go together."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from vividflow.errors import Refused
from vividflow.providers.base import Film, GenerationRequest, Picture

if TYPE_CHECKING:
    from google.genai import types

MIMES = ("image/png", "image/jpeg")
MOST_REFERENCES = 3
REFERENCE_SECONDS = 8
FILM_MIME = "video/mp4"
MOST_FILM_BYTES = 14_000_000


def body_of(request: GenerationRequest, output: str | None) -> dict[str, Any]:
    """What an order is, as plain JSON: parameters in the client's words, pictures and the video to extend by their
    SHA-256, the bucket.

    Their bytes stay out of it: a body is kept in a row. Raises `Refused` for what Veo takes in no case.
    """
    _check(request, output)
    parameters = {
        "duration_seconds": int(request.duration),
        "aspect_ratio": request.aspect_ratio,
        "resolution": request.resolution,
        "seed": request.seed,
        "negative_prompt": request.negative_prompt,
        "generate_audio": request.audio,
        "number_of_videos": 1,  # each one more is paid
    }
    body = {
        "prompt": request.prompt,
        "parameters": {name: value for name, value in parameters.items() if value is not None},
        "pictures": {name: _digest(picture) for name, picture in _pictures(request)},
    }
    if request.extend is not None:
        body["video"] = request.extend.sha256
    return body | ({"output": output} if output else {})


def source_of(request: GenerationRequest, output: str | None) -> types.GenerateVideosSource:
    """The prompt, and the first frame or the video that goes on. Raises as `Film.read` does."""
    from google.genai import types

    return types.GenerateVideosSource(
        prompt=request.prompt,
        image=_image(request.image) if request.image else None,
        video=_film(request.extend, output) if request.extend else None,
    )


def config_of(request: GenerationRequest, body: dict[str, Any], storage_uri: str | None) -> types.GenerateVideosConfig:
    """The parameters of `body`, the other pictures, and where the result shall lie (None: inline in the answer)."""
    from google.genai import types

    references = [
        types.VideoGenerationReferenceImage(image=_image(each), reference_type=types.VideoGenerationReferenceType.ASSET)
        for each in request.references
    ]
    return types.GenerateVideosConfig(
        **body["parameters"],
        output_gcs_uri=storage_uri,
        last_frame=_image(request.last_image) if request.last_image else None,
        reference_images=references or None,
    )


def _check(request: GenerationRequest, output: str | None) -> None:
    if request.extend is not None:
        _check_film(request, request.extend, output)
    if request.references and (request.image or request.last_image):
        raise Refused("references_exclude_images", "Veo takes reference pictures or a start image, not both.")
    if len(request.references) > MOST_REFERENCES:
        raise Refused("too_many_references", f"Veo takes {MOST_REFERENCES} reference pictures at most.")
    if request.references and request.duration != REFERENCE_SECONDS:
        raise Refused("references_need_8_seconds", "Veo makes 8 seconds with reference pictures, nothing else.")
    if request.last_image and not request.image:
        raise Refused("last_image_needs_image", "A last image needs a start image beside it.")
    for name, picture in _pictures(request):
        if picture.mime not in MIMES:
            raise Refused("picture_format", f"Veo takes PNG and JPEG pictures; the {name} is {picture.mime}.")


def _check_film(request: GenerationRequest, film: Film, output: str | None) -> None:
    if request.image or request.last_image or request.references:
        raise Refused("extend_excludes_images", "Veo goes on from a video or begins with pictures, not both.")
    if film.mime != FILM_MIME:
        raise Refused("video_format", f"Veo goes on from MP4 videos; this one is {film.mime}.")
    if _address(film, output) is None and film.size > MOST_FILM_BYTES:
        raise Refused("video_too_large", f"Veo goes on from videos of at most {MOST_FILM_BYTES // 10**6} MB.")


def _pictures(request: GenerationRequest) -> list[tuple[str, Picture]]:
    named = [("image", request.image), ("last_image", request.last_image)]
    named += [(f"reference_{number}", each) for number, each in enumerate(request.references, 1)]
    return [(name, picture) for name, picture in named if picture is not None]


def _digest(picture: Picture) -> str:
    return hashlib.sha256(picture.data).hexdigest()


def _address(film: Film, output: str | None) -> str | None:
    """Where Veo can read the video by itself: in the bucket that it writes to. Of another one nobody knows whether it may."""
    if film.gs_uri is None or output is None:
        return None
    return film.gs_uri if film.gs_uri.split("/")[2] == output.split("/")[2] else None


def _film(film: Film, output: str | None) -> types.Video:
    from google.genai import types

    address = _address(film, output)
    if address is not None:
        return types.Video(uri=address, mime_type=film.mime)
    return types.Video(video_bytes=film.read(), mime_type=film.mime)


def _image(picture: Picture) -> types.Image:
    from google.genai import types

    return types.Image(image_bytes=picture.data, mime_type=picture.mime)
