"""The two things a newcomer runs: `make demo`'s script, and the tour of the API with curl."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from scripts import demo

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An environment with a data folder of its own, a free port, and cheap passwords."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    own = {"DATA_DIR": str(tmp_path / "data"), "PORT": str(port), "PASSWORD_MEMORY_KIB": "8", "DEMO_EXIT": "1"}
    return os.environ | own


def run_demo(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """`make demo` without make."""
    command = [sys.executable, str(ROOT / "scripts" / "demo.py")]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=ROOT)


def test_the_demo_ends_with_the_line_that_names_a_playable_video(environment: dict[str, str]) -> None:
    ended = run_demo(environment)
    assert ended.returncode == 0, ended.stderr
    *before, last = ended.stdout.splitlines()
    video = Path(last.removeprefix("Video: "))
    assert last.startswith("Video: ")
    assert video.is_absolute()
    assert video.is_relative_to(environment["DATA_DIR"])
    assert video.read_bytes()[4:8] == b"ftyp"
    assert any("/login/link/" in line for line in before)


def test_the_demo_says_that_its_port_is_taken(environment: dict[str, str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = run_demo(environment | {"PORT": port})
    assert ended.returncode == 1
    assert ended.stdout == ""
    assert f"Port {port} on 127.0.0.1 is taken." in ended.stderr


def test_the_demo_says_why_the_server_did_not_start(environment: dict[str, str]) -> None:
    ended = run_demo(environment | {"STORAGE_URL": "ftp://nowhere/at-all"})
    assert ended.returncode == 1
    assert "STORAGE_URL" in ended.stderr
    assert "Traceback" not in ended.stderr.split("The last lines of")[0]
    assert "Video:" not in ended.stdout


def test_the_tour_with_curl_finds_everything_as_promised(environment: dict[str, str], tmp_path: Path) -> None:
    address = f"http://127.0.0.1:{environment['PORT']}"
    log = tmp_path / "server.log"
    with demo.serving(environment, log) as server:
        demo.wait_until_ready(server, address, log)
        key = demo.make_key(environment)
        tour = [str(ROOT / "examples" / "test_api.sh")]
        told = environment | {"BASE": address, "KEY": key}
        ended = subprocess.run(tour, env=told, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.endswith("Everything was as promised.\n")
    assert server.returncode == 0


def test_the_tour_stops_at_the_first_answer_that_is_wrong(environment: dict[str, str]) -> None:
    nobody = environment | {"BASE": f"http://127.0.0.1:{environment['PORT']}", "KEY": "vf_none"}
    ended = subprocess.run(
        [str(ROOT / "examples" / "test_api.sh")], env=nobody, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert "NOT AS PROMISED: The models" in ended.stderr
