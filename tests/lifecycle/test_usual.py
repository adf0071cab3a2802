"""How long a clip usually takes: the registry's word until this installation knows better."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import delete

from tests.lifecycle.stage import Stage
from vividflow.lifecycle import usual as module
from vividflow.lifecycle.tools import Tools
from vividflow.lifecycle.usual import LEAST_RUNS, MOST_SORTS, REMEMBERED_SECONDS, learned, times_like, usual_seconds
from vividflow.records import job_events, jobs, usual_times
from vividflow.records.jobs import Job
from vividflow.records.usual_times import KEPT, Sort
from vividflow.timing import now

SORT = Sort("wan2.2", "replicate", 5.0, "480p")


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


def _took(tools: Tools, *seconds: float, sort: Sort = SORT) -> None:
    with tools.db.transaction() as connection:
        for each in seconds:
            usual_times.add(connection, sort, each)


def _kept(tools: Tools, sort: Sort = SORT) -> list[float]:
    with tools.db.reading() as connection:
        return usual_times.of(connection, sort)


def _generating(**more: object) -> Job:
    values: dict[str, object] = {
        "id": "j", "user_id": "u", "kind": "video", "state": "generating", "status": "processing", "stage": "generating",
        "lane": "calls", "created_at": 0.0, "updated_at": 0.0, "model": "wan2.2", "provider": "replicate",
        "params": {"duration": 5, "resolution": "480p"}, "started_at": 90.0, "generating_at": 100.0,
    }  # fmt: skip
    return Job(**(values | more))  # type: ignore[arg-type]


def test_five_runs_of_the_same_sort_make_the_median_count(tools: Tools, clock: list[float]) -> None:
    by_registry = _usual(tools)
    _took(tools, 10.0, 90.0, 30.0, 20.0)
    for other in (SORT._replace(duration=8.0), SORT._replace(resolution="720p"), SORT._replace(provider="local")):
        _took(tools, *[500.0] * 5, sort=other)
    clock[0] += REMEMBERED_SECONDS + 1
    assert _usual(tools) == by_registry
    _took(tools, 400.0)
    assert _usual(tools) == by_registry  # remembered for a while
    clock[0] += REMEMBERED_SECONDS + 1
    assert _usual(tools) == 30.0
    assert LEAST_RUNS == 5


def test_only_the_last_forty_are_kept_in_the_order_of_their_ends(tools: Tools) -> None:
    took = [float(random.randrange(1000)) for _ in range(KEPT + 7)]
    _took(tools, *took)
    assert _kept(tools) == took[-KEPT:]


def test_whoever_finds_another_worker_learning_lets_its_figure_go(tools: Tools) -> None:
    _took(tools, 1.0)
    if tools.db.on_sqlite:
        return
    with tools.db.transaction() as one, tools.db.transaction() as other:
        usual_times.add(one, SORT, 2.0)
        usual_times.add(other, SORT, 3.0)
    assert _kept(tools) == [1.0, 2.0]


@pytest.mark.parametrize(
    ("job", "took", "kept"),
    [
        (_generating(looks=2), 70.0, 70.0),
        (_generating(looks=2), None, 80.0),
        (_generating(looks=2), 500.0, 80.0),  # a clock that is wrong is not believed
        (_generating(looks=2), -3.0, 80.0),
        (_generating(), None, 76.0),  # ready at the first look: it took no longer, perhaps less
        (_generating(nudged_at=180.0), None, 80.0),  # it was called: this is when it ended
    ],
)
def test_the_vendors_clock_counts_where_it_can_be_right(
    tools: Tools, job: Job, took: float | None, kept: float
) -> None:
    with tools.db.transaction() as connection:
        for write in learned(job, 180.0, took):
            write(connection)
    assert _kept(tools) == [pytest.approx(kept)]


def test_a_late_result_teaches_nothing() -> None:
    assert learned(_generating(kind="late"), 180.0, 70.0) == ()
    assert learned(_generating(generating_at=None), 180.0, 70.0) == ()


def test_what_is_usual_outlives_the_jobs_it_was_learned_from(stage: Stage, clock: list[float]) -> None:
    stage.simulator.generation_seconds = 0.3
    placed = [stage.place(prompt=f"clip {n}") for n in range(LEAST_RUNS)]
    with stage.worker():
        for job_id in placed:
            stage.until(job_id)
    with stage.tools.db.transaction() as connection:
        connection.execute(delete(job_events.job_events))
        connection.execute(delete(jobs.jobs))
    clock[0] += REMEMBERED_SECONDS + 1
    times = times_like(stage.tools, _generating(generating_at=now()))
    assert len(times) == LEAST_RUNS
    assert times == pytest.approx([0.3] * LEAST_RUNS, abs=0.02)  # the provider's clock, however late it was noticed


def test_a_failure_teaches_nothing(stage: Stage) -> None:
    stage.simulator.faults.add("failed")
    with stage.worker():
        assert stage.until(stage.place()).status == "failed"
    assert _kept(stage.tools) == []


def test_what_is_remembered_does_not_grow_for_ever(tools: Tools, clock: list[float]) -> None:
    for number in range(MOST_SORTS + 5):
        times_like(tools, _generating(model=f"a model of an operator's own {number}"))
    assert len(module._known) <= MOST_SORTS
