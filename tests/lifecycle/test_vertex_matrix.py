"""Every fault of a Veo job in every phase, on both databases: paid at most once, and each in the end that it should have."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.lifecycle.veo import VeoStage, make_veo_stage
from tests.lifecycle.vertex_matrix import EXPECTED, MIXED, SINGLE, run
from tests.simulators.clips import clip
from tests.simulators.vertex import VertexSimulator
from tests.simulators.vertex_faults import STAGES
from vividflow.lifecycle.tools import Tools


@pytest.fixture
def stage(tools_for: Callable[..., Tools]) -> Iterator[VeoStage]:
    simulator = VertexSimulator(movie=clip(), generation_seconds=0.02).start()
    yield make_veo_stage(tools_for, simulator)
    simulator.stop()


@pytest.mark.parametrize(("phase", "fault"), SINGLE)
def test_each_fault_ends_as_it_should_and_is_paid_once_at_most(stage: VeoStage, phase: str, fault: str) -> None:
    row = run(stage, fault)
    assert (row.end, row.paid) == EXPECTED[phase][fault], row
    assert row.twice == 0
    assert row.balanced, row


@pytest.mark.parametrize("faults", MIXED, ids=" + ".join)
def test_faults_on_top_of_one_another_are_paid_once_at_most(stage: VeoStage, faults: tuple[str, ...]) -> None:
    row = run(stage, *faults)
    assert (row.end, row.paid, row.twice, row.balanced) == ("completed", 1, 0, True), row


def test_no_fault_of_the_simulated_service_is_left_out() -> None:
    named = {fault.removesuffix("_bare") for _, fault in SINGLE}
    named |= {fault.rpartition("_")[0] for fault in named if fault.rpartition("_")[2].isdigit()}
    assert {fault for faults in STAGES.values() for fault in faults} <= named
