"""How long a clip usually takes: the registry's word until this installation knows better."""

from __future__ import annotations

import pytest

from tests.installation import a_job
from vividflow.lifecycle import usual as module
from vividflow.lifecycle.tools import Tools
from vividflow.lifecycle.usual import LEAST_RUNS, REMEMBERED_SECONDS, usual_seconds
from vividflow.records.users import User
from vividflow.timing import now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The monotonic time that forgetting goes by."""
    moment = [5000.0]
    monkeypatch.setattr(module, "monotonic", lambda: moment[0])
    monkeypatch.setattr(module, "_known", {})
    return moment


def _usual(tools: Tools, duration: float = 5.0, resolution: str = "480p") -> float:
    model = tools.registry.model("wan2.2")
    assert model is not None
    return usual_seconds(tools, model, model.routes[0], duration=duration, resolution=resolution)


def _ran(tools: Tools, user: User, seconds: float, duration: float = 5.0, resolution: str = "480p") -> None:
    moment = now()
    a_job(
        tools.db, user, status="completed", state="completed", due_at=None, finished_at=moment,
        generating_at=moment - seconds, provider_done_at=moment,
        params={"duration": duration, "resolution": resolution},
    )  # fmt: skip


def test_five_runs_of_the_same_length_and_size_make_the_median_count(
    tools: Tools, user: User, clock: list[float]
) -> None:
    by_registry = _usual(tools)
    for seconds in (10.0, 90.0, 30.0, 20.0):
        _ran(tools, user, seconds)
    _ran(tools, user, 500.0, duration=8.0)
    _ran(tools, user, 500.0, resolution="720p")
    clock[0] += REMEMBERED_SECONDS + 1
    assert _usual(tools) == by_registry
    _ran(tools, user, 400.0)
    assert _usual(tools) == by_registry  # remembered for a minute
    clock[0] += REMEMBERED_SECONDS + 1
    assert _usual(tools) == pytest.approx(30.0, abs=0.01)
    assert LEAST_RUNS == 5


def test_what_is_remembered_does_not_grow_for_ever(tools: Tools, clock: list[float]) -> None:
    for number in range(205):
        module._runs(tools, f"a model of an operator's own {number}", "480p")
    assert len(module._known) < 201
