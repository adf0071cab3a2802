"""What the simulated Veo takes, and the strict check of a request against it (providers.md 2.3)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from typing import Any

MODELS: dict[str, tuple[str, ...]] = {
    "veo-3.1-generate-001": ("720p", "1080p", "4k"),
    "veo-3.1-fast-generate-001": ("720p", "1080p", "4k"),
    "veo-3.1-lite-generate-001": ("720p", "1080p"),
}
MAGIC = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}
MOST_REFERENCES = 3
EXTENSION_SECONDS = 7
# What is sent as bytes travels as base64 in a request that ends at about 20 MB.
MOST_FILM_BYTES = 15_000_000

Check = Callable[[Any], bool]


def _one_of(*values: Any) -> Check:
    return lambda value: any(value == each and type(value) is type(each) for each in values)


def _whole(low: int, high: int) -> Check:
    return lambda value: type(value) is int and low <= value <= high


PARAMETERS: Mapping[str, tuple[Check, str]] = {
    "sampleCount": (_whole(1, 4), "must be an integer from 1 to 4"),
    "storageUri": (
        lambda v: isinstance(v, str) and re.fullmatch(r"gs://[a-z0-9._-]+/.*", v) is not None,
        "must be gs://",
    ),
    "durationSeconds": (_one_of(4, 6, EXTENSION_SECONDS, 8), "must be 4, 6 or 8"),
    "aspectRatio": (_one_of("16:9", "9:16"), "must be 16:9 or 9:16"),
    "resolution": (_one_of("720p", "1080p", "4k"), "must be 720p, 1080p or 4k"),
    "seed": (_whole(0, 2**32 - 1), "must be an unsigned 32 bit integer"),
    "negativePrompt": (lambda v: isinstance(v, str), "must be a string"),
    "generateAudio": (lambda v: isinstance(v, bool), "must be a bool"),
    "enhancePrompt": (_one_of(True), "must be true"),
    "personGeneration": (_one_of("allow_adult", "dont_allow", "allow_all"), "is not an allowed value"),
    "compressionQuality": (_one_of("optimized", "lossless", "OPTIMIZED", "LOSSLESS"), "is not an allowed value"),
    "resizeMode": (_one_of("pad", "crop", "PAD", "CROP"), "is not an allowed value"),
}
INSTANCE = ("prompt", "image", "lastFrame", "referenceImages", "video")


def complaint(model: str, body: Any) -> str | None:
    """The first thing wrong with a request, in the service's words, or None."""
    if not isinstance(body, dict):
        return "Invalid JSON payload received."
    if unknown := body.keys() - {"instances", "parameters", "labels"}:
        return _unknown(unknown, "")
    instances, parameters = body.get("instances"), body.get("parameters", {})
    if not isinstance(instances, list) or len(instances) != 1 or not isinstance(instances[0], dict):
        return "instances: exactly one instance is required"
    if not isinstance(parameters, dict):
        return "parameters: must be an object"
    return _instance(model, instances[0], parameters) or _parameters(model, parameters)


def _instance(model: str, given: dict[str, Any], parameters: dict[str, Any]) -> str | None:
    if unknown := given.keys() - set(INSTANCE):
        return _unknown(unknown, " at 'instances[0]'")
    prompt = given.get("prompt")
    if not isinstance(prompt, str) or not prompt.strip():
        return "instances[0].prompt: is required"
    for name in ("image", "lastFrame"):
        if name in given and (trouble := _image(given[name])):
            return f"instances[0].{name}: {trouble}"
    if "lastFrame" in given and "image" not in given:
        return "lastFrame can only be used together with image."
    if trouble := _film(given, parameters):
        return trouble
    references = given.get("referenceImages")
    return None if references is None else _references(model, given, references, parameters)


def _film(given: dict[str, Any], parameters: dict[str, Any]) -> str | None:
    """What is wrong with the video that goes on, or with a length that only goes with one."""
    seconds = parameters.get("durationSeconds")
    if "video" not in given:
        return "parameters.durationSeconds: must be 4, 6 or 8" if seconds == EXTENSION_SECONDS else None
    if given.keys() & {"image", "lastFrame", "referenceImages"}:
        return "video cannot be used together with image, lastFrame or referenceImages."
    if seconds != EXTENSION_SECONDS:
        return f"Video extension supports durationSeconds of {EXTENSION_SECONDS} only."
    if parameters.get("resolution", "720p") != "720p":
        return "Video extension supports the resolution 720p only."
    return _video(given["video"])


def _video(given: Any) -> str | None:
    if not isinstance(given, dict) or given.keys() - {"bytesBase64Encoded", "gcsUri", "mimeType"}:
        return "instances[0].video: has bytesBase64Encoded or gcsUri, and mimeType"
    if given.get("mimeType") != "video/mp4":
        return "instances[0].video: mimeType must be video/mp4"
    if ("bytesBase64Encoded" in given) == ("gcsUri" in given):
        return "instances[0].video: exactly one of bytesBase64Encoded and gcsUri must be set"
    if "gcsUri" in given:
        return None if str(given["gcsUri"]).startswith("gs://") else "instances[0].video: gcsUri must begin with gs://"
    try:
        data = base64.b64decode(given["bytesBase64Encoded"], validate=True)
    except (binascii.Error, TypeError, ValueError):
        return "instances[0].video: bytesBase64Encoded is not base64"
    if len(data) > MOST_FILM_BYTES:
        return "instances[0].video: request payload size exceeds the limit"
    return None if data[4:8] == b"ftyp" else "instances[0].video: the bytes are not an MP4 video"


def _references(model: str, given: dict[str, Any], references: Any, parameters: dict[str, Any]) -> str | None:
    if "lite" in model:
        return "referenceImages are not supported by this model."
    if not isinstance(references, list) or not 1 <= len(references) <= MOST_REFERENCES:
        return f"referenceImages: at most {MOST_REFERENCES} reference images are allowed"
    if "image" in given or "lastFrame" in given:
        return "image and referenceImages cannot be used together."
    if parameters.get("durationSeconds") != 8:
        return "referenceImages need durationSeconds of 8."
    for each in references:
        if not isinstance(each, dict) or each.keys() != {"image", "referenceType"}:
            return "referenceImages: each has an image and a referenceType"
        if str(each["referenceType"]).lower() != "asset":
            return "referenceImages: referenceType must be asset"
        if trouble := _image(each["image"]):
            return f"referenceImages: {trouble}"
    return None


def _image(given: Any) -> str | None:
    if not isinstance(given, dict):
        return "must be an object"
    if unknown := given.keys() - {"bytesBase64Encoded", "gcsUri", "mimeType"}:
        return _unknown(unknown, "")
    magic = MAGIC.get(given.get("mimeType", ""))
    if magic is None:
        return "mimeType must be image/png or image/jpeg"
    if ("bytesBase64Encoded" in given) == ("gcsUri" in given):
        return "exactly one of bytesBase64Encoded and gcsUri must be set"
    if "gcsUri" in given:
        return None if str(given["gcsUri"]).startswith("gs://") else "gcsUri must begin with gs://"
    try:
        data = base64.b64decode(given["bytesBase64Encoded"], validate=True)
    except (binascii.Error, TypeError, ValueError):
        return "bytesBase64Encoded is not base64"
    return None if data.startswith(magic) else "the bytes are not an image of that mimeType"


def _parameters(model: str, given: dict[str, Any]) -> str | None:
    if unknown := given.keys() - PARAMETERS.keys():
        return _unknown(unknown, " at 'parameters'")
    for name, value in given.items():
        fits, sentence = PARAMETERS[name]
        if not fits(value):
            return f"parameters.{name}: {sentence}"
    if given.get("resolution", "720p") not in MODELS[model]:
        return f"parameters.resolution: {given['resolution']} is not supported by this model"
    return None


def _unknown(names: set[str], place: str) -> str:
    return f'Invalid JSON payload received. Unknown name "{min(names)}"{place}: Cannot find field.'
