"""The decoder child as a process: started with its limits, asked over pipes, ended."""

from __future__ import annotations

import contextlib
import json
import os
import select
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

from vividflow import timing

LAUNCH = Path(__file__).with_name("launch.py")
DECODER = Path(__file__).with_name("decoder.py")
LARGEST_ANSWER = 1 << 20
LARGEST_FILE = 2 << 30


class Hung(Exception):
    """No answer within the time that was given."""


class Gone(Exception):
    """The child has ended instead of answering."""


class DecoderProcess:
    """One living decoder process and the pipe to it."""

    def __init__(self, memory: int) -> None:
        limits = [f"--parent={os.getpid()}", f"--memory={memory}", f"--file={LARGEST_FILE}", "--open=64"]
        python = [sys.executable, "-I"]
        self.process = subprocess.Popen(
            [*python, "-S", str(LAUNCH), *limits, "--", *python, str(DECODER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.files = 0

    def ask(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        """The child's answer; raises `Hung` after `seconds`, `Gone` when the child ends first."""
        assert self.process.stdin
        end = timing.monotonic() + seconds
        body = json.dumps(request).encode()
        self.files += 1
        try:
            self.process.stdin.write(struct.pack(">I", len(body)) + body)
            self.process.stdin.flush()
        except OSError:
            raise Gone from None
        (length,) = struct.unpack(">I", self._read(4, end))
        if length > LARGEST_ANSWER:
            raise Gone
        try:
            return json.loads(self._read(length, end))
        except ValueError:
            raise Gone from None

    def _read(self, count: int, end: float) -> bytes:
        assert self.process.stdout
        descriptor = self.process.stdout.fileno()
        poll = select.poll()
        poll.register(descriptor, select.POLLIN | select.POLLHUP)
        got = b""
        while len(got) < count:
            left = end - timing.monotonic()
            if left <= 0 or not poll.poll(left * 1000):
                raise Hung
            part = os.read(descriptor, count - len(got))
            if not part:
                raise Gone
            got += part
        return got

    def end(self, patience: float = 0.0) -> None:
        """Closes the pipe, waits up to `patience` seconds, then kills."""
        with self.process as process:
            assert process.stdin
            with contextlib.suppress(OSError):
                process.stdin.close()
            try:
                process.wait(patience)
            except subprocess.TimeoutExpired:
                process.kill()
