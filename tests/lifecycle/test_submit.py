"""The one paid request: sent by the claim that wrote the intent, once, or not at all, and what each answer comes to."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from job_queue import JobQueue
from tests.lifecycle.stage import Stage, make_stage
from tests.lifecycle.test_pictures import keep_picture
from tests.simulators.replicate import ReplicateSimulator
from vividflow.errors import LeaseLost, Refused
from vividflow.lifecycle.breaker import PAUSE_SECONDS
from vividflow.lifecycle.submit import TRIES, submit
from vividflow.lifecycle.tools import Tools
from vividflow.records import due, jobs, pauses
from vividflow.records.jobs import Job
from vividflow.timing import now

FREE = (0, 0, None)


def _left(stage: Stage, job: Job) -> tuple[int, int, list[str]]:
    """Requests that left the house, what was paid, and the states of the job's orders."""
    return stage.simulator.requests["submit"], stage.simulator.paid, [each.state for each in stage.orders(job.id)]


def test_an_order_is_sent_once_and_bound_to_what_was_bought(stage: Stage) -> None:
    job = stage.step(stage.begin())
    (order,) = stage.orders(job.id)
    assert (job.state, job.generating_at is not None, job.note) == ("generating", True, None)
    assert (order.state, order.operation_id) == ("accepted", next(iter(stage.simulator.predictions)))
    assert order.request["input"]["prompt"] == "a lighthouse at dusk"
    assert (job.due_at or 0) > now() - 1
    assert _left(stage, job) == (1, 1, ["accepted"])


def test_a_run_that_ends_at_once_shows_no_hundred_percent_before_all_is_stored(stage: Stage) -> None:
    stage.simulator.generation_seconds = 0.0
    job = stage.step(stage.begin())
    assert (job.state, job.progress) == ("generating", 99)


def test_an_order_that_another_claim_meant_to_send_is_asked_about_and_never_sent(stage: Stage) -> None:
    begun = stage.begin()
    with stage.tools.db.transaction() as connection:
        due.set_free(connection, now())
    (taken_over,) = stage.queue().claim_suspects()
    job = stage.step(taken_over)
    (order,) = stage.orders(begun.id)
    assert (job.state, order.state, order.error_code) == ("reconciling", "unknown", "interrupted")
    assert "asking the provider" in (job.note or "")
    assert _left(stage, job) == (0, 0, ["unknown"])


def test_a_job_that_vanished_under_our_hands_is_left_alone(stage: Stage) -> None:
    job = stage.begin()
    with stage.tools.db.transaction() as connection:
        jobs.delete(connection, job.id)
    with pytest.raises(LeaseLost):
        submit(job, stage.tools)
    assert stage.simulator.paid == 0


def test_a_cancel_that_comes_before_the_request_left_costs_nothing(stage: Stage) -> None:
    begun = stage.begin()
    assert stage.queue().cancel(stage.user, begun.id)[0] == 202
    stopping = stage.step(stage.job(begun.id))
    assert stopping.state == "cancelling"
    job = stage.step(stopping)
    assert (job.status, job.charged, job.cost) == ("cancelled", False, 0)
    assert _left(stage, job) == (0, 0, ["refused"])
    assert stage.books() == FREE


@pytest.mark.parametrize(
    ("columns", "code"),
    [({"deadline_at": 1.0}, "deadline_exceeded"), ({"created_at": 1.0}, "queue_deadline_exceeded")],
)
def test_what_is_over_its_time_is_not_ordered_any_more(stage: Stage, columns: dict[str, Any], code: str) -> None:
    job = stage.step(stage.change(stage.begin().id, **columns))
    assert (job.status, job.error_code, job.charged) == ("failed", code, False)
    assert "not charged" in (job.error_message or "")
    assert _left(stage, job) == (0, 0, ["refused"])
    assert stage.books() == FREE


def test_a_body_with_an_upload_is_kept_before_it_is_sent(stage: Stage, tmp_path: Path) -> None:
    picture = tmp_path / "noise.upload"
    Image.effect_noise((700, 700), 120).convert("RGB").save(picture, format="PNG")
    asset = keep_picture(stage.tools, stage.user.id, picture)
    stage.simulator.faults.add("accept_then_close")
    job = stage.step(stage.begin(image_id=asset.id))
    (order,) = stage.orders(job.id)
    assert job.state == "reconciling"
    assert order.request["input"]["image"] in stage.simulator.files
    assert order.request["input"] == stage.simulator.submitted[0]["input"]


@pytest.mark.parametrize("why", ["the worker stops", "the lease is nearly over"])
def test_a_hand_that_may_not_send_puts_the_job_back_and_the_next_one_pays_once(stage: Stage, why: str) -> None:
    begun = stage.begin()
    tools = stage.tools
    if why == "the worker stops":
        stage.tools = replace(tools, keep_going=lambda: False)
    else:
        begun = stage.change(begun.id, lease_until=now() + 0.1 * tools.settings.lease_seconds)
    job = stage.step(begun)
    stage.tools = tools
    assert (job.status, job.failures, job.lease_owner) == ("queued", 0, None)
    assert (job.due_at or 0) <= now()
    assert _left(stage, job) == (0, 0, ["refused"])
    sent = stage.step(stage.again(job))
    assert (sent.state, sent.attempts) == ("generating", 2)
    assert _left(stage, job) == (1, 1, ["refused", "accepted"])


def test_whatever_breaks_while_sending_is_unknown_and_what_was_bought_is_found(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = stage.tools.provider("replicate")
    real = provider.submit

    def break_after(*given: Any) -> None:
        real(*given)
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr(provider, "submit", break_after)
    unsure = stage.step(stage.begin())
    assert (unsure.state, stage.orders(unsure.id)[0].error_code) == ("reconciling", "submit_broke")
    job = stage.step(unsure)
    assert job.state == "generating"
    assert stage.orders(job.id)[0].operation_id in stage.simulator.predictions
    assert _left(stage, job) == (1, 1, ["accepted"])


def test_a_provider_that_cannot_be_reached_is_tried_five_times_and_then_the_job_fails_free(
    tools_for: Callable[..., Tools], simulator: ReplicateSimulator
) -> None:
    with socket.socket() as nobody:  # bound, but nobody listens
        nobody.bind(("127.0.0.1", 0))
        there = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        stage = make_stage(tools_for, simulator, replicate_base_url=there)
        job = stage.step(stage.begin())
        for tries in range(1, TRIES):
            assert (job.status, job.failures) == ("queued", tries)
            assert "Trying again in" in (job.note or "")
            assert now() < (job.due_at or 0) < now() + 61
            job = stage.step(stage.again(job))
    assert (job.status, job.charged, job.cost, job.attempts) == ("failed", False, 0, TRIES)
    assert job.error_message
    assert _left(stage, job) == (0, 0, ["refused"] * TRIES)
    assert stage.books() == FREE


def test_a_busy_provider_says_when_and_uses_up_no_patience(stage: Stage) -> None:
    stage.simulator.faults.add("rate_limited")
    job = stage.step(stage.begin())
    assert (job.status, job.failures) == ("queued", 0)
    assert (job.due_at or 0) > now() + 0.5
    assert "Trying again in" in (job.note or "")
    assert stage.simulator.paid == 0


@pytest.mark.parametrize("fault", ["unauthorized", "no_credit"])
def test_a_refused_key_or_no_credit_rests_the_provider_and_the_job_waits_and_says_why(stage: Stage, fault: str) -> None:
    stage.simulator.faults.add(fault)
    job = stage.step(stage.begin())
    assert (job.status, job.error_code, job.deadline_at, job.failures) == ("queued", None, None, 0)
    assert (job.note or "").startswith("Waiting for Replicate: ")
    with stage.tools.db.reading() as connection:
        moment = now()
        assert pauses.now_paused(connection, moment)["replicate"].reason in (job.note or "")
        assert pauses.now_paused(connection, moment + PAUSE_SECONDS + 1) == {}
    stage.place()
    assert JobQueue(stage.tools, 1).claim_starts(5)[0] == []
    assert _left(stage, job)[1:] == (0, ["refused"])
    assert stage.books()[:2] == (0, 2 * job.quoted)


def test_a_refusal_of_this_wish_alone_leaves_the_provider_open(stage: Stage) -> None:
    stage.simulator.faults.add("content_refused")
    job = stage.step(stage.begin())
    (order,) = stage.orders(job.id)
    assert (job.status, job.error_code, job.charged) == ("failed", "content_policy", False)
    assert (order.state, order.charged, order.error_message) == ("refused", False, job.error_message)
    with stage.tools.db.reading() as connection:
        assert pauses.now_paused(connection, now()) == {}
    assert stage.books() == FREE


def test_a_certain_no_of_the_preparation_ends_the_job_before_anything_is_paid(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_request: object) -> None:
        raise Refused("picture_refused", "The provider does not take this picture.")

    monkeypatch.setattr(stage.tools.provider("replicate"), "prepare", refuse)
    job = stage.step(stage.begin())
    assert (job.status, job.error_code, job.charged) == ("failed", "picture_refused", False)
    assert _left(stage, job) == (0, 0, ["refused"])
