"""Estimate and actual: what the provider says it took is kept beside what was said beforehand, and told when it is too far off."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import monitor
from tests.lifecycle.stage import Stage, make_stage
from tests.simulators.replicate import ReplicateSimulator
from vividflow.health.findings import Check, State
from vividflow.lifecycle.tools import Tools
from vividflow.lifecycle.variance import too_far, variance

DREAM = """
[[models]]
id = "dream"
title = "Dream"
kind = "video"
durations = [3]
default_duration = 3
resolutions = ["480p"]
aspect_ratios = ["16:9"]
[[models.routes]]
provider = "replicate"
text = "house/dream"
price_date = 2026-11-01
price_source = "our bill"
run_second_usd = 0.5
prices = [{ usd = %s }]
"""


def test_how_far_apart_and_when_that_is_too_far() -> None:
    assert variance(100, 120) == 0.2
    assert variance(100, 75) == -0.25
    assert variance(0, 5) is None
    assert variance(100, None) is None
    assert [too_far(each) for each in (None, 0.2, -0.2, 0.2001, -0.2001)] == [False, False, False, True, True]


@pytest.fixture
def stage_for(tools_for: Callable[..., Tools], simulator: ReplicateSimulator, tmp_path: Path) -> Callable[[str], Stage]:
    """A stage with a model that is charged for by the second of its run, at an estimate of so many dollars."""

    def make(usd: str) -> Stage:
        own = tmp_path / "own.toml"
        own.write_text(DREAM % usd)
        return make_stage(tools_for, simulator, models_file=own)

    return make


def costs(stage: Stage) -> Check:
    """What the monitor says of costs."""
    check = monitor.health(stage.tools.settings, db=stage.tools.db, only=["costs"]).check("costs")
    assert check is not None
    return check


@pytest.mark.parametrize(("usd", "charged", "way"), [("0.03", 30_000, "33% more"), ("0.06", 40_000, "33% less")])
def test_a_run_that_is_charged_by_the_second_costs_what_it_took(
    stage_for: Callable[[str], Stage], usd: str, charged: int, way: str
) -> None:
    stage = stage_for(usd)  # the simulated run takes 0.08 s, which costs four cents
    with stage.worker():
        job = stage.until(stage.place(model="dream"))
    (order,) = stage.orders(job.id)
    assert (job.status, order.cost, job.actual, job.cost) == ("completed", 40_000, 40_000, charged), job
    assert job.made_ms
    assert stage.books() == (0, 0, None)
    found = costs(stage)
    assert (found.state, found.sentence) == (
        State.DEGRADED,
        f"dream by replicate cost {way} than quoted. Correct its price in MODELS_FILE.",
    )
    assert found.facts["apart"]["dream by replicate"]["orders"] == 1


def test_within_a_fifth_nobody_is_alarmed(stage_for: Callable[[str], Stage]) -> None:
    stage = stage_for("0.045")
    with stage.worker():
        job = stage.until(stage.place(model="dream"))
    assert (job.quoted, job.actual) == (45_000, 40_000)
    assert costs(stage).state is State.OK


def test_a_provider_that_tells_no_cost_took_what_was_quoted(stage: Stage) -> None:
    with stage.worker():
        job = stage.until(stage.place())
    (order,) = stage.orders(job.id)
    assert order.cost == job.actual == job.cost == job.quoted > 0
    assert costs(stage).sentence == "Orders cost what was quoted."
