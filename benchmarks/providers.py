"""The simulated providers that flights use, each in a process of its own, and what leads to them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.simulators.gemini import KEY as GEMINI_KEY
from tests.simulators.kling import API_KEY as KLING_KEY
from tests.simulators.replicate import TOKEN
from tests.simulators.vertex import PROJECT
from tests.simulators.vertex import TOKEN as GOOGLE_TOKEN

LATENCY_MS = 150


@dataclass(frozen=True, kw_only=True)
class Rival:
    """One provider: what is wished of it, and the settings that lead to it at a base URL."""

    wish: dict[str, Any]
    settings: Callable[[str], dict[str, Any]]


RIVALS: dict[str, Rival] = {
    "replicate": Rival(
        wish={"model": "wan2.2", "resolution": "480p"},
        settings=lambda url: {"replicate_api_token": TOKEN, "replicate_base_url": url},
    ),
    "vertex": Rival(
        wish={"model": "veo3.1-lite", "duration": 4},
        settings=lambda url: {
            "google_cloud_project": PROJECT,
            "google_oauth_access_token": GOOGLE_TOKEN,
            "google_vertex_base_url": url,
            "storage_emulator_host": url,
            "vertex_output_uri": "gs://films/veo",
        },
    ),
    "kling": Rival(
        wish={"model": "kling3", "duration": 5},
        settings=lambda url: {"kling_api_key": KLING_KEY, "kling_base_url": url},
    ),
    "gemini": Rival(
        wish={"model": "omni1.1", "duration": 5},
        settings=lambda url: {"gemini_api_key": GEMINI_KEY, "google_gemini_base_url": url},
    ),
}


@contextmanager
def running(
    names: tuple[str, ...],
    generation: float,
    jitter: float = 0.0,
    state_file: Path | None = None,
    latency_ms: float = LATENCY_MS,
) -> Iterator[dict[str, str]]:
    """Start them with `latency_ms` in each request, generations differing by `jitter` (a share); name to base URL.

    `state_file` holds orders that were accepted before.
    """
    more = ["--latency-ms", str(latency_ms)]
    more += [*(("--jitter", str(jitter)) if jitter else ()), *(("--state", str(state_file)) if state_file else ())]
    with ExitStack() as stack:
        yield {name: stack.enter_context(_one(name, generation, more)) for name in names}


def state(url: str) -> dict[str, Any]:
    """What a simulator counted."""
    with urllib.request.urlopen(f"{url}/__sim/state", timeout=10) as answer:
        return json.loads(answer.read())


@contextmanager
def _one(name: str, generation: float, more: list[str]) -> Iterator[str]:
    command = [sys.executable, "-m", f"tests.simulators.{name}", "--port", "0"]
    process = subprocess.Popen(
        [*command, "--generation-seconds", str(generation), *more],
        stdout=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    )
    assert process.stdout is not None
    try:
        words = process.stdout.readline().split()
        yield next(word for word in words if word.startswith("http")).rstrip(".,")
    finally:
        process.terminate()
        process.wait(10)
