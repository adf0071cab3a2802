"""Looking together: one request for many due jobs, the same writes as by looks of their own, and never a wrong one."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest

from tests.lifecycle.stage import Stage
from tests.simulators.list_faults import LIST_FAULTS
from vividflow.lifecycle import lists
from vividflow.lifecycle.capacity import looks_allowed
from vividflow.lifecycle.crew import Crew
from vividflow.lifecycle.lists import ALONE_SECONDS, REMEMBERED, REST_SECONDS, Lists
from vividflow.lifecycle.states import Lane
from vividflow.lifecycle.together import FEWEST, MOST, gathered, look_through
from vividflow.records.due import Due
from vividflow.records.jobs import Job
from vividflow.timing import now

MODEL = "wan-video/wan-2.2-t2v-fast"


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The monotonic time that lists are left alone by."""
    moment = [1000.0]
    monkeypatch.setattr(lists, "monotonic", lambda: moment[0])
    return moment


def _due(count: int, provider: str | None = "replicate", state: str = "generating", model: str = MODEL) -> list[Due]:
    return [Due(f"{provider} {state} {n}", provider, state, model, float(n)) for n in range(count)]


def _running(stage: Stage, count: int, seconds: float = 3600.0) -> list[Job]:
    """That many jobs that the provider is at, all due now."""
    stage.simulator.generation_seconds = seconds
    vendors = {**stage.tools.registry.vendors}
    vendors["replicate"] = replace(vendors["replicate"], submits_per_minute=60_000.0)
    stage.tools = replace(stage.tools, registry=replace(stage.tools.registry, vendors=vendors))
    placed = [stage.place(prompt=f"clip {n}") for n in range(count)]
    for begun in stage.queue().claim_starts(count)[0]:
        stage.step(begun)
    stage.simulator.requests.clear()
    return [stage.change(job_id, due_at=now() - 1) for job_id in placed]


def _looked(stage: Stage, groups: list[list[Job]]) -> None:
    """The groups done by a crew, and written down."""
    queue = stage.queue()
    crew = Crew(stage.tools, queue.commit_all, threading.Event())
    for group in groups:
        crew.held.take(group)
        (crew._work_together if len(group) > 1 else crew._work_alone)(group)
    assert crew.held.wait_until_empty(20)
    crew.dismiss()


def _round(stage: Stage, hands: int = 64) -> list[int]:
    """One claim of what is due and the looks that follow; how many jobs each hand had."""
    groups = stage.queue().claim_due(Lane.CALLS, hands)
    _looked(stage, groups)
    return [len(group) for group in groups]


def test_eight_due_at_one_vendor_go_together_and_fewer_alone(stage: Stage) -> None:
    assert [len(group) for group in gathered(stage.tools, _due(FEWEST - 1))] == [1] * (FEWEST - 1)
    assert [len(group) for group in gathered(stage.tools, _due(FEWEST))] == [FEWEST]
    assert [len(group) for group in gathered(stage.tools, _due(2 * MOST + 1))] == [33, 34, 34]


@pytest.mark.parametrize(
    ("provider", "state", "model"),
    [
        ("replicate", "downloading", MODEL),
        ("replicate", "cancelling", MODEL),
        ("vertex", "generating", "veo-3.1-generate-001"),
        ("gemini", "generating", "gemini-omni-1.2-flash"),
        ("local", "generating", "local"),
        ("bygone", "generating", "x"),
        (None, "delivering", ""),
    ],
)
def test_what_stands_in_no_list_goes_alone(stage: Stage, provider: str | None, state: str, model: str) -> None:
    assert [len(group) for group in gathered(stage.tools, _due(20, provider, state, model))] == [1] * 20


def test_kinds_of_orders_that_have_a_list_each_are_not_mixed(stage: Stage) -> None:
    found = _due(9, "kling", model="text2video/kling-v3") + _due(10, "kling", model="image2video/kling-v3")
    found = [job._replace(id=f"{n}") for n, job in enumerate(found)]
    groups = gathered(stage.tools, found)
    assert [{job.provider_model for job in group} for group in groups] == [
        {"text2video/kling-v3"},
        {"image2video/kling-v3"},
    ]


def test_a_list_call_takes_one_token_however_many_it_answers_for(stage: Stage) -> None:
    vendors = {**stage.tools.registry.vendors}
    vendors["replicate"] = replace(vendors["replicate"], reads_per_minute=20.0)  # a burst of two
    tools = replace(stage.tools, registry=replace(stage.tools.registry, vendors=vendors))
    with tools.db.transaction() as connection:
        first = looks_allowed(connection, tools, _due(2 * MOST), now())
        second = looks_allowed(connection, tools, _due(2 * MOST), now())
    assert ([len(group) for group in first], second) == ([MOST, MOST], [])


def test_no_more_hands_are_given_out_than_are_free(stage: Stage) -> None:
    found = _due(3, None, "delivering", "") + _due(2 * MOST)
    with stage.tools.db.transaction() as connection:
        groups = looks_allowed(connection, stage.tools, found, now(), 4)
    assert [len(group) for group in groups] == [1, 1, 1, MOST]


def test_one_request_answers_for_all_and_they_wait_as_after_a_look_of_their_own(stage: Stage) -> None:
    running = _running(stage, 12)
    assert _round(stage) == [12]
    assert stage.simulator.requests == {"list": 1}
    alone = stage.step(running[0].but(fence=stage.job(running[0].id).fence, lease_owner=None))
    together = stage.job(running[1].id)
    assert (together.state, together.looks, together.failures, together.note) == ("generating", 1, 0, None)
    assert together.progress == alone.progress
    assert together.lease_owner is None
    assert (together.due_at or 0) > now() - 1


def test_what_is_ready_failed_or_unwanted_ends_as_by_a_look_of_its_own(stage: Stage) -> None:
    placed = _running(stage, 10)
    ready, failed, unwanted = placed[0], placed[1], placed[2]
    by_operation = {stage.orders(job.id)[0].operation_id: job for job in placed}
    for name, prediction in stage.simulator.predictions.items():
        if by_operation[name] in (ready, failed):
            prediction.seconds = 0.0
        if by_operation[name] is failed:
            prediction.fate = "nsfw_failed"
    stage.queue().cancel(stage.user, unwanted.id)
    assert _round(stage) == [10]
    (bought,) = stage.orders(ready.id)
    assert (stage.job(ready.id).status, len(bought.outputs)) == ("completed", 1)
    assert (stage.job(failed.id).status, stage.job(failed.id).error_code) == ("failed", "content_policy")
    assert stage.job(unwanted.id).status == "cancelled"
    assert {stage.job(job.id).state for job in placed[3:]} == {"generating"}
    assert (stage.simulator.requests["list"], stage.simulator.requests["poll"]) == (1, 0)
    assert stage.simulator.paid == 10


@pytest.mark.parametrize("fault", [*LIST_FAULTS, "list_error", "list_close", "list_garbage"])
def test_whatever_the_list_says_nothing_wrong_is_written_and_all_are_looked_at(
    stage: Stage, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vividflow.providers.replicate.LIST_SECONDS", 0.5)
    monkeypatch.setattr("vividflow.lifecycle.look.next_look", lambda *_: 3600.0)
    placed = _running(stage, 9)
    stage.simulator.faults.add(fault, times=None)
    assert _round(stage) == [9]
    assert {(job.state, job.failures) for job in map(stage.job, (each.id for each in placed))} == {("generating", 0)}
    seen = sum(stage.job(each.id).looks for each in placed)
    assert _round(stage) == [1] * (9 - seen)  # the others by looks of their own, in the very next round
    assert [stage.job(each.id).looks for each in placed] == [1] * 9
    assert stage.simulator.requests["poll"] == 9 - seen
    assert _round(stage) == []


def test_a_429_on_the_list_is_believed_for_all_that_are_in_it(stage: Stage) -> None:
    placed = _running(stage, 9)
    stage.simulator.faults.add("list_rate_limited")
    assert _round(stage) == [9]
    jobs = [stage.job(each.id) for each in placed]
    assert {(job.state, job.failures) for job in jobs} == {("generating", 1)}
    assert all(6 < (job.due_at or 0) - job.updated_at < 8 for job in jobs)
    assert stage.simulator.requests == {"list": 1}


def test_an_adapter_that_breaks_leaves_each_to_itself(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    placed = _running(stage, 9)

    def broken(*_: Any) -> None:
        raise RuntimeError("a mistake")

    monkeypatch.setattr(stage.tools.provider("replicate"), "look_through", broken)
    assert look_through(placed, stage.tools) == {}
    assert [len(group) for group in gathered(stage.tools, _due(20))] == [1] * 20


def test_a_list_without_use_is_asked_again_after_a_minute(stage: Stage, clock: list[float]) -> None:
    stage.tools.lists.rest("replicate/predictions")
    assert [len(group) for group in gathered(stage.tools, _due(8))] == [1] * 8
    clock[0] += REST_SECONDS
    assert [len(group) for group in gathered(stage.tools, _due(8))] == [8]


def test_a_job_that_its_list_does_not_show_goes_alone_for_ten_minutes(clock: list[float]) -> None:
    known = Lists()
    known.missed("j")
    assert (known.shows("j"), known.shows("another")) == (False, True)
    clock[0] += ALONE_SECONDS
    assert known.shows("j")
    for number in range(REMEMBERED + 3):
        known.missed(str(number))
    assert len(known._alone) == REMEMBERED


def test_a_worker_brings_many_to_their_end_by_few_requests(stage: Stage) -> None:
    count = 40
    object.__setattr__(stage.tools, "settings", stage.tools.settings.model_copy(update={"poll_first_seconds": 1.0}))
    vendors = {**stage.tools.registry.vendors}
    vendors["replicate"] = replace(vendors["replicate"], submits_per_minute=60_000.0)
    stage.tools = replace(stage.tools, registry=replace(stage.tools.registry, vendors=vendors))
    stage.simulator.generation_seconds = 0.5
    placed = [stage.place(prompt=f"clip {n}") for n in range(count)]
    with stage.worker():
        ended = [stage.until(job_id, seconds=60.0) for job_id in placed]
    assert {job.status for job in ended} == {"completed"}
    assert stage.simulator.paid == count
    assert stage.simulator.requests["list"] >= 1
    assert stage.simulator.requests["list"] + stage.simulator.requests["poll"] <= count
    assert stage.books()[:2] == (0, 0)
