"""The launcher: limits, a clean start, and an end together with the parent."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.media.waiting import ended
from vividflow.media import launch

LAUNCH = launch.__file__
TELL = """
import json, os, resource
print(json.dumps({
    "cpu": resource.getrlimit(resource.RLIMIT_CPU), "memory": resource.getrlimit(resource.RLIMIT_AS),
    "file": resource.getrlimit(resource.RLIMIT_FSIZE), "core": resource.getrlimit(resource.RLIMIT_CORE),
    "open": resource.getrlimit(resource.RLIMIT_NOFILE), "environment": sorted(os.environ),
    "descriptors": sorted(int(name) for name in os.listdir("/proc/self/fd")), "leads": os.getpgrp() == os.getpid(),
}))
"""


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", "-S", LAUNCH, *words],
        capture_output=True,
        text=True,
        pass_fds=[os.open(os.devnull, os.O_RDONLY)],
        timeout=30,
    )


def test_the_program_starts_with_its_limits_and_nothing_else_of_ours() -> None:
    limits = [f"--parent={os.getpid()}", "--cpu=30", f"--memory={1 << 30}", f"--file={1 << 20}", "--open=40"]
    told = json.loads(run(*limits, "--", sys.executable, "-I", "-S", "-c", TELL).stdout)
    assert told["cpu"] == [30, 30]
    assert told["memory"] == [1 << 30, 1 << 30]
    assert told["file"] == [1 << 20, 1 << 20]
    assert told["open"] == [40, 40]
    assert told["core"] == [0, 0]
    assert set(told["environment"]) <= {"PATH", "LANG", "LC_CTYPE"}
    assert told["descriptors"] == [0, 1, 2, 3]  # 3 is the listing itself
    assert told["leads"] is True


def test_it_says_how_it_is_called() -> None:
    assert run("--cpu=3").returncode == 2
    assert run("--cpu=3", "--").returncode == 2


def test_a_program_that_is_missing_is_told() -> None:
    answer = run("--", "/nowhere/at/all")
    assert answer.returncode == 127
    assert "No such file" in answer.stderr


def test_it_does_not_start_for_a_parent_that_is_gone() -> None:
    assert run("--parent=1", "--", sys.executable, "-c", "print('started')").stdout == ""


def test_the_program_dies_with_a_killed_parent(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import os, subprocess, sys\n"
            f"words = [sys.executable, '-I', '-S', {LAUNCH!r}, f'--parent={{os.getpid()}}', '--', '/bin/sleep', '60']\n"
            "child = subprocess.Popen(words)\nprint(child.pid, flush=True)\nchild.wait()",
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    with parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
    assert ended(child)


def test_a_lower_hard_limit_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    put: list[tuple[int, tuple[int, int]]] = []
    monkeypatch.setattr(launch.resource, "getrlimit", lambda kind: (10, 10))
    monkeypatch.setattr(launch.resource, "setrlimit", lambda kind, pair: put.append((kind, pair)))
    launch.limit(7, 500)
    assert put == [(7, (10, 10))]
