"""The input schemas of the simulated models, and the strict check of an input against one (providers.md 3.6)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection
from typing import Any

MOST_DATA_URL_BYTES = 256 * 1024

TEXT = {"type": "string"}
PICTURE = {"type": "string", "format": "uri"}
SEED = {"type": "integer", "minimum": 0, "maximum": 2**31 - 1}
ASPECT = {"type": "string", "enum": ["16:9", "9:16"]}
RESOLUTION = {"type": "string", "enum": ["480p", "720p"]}


def _whole(low: int, high: int) -> dict[str, Any]:
    return {"type": "integer", "minimum": low, "maximum": high}


def _number(low: float, high: float) -> dict[str, Any]:
    return {"type": "number", "minimum": low, "maximum": high}


def _choice(*values: Any) -> dict[str, Any]:
    return {"type": "integer" if isinstance(values[0], int) else "string", "enum": list(values)}


def _pictures(most: int) -> dict[str, Any]:
    return {"type": "array", "items": PICTURE, "maxItems": most}


_VEO = {
    "prompt": TEXT,
    "aspect_ratio": ASPECT,
    "duration": _choice(4, 6, 8),
    "image": PICTURE,
    "last_frame": PICTURE,
    "negative_prompt": TEXT,
    "resolution": _choice("720p", "1080p"),
    "generate_audio": {"type": "boolean"},
    "seed": SEED,
}
_WAN25 = {
    "prompt": TEXT,
    "audio": {"type": "string", "format": "uri"},
    "duration": _choice(5, 10) | {"default": 5},
    "negative_prompt": TEXT,
    "enable_prompt_expansion": {"type": "boolean"},
    "seed": SEED,
}
_WAN25_SIZES = ("832*480", "480*832", "1280*720", "720*1280", "1920*1080", "1080*1920")
_STILL_SHAPES = ("1:1", "16:9", "21:9", "3:2", "2:3", "4:5", "5:4", "3:4", "4:3", "9:16")
_WAN21 = {
    "prompt": TEXT,
    "num_frames": _whole(5, 100),
    "frames_per_second": _whole(5, 24),
    "fast_mode": {"type": "string", "enum": ["Off", "Balanced", "Fast"]},
    "sample_steps": _whole(1, 40),
    "sample_guide_scale": _number(0, 10),
    "sample_shift": _number(1, 10),
    "seed": SEED,
}
_WAN22 = {
    "prompt": TEXT,
    "num_frames": _whole(81, 121),
    "resolution": RESOLUTION,
    "frames_per_second": _whole(5, 30),
    "interpolate_output": {"type": "boolean"},
    "go_fast": {"type": "boolean"},
    "sample_shift": _number(1, 20),
    "seed": SEED,
    "disable_safety_checker": {"type": "boolean"},
}


def _schema(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "required": ["prompt", *required], "properties": properties}


SCHEMAS: dict[str, dict[str, Any]] = {
    "wavespeedai/wan-2.1-t2v-480p": _schema(_WAN21 | {"aspect_ratio": ASPECT}),
    "wavespeedai/wan-2.1-t2v-720p": _schema(_WAN21 | {"aspect_ratio": ASPECT}),
    "wavespeedai/wan-2.1-i2v-480p": _schema(
        _WAN21 | {"image": PICTURE, "max_area": {"type": "string", "enum": ["832x480", "480x832"]}}, "image"
    ),
    "wavespeedai/wan-2.1-i2v-720p": _schema(
        _WAN21 | {"image": PICTURE, "max_area": {"type": "string", "enum": ["1280x720", "720x1280"]}}, "image"
    ),
    "wan-video/wan-2.2-t2v-fast": _schema(_WAN22 | {"aspect_ratio": ASPECT, "optimize_prompt": {"type": "boolean"}}),
    "wan-video/wan-2.2-i2v-fast": _schema(_WAN22 | {"image": PICTURE, "last_image": PICTURE}, "image"),
    "wan-video/wan-2.5-t2v": _schema(_WAN25 | {"size": _choice(*_WAN25_SIZES)}),
    "wan-video/wan-2.5-t2v-fast": _schema(_WAN25 | {"size": _choice(*_WAN25_SIZES[2:])}),
    "wan-video/wan-2.5-i2v": _schema(
        _WAN25 | {"image": PICTURE, "resolution": _choice("480p", "720p", "1080p")}, "image"
    ),
    "wan-video/wan-2.5-i2v-fast": _schema(_WAN25 | {"image": PICTURE, "resolution": _choice("720p", "1080p")}, "image"),
    "google/veo-3.1": _schema(_VEO | {"reference_images": _pictures(3)}),
    "google/veo-3.1-fast": _schema(_VEO),
    "black-forest-labs/flux-schnell": _schema(
        {
            "prompt": TEXT,
            "aspect_ratio": _choice(*_STILL_SHAPES, "9:21"),
            "num_outputs": _whole(1, 4),
            "num_inference_steps": _whole(1, 4),
            "seed": SEED,
            "output_format": _choice("webp", "jpg", "png"),
            "output_quality": _whole(0, 100),
            "disable_safety_checker": {"type": "boolean"},
            "go_fast": {"type": "boolean"},
            "megapixels": _choice("1", "0.25"),
        }
    ),
    "google/nano-banana-pro": _schema(
        {
            "prompt": TEXT,
            "image_input": _pictures(14),
            "aspect_ratio": _choice("match_input_image", *_STILL_SHAPES),
            "resolution": _choice("1K", "2K", "4K"),
            "output_format": _choice("jpg", "png"),
            "safety_filter_level": _choice("block_low_and_above", "block_medium_and_above", "block_only_high"),
        }
    ),
    # Models that the registry does not have: an official one, and one of the community.
    "house/dream": _schema(
        {
            "prompt": TEXT,
            "first_frame_image": PICTURE,
            "duration": {"type": "integer", "minimum": 2, "maximum": 12, "default": 4},
            "resolution": _choice("480P", "1080P"),
            "aspect_ratio": _choice("16:9", "1:1"),
            "cfg_scale": _number(0, 15),
            "generate_audio": {"type": "boolean"},
            "seed": SEED,
        }
    ),
    "someone/moving-pictures": _schema(
        {
            "prompt": TEXT,
            "image": PICTURE,
            "num_frames": _whole(16, 64),
            "fps": {"type": "integer", "default": 8, "minimum": 1, "maximum": 30},
            "num_inference_steps": _whole(1, 50),
        },
        "image",
    ),
    "someone/upscaler": {
        "type": "object",
        "required": ["video"],
        "properties": {"video": {"type": "string", "format": "uri"}, "scale": _whole(1, 4)},
    },
}

# Only official models have an address of their own; others are run by their version.
VERSIONS = {"someone/moving-pictures": "5f" * 32, "someone/upscaler": "a7" * 32}
# Listed, but without a version: nothing of it can be run.
ARCHIVED = "someone/gone-quiet"
PICTURE_MODELS = {"black-forest-labs/flux-schnell", "google/nano-banana-pro"}
LISTS_OUTPUT = {"black-forest-labs/flux-schnell"}


def described(name: str) -> dict[str, Any] | None:
    """The model object of the service: choices are schemas of their own, as Cog writes them. None for an unknown one."""
    owner, _, short = name.partition("/")
    told: dict[str, Any] = {"owner": owner, "name": short, "is_official": name not in VERSIONS}
    if name == ARCHIVED:
        return told | {"latest_version": None}
    if name not in SCHEMAS:
        return None
    schema = SCHEMAS[name]
    choices = {field: rule for field, rule in schema["properties"].items() if "enum" in rule}
    properties = schema["properties"] | {
        field: {"allOf": [{"$ref": f"#/components/schemas/{field}"}], "x-order": 1}
        | ({"default": rule["default"]} if "default" in rule else {})
        for field, rule in choices.items()
    }
    schemas = choices | {"Input": schema | {"properties": properties}}
    link = f"https://replicate.delivery/pbxt/example/out.{'webp' if name in PICTURE_MODELS else 'mp4'}"
    version = {"id": VERSIONS.get(name, "hidden"), "openapi_schema": {"components": {"schemas": schemas}}}
    return told | {"latest_version": version, "default_example": {"output": link}}


_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
}


def complaints(model: str, given: Any, known_files: Collection[str]) -> list[str]:
    """Everything wrong with an `input`; pictures are https links, data URLs up to 256 kB, or one of `known_files`."""
    schema = SCHEMAS[model]
    if not isinstance(given, dict):
        return ["input: must be an object"]
    found = [f"input.{name}: is required" for name in schema["required"] if name not in given]
    for name, value in given.items():
        rule = schema["properties"].get(name)
        if rule is None:
            found.append(f"input.{name}: additional property is not allowed")
        elif trouble := _trouble(rule, value, known_files):
            found.append(f"input.{name}: {trouble}")
    return found


def _trouble(rule: dict[str, Any], value: Any, known_files: Collection[str]) -> str | None:
    if not isinstance(value, _TYPES[rule["type"]]) or (isinstance(value, bool) and rule["type"] != "boolean"):
        return f"must be of type {rule['type']}"
    if isinstance(value, list):
        if len(value) > rule["maxItems"]:
            return f"must have at most {rule['maxItems']} items"
        return next((each for one in value if (each := _trouble(rule["items"], one, known_files))), None)
    if "enum" in rule and value not in rule["enum"]:
        return f"must be one of {rule['enum']}"
    if not rule.get("minimum", value) <= value <= rule.get("maximum", value):
        return f"must be from {rule['minimum']} to {rule['maximum']}"
    if rule.get("format") == "uri" and value not in known_files and not str(value).startswith("https://"):
        head, _, data = str(value).partition(";base64,")
        try:
            size = len(base64.b64decode(data, validate=True))
        except binascii.Error:
            size = 0
        if not head.startswith("data:image/") or not 0 < size <= MOST_DATA_URL_BYTES:
            return "must be an https link, a file of this account, or a data URL of at most 256 kB"
    return None
