"""Webhook deliveries: from the outbox, signed, at least once, given up when told so."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
from standardwebhooks import Webhook

from tests.lifecycle.stage import Stage, make_stage
from tests.people import WEBHOOK_SECRET
from tests.providers.conftest import Receiver
from tests.simulators.replicate import ReplicateSimulator
from vividflow.errors import LeaseLost
from vividflow.lifecycle.delivery import deliver
from vividflow.lifecycle.tools import Tools
from vividflow.records import deliveries
from vividflow.records.deliveries import Delivery
from vividflow.records.jobs import Job
from vividflow.timing import now


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver().start()
    yield server
    server.stop()


@pytest.fixture
def told(tools_for: Callable[..., Tools], simulator: ReplicateSimulator, receiver: Receiver) -> Stage:
    return make_stage(tools_for, simulator, outbound_allow=f"127.0.0.1:{receiver.port}")


def _of(stage: Stage, job_id: str) -> Delivery:
    with stage.tools.db.reading() as connection:
        row = connection.execute(deliveries.deliveries.select()).mappings().one()
    assert row["about_job_id"] == job_id
    return Delivery(**row)


def test_the_end_of_a_job_is_told_once_signed_and_tried_again_with_the_same_id(
    told: Stage, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vividflow.notify.webhooks.SCHEDULE", (0, 0.1, 0.1, 0.1))
    receiver.answers = [500, 302]
    with told.worker():
        job = told.until(told.place(webhook_url=f"{receiver.url}/hook"))
        first, second, third = receiver.wait_for(3)
    assert {each.headers["webhook-id"] for each in (first, second, third)} == {first.headers["webhook-id"]}
    body = Webhook(WEBHOOK_SECRET).verify(third.body, third.headers)
    assert isinstance(body, dict)
    assert (body["type"], body["data"]["job_id"], body["data"]["status"]) == ("job.completed", job.id, "completed")
    assert json.loads(first.body) == body
    told_row = _of(told, job.id)
    assert told_row.tries >= 2


def test_an_endpoint_that_says_gone_is_not_asked_again(told: Stage, receiver: Receiver) -> None:
    receiver.answers = [410, 410]
    with told.worker():
        job = told.until(told.place(webhook_url=f"{receiver.url}/hook"))
        receiver.wait_for(1)
        from sqlalchemy import select

        from vividflow.records import jobs

        def over() -> bool:
            with told.tools.db.reading() as connection:
                state = connection.execute(select(jobs.jobs.c.state).where(jobs.jobs.c.kind == "delivery")).scalar()
            return state == "failed"

        told.until(job.id, lambda _: over())
    assert len(receiver.got) == 1
    assert _of(told, job.id).last_status == 410


def test_a_cancelled_job_is_told_too(told: Stage, receiver: Receiver) -> None:
    job_id = told.place(webhook_url=f"{receiver.url}/hook")
    told.queue().cancel(told.user, job_id)
    with told.worker():
        (message,) = receiver.wait_for(1)
    assert json.loads(message.body)["type"] == "job.cancelled"


def _message(stage: Stage, url: str) -> Job:
    """A delivery in a hand, of a message to `url`."""
    job_id = stage.place(webhook_url=url)
    stage.queue().cancel(stage.user, job_id)
    (sending,), _ = stage.queue().claim_starts(1)
    assert (sending.kind, sending.state) == ("delivery", "delivering")
    return sending


@pytest.mark.parametrize(("status", "least"), [(500, 4.9), (429, 60.0), (504, 60.0)])
def test_an_endpoint_in_trouble_is_asked_again_and_an_overloaded_one_not_within_a_minute(
    told: Stage, receiver: Receiver, status: int, least: float
) -> None:
    receiver.answers = [status]
    job = told.step(_message(told, f"{receiver.url}/hook"))
    assert (job.state, job.failures) == ("delivering", 1)
    assert (job.due_at or 0) - now() > least - 1
    row = _of(told, job.parent_id or "")
    assert (row.tries, row.last_status, row.delivered_at) == (1, status, None)


def test_after_the_last_try_the_message_is_given_up_and_says_why(told: Stage, receiver: Receiver) -> None:
    sending = _message(told, f"{receiver.url}/hook")
    receiver.answers = [500]
    with told.tools.db.transaction() as connection:
        connection.execute(deliveries.deliveries.update().values(tries=9))
    job = told.step(sending)
    assert (job.status, job.error_code, job.error_message) == (
        "failed",
        "webhook_undelivered",
        "The receiver answered 500.",
    )
    assert _of(told, job.parent_id or "").tries == 10


def test_a_message_that_was_forgotten_with_its_job_is_not_sent(told: Stage, receiver: Receiver) -> None:
    sending = _message(told, f"{receiver.url}/hook")
    with told.tools.db.transaction() as connection:
        deliveries.delete_about(connection, sending.parent_id or "")
    with pytest.raises(LeaseLost):
        deliver(sending, told.tools)
    assert receiver.got == []
