"""The first step: the intent is written down, or the job ends where it stands, free."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lifecycle.stage import Stage
from vividflow.lifecycle.start import request_hash
from vividflow.records.jobs import Job
from vividflow.timing import now


def test_the_intent_is_on_disk_and_the_clock_runs_before_anything_is_sent(stage: Stage) -> None:
    job = stage.begin()
    (order,) = stage.orders(job.id)
    assert (job.state, job.attempts, order.state, order.n) == ("submitting", 1, "intent", 1)
    assert order.fence == job.fence
    assert job.deadline_at == pytest.approx((job.started_at or 0) + stage.tools.settings.job_deadline_seconds)
    assert stage.simulator.requests["submit"] == 0


@pytest.mark.parametrize(
    ("columns", "status", "code"),
    [
        ({"cancel_requested_at": 2.0}, "cancelled", None),
        ({"deadline_at": 2.0}, "failed", "deadline_exceeded"),
        ({"created_at": 2.0}, "failed", "queue_deadline_exceeded"),
    ],
)
def test_what_is_unwanted_or_over_its_time_ends_without_an_order(
    stage: Stage, columns: dict[str, Any], status: str, code: str | None
) -> None:
    waiting = stage.change(stage.place(), **columns)
    begun, again = stage.queue().claim_starts(5)
    job = stage.job(waiting.id)
    assert (begun, again) == ([], None)
    assert (job.status, job.error_code, job.charged, job.cost) == (status, code, False, 0)
    assert (stage.orders(job.id), stage.books()) == ([], (0, 0, None))


def test_a_second_order_keeps_the_clock_of_the_first(stage: Stage) -> None:
    stage.simulator.faults.add("rate_limited", retry_after=0)
    first = stage.begin()
    second = stage.again(stage.step(first))
    assert (second.attempts, second.started_at, second.deadline_at) == (2, first.started_at, first.deadline_at)


def test_orders_are_alike_when_the_provider_would_see_no_difference() -> None:
    job = Job(
        id="j", user_id="u", kind="video", state="queued", status="queued", stage="queued", lane="loop",
        created_at=now(), updated_at=now(), prompt="a lighthouse", provider="replicate", params={"seed": 3},
    )  # fmt: skip
    alike = job.but(id="k", user_id="v", params={"seed": 3, "warnings": ["cropped"], "original_prompt": "light"})
    assert request_hash(alike) == request_hash(job)
    assert request_hash(job.but(params={"seed": 4})) != request_hash(job)
    assert request_hash(job.but(prompt="a harbour")) != request_hash(job)
