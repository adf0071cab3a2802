"""A simulated Replicate, an adapter pointed at it, and a clock that can be moved."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.providers.contract import gemini_settings, kling_settings, replicate_settings, vertex_settings
from tests.simulators.gemini import GeminiSimulator
from tests.simulators.kling import KlingSimulator
from tests.simulators.replicate import ReplicateSimulator
from tests.simulators.server import Reply, Request, Server
from tests.simulators.vertex import VertexSimulator
from vividflow import timing
from vividflow.providers.gemini import GeminiProvider
from vividflow.providers.kling import KlingProvider
from vividflow.providers.replicate import ReplicateProvider
from vividflow.providers.vertex import VertexProvider


class Clock:
    """Both clocks of the house, ahead by `ahead` seconds."""

    ahead = 0.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    moved = Clock()
    monkeypatch.setattr(timing, "now", lambda: time.time() + moved.ahead)
    monkeypatch.setattr(timing, "monotonic", lambda: time.monotonic() + moved.ahead)
    return moved


@pytest.fixture
def simulator() -> Iterator[ReplicateSimulator]:
    server = ReplicateSimulator(movie=b"a film").start()
    yield server
    server.stop()


@pytest.fixture
def provider(simulator: ReplicateSimulator, tmp_path: Path) -> Iterator[ReplicateProvider]:
    adapter = ReplicateProvider(replicate_settings(simulator.url, tmp_path))
    yield adapter
    adapter.close()


@pytest.fixture
def omni_provider(gemini: GeminiSimulator, tmp_path: Path) -> Iterator[GeminiProvider]:
    """The adapter of Gemini, pointed at the simulated one."""
    adapter = GeminiProvider(gemini_settings(gemini.url, tmp_path))
    yield adapter
    adapter.close()


@pytest.fixture
def kling_simulator() -> Iterator[KlingSimulator]:
    server = KlingSimulator(movie=b"a film").start()
    yield server
    server.stop()


@pytest.fixture
def kling(kling_simulator: KlingSimulator, tmp_path: Path) -> Iterator[KlingProvider]:
    adapter = KlingProvider(kling_settings(kling_simulator.url, tmp_path))
    yield adapter
    adapter.close()


@pytest.fixture
def veo_simulator() -> Iterator[VertexSimulator]:
    server = VertexSimulator(movie=b"a film").start()
    yield server
    server.stop()


@pytest.fixture
def vertex(veo_simulator: VertexSimulator, tmp_path: Path) -> Iterator[VertexProvider]:
    adapter = VertexProvider(vertex_settings(veo_simulator.url, tmp_path))
    yield adapter
    adapter.close()


@pytest.fixture
def inline_vertex(veo_simulator: VertexSimulator, tmp_path: Path) -> Iterator[VertexProvider]:
    adapter = VertexProvider(vertex_settings(veo_simulator.url, tmp_path, vertex_output_uri=""))
    yield adapter
    adapter.close()


class Receiver(Server):
    """Keeps what it is sent, and can answer badly at first."""

    def __init__(self) -> None:
        super().__init__()
        self.got: list[Request] = []
        self.answers: list[int] = []
        self.arrived = threading.Condition()

    def handle(self, request: Request) -> Reply:
        with self.arrived:
            self.got.append(request)
            self.arrived.notify_all()
            return Reply(status=self.answers.pop(0) if self.answers else 204)

    def wait_for(self, number: int) -> list[Request]:
        with self.arrived:
            assert self.arrived.wait_for(lambda: len(self.got) >= number, 10), self.got
            return list(self.got)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver().start()
    yield server
    server.stop()
