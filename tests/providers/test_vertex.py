"""Orders to Veo through Google's own client: what is sent, what each answer means, and that it is sent once."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.providers.contract import PNG, order_for, veo, vertex_settings
from tests.simulators.vertex import PROJECT, TOKEN, VertexSimulator
from vividflow.errors import Refused, Transient, Unknown
from vividflow.providers import vertex_line
from vividflow.providers.base import CancelOutcome, Film, GenerationRequest, OperationStatus, Order, Picture
from vividflow.providers.vertex import VertexProvider

JPEG = Picture(data=b"\xff\xd8\xff" + bytes(100), mime="image/jpeg", width=640, height=360)
CLOSED = "http://127.0.0.1:9"

UNKNOWN = {
    "accept_then_close": {},
    "half_answer": {},
    "error_after": {},
    "garbage_200": {},
    "html_200": {},
    "empty_200": {},
    "no_name_200": {},
    "wrong_type_200": {},
    "huge_200": {},
    "redirect": {},
    "read_then_close": {},
}
UNKNOWN_STATUSES = (408, 409, 425, 500, 502, 503, 504)
REFUSED = {
    "unauthorized": ("provider_key_refused", True, False),
    "no_credit": ("provider_credit_exhausted", True, False),
    "forbidden": ("provider_forbidden", True, False),
    "retired": ("model_retired", False, True),
    "unknown_model": ("model_retired", False, True),
    "invalid": ("provider_refused_input", False, False),
    "content_refused": ("content_policy", False, False),
}


def ordered(provider: VertexProvider, request: GenerationRequest | None = None, **given: Any) -> Order:
    """An order that has not been sent."""
    return order_for(provider, request or veo(), **given)


def test_a_plain_order_says_everything_that_was_quoted_and_nothing_else(
    vertex: VertexProvider, veo_simulator: VertexSimulator
) -> None:
    request = veo(negative_prompt="rain", seed=2**32 - 1, audio=False, resolution="4k", aspect_ratio="9:16")
    order = ordered(vertex, request)
    operation = vertex.submit(request, order)
    assert operation.status is OperationStatus.RUNNING
    (sent,) = veo_simulator.submitted
    assert sent == {
        "instances": [{"prompt": "a lighthouse at dawn"}],
        "parameters": {
            "sampleCount": 1,
            "storageUri": f"gs://films/veo/{order.id}/",
            "durationSeconds": 8,
            "seed": 2**32 - 1,
            "aspectRatio": "9:16",
            "resolution": "4k",
            "negativePrompt": "rain",
            "generateAudio": False,
        },
    }
    assert operation.id.startswith(f"projects/{PROJECT}/locations/us-central1/publishers/google/models/veo-3.1-")
    assert veo_simulator.headers[0]["authorization"] == f"Bearer {TOKEN}"
    assert veo_simulator.headers[0]["x-server-timeout"] == "60"


def test_first_and_last_frame_go_as_bytes(vertex: VertexProvider, veo_simulator: VertexSimulator) -> None:
    request = veo(image=PNG, last_image=JPEG)
    vertex.submit(request, ordered(vertex, request))
    (instance,) = veo_simulator.submitted[0]["instances"]
    assert base64.b64decode(instance["image"]["bytesBase64Encoded"], validate=True) == PNG.data
    assert instance["lastFrame"] == {
        "bytesBase64Encoded": base64.b64encode(JPEG.data).decode(),
        "mimeType": "image/jpeg",
    }


def test_reference_pictures_go_as_assets(vertex: VertexProvider, veo_simulator: VertexSimulator) -> None:
    request = veo(references=(PNG, JPEG, PNG))
    vertex.submit(request, ordered(vertex, request))
    (instance,) = veo_simulator.submitted[0]["instances"]
    assert [each["referenceType"] for each in instance["referenceImages"]] == ["ASSET"] * 3
    assert "image" not in instance


def film(data: bytes = b"\0\0\0\x18ftypisom", **given: Any) -> Film:
    """A video to go on from."""
    plain: dict[str, Any] = {"sha256": hashlib.sha256(data).hexdigest(), "mime": "video/mp4", "size": len(data)}
    return Film(**plain | given, read=lambda: data)


def test_a_video_in_the_bucket_that_veo_writes_to_goes_by_address_and_any_other_as_bytes(
    vertex: VertexProvider, veo_simulator: VertexSimulator
) -> None:
    veo_simulator.bucket.put("films", "users/a/film.mp4", b"film")
    for uri in ("gs://films/users/a/film.mp4", "gs://elsewhere/film.mp4", None):
        request = veo(duration=7, extend=film(gs_uri=uri))
        vertex.submit(request, ordered(vertex, request))
    sent = [each["instances"][0]["video"] for each in veo_simulator.submitted]
    as_bytes = {"bytesBase64Encoded": base64.b64encode(film().read()).decode(), "mimeType": "video/mp4"}
    assert sent == [{"gcsUri": "gs://films/users/a/film.mp4", "mimeType": "video/mp4"}, as_bytes, as_bytes]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"extend": film(), "image": PNG}, "extend_excludes_images"),
        ({"extend": film(), "references": (PNG,)}, "extend_excludes_images"),
        ({"extend": film(mime="video/webm")}, "video_format"),
        ({"extend": film(size=14_000_001)}, "video_too_large"),
        ({"extend": film(size=14_000_001, gs_uri="gs://elsewhere/film.mp4")}, "video_too_large"),
        ({"references": (PNG,), "image": PNG}, "references_exclude_images"),
        ({"references": (PNG,) * 4}, "too_many_references"),
        ({"references": (PNG,), "duration": 4}, "references_need_8_seconds"),
        ({"last_image": PNG}, "last_image_needs_image"),
        ({"image": replace(PNG, mime="image/webp")}, "picture_format"),
    ],
)
def test_what_does_not_go_together_is_refused_before_anything_is_sent(
    vertex: VertexProvider, veo_simulator: VertexSimulator, given: dict[str, Any], code: str
) -> None:
    with pytest.raises(Refused) as refused:
        vertex.prepare(veo(**given))
    assert refused.value.code == code
    assert not veo_simulator.submitted


def test_a_body_that_is_kept_in_a_row_holds_no_video(vertex: VertexProvider) -> None:
    large = veo(duration=7, extend=film(b"\0\0\0\x18ftypisom" + bytes(5_000_000)))
    assert len(json.dumps(vertex.prepare(large))) < 1000
    assert vertex.prepare(large) != vertex.prepare(veo(duration=7, extend=film()))
    assert not vertex.uploads(large)


def test_a_body_that_is_kept_in_a_row_holds_no_picture(vertex: VertexProvider) -> None:
    large = Picture(data=PNG.data + bytes(5_000_000), mime="image/png", width=4000, height=3000)
    body = vertex.prepare(veo(image=large))
    assert len(json.dumps(body)) < 1000
    assert body != vertex.prepare(veo(image=PNG))
    assert not vertex.uploads(veo(image=large))


@pytest.mark.parametrize("fault", UNKNOWN)
def test_an_answer_that_says_nothing_leaves_the_outcome_unknown(
    vertex: VertexProvider, veo_simulator: VertexSimulator, fault: str
) -> None:
    veo_simulator.faults.add(fault)
    with pytest.raises(Unknown):
        vertex.submit(veo(), ordered(vertex))
    assert veo_simulator.requests["predictLongRunning"] == 1
    assert veo_simulator.paid <= 1


@pytest.mark.parametrize("fault", ["error_after", "error_before"])
@pytest.mark.parametrize("status", UNKNOWN_STATUSES)
def test_a_status_that_may_hide_an_order_is_unknown_and_not_sent_again(
    vertex: VertexProvider, veo_simulator: VertexSimulator, status: int, fault: str
) -> None:
    veo_simulator.faults.add(fault, status=status)
    with pytest.raises(Unknown):
        vertex.submit(veo(), ordered(vertex))
    assert veo_simulator.requests["predictLongRunning"] == 1


@pytest.mark.parametrize("fault", ["read_then_hang", "hang_unaccepted", "slow_answer", "trickle"])
def test_an_answer_that_does_not_come_in_time_is_unknown(
    vertex: VertexProvider, veo_simulator: VertexSimulator, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vertex_line, "SUBMIT_SECONDS", 0.4)
    veo_simulator.faults.add(fault, seconds=30)
    begun = time.monotonic()
    with pytest.raises(Unknown):
        vertex.submit(veo(), ordered(vertex))
    assert time.monotonic() - begun < 10
    assert veo_simulator.requests["predictLongRunning"] == 1


@pytest.mark.parametrize("fault", REFUSED)
def test_a_certain_no_is_a_refusal_in_our_words(
    vertex: VertexProvider, veo_simulator: VertexSimulator, fault: str
) -> None:
    code, pauses, retired = REFUSED[fault]
    veo_simulator.faults.add(fault)
    with pytest.raises(Refused) as refused:
        vertex.submit(veo(), ordered(vertex))
    assert (refused.value.code, refused.value.pauses, refused.value.retired) == (code, pauses, retired)
    assert veo_simulator.requests["predictLongRunning"] == 1
    assert veo_simulator.paid == 0
    assert TOKEN not in refused.value.message


@pytest.mark.parametrize(
    ("given", "seconds"),
    [({}, 5.0), ({"retry_after": 7}, 7.0), ({"retry_delay": "31s"}, 31.0), ({"retry_after": 9999}, 600.0)],
)
def test_too_many_requests_means_later_and_costs_no_patience(
    vertex: VertexProvider, veo_simulator: VertexSimulator, given: dict[str, Any], seconds: float
) -> None:
    veo_simulator.faults.add("rate_limited", **given)
    with pytest.raises(Transient) as later:
        vertex.submit(veo(), ordered(vertex))
    assert (later.value.retry_after, later.value.counts) == (seconds, False)
    assert veo_simulator.paid == 0


def test_what_never_left_may_be_sent_again(tmp_path: Path) -> None:
    provider = VertexProvider(vertex_settings(CLOSED, tmp_path))
    with pytest.raises(Transient) as never:
        provider.submit(veo(), ordered(provider))
    assert never.value.code == "provider_unreachable"
    provider.close()


def test_a_redirect_is_not_followed_and_the_token_stays_here(
    vertex: VertexProvider, veo_simulator: VertexSimulator, receiver: Any
) -> None:
    veo_simulator.faults.add("redirect", to=f"{receiver.url}/v1beta1/elsewhere")
    veo_simulator.faults.add("poll_redirect", to=f"{receiver.url}/v1beta1/elsewhere")
    with pytest.raises(Unknown):
        vertex.submit(veo(), ordered(vertex))
    order = ordered(vertex)
    with pytest.raises(Transient):
        vertex.poll(vertex.submit(veo(), order).id, order)
    assert receiver.got == []


def test_the_simulated_service_refuses_another_key(veo_simulator: VertexSimulator, tmp_path: Path) -> None:
    provider = VertexProvider(vertex_settings(veo_simulator.url, tmp_path, google_oauth_access_token="ya29.other"))
    with pytest.raises(Refused) as refused:
        provider.submit(veo(), ordered(provider))
    assert refused.value.pauses
    assert "ya29.other" not in refused.value.message
    provider.close()


def test_the_environment_cannot_send_an_order_elsewhere(
    veo_simulator: VertexSimulator, receiver: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", receiver.url)
    monkeypatch.setenv("GOOGLE_VERTEX_BASE_URL", receiver.url)
    monkeypatch.setenv("GOOGLE_GENAI_USE_VERTEXAI", "false")
    monkeypatch.setenv("GOOGLE_API_KEY", "AIza-of-another-product")
    monkeypatch.setenv("GOOGLE_GENAI_HTTP_CLIENT", "httpx")
    monkeypatch.setenv("HTTP_PROXY", receiver.url)
    provider = VertexProvider(vertex_settings(veo_simulator.url, tmp_path))
    provider.submit(veo(), ordered(provider))
    assert veo_simulator.paid == 1
    assert receiver.got == []
    assert "x-goog-api-key" not in veo_simulator.headers[0]
    provider.close()


def test_a_clip_cannot_be_stopped(vertex: VertexProvider, veo_simulator: VertexSimulator) -> None:
    order = ordered(vertex)
    operation = vertex.submit(veo(), order)
    before = sum(veo_simulator.requests.values())
    assert vertex.cancel(operation.id, order) is CancelOutcome.IMPOSSIBLE
    assert sum(veo_simulator.requests.values()) == before


def test_an_order_rides_on_no_old_connection(vertex: VertexProvider) -> None:
    order = ordered(vertex)
    operation = vertex.submit(veo(), order)
    vertex.poll(operation.id, order)
    wire = vertex._line._wire
    assert wire is not None
    assert wire._fresh._pool.connections == []
    assert len(wire._kept._pool.connections) == 1
