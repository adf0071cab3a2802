"""The simulated Kling is as strict as the real one, sets its traps, and remembers what was paid over a kill."""

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

from tests.simulators.clips import tagged
from tests.simulators.kling import API_KEY, KlingSimulator
from tests.simulators.kling_pictures import complaint, png, size_of

GOOD: dict[str, Any] = {"model_name": "kling-v2-6", "prompt": "a lighthouse", "mode": "pro", "duration": "5"}
PICTURE = base64.b64encode(png(640, 360)).decode()


@pytest.fixture
def simulator() -> Iterator[KlingSimulator]:
    server = KlingSimulator(movie=b"0123456789").start()
    yield server
    server.stop()


@pytest.fixture
def http(simulator: KlingSimulator) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=simulator.url, headers={"Authorization": f"Bearer {API_KEY}"}) as client:
        yield client


def post(http: httpx.Client, body: Any, kind: str = "text2video") -> httpx.Response:
    return http.post(f"/v1/videos/{kind}", json=body)


@pytest.mark.parametrize(
    ("kind", "change", "part"),
    [
        ("text2video", {"seed": 1}, "seed: unknown field"),
        ("text2video", {"duration": 5}, "duration: must be a string"),
        ("text2video", {"model_name": ["kling-v3"]}, "model_name: must be a string"),
        ("text2video", {"duration": "7"}, "duration: must be of"),
        ("text2video", {"mode": "4k"}, "mode: must be of"),
        ("text2video", {"prompt": ""}, "prompt: must have"),
        ("text2video", {"prompt": "x" * 2501}, "prompt: is too long"),
        ("text2video", {"negative_prompt": "x" * 2501}, "negative_prompt: is too long"),
        ("text2video", {"aspect_ratio": "4:3"}, "aspect_ratio: must be of"),
        ("text2video", {"sound": True}, "sound: must be a string"),
        ("text2video", {"sound": "loud"}, "sound: must be on or off"),
        ("text2video", {"sound": "on", "mode": "std"}, "sound: not in mode std"),
        ("text2video", {"cfg_scale": 0.5}, "cfg_scale: not supported"),
        ("text2video", {"image": PICTURE}, "image: unknown field"),
        ("text2video", {"callback_url": "http://example.com/"}, "callback_url: must be"),
        ("image2video", {}, "image: an image or an image_tail is needed"),
        ("image2video", {"image": PICTURE, "aspect_ratio": "16:9"}, "aspect_ratio: unknown field"),
        ("image2video", {"image": f"data:image/png;base64,{PICTURE}"}, "image: must be bare base64"),
        ("image2video", {"image": "no picture"}, "image: is no base64"),
        ("image2video", {"image": "AAAA"}, "image: must be jpg, jpeg or png"),
        ("image2video", {"image": base64.b64encode(png(200, 400)).decode()}, "image: must be at least 300"),
        ("image2video", {"image": base64.b64encode(png(900, 300)).decode()}, "image: must have a ratio"),
        ("image2video", {"image": PICTURE, "image_tail": PICTURE, "sound": "on"}, "image_tail: not together"),
        ("image2video", {"image": PICTURE, "image_tail": PICTURE, "mode": "std"}, "image_tail: not in mode std"),
    ],
)
def test_a_body_that_the_service_would_refuse_is_refused(
    simulator: KlingSimulator, http: httpx.Client, kind: str, change: dict[str, Any], part: str
) -> None:
    answer = post(http, GOOD | change, kind)
    assert (answer.status_code, answer.json()["code"]) == (400, 1201)
    assert part in answer.json()["message"]
    assert (simulator.paid, simulator.state()["submits"]) == (0, 1)


def test_the_trap_of_the_wrong_field_makes_version_one_and_is_paid(
    simulator: KlingSimulator, http: httpx.Client
) -> None:
    wrong = {"model": "kling-v3"} | {name: value for name, value in GOOD.items() if name != "model_name"}
    assert post(http, wrong).json()["code"] == 0
    assert (simulator.paid, simulator.state()["models"]) == (1, {"kling-v1": 1})


def test_keys_paths_methods_and_models_are_checked(simulator: KlingSimulator, http: httpx.Client) -> None:
    def code(answer: httpx.Response) -> tuple[int, int]:
        return answer.status_code, answer.json()["code"]

    assert code(http.post("/v1/videos/text2video", json=GOOD, headers={"Authorization": "Bearer x"})) == (401, 1002)
    assert code(post(http, GOOD | {"model_name": "kling-v9"})) == (404, 1203)
    assert code(http.delete("/v1/videos/text2video/1")) == (404, 1202)
    assert code(http.get("/v1/videos/omni-video/1")) == (404, 1203)
    assert code(http.post("/v1/videos/text2video", content=b"{")) == (400, 1200)
    assert simulator.paid == 0


def test_a_task_is_found_by_either_id_on_its_own_path_alone(http: httpx.Client) -> None:
    made = post(http, GOOD | {"external_task_id": "ours"}).json()["data"]
    for name in (made["task_id"], "ours"):
        seen = http.get(f"/v1/videos/text2video/{name}").json()["data"]
        assert (seen["task_id"], seen["task_info"]) == (made["task_id"], {"external_task_id": "ours"})
        assert http.get(f"/v1/videos/image2video/{name}").json()["code"] == 1203


def test_an_id_of_ours_is_taken_once(simulator: KlingSimulator, http: httpx.Client) -> None:
    body = GOOD | {"external_task_id": "ours"}
    post(http, body)
    assert "external_task_id must not be used twice" in post(http, body).json()["message"]
    assert post(http, body | {"external_task_id": "other"}).json()["code"] == 0
    assert (simulator.paid, simulator.state()["paid_twice"]) == (2, 1)
    simulator.reset()
    assert simulator.state()["paid"] == 0


def test_the_list_has_pages_newest_first(http: httpx.Client) -> None:
    ids = [post(http, GOOD | {"prompt": str(number)}).json()["data"]["task_id"] for number in range(3)]

    def page(number: int) -> list[str]:
        found = http.get(f"/v1/videos/text2video?pageNum={number}&pageSize=2").json()["data"]
        return [each["task_id"] for each in found]

    assert [page(1), page(2), page(3)] == [ids[:0:-1], ids[:1], []]
    assert http.get("/v1/videos/text2video?pageSize=501").json()["code"] == 1201
    assert http.get("/v1/videos/text2video?limit=5").json()["code"] == 1201


def test_units_are_told_at_the_end(simulator: KlingSimulator, http: httpx.Client) -> None:
    simulator.generation_seconds = 60
    made = post(http, GOOD | {"sound": "on"}).json()["data"]
    assert "final_unit_deduction" not in made
    simulator.tasks[made["task_id"]].accepted_at -= 100
    done = http.get(f"/v1/videos/text2video/{made['task_id']}").json()["data"]
    assert (done["task_status"], done["final_unit_deduction"]) == ("succeed", "5")
    assert http.get(done["task_result"]["videos"][0]["url"]).content == tagged(b"0123456789", made["task_id"])


def test_pictures_are_measured_by_their_bytes() -> None:
    jpeg = bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffc0000b0802d0050001011100ffd9")
    assert size_of(jpeg) == (1280, 720)
    assert size_of(png(7, 9)) == (7, 9)
    assert size_of(b"GIF89a") is None
    assert complaint("https://example.com/a.png") is None
    assert complaint(base64.b64encode(png(300, 300) + bytes(10 * 1024 * 1024)).decode()) == "is larger than 10 MB"


def test_an_unknown_fault_is_refused(http: httpx.Client) -> None:
    assert http.post("/__sim/faults", json=[{"name": "gremlin"}]).status_code == 422
    assert http.post("/__sim/faults", json=[{"name": "refused", "code": 1303}]).status_code == 200
    assert post(http, GOOD).json()["code"] == 1303
    assert post(http, GOOD).json()["code"] == 0


def test_it_runs_by_itself_and_remembers_what_was_paid_over_a_kill(tmp_path: Path) -> None:
    state = tmp_path / "state.jsonl"
    command = [sys.executable, "-m", "tests.simulators.kling", "--generation-seconds", "0", "--state", str(state)]

    def run(stop: signal.Signals) -> tuple[dict[str, Any], int]:
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=os.getcwd()) as process:
            assert process.stdout
            url = process.stdout.readline().strip()
            with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {API_KEY}"}) as http:
                post(http, GOOD)
            with urllib.request.urlopen(f"{url}/__sim/state") as answer:
                told = json.load(answer)
            process.send_signal(stop)
            return told, process.wait(10)

    first, _ = run(signal.SIGKILL)
    second, code = run(signal.SIGTERM)
    assert [first["paid"], second["paid"], second["paid_twice"]] == [1, 2, 1]
    assert code == 0
