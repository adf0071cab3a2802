"""The peer of P16: LiteLLM's proxy in an environment of its own, one worker, no database, no callbacks.

The version is fixed, and wheels alone are installed with it, none younger than a day: releases of it were tampered with in
2026 (1.82.7 and 1.82.8). It runs with a home of its own and with none of our environment, so it knows the simulator's key alone.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.crash.server import free_port

VERSION = "1.106.0"
NOT_AFTER = "2026-10-20"
MODEL, KEY = "wan", "sk-bench"
INSTALL_SECONDS, START_SECONDS = 300, 120


class NoGateway(Exception):
    """Why there is none, as a sentence."""


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """A proxy that answers: its address and its process."""

    url: str
    pid: int


@contextmanager
def litellm(base: str, upstream_key: str) -> Iterator[Gateway]:
    """LiteLLM in front of the server of `/v1/videos` at `base`. Raises `NoGateway`."""
    with tempfile.TemporaryDirectory(prefix="vf-gateway-") as name:
        folder = Path(name)
        _install(folder / "venv")
        row = {"model": f"openai/{MODEL}", "api_base": base, "api_key": upstream_key}
        told = {"model_list": [{"model_name": MODEL, "litellm_params": row}], "general_settings": {"master_key": KEY}}
        (folder / "config.yaml").write_text(json.dumps(told))  # JSON is YAML too
        port = free_port()
        where = ["--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"]
        quiet = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_TELEMETRY": "False", "LITELLM_LOG": "ERROR"}
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [folder / "venv/bin/litellm", "--config", folder / "config.yaml", *where],
                cwd=folder,
                env={"PATH": "/usr/bin:/bin", "HOME": name, "NO_PROXY": "*", **quiet},
                stdout=log,
                stderr=log,
            )
        try:
            url = f"http://127.0.0.1:{port}"
            _until_alive(process, url, folder / "log")
            yield Gateway(url=url, pid=process.pid)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait(10)


def _install(venv: Path) -> None:
    uv, python = [sys.executable, "-m", "uv"], str(venv / "bin/python")
    only = ["--only-binary", ":all:", "--exclude-newer", NOT_AFTER]
    for words in (
        ["venv", "-q", "--python", sys.executable, str(venv)],
        ["pip", "install", "-q", "--python", python, *only, f"litellm[proxy]=={VERSION}"],
    ):
        try:
            done = subprocess.run([*uv, *words], capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False)
        except subprocess.TimeoutExpired as late:
            raise NoGateway("LiteLLM was not measured: the package registry did not answer in time.") from late
        if done.returncode:
            why = (done.stderr.strip().splitlines() or ["it did not say why"])[-1].strip()
            raise NoGateway(f"LiteLLM was not measured: it cannot be had from the package registry ({why}).")


def _until_alive(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/health/liveliness", timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    last = (log.read_text(errors="replace").strip().splitlines() or ["it said nothing"])[-1]
    raise NoGateway(f"LiteLLM was not measured: it did not start ({last}).")
