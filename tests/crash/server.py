"""The real server as a child process that can be killed, and a small client that never gives up an intent."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    """A port nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@dataclass(kw_only=True)
class Server:
    """`python web_app.py` with an environment of its own; `starts` holds the seconds each start took to be ready."""

    environment: dict[str, str]
    folder: Path
    port: int = field(default_factory=free_port)
    starts: list[float] = field(default_factory=list)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The server's address."""
        return f"http://127.0.0.1:{self.port}"

    def command(self, *words: str) -> str:
        """Run a `flask --app web_app` command beside the server; its standard output."""
        command = [sys.executable, "-m", "flask", "--app", "web_app", *words]
        done = subprocess.run(
            command, cwd=ROOT, env=self._env(), capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def start(self, ready_within: float = 30.0) -> float:
        """Start it and wait until it answers; the seconds that took."""
        began = time.monotonic()
        self.process = self.spawn("web_app.py", "server.log")
        while time.monotonic() - began < ready_within:
            try:
                if self.call("GET", "/healthz", timeout=2)[0] == 200:
                    self.starts.append(time.monotonic() - began)
                    return self.starts[-1]
            except OSError:
                time.sleep(0.02)
            assert self.process.poll() is None, (self.folder / "server.log").read_text()[-3000:]
        raise AssertionError("the server did not come up")

    def spawn(self, program: str, log_name: str) -> subprocess.Popen[bytes]:
        """Start one of our programs in the server's environment, its output going to a file."""
        with (self.folder / log_name).open("ab") as log:
            return subprocess.Popen(
                [sys.executable, program], cwd=ROOT, env=self._env(), stdout=log, stderr=log, start_new_session=True
            )

    def kill(self) -> None:
        """kill -9 the started process, and only that."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def term(self, within: float = 75.0) -> tuple[int, float]:
        """SIGTERM: (exit code, seconds)."""
        assert self.process is not None
        began = time.monotonic()
        self.process.terminate()
        return self.process.wait(within), time.monotonic() - began

    def call(
        self, method: str, path: str, body: Any = None, key: str | None = None, timeout: float = 20, **headers: str
    ) -> tuple[int, Any]:
        """One request; (status, decoded JSON or bytes). Raises `OSError` when the server is not there."""
        request = urllib.request.Request(self.url + path, method=method)
        request.data = None if body is None else json.dumps(body).encode()
        if body is not None:
            request.add_header("Content-Type", "application/json")
        if key is not None:
            request.add_header("X-API-Key", key)
        for name, value in headers.items():
            request.add_header(name.replace("_", "-"), value)
        try:
            with urllib.request.urlopen(request, timeout=timeout) as answer:
                return answer.status, _decoded(answer)
        except urllib.error.HTTPError as refused:
            return refused.code, _decoded(refused)

    def insist(self, method: str, path: str, body: Any, key: str, within: float = 60.0) -> Any:
        """A request with an idempotency key, repeated until it is answered: what a careful client does."""
        end, once = time.monotonic() + within, str(uuid.uuid4())
        while time.monotonic() < end:
            try:
                status, answer = self.call(method, path, body, key, Idempotency_Key=once)
            except (OSError, ValueError, http.client.HTTPException):
                time.sleep(0.05)
                continue
            if status in (409, 429, 503):
                time.sleep(0.1)
                continue
            assert status < 300, (status, answer)
            return answer
        raise AssertionError(f"{path} was never answered")

    def _env(self) -> dict[str, str]:
        mine = {"HOST": "127.0.0.1", "PORT": str(self.port), "DATA_DIR": str(self.folder / "data")}
        return {**os.environ, **mine, "PASSWORD_MEMORY_KIB": "8", "NO_PROXY": "*", **self.environment}


def _decoded(answer: Any) -> Any:
    data = answer.read()
    return json.loads(data) if "json" in answer.headers.get("Content-Type", "") else data
