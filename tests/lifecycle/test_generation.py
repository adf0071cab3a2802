"""Whole lives of generations against a Replicate that misbehaves: one payment each, the right end, books that balance."""

from __future__ import annotations

import pytest

from tests.lifecycle.stage import Stage
from vividflow.errors import Problem
from vividflow.records import assets, renditions

# fault at the submit → how the job must end, and how many payments there may be
SUBMIT_FAULTS = {
    "accept_then_close": ("completed", 1),
    "half_answer": ("completed", 1),
    "error_after": ("completed", 1),
    "html_200": ("completed", 1),
    "empty_200": ("completed", 1),
    "no_id_200": ("completed", 1),
    "rate_limited": ("completed", 1),
    "read_then_close": ("completed", 1),
    "unauthorized": ("completed", 1),
    "no_credit": ("completed", 1),
    "retired": ("failed", 0),
    "invalid": ("failed", 0),
    "content_refused": ("failed", 0),
}
POLL_FAULTS = ("poll_error", "poll_garbage", "poll_close", "poll_rate_limited")
FETCH_FAULTS = ("output_short", "output_404", "output_expired")


def test_a_generation_goes_through_its_states_and_is_stored(stage: Stage) -> None:
    with stage.worker():
        job = stage.until(stage.place())
    assert job.status == "completed", job
    assert stage.states(job.id) == ["queued", "submitting", "generating", "downloading", "finishing", "completed"]
    assert stage.simulator.paid == 1
    assert job.cost == job.quoted > 0
    assert stage.books() == (0, 0, None)
    with stage.tools.db.reading() as connection:
        asset = assets.of_job(connection, job.id)
        assert asset is not None
        made = renditions.of_asset(connection, asset.id)
    assert {each.name for each in made} == {
        *("poster_480", "poster_960", "poster_jpeg", "poster_480_jpeg"),
        *("spritesheet", "vtt", "provenance"),
    }
    stored = b"".join(stage.tools.storage.open_range(asset.storage_key))
    assert stored == stage.simulator.film(next(iter(stage.simulator.predictions.values())))
    assert [order.state for order in stage.orders(job.id)] == ["done"]


@pytest.mark.usefixtures("soon_tried_again")
@pytest.mark.parametrize("fault", SUBMIT_FAULTS)
def test_a_fault_at_the_submit_never_pays_twice(stage: Stage, fault: str) -> None:
    status, paid = SUBMIT_FAULTS[fault]
    stage.simulator.faults.add(fault)
    with stage.worker():
        job = stage.until(stage.place())
    assert (job.status, stage.simulator.paid) == (status, paid), (job.error_code, stage.states(job.id))
    assert stage.books() == (0, 0, None)
    if status == "failed":
        assert job.charged is False
        assert job.error_message
        assert job.cost == 0


@pytest.mark.parametrize("fault", POLL_FAULTS)
def test_a_fault_at_a_look_is_only_no_news(stage: Stage, fault: str) -> None:
    stage.simulator.faults.add(fault, times=2)
    with stage.worker():
        job = stage.until(stage.place())
    assert (job.status, stage.simulator.paid) == ("completed", 1)


@pytest.mark.parametrize("fault", FETCH_FAULTS)
def test_a_fault_at_the_fetch_is_tried_again_with_the_same_order(stage: Stage, fault: str) -> None:
    stage.simulator.faults.add(fault)
    with stage.worker():
        job = stage.until(stage.place())
    assert (job.status, stage.simulator.paid) == ("completed", 1), job
    assert len(stage.orders(job.id)) == 1


@pytest.mark.parametrize("fault", ["output_html", "output_corrupt"])
def test_a_result_that_is_no_video_is_fetched_again(stage: Stage, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vividflow.lifecycle.finish.FETCH_AGAIN_AFTER", (0.1, 0.1, 0.1))
    stage.simulator.faults.add(fault)
    with stage.worker():
        job = stage.until(stage.place())
    assert (job.status, stage.simulator.paid) == ("completed", 1), job


def test_a_result_that_stays_broken_fails_free_of_charge(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vividflow.lifecycle.finish.FETCH_AGAIN_AFTER", (0.05, 0.05, 0.05))
    stage.simulator.faults.add("output_html", times=None)
    with stage.worker():
        job = stage.until(stage.place())
    assert (job.status, job.error_code, job.charged) == ("failed", "bad_result", False)
    assert stage.books() == (0, 0, None)


def test_a_run_that_the_content_check_ended_is_told_as_such(stage: Stage) -> None:
    stage.simulator.faults.add("nsfw_failed")
    with stage.worker():
        job = stage.until(stage.place())
    assert (job.status, job.error_code) == ("failed", "content_policy")


def test_cancelling_a_queued_job_is_free_and_nothing_is_ordered(stage: Stage) -> None:
    job_id = stage.place()
    code, body = stage.queue().cancel(stage.user, job_id)
    assert (code, body["status"]) == (200, "cancelled")
    with stage.worker():
        pass
    assert stage.simulator.paid == 0
    assert stage.books() == (0, 0, None)


def test_cancelling_a_running_job_asks_the_provider(stage: Stage) -> None:
    stage.simulator.generation_seconds = 60.0
    with stage.worker():
        job_id = stage.place()
        stage.until(job_id, lambda job: job.state == "generating")
        code, _ = stage.queue().cancel(stage.user, job_id)
        job = stage.until(job_id)
    assert code == 202
    assert job.status == "cancelled"
    assert [each.status(0) for each in stage.simulator.predictions.values()] or True
    assert stage.simulator.requests["cancel"] >= 1
    assert stage.books() == (0, 0, None)


def test_cancelling_a_finished_job_is_refused(stage: Stage) -> None:
    with stage.worker():
        job = stage.until(stage.place())
    with pytest.raises(Problem) as refused:
        stage.queue().cancel(stage.user, job.id)
    assert (refused.value.status, refused.value.code) == (409, "job_finished")


def test_a_deadline_ends_a_job_and_a_late_result_is_kept_for_free(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vividflow.lifecycle.ending.LATE_FIRST_SECONDS", 0.5)
    monkeypatch.setattr("vividflow.lifecycle.look.LATE_LOOK_SECONDS", 0.2)
    object.__setattr__(stage.tools, "settings", stage.tools.settings.model_copy(update={"job_deadline_seconds": 0.3}))
    stage.simulator.generation_seconds = 1.2
    stage.simulator.faults.add("cancel_error", times=None)
    with stage.worker():
        job = stage.until(stage.place())
        assert (job.status, job.error_code, job.charged) == ("failed", "deadline_exceeded", False)
        late = stage.until(job.id, lambda row: row.late_asset_id is not None)
    assert (late.status, late.updated_at) == ("failed", job.updated_at)
    assert stage.simulator.paid == 1
    assert stage.books() == (0, 0, None)


def test_a_callback_makes_a_job_due_at_once(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    from vividflow.lifecycle import callbacks

    object.__setattr__(stage.tools, "settings", stage.tools.settings.model_copy(update={"poll_first_seconds": 60.0}))
    stage.simulator.generation_seconds = 0.0  # it calls when it is done
    with stage.worker():
        job_id = stage.place()
        stage.until(job_id, lambda job: job.state == "generating")
        order = stage.orders(job_id)[0]
        monkeypatch.setattr(stage.tools.provider("replicate"), "verify_callback", lambda *_: order.operation_id)
        assert callbacks.receive(stage.tools, "replicate", order.token, {}, b"{}")
        job = stage.until(job_id, seconds=10)
    assert job.status == "completed"
    assert not callbacks.receive(stage.tools, "replicate", "no-such-token", {}, b"{}")


def test_a_callback_tells_the_id_of_an_order_whose_answer_was_lost(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vividflow.lifecycle import callbacks

    stage.simulator.generation_seconds = 0.0  # it calls when it is done
    stage.simulator.faults.add("accept_then_close")
    stage.simulator.faults.add("list_error", times=None)
    with stage.worker():
        job_id = stage.place()
        stage.until(job_id, lambda job: job.state == "reconciling")
        order = stage.orders(job_id)[0]
        (prediction,) = stage.simulator.predictions
        monkeypatch.setattr(stage.tools.provider("replicate"), "verify_callback", lambda *_: prediction)
        callbacks.receive(stage.tools, "replicate", order.token, {}, b"{}")
        job = stage.until(job_id)
    assert (job.status, stage.simulator.paid) == ("completed", 1)


def test_an_order_that_cannot_be_asked_about_needs_review_and_costs_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vividflow.lifecycle.reconcile.PATIENCE_SECONDS", 0.2)
    stage.simulator.faults.add("accept_then_close")
    stage.simulator.faults.add("list_error", times=None)
    with stage.worker():
        job = stage.until(stage.place())
    assert (job.state, job.status, job.error_code, job.charged) == ("needs_review", "failed", "outcome_unknown", False)
    assert stage.simulator.paid == 1
    assert stage.books() == (0, 0, None)
