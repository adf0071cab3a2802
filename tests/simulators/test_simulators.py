"""The simulated Replicate is as strict as the real one, and the official client's own methods work against it."""

from __future__ import annotations

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
from replicate.client import Client

from tests.simulators.clips import clip, tagged
from tests.simulators.replicate import TOKEN, ReplicateSimulator

MODEL = "wan-video/wan-2.2-t2v-fast"
GOOD: dict[str, Any] = {"prompt": "a lighthouse", "num_frames": 81, "seed": 1}


@pytest.fixture
def simulator() -> Iterator[ReplicateSimulator]:
    server = ReplicateSimulator(movie=b"0123456789").start()
    yield server
    server.stop()


@pytest.fixture
def http(simulator: ReplicateSimulator) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=simulator.url, headers={"Authorization": f"Bearer {TOKEN}"}) as client:
        yield client


def post(http: httpx.Client, body: Any, model: str = MODEL, **headers: str) -> httpx.Response:
    return http.post(f"/v1/models/{model}/predictions", json=body, headers=headers)


@pytest.fixture
def sdk(simulator: ReplicateSimulator) -> Iterator[Client]:
    client = Client(api_token=TOKEN, base_url=simulator.url)
    yield client
    client._client.close()


def test_the_official_clients_own_methods_order_look_list_and_cancel(
    simulator: ReplicateSimulator, sdk: Client
) -> None:
    simulator.generation_seconds = 1000
    run = sdk.models.predictions.create(MODEL, GOOD, webhook="https://example.com/hook")
    assert sdk.predictions.get(run.id).status == "starting"
    assert [each.id for each in sdk.predictions.list()] == [run.id]
    simulator.predictions[run.id].accepted_at -= 500
    run.cancel()
    run.reload()
    assert run.status == "canceled"
    assert sdk.webhooks.default.secret().key == simulator.webhook_secret


def test_its_strict_models_refuse_the_words_that_ours_reads(simulator: ReplicateSimulator, sdk: Client) -> None:
    """Why the adapter stays below the client's resource methods (providers.md 3.4)."""
    simulator.generation_seconds = 1000
    simulator.faults.add("unknown_status")
    with pytest.raises(ValueError, match="status"):
        sdk.models.predictions.create(MODEL, GOOD)
    assert simulator.paid == 1


@pytest.mark.parametrize(
    ("body", "part"),
    [
        ({"input": GOOD, "metadata": {}}, "metadata: additional property"),
        ({"input": {**GOOD, "duration": 5}}, "input.duration: additional property"),
        ({"input": {"num_frames": 81}}, "input.prompt: is required"),
        ({"input": {**GOOD, "num_frames": 80}}, "input.num_frames: must be from 81"),
        ({"input": {**GOOD, "num_frames": "81"}}, "input.num_frames: must be of type integer"),
        ({"input": {**GOOD, "seed": True}}, "input.seed: must be of type"),
        ({"input": {**GOOD, "aspect_ratio": "1:1"}}, "input.aspect_ratio: must be one of"),
        ({"input": 7}, "input: must be an object"),
        ({"input": GOOD, "webhook": "http://example.com/"}, "webhook: must be an HTTPS address"),
        ({"input": GOOD, "webhook_events_filter": ["end"]}, "webhook_events_filter"),
    ],
)
def test_a_body_that_the_service_would_refuse_is_refused(
    simulator: ReplicateSimulator, http: httpx.Client, body: Any, part: str
) -> None:
    answer = post(http, body)
    assert answer.status_code == 422
    assert part in answer.json()["detail"]
    assert (simulator.paid, simulator.state()["submits"]) == (0, 1)


@pytest.mark.parametrize(
    "image", ["http://example.com/a.png", "data:text/html;base64,AAAA", "data:image/png;base64,!", "x"]
)
def test_a_picture_must_be_reachable_and_small(http: httpx.Client, image: str) -> None:
    answer = post(http, {"input": {**GOOD, "image": image}}, "wan-video/wan-2.2-i2v-fast")
    assert "input.image: must be an https link" in answer.json()["detail"]


def test_keys_models_deadlines_and_parameters_are_checked(simulator: ReplicateSimulator, http: httpx.Client) -> None:
    assert post(http, {"input": GOOD}, Authorization="Bearer r8_other").status_code == 401
    assert post(http, {"input": GOOD}, "acme/none").status_code == 404
    assert post(http, {"input": GOOD}, **{"Cancel-After": "4s"}).status_code == 422
    assert post(http, {"input": GOOD}, **{"Cancel-After": "1h30m"}).status_code == 201
    assert http.get("/v1/predictions?limit=5").status_code == 422
    assert http.post("/v1/files", json={}).status_code == 422
    assert http.get(f"/v1/models/{MODEL}").json()["latest_version"]["openapi_schema"]["components"]["schemas"]["Input"]
    assert simulator.paid == 1


def test_the_deadline_ends_a_stuck_run(simulator: ReplicateSimulator, http: httpx.Client) -> None:
    simulator.generation_seconds = 10
    simulator.faults.add("stuck")
    run = post(http, {"input": GOOD}, **{"Cancel-After": "1m"}).json()
    simulator.predictions[run["id"]].accepted_at -= 100
    assert http.get(f"/v1/predictions/{run['id']}").json()["status"] == "processing"
    simulator.predictions[run["id"]].deadline = 1 + simulator.predictions[run["id"]].starts_at
    assert http.get(f"/v1/predictions/{run['id']}").json()["status"] == "canceled"


def test_payments_are_counted_by_input(simulator: ReplicateSimulator, http: httpx.Client) -> None:
    for body in ({"input": GOOD}, {"input": GOOD}, {"input": {**GOOD, "seed": 2}}):
        post(http, body)
    assert {name: simulator.state()[name] for name in ("submits", "paid", "paid_twice")} == {
        "submits": 3,
        "paid": 3,
        "paid_twice": 1,
    }
    simulator.reset()
    assert simulator.state()["paid"] == 0


def test_results_are_served_whole_or_in_part_and_the_key_is_noted(
    simulator: ReplicateSimulator, http: httpx.Client
) -> None:
    identity = post(http, {"input": GOOD}).json()["id"]
    link = http.get(f"/v1/predictions/{identity}").json()["output"]
    whole = http.get(link)
    assert whole.content == tagged(b"0123456789", identity) == simulator.film(simulator.predictions[identity])
    part = http.get(link, headers={"Range": "bytes=2-4", "If-Range": whole.headers["etag"]})
    assert (part.status_code, part.content) == (206, b"234")
    assert http.get(link, headers={"Range": "bytes=2-4", "If-Range": '"old"'}).status_code == 200
    assert http.get(link, headers={"Range": "bytes=999-"}).status_code == 416
    assert http.head(link).headers["content-length"] == str(len(whole.content))
    assert simulator.output_authorizations == [f"Bearer {TOKEN}"] * 5


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ("output_404", 404),
        ("output_expired", 403),
        ("output_html", 200),
        ("output_zero", 200),
        ("output_redirect", 302),
    ],
)
def test_results_can_be_bad(simulator: ReplicateSimulator, http: httpx.Client, fault: str, status: int) -> None:
    identity = post(http, {"input": GOOD}).json()["id"]
    simulator.faults.add(fault)
    answer = http.get(f"/outputs/{identity}/out.mp4")
    assert answer.status_code == status
    assert b"0123456789" not in answer.content
    assert http.get(f"/outputs/{identity}/out.mp4").status_code == 200


def test_results_can_be_short_slow_corrupt_or_endless(simulator: ReplicateSimulator, http: httpx.Client) -> None:
    link = f"/outputs/{post(http, {'input': GOOD}).json()['id']}/out.mp4"
    simulator.faults.add("output_short")
    with pytest.raises(httpx.RemoteProtocolError):
        http.get(link)
    simulator.faults.add("output_slow", seconds=0.1)
    assert http.get(link).content == http.get(link).content
    simulator.faults.add("output_corrupt")
    assert http.get(link).content != http.get(link).content
    simulator.faults.add("output_endless")
    with http.stream("GET", link) as answer:
        got = 0
        for piece in answer.iter_bytes():
            got += len(piece)
            if got > 1_000_000:
                break
    assert "content-length" not in answer.headers


def test_an_unknown_fault_is_refused(simulator: ReplicateSimulator, http: httpx.Client) -> None:
    with pytest.raises(ValueError, match="no fault"):
        simulator.faults.add("gremlin")
    assert http.post("/__sim/faults", json=[{"name": "gremlin"}]).status_code == 422
    assert http.post("/__sim/faults", json=[{"name": "retired", "times": 2}]).status_code == 200
    assert post(http, {"input": GOOD}).status_code == 404
    http.delete("/__sim/faults")
    assert post(http, {"input": GOOD}).status_code == 201


def test_clips_are_real_and_differ(tmp_path: Path) -> None:
    movie = clip(0.5)
    assert movie[4:8] == b"ftyp"
    assert tagged(movie, "a") != tagged(movie, "b")


def test_it_runs_by_itself_and_remembers_what_was_paid_over_a_kill(tmp_path: Path) -> None:
    state = tmp_path / "state.jsonl"
    command = [sys.executable, "-m", "tests.simulators.replicate", "--generation-seconds", "0", "--state", str(state)]

    def run(stop: signal.Signals) -> tuple[dict[str, Any], int]:
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=os.getcwd()) as process:
            assert process.stdout
            url = process.stdout.readline().strip()
            with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {TOKEN}"}) as http:
                post(http, {"input": GOOD})
            with urllib.request.urlopen(f"{url}/__sim/state") as answer:
                told = json.load(answer)
            process.send_signal(stop)
            return told, process.wait(10)

    first, _ = run(signal.SIGKILL)
    second, code = run(signal.SIGTERM)
    assert [first["paid"], second["paid"], second["paid_twice"]] == [1, 2, 1]
    assert code == 0
