"""How long a commit waits for company."""

from __future__ import annotations

import pytest

from vividflow.lifecycle import pace
from vividflow.lifecycle.pace import Pace


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    moment = [100.0]
    monkeypatch.setattr(pace, "monotonic", lambda: moment[0])
    return moment


def test_a_lone_job_is_never_made_to_wait(clock: list[float]) -> None:
    steps = Pace()
    for _ in range(5):
        steps.moved(1)
        clock[0] += 0.15
        assert steps.patience == 0.0


def test_the_more_moves_the_less_is_waited_and_never_longer_than_a_tenth_of_a_second(clock: list[float]) -> None:
    slow, fast = Pace(), Pace()
    slow.moved(20)
    fast.moved(500)
    assert slow.patience == pace.MOST_SECONDS
    assert 0.0 < fast.patience < slow.patience


def test_a_crowd_is_forgotten_within_two_seconds(clock: list[float]) -> None:
    steps = Pace()
    steps.moved(1000)
    assert steps.patience > 0
    clock[0] += 2.0
    assert steps.patience == 0.0
