"""The simulated servers of `/v1/videos` are as strict as their sources, each in its own way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.simulators.openai_videos import KEY, VideosSimulator

ROOT = Path(__file__).resolve().parents[2]
GOOD = {"model": "wan", "prompt": "a lighthouse", "size": "1280x720", "seconds": "4"}
PICTURE = ("a.png", b"\x89PNG", "image/png")


@contextmanager
def at(dialect: str, **given: Any) -> Iterator[tuple[VideosSimulator, httpx.Client]]:
    """A server of that kind, and a client that is signed in."""
    server = VideosSimulator(dialect=dialect, movie=b"0123456789", **given).start()
    with httpx.Client(base_url=server.base, headers={"Authorization": f"Bearer {KEY}"}, trust_env=False) as http:
        yield server, http
    server.stop()


def form(fields: dict[str, str], picture: Any = None) -> dict[str, Any]:
    files: dict[str, Any] = {name: (None, value) for name, value in fields.items()}
    return {"files": files | ({"input_reference": picture} if picture else {})}


def test_a_job_lives_and_its_bytes_are_served() -> None:
    with at("openai", generation_seconds=1000) as (server, http):
        job = http.post("/videos", **form(GOOD)).json()
        assert (job["object"], job["status"], job["progress"]) == ("video", "queued", 0)
        assert {name: job[name] for name in GOOD} == GOOD
        server.jobs[job["id"]].made_at -= 500
        shown = http.get(f"/videos/{job['id']}").json()
        assert (shown["status"], shown["progress"]) == ("in_progress", 49)
        assert http.get(f"/videos/{job['id']}/content").status_code == 404
        server.jobs[job["id"]].made_at -= 501
        assert http.get(f"/videos/{job['id']}").json()["status"] == "completed"
        film = http.get(f"/videos/{job['id']}/content", headers={"Range": "bytes=0-3"})
        assert (film.status_code, film.content) == (206, b"0123")
        assert http.delete(f"/videos/{job['id']}").json()["deleted"] is True
        assert http.get(f"/videos/{job['id']}").status_code == 404
        assert server.paid == 1


@pytest.mark.parametrize(
    ("dialect", "body", "part"),
    [
        ("openai", form(GOOD | {"seed": "7"}), "Unknown parameter: 'seed'."),
        ("openai", form(GOOD | {"seconds": "2.5"}), "seconds: has the wrong form"),
        ("openai", form(GOOD | {"size": "big"}), "size: has the wrong form"),
        ("openai", form({"model": "wan"}), "prompt: is required"),
        ("openai", form(GOOD | {"prompt": "x" * 32_001}), "prompt: is required"),
        ("openai", form(GOOD, ("a.txt", b"x", "text/plain")), "input_reference: must be a picture"),
        ("openai", {"content": b"prompt=x"}, "JSON or a form"),
        ("vllm_omni", {"json": GOOD}, "multipart/form-data"),
        ("vllm_omni", form(GOOD | {"size": "854x480"}), "is not of 16"),
        ("vllm_omni", form(GOOD | {"generate_sound": "yes"}), "generate_sound"),
        ("sglang", form(GOOD | {"size": "1280x720"}), "input_reference file is required"),
        ("sglang", {"json": GOOD | {"num_frames": True}}, "num_frames: has the wrong form"),
        ("litellm", form(GOOD | {"num_frames": "81"}), "Unknown parameter"),
    ],
)
def test_what_a_server_of_that_kind_would_refuse_is_refused(dialect: str, body: dict[str, Any], part: str) -> None:
    with at(dialect) as (server, http):
        answer = http.post("/videos", **body)
        assert answer.status_code == 400
        assert part in answer.json()["error"]["message"]
        assert (server.paid, server.requests["submit"]) == (0, 1)


def test_each_takes_what_it_takes() -> None:
    taken: list[tuple[str, dict[str, Any]]] = [
        ("openai", {"json": GOOD}),
        ("openai", form(GOOD, PICTURE)),
        ("sglang", {"json": GOOD | {"num_frames": 81, "seed": 3}}),
        ("sglang", form(GOOD | {"guidance_scale": "4.5"}, PICTURE)),
        ("vllm_omni", form(GOOD | {"num_inference_steps": "30"}, PICTURE)),
    ]
    for dialect, body in taken:
        with at(dialect) as (server, http):
            assert http.post("/videos", **body).status_code == 200
            assert server.paid == 1


def test_keys_lists_and_deletes_differ() -> None:
    with at("openai") as (_, http):
        assert http.get("/videos", headers={"Authorization": "Bearer sk-other"}).status_code == 401
        ids = [http.post("/videos", **form(GOOD)).json()["id"] for _ in range(3)]
        page = http.get("/videos", params={"limit": 2, "order": "desc"}).json()
        assert ([each["id"] for each in page["data"]], page["has_more"]) == ([ids[2], ids[1]], True)
        rest = http.get("/videos", params={"limit": 2, "after": ids[1]}).json()
        assert ([each["id"] for each in rest["data"]], rest["has_more"]) == ([ids[0]], False)
        assert http.get("/videos", params={"limit": 101}).status_code == 400
    with at("sglang", key=None) as (_, http):
        job = http.post("/videos", json=GOOD, headers={"Authorization": ""}).json()
        page = http.get("/videos").json()
        assert "has_more" not in page
        assert "prompt" not in page["data"][0]
        assert http.delete(f"/videos/{job['id']}").json()["status"] == "deleted"
    with at("litellm") as (_, http):
        assert http.get("/videos").status_code == 404


def test_it_serves_as_a_process() -> None:
    command = [sys.executable, "-m", "tests.simulators.openai_videos", "--dialect", "vllm_omni", "--key", ""]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONPATH": "."}
    ) as run:
        assert run.stdout is not None
        base = run.stdout.readline().strip()
        try:
            with httpx.Client(base_url=base, trust_env=False) as http:
                assert http.post("/videos", **form(GOOD)).status_code == 200
                host = base.removesuffix("/v1")
                assert http.post(f"{host}/__sim/faults", json=[{"name": "no such"}]).status_code == 422
                assert http.post(f"{host}/__sim/faults", json=[{"name": "retired"}]).status_code == 200
                assert http.post("/videos", **form(GOOD)).status_code == 404
                assert http.post(f"{host}/__sim/forget").status_code == 200
                with urllib.request.urlopen(f"{host}/__sim/state") as shown:
                    state = json.load(shown)
            assert (state["paid"], state["submits"], state["statuses"]) == (1, 2, {})
        finally:
            run.send_signal(signal.SIGTERM)
        assert run.wait(20) == 0
