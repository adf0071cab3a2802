"""Fetching the result: until it is here, for as long as the provider keeps it, and never by paying again."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest

from tests.lifecycle.stage import Stage
from vividflow.errors import Transient
from vividflow.lifecycle.fetch import KEPT_SECONDS, REFUSED_TRIES
from vividflow.providers.base import Operation, OperationStatus, Output
from vividflow.records.jobs import Job
from vividflow.timing import now

LOCAL = {"model": "local", "duration": 1, "resolution": "480p"}
SUCCEEDED = OperationStatus.SUCCEEDED


@pytest.fixture
def made(stage: Stage) -> Job:
    """A job whose video lies at the provider's."""
    stage.simulator.generation_seconds = 0.0
    job = stage.step(stage.step(stage.begin()))
    assert job.state == "downloading"
    return job


def _scratch(stage: Stage) -> list[str]:
    return sorted(each.name for each in stage.tools.settings.scratch.iterdir())


def _ready(stage: Stage, job: Job) -> Path:
    return stage.tools.settings.scratch / f"{job.id}.ready"


def _says(stage: Stage, monkeypatch: pytest.MonkeyPatch, operation: Operation) -> None:
    monkeypatch.setattr(stage.tools.provider("replicate"), "poll", lambda *_: operation)


def test_the_result_is_here_under_one_name_before_the_job_goes_on(stage: Stage, made: Job) -> None:
    job = stage.step(made)
    (prediction,) = stage.simulator.predictions.values()
    assert (job.state, job.failures) == ("finishing", 0)
    assert _ready(stage, job).read_bytes() == stage.simulator.film(prediction)
    assert _scratch(stage) == [f"{job.id}.ready"]


def test_a_preview_that_is_gone_from_the_disk_is_made_again_for_nothing(stage: Stage) -> None:
    rendered = stage.step(stage.step(stage.begin(**LOCAL)))
    assert (rendered.state, _ready(stage, rendered).exists()) == ("downloading", True)
    assert stage.step(rendered).state == "finishing"
    _ready(stage, rendered).unlink()
    job = stage.step(stage.step(stage.job(rendered.id)))
    assert (job.state, len(stage.orders(job.id))) == ("generating", 1)


def test_a_link_that_is_over_is_asked_for_anew_and_nothing_is_paid(stage: Stage, made: Job) -> None:
    stage.change_order(made.id, outputs=[])
    waiting = stage.step(made)
    assert (waiting.state, waiting.failures, waiting.looks) == ("downloading", 1, made.looks + 1)
    assert stage.orders(made.id)[0].outputs
    assert stage.step(waiting).state == "finishing"
    assert stage.simulator.paid == 1


@pytest.mark.parametrize("answer", ["none", "running"])
def test_without_a_new_link_it_waits_and_says_so(
    stage: Stage, made: Job, answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.change_order(made.id, outputs=[])
    if answer == "running":
        _says(stage, monkeypatch, Operation(id="op", status=OperationStatus.RUNNING))
    else:
        stage.simulator.faults.add("poll_error")
    job = stage.step(made)
    assert (job.state, job.failures, job.note) == ("downloading", 1, "Fetching the result again.")
    assert now() < (job.due_at or 0) < now() + 2


def test_a_provider_that_takes_its_success_back_ends_the_job_free(
    stage: Stage, made: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.change_order(made.id, outputs=[])
    failed = Operation(id="op", status=OperationStatus.FAILED, error_code="content_policy", error_message="Refused.")
    _says(stage, monkeypatch, failed)
    job = stage.step(made)
    assert (job.status, job.error_code, job.error_message, job.charged) == (
        "failed",
        "content_policy",
        "Refused.",
        False,
    )
    assert stage.orders(job.id)[0].state == "done"
    assert stage.books() == (0, 0, None)


def test_a_cancel_that_came_too_late_does_not_hold_up_a_job_whose_result_was_taken_back(
    stage: Stage, made: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.change_order(made.id, outputs=[])
    asked = stage.change(made.id, cancel_requested_at=now())
    _says(stage, monkeypatch, Operation(id="op", status=OperationStatus.FAILED, cancelled=True, charged=True))
    job = stage.step(asked)
    assert (job.status, job.charged, stage.orders(job.id)[0].state) == ("failed", False, "done")
    assert stage.books() == (0, 0, None)


def test_a_result_inside_the_answer_is_taken_from_another_look(
    stage: Stage, made: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.change_order(made.id, outputs=[{"inline": "yes"}])
    _says(stage, monkeypatch, Operation(id="op", status=SUCCEEDED, outputs=(Output(data=b"a small film"),)))
    job = stage.step(made)
    assert (job.state, _ready(stage, job).read_bytes()) == ("finishing", b"a small film")


@pytest.mark.parametrize("outputs", [(), (Output(url="https://example.com/x.mp4"),)])
def test_an_answer_that_holds_the_result_no_more_is_asked_where_it_is_now(
    stage: Stage, made: Job, outputs: tuple[Output, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    stage.change_order(made.id, outputs=[{"inline": "yes"}])
    _says(stage, monkeypatch, Operation(id="op", status=SUCCEEDED, outputs=outputs))
    job = stage.step(made)
    assert (job.state, job.failures) == ("downloading", 1)
    assert stage.orders(job.id)[0].outputs == [{"url": each.url} for each in outputs]


def test_a_result_too_large_to_take_ends_the_job_free_although_it_was_paid(
    stage: Stage, made: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vividflow.lifecycle.fetch.MOST_BYTES", 1000)
    job = made
    for _ in range(REFUSED_TRIES):
        job = stage.step(job)
    (order,) = stage.orders(job.id)
    assert (job.status, job.charged, job.cost) == ("failed", False, 0)
    assert (order.state, order.charged, order.error_code) == ("done", True, job.error_code)
    assert _scratch(stage) == []
    assert stage.books() == (0, 0, None)


@pytest.mark.parametrize("link", ["file:///etc/passwd", "http://169.254.169.254/x", "https://films.example/a b", "x"])
def test_one_strange_link_costs_no_clip_that_was_paid(stage: Stage, made: Job, link: str) -> None:
    stage.change_order(made.id, outputs=[{"url": link}])
    waiting = stage.step(made)
    assert (waiting.state, waiting.result["fetches_refused"]) == ("downloading", 1)
    assert stage.step(waiting).state == "finishing"
    assert (stage.simulator.paid, len(stage.orders(made.id))) == (1, 1)


@pytest.mark.parametrize("odd", ["\x00", "\ud800"])
def test_a_link_that_no_row_can_hold_is_asked_for_anew(stage: Stage, odd: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.simulator.generation_seconds = 0.0
    ordered = stage.step(stage.begin())
    with monkeypatch.context() as strange:
        outputs = (Output(url=f"https://films.example/{odd}"),)
        _says(stage, strange, Operation(id="op", status=SUCCEEDED, outputs=outputs))
        job = stage.step(ordered)
    assert (job.state, stage.orders(job.id)[0].outputs) == ("downloading", [])
    assert stage.step(stage.step(job)).state == "finishing"
    assert stage.simulator.paid == 1


def test_a_strange_link_that_stays_ends_the_job_free(stage: Stage, made: Job) -> None:
    stage.simulator.faults.add("poll_error", times=None)
    stage.change_order(made.id, outputs=[{"url": "ftp://films.example/x"}])
    job = made
    for _ in range(REFUSED_TRIES):
        assert job.state == "downloading"
        job = stage.step(job)
    assert (job.status, job.error_code, job.charged) == ("failed", "scheme_not_allowed", False)
    assert stage.books() == (0, 0, None)


@pytest.mark.parametrize("asked", [None, 77.0])
def test_a_host_in_trouble_is_asked_again_when_it_says_or_soon(
    stage: Stage, made: Job, asked: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fetch(*_: Any, **__: Any) -> None:
        raise Transient("busy", "The host is busy.", retry_after=asked)

    monkeypatch.setattr(stage.tools.door, "fetch", fetch)
    job = stage.step(made)
    wait = (job.due_at or 0) - job.updated_at
    assert (job.state, job.failures, job.note) == ("downloading", 1, "Fetching the result again.")
    assert wait == pytest.approx(asked) if asked else 0 < wait <= 1.2


def test_a_full_disk_is_waited_for_and_told(stage: Stage, made: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    def fetch(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(stage.tools.door, "fetch", fetch)
    job = stage.step(made)
    assert (job.state, job.note) == (
        "downloading",
        "There is no room left on this machine; the job goes on when there is.",
    )


def test_what_the_provider_keeps_no_longer_is_lost_and_free(
    stage: Stage, made: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor = stage.tools.registry.vendors["replicate"]
    kept = vendor.retention_seconds or KEPT_SECONDS
    stage.simulator.faults.add("output_404", times=None)
    long_ago = stage.change(made.id, provider_done_at=now() - kept - 1)
    job = stage.step(long_ago)
    (order,) = stage.orders(job.id)
    assert (job.status, job.error_code, job.charged) == ("failed", "result_lost", False)
    assert "not charged" in (job.error_message or "")
    assert (order.state, order.charged) == ("done", True)
    assert stage.books() == (0, 0, None)
