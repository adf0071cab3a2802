"""What is really sent, field by field, to each kind of server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.providers.contract import PNG, order_for
from tests.providers.openai_orders import film, pointed_at, served
from tests.simulators.openai_videos import KEY
from vividflow.errors import Refused
from vividflow.providers.base import GenerationRequest
from vividflow.providers.openai_dialects import DIALECTS, FIELDS, Listing

FULL = {"seed": 7, "negative_prompt": "fog", "steps": 30, "cfg": 4.5}
STANDARD = {"model": "wan", "prompt": "a lighthouse at dawn", "size": "854x480", "seconds": "5"}
FRAMES = STANDARD | {"size": "848x480", "num_frames": "120", "fps": "24"}
DIFFUSION = FRAMES | {"seed": "7", "negative_prompt": "fog", "num_inference_steps": "30", "guidance_scale": "4.5"}


def sent(folder: Path, dialect: str, request: GenerationRequest, **given: Any) -> Any:
    """The one body that a server of this kind got, which it took."""
    with served(dialect) as server, pointed_at(folder, server, **given) as provider:
        provider.submit(request, order_for(provider, request))
    assert (server.paid, server.requests["submit"]) == (1, 1)
    assert server.submits[0].path == "/v1/videos"
    assert server.submits[0].headers["authorization"] == f"Bearer {KEY}"
    return server.sent[0]


@pytest.mark.parametrize("dialect", ["openai", "litellm"])
def test_the_official_form_is_multipart_with_or_without_a_picture(tmp_path: Path, dialect: str) -> None:
    plain = sent(tmp_path, dialect, film())
    assert (plain.as_form, plain.fields, plain.picture) == (True, STANDARD, None)
    moved = sent(tmp_path, dialect, film(image=PNG))
    assert (moved.as_form, moved.fields) == (True, STANDARD)
    assert moved.picture == ("image.png", "image/png", PNG.data)


def test_vllm_omni_takes_forms_with_frames_and_the_diffusion_fields(tmp_path: Path) -> None:
    plain = sent(tmp_path, "vllm_omni", film(**FULL, audio=True))
    assert (plain.as_form, plain.fields) == (True, DIFFUSION | {"generate_sound": "true"})
    assert sent(tmp_path, "vllm_omni", film(image=PNG)).picture == ("image.png", "image/png", PNG.data)


def test_sglang_takes_json_and_a_form_only_with_a_picture(tmp_path: Path) -> None:
    plain = sent(tmp_path, "sglang", film(**FULL))
    assert not plain.as_form
    assert {name: str(value) for name, value in plain.fields.items()} == DIFFUSION
    assert [type(plain.fields[name]) for name in ("num_frames", "seed", "guidance_scale")] == [int, int, float]
    moved = sent(tmp_path, "sglang", film(image=PNG, **FULL))
    assert (moved.as_form, moved.fields) == (True, DIFFUSION)
    assert moved.picture == ("image.png", "image/png", PNG.data)


@pytest.mark.parametrize(
    ("dialect", "resolution", "shape", "size"),
    [
        ("openai", "720p", "16:9", "1280x720"),
        ("openai", "720p", "9:16", "720x1280"),
        ("openai", "1080p", "16:9", "1920x1080"),
        ("vllm_omni", "1080p", "16:9", "1920x1088"),
        ("sglang", "480p", "1:1", "480x480"),
    ],
)
def test_sizes_follow_resolution_and_shape(
    tmp_path: Path, dialect: str, resolution: str, shape: str, size: str
) -> None:
    assert sent(tmp_path, dialect, film(resolution=resolution, aspect_ratio=shape)).fields["size"] == size


def test_a_size_that_is_none_is_refused_before_anything_is_sent(tmp_path: Path) -> None:
    with served() as server, pointed_at(tmp_path, server) as provider:
        with pytest.raises(Refused, match="no such size"):
            provider.prepare(film(resolution="huge"))
        assert server.requests == {}


@pytest.mark.parametrize(("duration", "seconds", "frames"), [(0.5, "1", 12), (2.5, "2", 60), (60, "60", 1440)])
def test_lengths_between_seconds_are_frames(tmp_path: Path, duration: float, seconds: str, frames: int) -> None:
    fields = sent(tmp_path, "vllm_omni", film(duration=duration)).fields
    assert (fields["seconds"], fields["num_frames"]) == (seconds, str(frames))


def test_a_row_of_the_operators_registry_says_the_frame_rate(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(
        """
        [[models]]
        id = "openai/default/wan"
        title = "Wan at home"
        kind = "video"
        durations = [5]
        default_duration = 5
        resolutions = ["480p"]
        aspect_ratios = ["16:9"]
        [[models.routes]]
        provider = "openai"
        text = "default/wan"
        frames_per_second = 16
        extra_frames = 1
        price_date = 2026-11-01
        price_source = "our own machine"
        prices = [{ usd = 0 }]
        """
    )
    fields = sent(tmp_path, "vllm_omni", film(), models_file=own).fields
    assert (fields["num_frames"], fields["fps"], fields["seconds"]) == ("81", "16", "5")


def test_the_row_keeps_no_bytes_of_a_picture(tmp_path: Path) -> None:
    with served() as server, pointed_at(tmp_path, server) as provider:
        assert provider.prepare(film(image=PNG)) == provider.prepare(film()) == {"fields": STANDARD}


def test_the_table_of_dialects_is_whole() -> None:
    facts = {
        name: (row.length, row.body, row.stops, row.listing, row.linked, row.sides_of) for name, row in DIALECTS.items()
    }
    assert facts == {
        "openai": ("seconds", "form", False, "hint", False, 2),
        "sglang": ("frames", "json_without_file", False, "whole", True, 16),
        "vllm_omni": ("frames", "form", True, "whole", False, 16),
        "litellm": ("seconds", "form", False, "none", False, 2),
    }
    for row in DIALECTS.values():
        assert row.takes <= {"image", *FIELDS}
        assert not row.done & row.failed
        assert row.listing in Listing
