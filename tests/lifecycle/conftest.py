"""Fixtures for whole lives of jobs."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.lifecycle.stage import Stage, make_stage
from tests.simulators.clips import clip
from tests.simulators.replicate import ReplicateSimulator
from vividflow.lifecycle.tools import Tools


@pytest.fixture
def soon_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider that refused the key is tried again at once, not after a minute."""
    monkeypatch.setattr("vividflow.lifecycle.breaker.PAUSE_SECONDS", 0.05)


@pytest.fixture
def simulator() -> Iterator[ReplicateSimulator]:
    server = ReplicateSimulator(movie=clip(), generation_seconds=0.1).start()
    yield server
    server.stop()


@pytest.fixture
def stage(tools_for: Callable[..., Tools], simulator: ReplicateSimulator) -> Iterator[Stage]:
    made = make_stage(tools_for, simulator)
    yield made
    made.tools.provider("replicate").close()  # type: ignore[attr-defined]
