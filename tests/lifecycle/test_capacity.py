"""How much a provider takes: its pause, its places, its rates."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.lifecycle.stage import Stage
from vividflow.lifecycle.capacity import capacity_of, looks_allowed, spend
from vividflow.records.due import Due
from vividflow.timing import now

NOW = 1_800_000_000.0


def _vendor(stage: Stage, name: str = "replicate", **facts: Any) -> None:
    """The vendor's facts as the test wants them."""
    tools = stage.tools
    vendors = {**tools.registry.vendors, name: replace(tools.registry.vendors[name], **facts)}
    stage.tools = replace(tools, registry=replace(tools.registry, vendors=vendors))


def _room(stage: Stage, provider: str = "replicate", most: int = 50, moment: float = NOW) -> int:
    with stage.tools.db.transaction() as connection:
        return capacity_of(connection, stage.tools, provider, moment, most, 1)


def test_a_provider_that_the_registry_does_not_know_takes_nothing(stage: Stage) -> None:
    assert _room(stage, "bygone") == 0
    with stage.tools.db.transaction() as connection:
        spend(connection, stage.tools, "bygone", "submits", 3, NOW)  # and has no bucket to take from


def test_no_more_run_on_a_provider_than_it_has_places(stage: Stage) -> None:
    _vendor(stage, concurrency=2, submits_per_minute=None)
    assert (_room(stage), _room(stage, most=1), _room(stage, most=0)) == (2, 1, 0)
    stage.begin()
    assert _room(stage) == 1
    for _ in range(3):
        stage.place()
    assert len(stage.queue().claim_starts(64)[0]) == 1
    assert _room(stage) == 0


def test_without_a_rate_only_the_hands_count(stage: Stage) -> None:
    _vendor(stage, concurrency=None, submits_per_minute=None)
    assert _room(stage, most=64) == 64


def test_orders_keep_to_the_rate_and_tokens_come_back_with_time(stage: Stage) -> None:
    _vendor(stage, concurrency=None, submits_per_minute=60.0)
    assert _room(stage) == 6
    with stage.tools.db.transaction() as connection:
        spend(connection, stage.tools, "replicate", "submits", 6, NOW)
    assert (_room(stage), _room(stage, moment=NOW + 2.5)) == (0, 2)


def test_looks_keep_to_the_rate_and_what_asks_nobody_is_never_held_up(stage: Stage) -> None:
    _vendor(stage, reads_per_minute=20.0)
    found = [Due(f"look {n}", "replicate", "generating") for n in range(4)]
    found += [Due("stored here", "replicate", "finishing"), Due("a delivery", None, "delivering")]
    found += [Due("made here", "local", "generating")]
    with stage.tools.db.transaction() as connection:
        first, second, later = (
            [job_id for (job_id,) in looks_allowed(connection, stage.tools, found, moment)]
            for moment in (NOW, NOW, NOW + 3)
        )
    free = ["stored here", "a delivery", "made here"]
    assert (first, second) == (["look 0", "look 1", *free], free)
    assert later == ["look 0", *free]


@pytest.mark.parametrize("lane", ["media", "calls"])
def test_what_is_made_here_waits_for_a_hand_of_this_machine(stage: Stage, lane: str) -> None:
    _vendor(stage, "local", lane=lane, concurrency=None, submits_per_minute=None)
    hands = stage.tools.settings.media_hands or 0
    assert _room(stage, "local", moment=now()) == (hands + 1 if lane == "media" else 50)
