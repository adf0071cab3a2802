"""Our server and the bare one as processes, and wrk as the load."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.crash.server import Server, free_port

ROOT = Path(__file__).resolve().parents[1]
THREADS = "16"


@dataclass(frozen=True, kw_only=True)
class Load:
    """What wrk saw: answers a second, latencies in milliseconds, answers that were no success."""

    rate: float
    p50: float
    p99: float
    errors: int


@contextmanager
def ours(**environment: str) -> Iterator[tuple[Server, str]]:
    """Our server with limits off and no worker unless asked for, and a key."""
    folder = Path(tempfile.mkdtemp(prefix="vf-bench-"))
    off = {"LIMIT_API": "off", "LIMIT_READS": "off", "LIMIT_ANONYMOUS": "off", "EMBEDDED_WORKER": "false"}
    server = Server(folder=folder, environment=off | {"LOG_LEVEL": "warning"} | environment)
    server.command("create-user", "bench@example.com", "--generate")
    key = server.command("create-key", "bench@example.com")
    server.start()
    try:
        yield server, key
    finally:
        server.term()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def bare(**environment: str) -> Iterator[str]:
    """The bare app under gunicorn with as many threads as ours; its address."""
    folder, port = Path(tempfile.mkdtemp(prefix="vf-bare-")), free_port()
    command = [sys.executable, "-m", "gunicorn", "-k", "gthread", "--threads", THREADS, "-b", f"127.0.0.1:{port}"]
    process = subprocess.Popen(
        [*command, "-c", "/dev/null", "--no-control-socket", "--log-level", "error", "benchmarks.bare:app"],
        cwd=ROOT,
        env={**os.environ, "BARE_DB": str(folder / "jobs.db"), **environment},
    )
    try:
        _until_open(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


def post(url: str, body: dict[str, object], key: str = "") -> dict[str, object]:
    """One JSON POST."""
    headers = {"Content-Type": "application/json", "X-API-Key": key}
    request = urllib.request.Request(url, data=json.dumps(body).encode(), headers=headers)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.loads(answer.read())


def get(url: str, key: str) -> dict[str, object]:
    """One GET of JSON."""
    request = urllib.request.Request(url, headers={"X-API-Key": key})
    with urllib.request.urlopen(request, timeout=20) as answer:
        return json.loads(answer.read())


def wrk(
    url: str,
    connections: int,
    seconds: float,
    *,
    body: dict[str, object] | None = None,
    key: str = "",
    bearer: str = "",
    ranges: tuple[int, int] | None = None,
) -> Load:
    """Load from one thread of wrk (Debian's package wrk); `ranges` (file size, bytes) asks for random parts of a file.

    The key goes as ours do, or as a `bearer` where others want it so.
    """
    if shutil.which("wrk") is None:
        raise SystemExit("This benchmark needs wrk: apt-get install wrk")
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        if body is not None:
            script.write(f"wrk.method = 'POST'\nwrk.body = [[{json.dumps(body)}]]\n")
            script.write("wrk.headers['Content-Type'] = 'application/json'\n")
        header, proof = ("Authorization", f"Bearer {bearer}") if bearer else ("X-API-Key", key)
        script.write(f"wrk.headers['{header}'] = '{proof}'\n")
        if ranges is not None:
            size, length = ranges
            script.write(
                f"request = function() local at = math.random(0, {size - length})\n"
                f"wrk.headers['Range'] = 'bytes=' .. string.format('%d-%d', at, at + {length - 1})\n"
                "return wrk.format(nil, nil) end\n"
            )
        script.flush()
        command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:.0f}s", "--latency", "-s", script.name, url]
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 30, check=True)
    told = done.stdout
    errors = sum(int(found) for found in re.findall(r"Non-2xx or 3xx responses: (\d+)", told))
    errors += sum(map(int, re.findall(r"(?:connect|read|write|timeout) (\d+)", told)))
    return Load(
        rate=_number(r"Requests/sec:\s+([\d.]+)", told), p50=_time("50%", told), p99=_time("99%", told), errors=errors
    )


def _number(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    return float(found.group(1)) if found else 0.0


def _time(share: str, text: str) -> float:
    found = re.search(rf"{share}\s+([\d.]+)(us|ms|s)", text)
    return float(found.group(1)) * {"us": 0.001, "ms": 1, "s": 1000}[found.group(2)] if found else 0.0


def _until_open(port: int) -> None:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
