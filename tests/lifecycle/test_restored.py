"""After a restore nothing is ordered before the provider was asked whether it was ordered already."""

from __future__ import annotations

import pytest

from tests.lifecycle.stage import Stage
from vividflow.lifecycle.ordering import request_of, shown
from vividflow.lifecycle.restored import NOTE, ask_first
from vividflow.records import job_events
from vividflow.timing import now


def test_an_order_that_was_placed_after_the_backup_is_adopted_and_not_paid_again(stage: Stage) -> None:
    job_id = stage.place()
    backed_up_at = stage.job(job_id).updated_at
    assert ask_first(stage.tools) == 1
    unsure = stage.job(job_id)
    (order,) = stage.orders(job_id)
    assert (unsure.state, unsure.note, unsure.lease_owner) == ("reconciling", NOTE, None)
    assert (order.state, order.intent_at) == ("unknown", pytest.approx(backed_up_at))
    with stage.tools.db.reading() as connection:
        assert job_events.of_job(connection, job_id)[-1].data["state"] == "reconciling"
    provider = stage.tools.provider("replicate")
    request = request_of(unsure, stage.tools)
    provider.submit(request, shown(order, stage.tools, unsure, request=provider.prepare(request)))
    assert stage.step(unsure).state == "generating"
    assert stage.simulator.paid == 1


def test_an_order_that_never_was_is_placed_once(stage: Stage) -> None:
    job_id = stage.place()
    ask_first(stage.tools)
    stage.change_order(job_id, intent_at=now() - 600)
    queued = stage.step(stage.job(job_id))
    assert queued.status == "queued"
    assert stage.step(stage.again(queued)).state == "generating"
    assert stage.simulator.paid == 1


def test_what_costs_nothing_or_ends_anyway_is_left_as_it_is(stage: Stage) -> None:
    running = stage.begin()
    local, unwanted, late = stage.place(model="local"), stage.place(), stage.place()
    stage.change(unwanted, cancel_requested_at=now())
    stage.change(late, created_at=1.0)
    assert ask_first(stage.tools) == 0
    assert [stage.job(each).state for each in (local, unwanted, late)] == ["queued"] * 3
    assert stage.job(running.id) == running
