"""What is sent to Replicate: the model's own words, pictures, the deadline and the callback address."""

from __future__ import annotations

import base64
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.providers.contract import PNG, order_for, replicate_settings, wish
from tests.providers.replicate_orders import IMAGE, submitted
from tests.simulators.replicate import TOKEN, ReplicateSimulator
from vividflow.errors import Refused, Transient
from vividflow.providers.base import Picture
from vividflow.providers.replicate import ReplicateProvider

LARGE = Picture(data=bytes(400_000), mime="image/jpeg", width=2000, height=1000)


def test_an_order_is_one_post_with_input_deadline_and_callback(
    simulator: ReplicateSimulator, provider: ReplicateProvider
) -> None:
    operation, _ = submitted(provider, callback_url="http://127.0.0.1:9/api/callbacks/replicate/tok")
    assert simulator.requests == {"submit": 1}
    assert simulator.submitted == [
        {
            "input": {
                "prompt": "a lighthouse at dawn",
                "num_frames": 81,
                "frames_per_second": 16,
                "resolution": "480p",
                "aspect_ratio": "16:9",
                "seed": 7,
            },
            "webhook": "http://127.0.0.1:9/api/callbacks/replicate/tok",
            "webhook_events_filter": ["start", "completed"],
        }
    ]
    headers = simulator.submit_headers[0]
    assert headers["cancel-after"] == "1800s"
    assert headers["authorization"] == f"Bearer {TOKEN}"
    assert headers["user-agent"].startswith("replicate-python/")
    assert operation.id in simulator.predictions


def test_without_a_callback_address_none_is_sent(simulator: ReplicateSimulator, provider: ReplicateProvider) -> None:
    submitted(provider)
    assert simulator.submitted[0].keys() == {"input"}


def test_a_short_job_deadline_stops_the_run_at_the_vendor_too(simulator: ReplicateSimulator, tmp_path: Path) -> None:
    for seconds, sent in ((90, "90s"), (1, "5s")):
        provider = ReplicateProvider(replicate_settings(simulator.url, tmp_path, job_deadline_seconds=seconds))
        submitted(provider)
        provider.close()
        assert simulator.submit_headers[-1]["cancel-after"] == sent


def test_wan21_gets_its_own_words_and_never_more_guidance_than_it_takes(provider: ReplicateProvider) -> None:
    text = wish(model="wan2.1", provider_model="wavespeedai/wan-2.1-t2v-480p", cfg=18.5, steps=20, duration=3)
    assert provider.prepare(text)["input"] == {
        "prompt": "a lighthouse at dawn",
        "num_frames": 49,
        "frames_per_second": 16,
        "seed": 7,
        "sample_guide_scale": 10,
        "sample_steps": 20,
        "aspect_ratio": "16:9",
    }
    picture = replace(
        text, provider_model="wavespeedai/wan-2.1-i2v-720p", resolution="720p", aspect_ratio="9:16", image=PNG
    )
    given = provider.prepare(replace(picture, cfg=4.5))["input"]
    assert (given["max_area"], given["sample_guide_scale"]) == ("720x1280", 4.5)
    assert "aspect_ratio" not in given


def test_a_small_picture_travels_inside_and_nothing_is_uploaded(
    simulator: ReplicateSimulator, provider: ReplicateProvider
) -> None:
    given = provider.prepare(replace(IMAGE, last_image=PNG))["input"]
    head, _, data = given["image"].partition(",")
    assert head == "data:image/png;base64"
    assert base64.b64decode(data) == PNG.data
    assert given["last_image"] == given["image"]
    assert not provider.uploads(IMAGE)
    assert simulator.requests == {}


def test_a_large_picture_is_uploaded_before_the_order(
    simulator: ReplicateSimulator, provider: ReplicateProvider
) -> None:
    request = replace(IMAGE, image=LARGE)
    assert provider.uploads(request)
    order = order_for(provider, request)
    assert order.request["input"]["image"] in simulator.files
    provider.submit(request, order)
    assert simulator.requests == {"files": 1, "submit": 1}


@pytest.mark.parametrize("size", [191_000, 192_000, 192_100])
def test_the_limit_of_data_urls_is_kept_to_the_byte(provider: ReplicateProvider, size: int) -> None:
    request = replace(IMAGE, image=replace(PNG, data=bytes(size)))
    sent = provider.prepare(request)["input"]["image"]
    assert sent.startswith("data:") is not provider.uploads(request)
    assert len(sent) <= 256_000


@pytest.mark.parametrize(("fault", "wait"), [("files_error", None), ("files_rate_limited", 5)])
def test_a_failed_upload_may_be_tried_again_and_orders_nothing(
    simulator: ReplicateSimulator, provider: ReplicateProvider, fault: str, wait: float | None
) -> None:
    simulator.faults.add(fault)
    with pytest.raises(Transient) as caught:
        provider.prepare(replace(IMAGE, image=LARGE))
    assert caught.value.retry_after == wait
    assert simulator.requests == {"files": 1}


def test_an_upload_without_a_connection_or_with_a_wrong_key_is_told_apart(
    tmp_path: Path, simulator: ReplicateSimulator
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    nowhere = ReplicateProvider(replicate_settings(f"http://127.0.0.1:{port}", tmp_path))
    with pytest.raises(Transient, match="cannot be reached"):
        nowhere.prepare(replace(IMAGE, image=LARGE))
    simulator.token = "r8_another"
    stranger = ReplicateProvider(replicate_settings(simulator.url, tmp_path))
    with pytest.raises(Refused) as caught:
        stranger.prepare(replace(IMAGE, image=LARGE))
    assert caught.value.pauses
    nowhere.close()
    stranger.close()


@pytest.mark.parametrize(
    ("request_", "code", "asked"),
    [
        (wish(provider_model="acme/unknown"), "model_retired", {"model": 1}),
        (replace(IMAGE, image=None), "image_required", {}),
    ],
)
def test_what_cannot_be_asked_for_is_refused_before_anything_is_ordered(
    simulator: ReplicateSimulator, provider: ReplicateProvider, request_: Any, code: str, asked: dict[str, int]
) -> None:
    with pytest.raises(Refused) as caught:
        provider.prepare(request_)
    assert caught.value.code == code
    assert simulator.requests == asked
