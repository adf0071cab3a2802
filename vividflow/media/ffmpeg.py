"""Running ffmpeg: with limits, a time limit, progress, and an end as soon as nobody wants the result any more."""

from __future__ import annotations

import errno
import logging
import os
import select
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from vividflow import timing
from vividflow.errors import LeaseLost, Permanent, Transient

LAUNCH = str(Path(__file__).with_name("launch.py"))
LARGEST_FILE = 8 << 30
LOOK_SECONDS = 0.2
_SHORT_OF_MEANS = ("Cannot allocate memory", "Resource temporarily unavailable", "Input/output error")

log = logging.getLogger(__name__)


@lru_cache(maxsize=1)
def ffmpeg_path() -> str:
    """The ffmpeg to use: the system's if it can write H.264, else the static one of imageio-ffmpeg.

    Raises `Permanent` ("ffmpeg_missing") when there is neither.
    """
    found = shutil.which("ffmpeg")
    if found and _writes_h264(found):
        return found
    try:
        from imageio_ffmpeg import get_ffmpeg_exe

        return get_ffmpeg_exe()
    except (ImportError, RuntimeError):
        raise Permanent("ffmpeg_missing", "This server has no ffmpeg; its operator has to install it.") from None


def _writes_h264(program: str) -> bool:
    try:
        asked = subprocess.run(
            [program, "-hide_banner", "-v", "error", "-h", "encoder=libx264"],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=20,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return b"Encoder libx264" in asked.stdout


def run_ffmpeg(
    args: list[str],
    *,
    seconds_limit: float,
    duration: float | None,
    on_progress: Callable[[int], None] | None = None,
    keep_going: Callable[[], bool] | None = None,
    frames: int | None = None,
    folder: Path | None = None,
    memory: int | None = None,
) -> None:
    """Runs ffmpeg with `args` (inputs, filters, outputs) and returns when it has succeeded.

    `duration` is the length of the result in seconds; with it `on_progress` hears whole percents 0–100, rising.
    With `frames` (of the first output) those are counted instead: of several outputs some run far ahead in time.
    Relative names are in `folder`; `memory` is the most address space in bytes, None: no limit.
    `keep_going` is asked about five times a second; when it says False, ffmpeg is killed and `LeaseLost` raised.
    Raises `Transient` ("media_timeout") after `seconds_limit`, `OSError` (ENOSPC) on a full disk, `Transient`
    ("media_interrupted") when ffmpeg was killed or short of memory, `Permanent` ("media_failed") otherwise.
    """
    end = timing.monotonic() + seconds_limit
    process = subprocess.Popen(
        _command(args, seconds_limit, memory),
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    said = _Said(duration, frames, on_progress)
    with process:
        try:
            _follow(process, said, end, keep_going)
        except BaseException:
            _kill(process)
            raise
    if process.returncode:
        raise _failure(process.returncode, said.complaint())
    said.whole()


def _command(args: list[str], seconds_limit: float, memory: int | None) -> list[str]:
    cpu = int(seconds_limit * (os.cpu_count() or 1)) + 10
    limits = [f"--parent={os.getpid()}", f"--cpu={cpu}", f"--file={LARGEST_FILE}"]
    limits += [f"--memory={memory}"] if memory is not None else []
    always = ["-nostdin", "-hide_banner", "-v", "error", "-progress", "pipe:1", "-stats_period", str(LOOK_SECONDS)]
    fenced: list[str] = []
    for word in args:
        # An option before -i counts for that input alone, so each gets its own.
        fenced += ["-protocol_whitelist", "file,pipe", word] if word == "-i" else [word]
    return [sys.executable, "-I", "-S", LAUNCH, *limits, "--", ffmpeg_path(), *always, *fenced]


class _Said:
    """What ffmpeg says while it runs: progress lines on one pipe, complaints on the other."""

    def __init__(self, duration: float | None, frames: int | None, on_progress: Callable[[int], None] | None) -> None:
        self._duration = None if frames else duration
        self._frames = frames
        self._on_progress = on_progress
        self._percent = -1
        self._rest = b""
        self._complaints = b""

    def progress(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            name, _, value = line.partition(b"=")
            if name == b"out_time_us" and self._duration and value.strip().lstrip(b"-").isdigit():
                self._tell(max(0, min(99, int(int(value) / 10_000 / self._duration))))
            elif name == b"frame" and self._frames and value.strip().isdigit():
                self._tell(min(99, 100 * int(value) // self._frames))

    def whole(self) -> None:
        self._tell(100)

    def _tell(self, percent: int) -> None:
        if self._on_progress and percent > self._percent:
            self._percent = percent
            self._on_progress(percent)

    def error(self, data: bytes) -> None:
        self._complaints = (self._complaints + data)[-4096:]

    def complaint(self) -> str:
        return self._complaints.decode("utf-8", "replace").strip()


def _follow(process: subprocess.Popen[bytes], said: _Said, end: float, keep_going: Callable[[], bool] | None) -> None:
    assert process.stdout
    assert process.stderr
    hears = {process.stdout.fileno(): said.progress, process.stderr.fileno(): said.error}
    poll = select.poll()
    for descriptor in hears:
        poll.register(descriptor, select.POLLIN | select.POLLHUP)
    while hears:
        left = end - timing.monotonic()
        if left <= 0:
            raise Transient("media_timeout", "Working on the video took too long; it is tried again.")
        for descriptor, _ in poll.poll(min(LOOK_SECONDS, left) * 1000):
            data = os.read(descriptor, 65536)
            if data:
                hears[descriptor](data)
            else:
                poll.unregister(descriptor)
                del hears[descriptor]
        if keep_going and not keep_going():
            raise LeaseLost
    try:
        process.wait(max(0.1, end - timing.monotonic()))
    except subprocess.TimeoutExpired:
        raise Transient("media_timeout", "Working on the video took too long; it is tried again.") from None


def _kill(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        process.kill()


def _failure(code: int, complaint: str) -> Exception:
    last = complaint.rsplit("\n", 1)[-1]
    log.warning("ffmpeg ended with %d: %s", code, last)
    if os.strerror(errno.ENOSPC) in complaint:
        return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    if code < 0 or any(words in complaint for words in _SHORT_OF_MEANS):
        return Transient("media_interrupted", "Working on the video was interrupted; it is tried again.")
    return Permanent("media_failed", "The video could not be made from what was given.")
