"""What an adapter costs over the bare call: submit and poll of each vendor, ours and the vendor's own client in turn.

Kling and servers of `/v1/videos` have no official client that is used here: there the bare call is plain HTTP. All go to
the same simulator in a process of its own, without latency. Processor time is that of the calling thread, and is what
a busy machine does not change. Ours is `prepare` and `submit`: limits on time and size, one try, and a new connection for
what is paid where a kept one could be closing (Veo, servers of `/v1/videos`); the bare calls keep theirs.
"""

from __future__ import annotations

import gc
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import clients
from benchmarks.providers import running
from benchmarks.report import Row, middle, report
from tests.providers.contract import (
    clip_by_kling,
    gemini_settings,
    kling_settings,
    order_for,
    replicate_settings,
    settings,
    veo,
    vertex_settings,
    wish,
)
from tests.simulators.openai_videos import KEY as SERVER_KEY
from vividflow.config import Settings
from vividflow.providers.base import GenerationRequest, Operation, Order, Provider
from vividflow.providers.catalog import PROVIDERS

WARM, PAIRS = 5, 60


@dataclass(frozen=True, kw_only=True)
class Vendor:
    """One row: the simulator, what leads to it, what is ordered, and the bare client at its address."""

    simulator: str
    settings: Callable[[str, Path], Settings]
    request: GenerationRequest
    bare: Callable[[str], clients.Bare]
    by: str


@dataclass(kw_only=True)
class Times:
    """Milliseconds of the clock and of the calling thread's processor time, a call each."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def take(self, act: Callable[[], Any]) -> Any:
        """Do it and write down what it took."""
        began, spent = time.perf_counter(), time.thread_time()
        result = act()
        self.cpu.append(1000 * (time.thread_time() - spent))
        self.wall.append(1000 * (time.perf_counter() - began))
        return result


VENDORS: dict[str, Vendor] = {
    "replicate": Vendor(
        simulator="replicate", settings=replicate_settings, request=wish(), bare=clients.replicate, by="replicate"
    ),
    "gemini": Vendor(
        simulator="gemini",
        settings=gemini_settings,
        request=wish(model="omni1.2", provider_model=clients.OMNI, resolution="720p"),
        bare=clients.gemini,
        by="google-genai",
    ),
    "vertex": Vendor(
        simulator="vertex", settings=vertex_settings, request=veo(), bare=clients.vertex, by="google-genai"
    ),
    "kling": Vendor(
        simulator="kling", settings=kling_settings, request=clip_by_kling(), bare=clients.kling, by="httpx"
    ),
    "openai": Vendor(
        simulator="openai_videos",
        settings=lambda base, folder: settings(folder, openai_base_url=f"openai+{base}", openai_api_key=SERVER_KEY),
        request=wish(model="openai/default/wan", provider_model="default/wan", seed=None),
        bare=clients.openai,
        by="httpx",
    ),
}


def main() -> None:
    """Pairs in turn, medians."""
    rows: list[Row] = []
    for name, vendor in VENDORS.items():
        with tempfile.TemporaryDirectory() as folder, running((vendor.simulator,), 3600, latency_ms=0) as urls:
            rows += _compare(name, vendor, urls[vendor.simulator], Path(folder))
    report("Adapters beside bare clients", rows)


def _compare(name: str, vendor: Vendor, url: str, folder: Path) -> list[Row]:
    provider, bare, request = PROVIDERS[name].build(vendor.settings(url, folder)), vendor.bare(url), vendor.request
    body = provider.prepare(request)

    def ours(submit: Times, poll: Times) -> None:
        order, operation = submit.take(lambda: _ordered(provider, request))
        poll.take(lambda: provider.poll(operation.id, order))

    def theirs(submit: Times, poll: Times) -> None:
        handle = submit.take(lambda: bare.submit(body))
        poll.take(lambda: bare.poll(handle))

    for _ in range(WARM):
        ours(Times(), Times())
        theirs(Times(), Times())
    gc.collect()
    submits, polls = (Times(), Times()), (Times(), Times())
    for number in range(PAIRS):
        pair = [lambda: ours(submits[0], polls[0]), lambda: theirs(submits[1], polls[1])]
        for act in reversed(pair) if number % 2 else pair:
            act()
    provider.close()  # pyright: ignore[reportAttributeAccessIssue]
    return [
        (f"{name} submit, bare by {vendor.by}", _told(*submits), None),
        (f"{name} poll", _told(*polls), None),
    ]


def _ordered(provider: Provider, request: GenerationRequest) -> tuple[Order, Operation]:
    order = order_for(provider, request)
    return order, provider.submit(request, order)


def _told(ours: Times, bare: Times) -> str:
    wall, cpu = middle(ours.wall), middle(ours.cpu)
    bare_wall, bare_cpu = middle(bare.wall), middle(bare.cpu)
    clock = f"ours {wall:.2f} ms, bare {bare_wall:.2f} ms: {wall / bare_wall:.2f}×, {wall - bare_wall:+.2f} ms"
    return f"{clock}; processor {cpu:.2f} / {bare_cpu:.2f} ms: {cpu / bare_cpu:.2f}×"


if __name__ == "__main__":
    main()
