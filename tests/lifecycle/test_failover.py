"""A job with two routes: another one is taken only after a certain no, and whatever happens one clip is paid at most."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.lifecycle import failover_matrix as matrix
from tests.lifecycle.failover import TwoRoutes, make_two_routes
from tests.simulators.clips import clip
from tests.simulators.replicate import ReplicateSimulator
from tests.simulators.vertex import VertexSimulator
from vividflow.lifecycle.status import status_object
from vividflow.lifecycle.tools import Tools
from vividflow.records import job_events

Make = Callable[..., TwoRoutes]


@pytest.fixture
def make(tools_for: Callable[..., Tools]) -> Iterator[Make]:
    first = VertexSimulator(movie=clip(), generation_seconds=0.02).start()
    second = ReplicateSimulator(movie=clip(), generation_seconds=0.02).start()
    yield lambda **given: make_two_routes(tools_for, first, second, **given)
    first.stop()
    second.stop()


@pytest.mark.parametrize("name", matrix.CELLS)
def test_each_cell_ends_as_it_must_and_is_paid_once_at_most(make: Make, name: str) -> None:
    cell = matrix.CELLS[name]
    row = matrix.run(make, cell)
    assert (row.end, row.by, row.paid, row.left) == (cell.end, cell.by, cell.paid, cell.left), row
    assert row.balanced
    assert row.cost <= row.quoted


def test_a_job_that_changed_its_route_shows_both_and_why_and_costs_what_the_taken_one_does(make: Make) -> None:
    stage = make()
    stage.first.faults.add("no_credit")
    first = stage.begin(model="veo3.1-fast", max_cost=5.0)
    assert stage.orders(first.id)[0].quoted == 400_000
    job = stage.step(first)
    assert (job.status, job.provider, job.provider_model) == ("queued", "replicate", "google/veo-3.1-fast")
    assert (job.attempts, job.failures, job.deadline_at) == (1, 0, None)
    with stage.worker():
        job = stage.until(job.id)
    with stage.tools.db.reading() as connection:
        told = status_object(stage.tools, connection, job)
        events = job_events.of_job(connection, job.id)
    assert told["metrics"]["estimated_cost"] == 0.4
    assert told["metrics"]["cost"] == 0.6
    left, taken = told["metrics"]["routes"]
    assert (left["provider"], left["code"]) == ("vertex", "provider_credit_exhausted")
    assert left["reason"] == "The account at Google Cloud has no credit left."
    assert taken == {"provider": "replicate", "code": None, "reason": None, "at": None, "state": "made"}
    assert [each.data["provider"] for each in events if "provider" in each.data] == ["replicate"]
    notes = [each.data["note"] for each in events if each.data["note"]]
    assert "The account at Google Cloud has no credit left. Ordering from Replicate instead." in notes
    assert [(each.provider, each.state, each.quoted) for each in stage.orders(job.id)] == [
        ("vertex", "refused", 400_000),
        ("replicate", "done", 600_000),
    ]
    assert "estimate" not in told["params"]


def test_jobs_that_wait_for_a_provider_that_shuts_all_go_by_another_route(make: Make) -> None:
    stage = make()
    waiting = [stage.place() for _ in range(3)]
    pinned = stage.place(provider="vertex")
    matrix.paused(stage)
    stage.tools.standing.forget()
    with stage.worker():
        done = [stage.until(each) for each in waiting]
        assert {each.provider for each in done} == {"replicate"}
        assert stage.job(pinned).status == "queued"
    assert stage.paid == (0, 3)
    with stage.tools.db.reading() as connection:
        told = status_object(stage.tools, connection, stage.job(pinned))
    assert told["message"].startswith("Waiting for Google Cloud: The bill is being looked at.")
    assert told["provider"] == "vertex"
