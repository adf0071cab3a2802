"""ffmpeg under control: progress, limits, and an end when nobody wants the result."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.media.waiting import children, ended, until
from vividflow.errors import LeaseLost, Permanent, Transient
from vividflow.media import ffmpeg
from vividflow.media.ffmpeg import ffmpeg_path, run_ffmpeg

ENDLESS = ["-re", "-f", "lavfi", "-i", "testsrc2=size=64x64", "-f", "null", "-"]
ROOT = Path(__file__).parents[2]


def made(seconds: float, out: Path) -> list[str]:
    return ["-f", "lavfi", "-i", f"testsrc2=size=320x180:rate=30:duration={seconds}", "-c:v", "libx264", "-y", str(out)]


def running() -> list[int]:
    return [pid for pid, line in children(os.getpid()) if "testsrc2" in line]


def test_progress_rises_to_a_hundred(tmp_path: Path) -> None:
    heard: list[int] = []
    run_ffmpeg(made(20, tmp_path / "out.mp4"), seconds_limit=60, duration=20, on_progress=heard.append)
    assert heard == sorted(set(heard))
    assert heard[-1] == 100
    assert len(heard) > 1
    assert (tmp_path / "out.mp4").stat().st_size > 1000


def test_it_is_killed_when_the_lease_is_lost() -> None:
    seen: list[int] = []

    def keep_going() -> bool:
        seen.extend(running())
        return not seen

    with pytest.raises(LeaseLost):
        run_ffmpeg(ENDLESS, seconds_limit=60, duration=None, keep_going=keep_going)
    assert seen
    assert ended(seen[0], 0)


def test_it_is_killed_at_its_time_limit() -> None:
    with pytest.raises(Transient) as late:
        run_ffmpeg(ENDLESS, seconds_limit=0.5, duration=None)
    assert late.value.code == "media_timeout"


def test_a_kill_from_outside_is_worth_another_try() -> None:
    def kill() -> bool:
        for pid in running():
            os.kill(pid, signal.SIGKILL)
        return True

    with pytest.raises(Transient) as killed:
        run_ffmpeg(ENDLESS, seconds_limit=60, duration=None, keep_going=kill)
    assert killed.value.code == "media_interrupted"


def test_a_full_disk_is_told_as_a_full_disk() -> None:
    source = ["-f", "lavfi", "-i", "testsrc2=size=320x180:duration=2"]
    with pytest.raises(OSError, match="No space left"):
        run_ffmpeg([*source, "-f", "rawvideo", "-y", "/dev/full"], seconds_limit=30, duration=None)


def test_a_failure_shows_nothing_of_the_machine(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "no.mp4").write_text("no film")
    with pytest.raises(Permanent) as failed:
        run_ffmpeg(["-i", str(tmp_path / "no.mp4"), "-f", "null", "-"], seconds_limit=30, duration=None)
    assert failed.value.code == "media_failed"
    assert str(tmp_path) not in failed.value.message
    assert "ffmpeg ended with" in caplog.text


@pytest.mark.parametrize("place", [0, 1])
def test_no_input_is_fetched_from_a_network(place: int, film: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        inputs = ["-i", str(film)]
        inputs[place * 2 : place * 2] = ["-i", f"http://127.0.0.1:{server.getsockname()[1]}/a.mp4"]
        with pytest.raises(Permanent):
            run_ffmpeg([*inputs, "-f", "null", "-"], seconds_limit=30, duration=None)
        with pytest.raises(BlockingIOError):
            server.accept()


def test_no_ffmpeg_outlives_a_killed_server(tmp_path: Path) -> None:
    program = (
        "from vividflow.media.ffmpeg import run_ffmpeg\nimport threading\n"
        f"work = threading.Thread(target=lambda: run_ffmpeg({ENDLESS!r}, seconds_limit=60, duration=None))\n"
        "work.start()\nwork.join()"
    )
    with subprocess.Popen([sys.executable, "-c", program], cwd=ROOT) as server:
        until(lambda: [line for _, line in children(server.pid) if "testsrc2" in line and "launch.py" not in line])
        pid = next(pid for pid, line in children(server.pid) if "testsrc2" in line)
        assert not ended(pid, 0)
        server.kill()
    assert ended(pid)


def test_several_threads_may_run_it_at_once(tmp_path: Path) -> None:
    outs = [tmp_path / f"{number}.mp4" for number in range(3)]
    threads = [
        threading.Thread(target=lambda out=out: run_ffmpeg(made(1, out), seconds_limit=60, duration=1)) for out in outs
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(out.stat().st_size > 1000 for out in outs)


def test_the_systems_ffmpeg_comes_first_if_it_writes_h264(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "ffmpeg"
    monkeypatch.setenv("PATH", str(tmp_path))
    answers = {}
    for words in ("Encoder libx264 [x]", "Codec 'libx264' is not recognized"):
        program.write_text(f'#!/bin/sh\necho "{words}"\n')
        program.chmod(0o755)
        answers[words] = ffmpeg_path.__wrapped__()
    assert answers["Encoder libx264 [x]"] == str(program)
    assert Path(answers["Codec 'libx264' is not recognized"]).parent.name == "binaries"


def test_without_any_ffmpeg_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ffmpeg.shutil, "which", lambda name: str(tmp_path / "gone"))
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(Permanent) as missing:
        ffmpeg_path.__wrapped__()
    assert missing.value.code == "ffmpeg_missing"
