"""The simulated Veo is as strict as the real one, counts what is paid, and runs as a process of its own."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.simulators.vertex import PROJECT, TOKEN, VertexSimulator
from tests.simulators.vertex_bucket import EmulatedBucket

BASE = f"/v1beta1/projects/{PROJECT}/locations/us-central1/publishers/google/models"
MODEL = f"{BASE}/veo-3.1-generate-001"
PNG = {"bytesBase64Encoded": base64.b64encode(b"\x89PNG\r\n\x1a\nx").decode(), "mimeType": "image/png"}
ASSET = {"image": PNG, "referenceType": "ASSET"}
EIGHT = {"durationSeconds": 8}
SEVEN = {"durationSeconds": 7}
FILM = {"bytesBase64Encoded": base64.b64encode(b"\0\0\0\x18ftypisom").decode(), "mimeType": "video/mp4"}


@pytest.fixture
def simulator() -> Iterator[VertexSimulator]:
    server = VertexSimulator(movie=b"0123456789").start()
    yield server
    server.stop()


@pytest.fixture
def http(simulator: VertexSimulator) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=simulator.url, headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        yield client


def body(instance: dict[str, Any] | None = None, **parameters: Any) -> dict[str, Any]:
    """A request with one instance."""
    return {"instances": [{"prompt": "a lighthouse"} | (instance or {})], "parameters": parameters}


@pytest.mark.parametrize(
    ("given", "part"),
    [
        (body() | {"webhookConfig": {}}, 'Unknown name "webhookConfig"'),
        (body({"seconds": 8}), "Unknown name \"seconds\" at 'instances[0]'"),
        (body(durationSeconds=8, fps=24), "Unknown name \"fps\" at 'parameters'"),
        (body({"prompt": 7}), "prompt"),
        (body(durationSeconds=5), "must be 4, 6 or 8"),
        (body(durationSeconds="8"), "must be 4, 6 or 8"),
        (body(durationSeconds=8.0), "must be 4, 6 or 8"),
        (body(aspectRatio="1:1"), "16:9 or 9:16"),
        (body(resolution="480p"), "720p, 1080p or 4k"),
        (body(seed=2**32), "unsigned 32 bit"),
        (body(seed=-1), "unsigned 32 bit"),
        (body(seed=True), "unsigned 32 bit"),
        (body(generateAudio="true"), "must be a bool"),
        (body(enhancePrompt=False), "must be true"),
        (body(sampleCount=5), "1 to 4"),
        (body(storageUri="s3://x/y"), "must be gs://"),
        (body(personGeneration="everybody"), "not an allowed value"),
        (body({"image": {"mimeType": "image/webp", "bytesBase64Encoded": ""}}), "image/png or image/jpeg"),
        (body({"image": PNG | {"mimeType": "image/jpeg"}}), "not an image of that mimeType"),
        (body({"image": PNG | {"gcsUri": "gs://a/b"}}), "exactly one of"),
        (body({"image": {"bytesBase64Encoded": "%%%", "mimeType": "image/png"}}), "not base64"),
        (body({"lastFrame": PNG}), "only be used together with image"),
        (body({"image": PNG, "referenceImages": [ASSET]}, **EIGHT), "cannot be used together"),
        (body({"referenceImages": [ASSET] * 4}, **EIGHT), "at most 3"),
        (body({"referenceImages": [ASSET]}, durationSeconds=4), "durationSeconds of 8"),
        (body({"referenceImages": [ASSET | {"referenceType": "STYLE"}]}, **EIGHT), "must be asset"),
        (body(durationSeconds=7), "must be 4, 6 or 8"),
        (body({"video": FILM}, **EIGHT), "durationSeconds of 7 only"),
        (body({"video": FILM}, resolution="1080p", **SEVEN), "resolution 720p only"),
        (body({"video": FILM, "image": PNG}, **SEVEN), "cannot be used together"),
        (body({"video": FILM | {"mimeType": "video/webm"}}, **SEVEN), "mimeType must be video/mp4"),
        (body({"video": FILM | {"gcsUri": "gs://a/b"}}, **SEVEN), "exactly one of"),
        (body({"video": FILM | {"bytesBase64Encoded": "AAAA"}}, **SEVEN), "not an MP4 video"),
        (body({"video": {"gcsUri": "gs://a/b.mp4", "mimeType": "video/mp4"}}, **SEVEN), "cannot be read"),
        ({"instances": []}, "exactly one instance"),
        ([], "Invalid JSON"),
    ],
)
def test_what_the_service_does_not_take_is_refused_in_its_words(
    http: httpx.Client, simulator: VertexSimulator, given: Any, part: str
) -> None:
    answer = http.post(f"{MODEL}:predictLongRunning", json=given)
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["status"]) == (400, 400, "INVALID_ARGUMENT")
    assert part in error["message"]
    assert simulator.paid == 0


def test_lite_has_no_4k_and_no_references(http: httpx.Client) -> None:
    lite = f"{BASE}/veo-3.1-lite-generate-001:predictLongRunning"
    for given in (body(resolution="4k"), body({"referenceImages": [ASSET]}, **EIGHT)):
        assert "not supported by this model" in http.post(lite, json=given).json()["error"]["message"]


@pytest.mark.parametrize("header", [None, "Bearer other", TOKEN])
def test_without_the_right_bearer_there_is_no_answer(
    http: httpx.Client, simulator: VertexSimulator, header: str | None
) -> None:
    http.headers.pop("authorization")
    headers = {"Authorization": header} if header else {}
    answer = http.post(f"{MODEL}:predictLongRunning", json=body(), headers=headers)
    assert (answer.status_code, answer.json()["error"]["status"]) == (401, "UNAUTHENTICATED")
    assert simulator.paid == 0


def test_an_unknown_model_a_strange_project_and_another_operation_are_not_found(http: httpx.Client) -> None:
    gone = http.post(f"{BASE}/veo-2.0-generate-001:predictLongRunning", json=body())
    assert (gone.status_code, gone.json()["error"]["status"]) == (404, "NOT_FOUND")
    strange = http.post(MODEL.replace(PROJECT, "other") + ":predictLongRunning", json=body())
    assert strange.status_code == 403
    assert http.post(f"{MODEL}:fetchPredictOperation", json={"operationName": "x"}).status_code == 404
    assert http.get(f"{MODEL}:fetchPredictOperation").status_code == 404


def test_a_film_is_written_into_the_place_it_was_ordered_for_and_payments_are_counted(
    http: httpx.Client, simulator: VertexSimulator
) -> None:
    order = body(storageUri="gs://b/x/")
    name, _ = [http.post(f"{MODEL}:predictLongRunning", json=order).json()["name"] for _ in range(2)]
    found = http.post(f"{MODEL}:fetchPredictOperation", json={"operationName": name}).json()
    uri = found["response"]["videos"][0]["gcsUri"]
    listed = http.get("/storage/v1/b/b/o", params={"prefix": "x/"}).json()["items"]
    assert uri.removeprefix("gs://b/") in [each["name"] for each in listed]
    assert http.get("/storage/v1/b/b/o", params={"prefix": "y/"}).json()["items"] == []
    path = f"/download/storage/v1/b/b/o/{uri.removeprefix('gs://b/').replace('/', '%2F')}"
    assert http.get(path, params={"alt": "media"}).content == simulator.film(name)
    state = http.get("/__sim/state").json()
    assert (state["paid"], state["paid_twice"], state["by_place"]) == (2, 1, {"gs://b/x/": 2})


def test_films_can_go_into_an_emulator(simulator: VertexSimulator) -> None:
    received: list[tuple[str, bytes]] = []
    simulator.handle = lambda request: (received.append((request.query["name"], request.body)), _ok())[1]  # type: ignore[method-assign]
    EmulatedBucket(simulator.url).put("b", "x/1/sample_0.mp4", b"film")
    assert received == [("x/1/sample_0.mp4", b"film")]


def _ok() -> Any:
    from tests.simulators.server import json_reply

    return json_reply({})


def test_it_runs_as_a_process_and_takes_faults_by_hand() -> None:
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-m", "tests.simulators.vertex", "--port", "0", "--generation-seconds", "0"]
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True, env={**os.environ}) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        try:
            order = json.dumps([{"name": "retired"}]).encode()
            with urllib.request.urlopen(urllib.request.Request(f"{url}/__sim/faults", data=order)) as answer:
                assert json.loads(answer.read()) == {"ok": True}
            headers = {"Authorization": f"Bearer {TOKEN}"}
            assert httpx.post(f"{url}{MODEL}:predictLongRunning", json=body(), headers=headers).status_code == 404
            assert httpx.post(f"{url}{MODEL}:predictLongRunning", json=body(), headers=headers).status_code == 200
            assert httpx.get(f"{url}/__sim/state").json()["paid"] == 1
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
