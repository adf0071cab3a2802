"""What the simulated Gemini refuses, as the service would: unknown fields, wrong types, values that a model does not take."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any
from urllib.parse import urlsplit

OMNI = {"gemini-omni-1.1-flash": 10, "gemini-omni-1.2-flash": 15}
WRITERS = ("gemini-3.8-flash", "gemini-3.5-flash-lite")
BODY = {
    "model", "input", "generation_config", "response_format", "background", "store", "labels", "webhook_config",
}  # fmt: skip
FORMAT = {"type", "aspect_ratio", "duration", "resolution", "delivery"}
SCHEMA = frozenset(
    {
        "type",
        "properties",
        "required",
        "items",
        "minItems",
        "maxItems",
        "minimum",
        "maximum",
        "enum",
        "description",
        "title",
    }
)
MOST_TOKENS = 65_536
PICTURES = {"text_to_video": (0, 0), "image_to_video": (1, 2), "reference_to_video": (1, 6)}


def video_complaints(body: Any) -> list[str]:
    """Everything that is wrong with the body of an interaction that makes a video."""
    if not isinstance(body, dict):
        return ["the body must be a JSON object"]
    found = [f"{name}: unknown name" for name in body.keys() - BODY]
    if body.get("background") is not True or body.get("store") is not True:
        found.append("background: needs store, and videos need background")
    found += _format_complaints(body.get("response_format"), OMNI.get(body.get("model", ""), 0))
    settings = body.get("generation_config", {})
    found += [f"generation_config.{name}: unknown name" for name in settings.keys() - {"video_config", "seed"}]
    if not isinstance(settings.get("seed", 0), int) or not 0 <= settings.get("seed", 0) < 2**31:
        found.append("generation_config.seed: must be an int32")
    found += _input_complaints(body.get("input"), settings.get("video_config", {}).get("task"))
    for name, value in body.get("labels", {}).items():
        if not re.fullmatch(r"[a-z][a-z0-9_-]{0,62}", name) or not re.fullmatch(r"[a-z0-9_-]{0,63}", value):
            found.append(f"labels.{name}: may hold small letters, digits, - and _ alone")
    for uri in body.get("webhook_config", {}).get("uris", []):
        parts = urlsplit(uri)
        if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost"):
            found.append("webhook_config.uris: must be https")
    return found


def text_complaints(body: Any) -> list[str]:
    """Everything that is wrong with the body of a `generateContent`."""
    if not isinstance(body, dict):
        return ["the body must be a JSON object"]
    found = [f"{name}: unknown name" for name in body.keys() - {"contents", "systemInstruction", "generationConfig"}]
    allowed = {"maxOutputTokens", "responseMimeType", "responseJsonSchema"}
    config = body.get("generationConfig", {})
    found += [f"generationConfig.{name}: unknown or deprecated" for name in config.keys() - allowed]
    if config.get("responseMimeType") != "application/json" and "responseJsonSchema" in config:
        found.append("responseJsonSchema: needs responseMimeType application/json")
    found += [f"responseJsonSchema{each}" for each in _schema_complaints(config.get("responseJsonSchema", {}))]
    most = config.get("maxOutputTokens", 1)
    if type(most) is not int or not 1 <= most <= MOST_TOKENS:
        found.append(f"maxOutputTokens: must be between 1 and {MOST_TOKENS}")
    contents = body.get("contents")
    if not isinstance(contents, list) or not contents or not contents[0].get("parts"):
        found.append("contents: must not be empty")
    return found


def _schema_complaints(schema: Any, place: str = "") -> list[str]:
    """What is wrong with a JSON schema for an answer, of the part of the language that the service knows."""
    if not isinstance(schema, dict):
        return [f"{place}: must be an object"]
    found = [f"{place}.{name}: unknown keyword" for name in schema.keys() - SCHEMA]
    properties = schema.get("properties", {})
    found += [
        f"{place}.required: {name} is no property" for name in schema.get("required", []) if name not in properties
    ]
    if schema.get("type") == "array" and "items" not in schema:
        found.append(f"{place}.items: is required for an array")
    for name, each in [*properties.items(), *([("items", schema["items"])] if "items" in schema else [])]:
        found += _schema_complaints(each, f"{place}.{name}")
    return found


def _format_complaints(form: Any, longest: int) -> list[str]:
    if not isinstance(form, dict):
        return ["response_format: must be an object"]
    found = [f"response_format.{name}: unknown name" for name in form.keys() - FORMAT]
    if form.get("type") != "video" or form.get("delivery") not in ("uri", "inline"):
        found.append("response_format: must be a video, by uri or inline")
    if form.get("aspect_ratio") not in ("16:9", "9:16"):
        found.append("response_format.aspect_ratio: must be 16:9 or 9:16")
    if form.get("resolution") not in ("360p", "720p", "1080p", "4k"):
        found.append("response_format.resolution: must be 360p, 720p, 1080p or 4k")
    seconds = re.fullmatch(r"(\d+)s", str(form.get("duration")))
    if not seconds or not 3 <= int(seconds[1]) <= longest:
        found.append(f"response_format.duration: must be between 3s and {longest}s")
    return found


def _input_complaints(steps: Any, task: Any) -> list[str]:
    if not isinstance(steps, list) or [step.get("type") for step in steps] != ["user_input"]:
        return ["input: must be one user_input"]
    if task not in PICTURES:
        return ["generation_config.video_config.task: unknown"]
    parts = steps[0].get("content", [])
    texts = [part for part in parts if part.get("type") == "text" and part.keys() == {"type", "text"} and part["text"]]
    images = [part for part in parts if part.get("type") == "image" and part.keys() == {"type", "mime_type", "data"}]
    if len(texts) != 1 or len(texts) + len(images) != len(parts):
        return ["input.content: must be one text and images with mime_type and data"]
    low, high = PICTURES[task]
    if not low <= len(images) <= high:
        return [f"input.content: {task} takes {low} to {high} images"]
    return [trouble for image in images if (trouble := _image_trouble(image))]


def _image_trouble(image: dict[str, str]) -> str | None:
    if image["mime_type"] not in ("image/png", "image/jpeg", "image/webp"):
        return "input.content.mime_type: unknown"
    try:
        base64.b64decode(image["data"], validate=True)
    except (binascii.Error, ValueError):
        return "input.content.data: must be base64"
    return None
