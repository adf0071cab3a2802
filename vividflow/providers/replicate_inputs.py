"""Our words to each Replicate model's own: names differ between every pair of models (providers.md 3.6).

A model without a row here is asked by its own input schema (`replicate_schema.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from vividflow.errors import Refused
from vividflow.providers.base import GenerationRequest, Picture

FRAMES_PER_SECOND = 16
WAN21_MOST_GUIDANCE = 10.0
WAN21_AREAS = {
    ("480p", "16:9"): "832x480",
    ("480p", "9:16"): "480x832",
    ("720p", "16:9"): "1280x720",
    ("720p", "9:16"): "720x1280",
}

# Nano Banana's own words for its sizes.
NANO_SIZES = {"720p": "1K", "1080p": "2K", "4k": "4K"}

Place = Callable[[Picture], str]


def model_input(request: GenerationRequest, place: Place) -> dict[str, Any]:
    """The `input` object for `request.provider_model`; `place` turns a picture into an address the model can read.

    Raises `Refused` for a picture that is missing, `KeyError` for a model without a row here.
    """
    built = INPUTS[request.provider_model](request, place)
    return {name: value for name, value in built.items() if value is not None}


def frames(duration: float) -> int:
    """Wan counts frames, not seconds: 4k+1 of them at 16 a second, so 5 s are 81."""
    return round(duration * FRAMES_PER_SECOND / 4) * 4 + 1


def _common(request: GenerationRequest) -> dict[str, Any]:
    return {
        "prompt": request.prompt,
        "num_frames": frames(request.duration),
        "frames_per_second": FRAMES_PER_SECOND,
        "seed": request.seed,
    }


def _wan21_common(request: GenerationRequest) -> dict[str, Any]:
    cfg = None if request.cfg is None else min(request.cfg, WAN21_MOST_GUIDANCE)
    return _common(request) | {"sample_guide_scale": cfg, "sample_steps": request.steps}


def _wan21_text(request: GenerationRequest, place: Place) -> dict[str, Any]:
    return _wan21_common(request) | {"aspect_ratio": request.aspect_ratio}


def _wan21_image(request: GenerationRequest, place: Place) -> dict[str, Any]:
    area = WAN21_AREAS[request.resolution, request.aspect_ratio]
    return _wan21_common(request) | {"image": place(_picture(request)), "max_area": area}


def _wan22_text(request: GenerationRequest, place: Place) -> dict[str, Any]:
    return _common(request) | {"resolution": request.resolution, "aspect_ratio": request.aspect_ratio}


def _wan22_image(request: GenerationRequest, place: Place) -> dict[str, Any]:
    last = place(request.last_image) if request.last_image else None
    return _common(request) | {
        "resolution": request.resolution,
        "image": place(_picture(request)),
        "last_image": last,
    }


def _veo(request: GenerationRequest, place: Place) -> dict[str, Any]:
    # Sound costs twice as much and is Veo's default, so the switch is always set.
    return {
        "prompt": request.prompt,
        "duration": round(request.duration),
        "resolution": request.resolution,
        "aspect_ratio": request.aspect_ratio,
        "generate_audio": bool(request.audio),
        "negative_prompt": request.negative_prompt,
        "seed": request.seed,
        "image": place(request.image) if request.image else None,
        "last_frame": place(request.last_image) if request.last_image else None,
    }


def _flux(request: GenerationRequest, place: Place) -> dict[str, Any]:
    # With go_fast (its default) an equal seed does not make an equal picture.
    return {
        "prompt": request.prompt,
        "aspect_ratio": request.aspect_ratio,
        "megapixels": "1",
        "num_outputs": 1,
        "output_format": "png",
        "go_fast": False,
        "seed": request.seed,
    }


def _nano(request: GenerationRequest, place: Place) -> dict[str, Any]:
    return {
        "prompt": request.prompt,
        "image_input": [place(request.image)] if request.image else None,
        "aspect_ratio": request.aspect_ratio,
        "resolution": NANO_SIZES[request.resolution],
        "output_format": "png",
    }


def _picture(request: GenerationRequest) -> Picture:
    if request.image is None:
        raise Refused("image_required", f"{request.model} needs a start image here.")
    return request.image


INPUTS: dict[str, Callable[[GenerationRequest, Place], dict[str, Any]]] = {
    "wavespeedai/wan-2.1-t2v-480p": _wan21_text,
    "wavespeedai/wan-2.1-t2v-720p": _wan21_text,
    "wavespeedai/wan-2.1-i2v-480p": _wan21_image,
    "wavespeedai/wan-2.1-i2v-720p": _wan21_image,
    "wan-video/wan-2.2-t2v-fast": _wan22_text,
    "wan-video/wan-2.2-i2v-fast": _wan22_image,
    "google/veo-3.1": _veo,
    "google/veo-3.1-fast": _veo,
    "black-forest-labs/flux-schnell": _flux,
    "google/nano-banana-pro": _nano,
}
