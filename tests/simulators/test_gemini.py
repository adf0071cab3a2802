"""The simulated Gemini is as strict as the real one, and the official client's own methods work against it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import httpx
import pytest
from google import genai
from google.genai import types

from tests.simulators.gemini import KEY, GeminiSimulator

TEXT = {"type": "text", "text": "a lighthouse"}
IMAGE = {"type": "image", "mime_type": "image/png", "data": "aGk="}
GOOD: dict[str, Any] = {
    "model": "gemini-omni-1.2-flash",
    "input": [{"type": "user_input", "content": [TEXT]}],
    "generation_config": {"video_config": {"task": "text_to_video"}, "seed": 7},
    "response_format": {
        "type": "video", "aspect_ratio": "16:9", "duration": "8s", "resolution": "720p", "delivery": "uri",
    },
    "background": True,
    "store": True,
}  # fmt: skip


@pytest.fixture
def http(gemini: GeminiSimulator) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=gemini.url, headers={"x-goog-api-key": KEY}) as client:
        yield client


def changed(change: Callable[[Any], Any]) -> dict[str, Any]:
    body = deepcopy(GOOD)
    change(body)
    return body


def test_the_official_clients_own_methods_order_look_fetch_and_write(gemini: GeminiSimulator) -> None:
    one = types.HttpRetryOptions(attempts=1)
    with httpx.Client() as plain:
        options = types.HttpOptions(base_url=gemini.url, retry_options=one, httpx_client=plain)
        client: Any = genai.Client(api_key=KEY, vertexai=False, http_options=options)
        run = client.interactions.create(**GOOD)
        seen = client.interactions.get(run.id)
        assert (seen.status, seen.output_video.mime_type) == ("completed", "video/mp4")
        assert client.files.download(file=seen.output_video.uri) == gemini.film(gemini.interactions[run.id])
        answer = client.models.generate_content(
            model="gemini-3.8-flash",
            contents="a boat",
            config=types.GenerateContentConfig(
                response_mime_type="application/json", response_json_schema={"type": "object"}
            ),
        )
        assert answer.parsed["prompt"].startswith("a boat")
    assert gemini.paid == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda body: body.update(webhook="x"),
        lambda body: body.pop("background"),
        lambda body: body.update(store=False),
        lambda body: body["response_format"].update(duration="8"),
        lambda body: body["response_format"].update(duration="16s"),
        lambda body: body["response_format"].update(duration=8),
        lambda body: body["response_format"].update(resolution="480p"),
        lambda body: body["response_format"].update(aspect_ratio="1:1"),
        lambda body: body["response_format"].update(fps=24),
        lambda body: body["generation_config"].update(temperature=1),
        lambda body: body["generation_config"].update(seed=-1),
        lambda body: body["generation_config"]["video_config"].update(task="image_to_video"),
        lambda body: body["input"][0].update(content=[TEXT, IMAGE]),
        lambda body: body["input"][0].update(content=[TEXT, TEXT]),
        lambda body: body.update(labels={"Order": "x"}),
        lambda body: body.update(webhook_config={"uris": ["http://example.com/x"]}),
    ],
)
def test_what_the_service_would_refuse_is_refused_and_not_paid(
    gemini: GeminiSimulator, http: httpx.Client, change: Callable[[dict[str, Any]], Any]
) -> None:
    answer = http.post("/v1/interactions", json=changed(change))
    assert (answer.status_code, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")
    assert gemini.paid == 0


def test_keys_models_and_addresses_that_are_unknown_are_refused(gemini: GeminiSimulator, http: httpx.Client) -> None:
    assert http.post("/v1/interactions", json=GOOD, headers={"x-goog-api-key": "other"}).status_code == 403
    assert http.post("/v1/interactions", json=GOOD | {"model": "gemini-omni-flash-preview"}).status_code == 404
    assert http.get("/v1/interactions").status_code == 404  # there is no list
    assert http.get("/v1/files/nobody:download?alt=media").status_code == 404
    body = {"contents": [{"parts": [{"text": "x"}]}], "generationConfig": {"temperature": 1}}
    assert http.post("/v1/models/gemini-3.8-flash:generateContent", json=body).status_code == 400
    assert gemini.paid == 0


def test_it_serves_as_a_process_and_counts_what_was_paid_twice() -> None:
    command = [sys.executable, "-m", "tests.simulators.gemini", "--generation-seconds", "60"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        url = process.stdout.readline().strip()
        with httpx.Client(base_url=url, headers={"x-goog-api-key": KEY}) as http:
            http.post("/__sim/faults", json=[{"name": "accept_then_close"}])
            with pytest.raises(httpx.RemoteProtocolError):
                http.post("/v1/interactions", json=GOOD)
            http.post("/v1/interactions", json=GOOD)
        with urllib.request.urlopen(f"{url}/__sim/state") as answer:
            told = json.load(answer)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert (told["paid"], told["paid_twice"], told["statuses"]) == (2, 1, {"in_progress": 2})
