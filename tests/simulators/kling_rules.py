"""Which orders Kling takes (providers.md 5.2 and 9), and how many units they cost (section 8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tests.simulators.kling_pictures import complaint

KINDS = ("text2video", "image2video")
RATIOS = ("16:9", "9:16", "1:1")
MOST_TEXT = 2500
LONGEST_ID = 64
DEFAULT_MODEL = "kling-v1"
TEXTS = ("prompt", "negative_prompt", "mode", "duration", "sound", "external_task_id", "callback_url", "model_name")
# `model` is known and ignored: whoever writes it instead of `model_name` gets version 1, and pays for it.
FIELDS = {
    "text2video": {*TEXTS, "aspect_ratio", "cfg_scale", "camera_control", "watermark_info", "model"},
    "image2video": {
        *TEXTS,
        "image",
        "image_tail",
        "cfg_scale",
        "camera_control",
        "static_mask",
        "watermark_info",
        "model",
    },
}


@dataclass(frozen=True, kw_only=True)
class Known:
    """What one version makes: units a second by mode, and in which modes it makes sound and takes a tail."""

    units: dict[str, float]
    durations: tuple[str, ...] = ("5", "10")
    sound: tuple[str, ...] = ()
    tail: tuple[str, ...] = ("pro",)
    tail_with_sound: bool = False
    cfg: bool = False


KNOWN = {
    "kling-v1": Known(units={"std": 0.2, "pro": 0.7}, cfg=True),
    "kling-v2-6": Known(units={"std": 0.3, "pro": 0.5}, sound=("pro",)),
    "kling-v3": Known(
        units={"std": 0.6, "pro": 0.8, "4k": 3.0},
        durations=tuple(map(str, range(3, 16))),
        sound=("std", "pro", "4k"),
        tail=("std", "pro", "4k"),
        tail_with_sound=True,
    ),
}
SOUND_FACTOR = {("kling-v2-6", "pro"): 2.0, ("kling-v3", "std"): 1.5, ("kling-v3", "pro"): 1.5}


def complaints(kind: str, body: dict[str, Any]) -> list[str]:
    """Everything that is wrong with an order for a model that is known."""
    found = [f"{name}: unknown field" for name in sorted(body.keys() - FIELDS[kind])]
    found += [f"{name}: must be a string" for name in TEXTS if name in body and not isinstance(body[name], str)]
    if found:
        return found
    model, mode = KNOWN[body.get("model_name", DEFAULT_MODEL)], body.get("mode", "std")
    sound, tail = body.get("sound", "off"), "image_tail" in body
    checks = {
        f"mode: must be of {sorted(model.units)}": mode in model.units,
        f"duration: must be of {model.durations}": body.get("duration", "5") in model.durations,
        "prompt: must have 1 to 2500 characters": kind != "text2video" or body.get("prompt", "") != "",
        "prompt: is too long": len(body.get("prompt", "")) <= MOST_TEXT,
        "negative_prompt: is too long": len(body.get("negative_prompt", "")) <= MOST_TEXT,
        f"aspect_ratio: must be of {RATIOS}": body.get("aspect_ratio", "16:9") in RATIOS,
        "sound: must be on or off": sound in ("on", "off"),
        f"sound: not in mode {mode}": sound != "on" or mode in model.sound,
        f"image_tail: not in mode {mode}": not tail or mode in model.tail,
        "image_tail: not together with sound": not tail or sound != "on" or model.tail_with_sound,
        "cfg_scale: not supported by this model": "cfg_scale" not in body or model.cfg,
        "external_task_id: is too long": len(body.get("external_task_id", "")) <= LONGEST_ID,
        "callback_url: must be a web address": _reachable(body.get("callback_url")),
        "image: an image or an image_tail is needed": kind != "image2video" or "image" in body or tail,
    }
    found = [sentence for sentence, good in checks.items() if not good]
    pictures = ((name, complaint(body[name])) for name in ("image", "image_tail") if name in body)
    return found + [f"{name}: {flaw}" for name, flaw in pictures if flaw]


def units(body: dict[str, Any]) -> float:
    """What an order costs."""
    model, mode = body.get("model_name", DEFAULT_MODEL), body.get("mode", "std")
    factor = SOUND_FACTOR.get((model, mode), 1.0) if body.get("sound") == "on" else 1.0
    return round(KNOWN[model].units[mode] * int(body.get("duration", "5")) * factor, 3)


def _reachable(address: str | None) -> bool:
    parts = urlsplit(address or "https://none")
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost"))
