"""What nobody could learn, settled by a person: adopted, declared lost or placed again, and never charged twice."""

from __future__ import annotations

from collections.abc import Callable
from unittest.mock import patch

import pytest

from tests.lifecycle.stage import Stage
from tests.lifecycle.test_callbacks import _receive
from vividflow.errors import Problem
from vividflow.lifecycle import review
from vividflow.lifecycle.answers import Advance
from vividflow.records import audit, jobs, ledger
from vividflow.records.jobs import Job
from vividflow.records.queue_figures import in_review


@pytest.fixture
def in_doubt(stage: Stage) -> Job:
    """A job in review; the provider took its order all the same."""
    stage.simulator.faults.add("accept_then_close")
    unsure = stage.step(stage.begin())
    assert unsure.state == "reconciling"
    # The ledger is closed in the move that ends it.
    job = stage.queue().commit(unsure, _gives_up())
    assert job is not None
    assert job.state == "needs_review"
    return job


def _gives_up() -> Advance:
    return Advance(to="needs_review", changes={"error_code": "outcome_unknown", "charged": False})


def _listed(stage: Stage) -> list[str]:
    with stage.tools.db.reading() as connection:
        return [each.job_id for each in in_review(connection)]


def _closings(stage: Stage, *job_ids: str) -> dict[str, str]:
    with stage.tools.db.reading() as connection:
        return ledger.closing_kinds(connection, list(job_ids))


def _looked_after(stage: Stage, job: Job) -> Job:
    """The job once its hidden job has found and stored what was made."""
    with stage.tools.db.transaction() as connection:
        connection.execute(jobs.jobs.update().where(jobs.jobs.c.kind == "late").values(due_at=0.0))
    with patch("vividflow.lifecycle.look.LATE_LOOK_SECONDS", 0.05), stage.worker():
        return stage.until(job.id, lambda each: each.late_asset_id is not None)


def _acts(stage: Stage) -> list[audit.Entry]:
    with stage.tools.db.reading() as connection:
        return audit.newest(connection, audit.JOB, 10)


def _bought(stage: Stage) -> str:
    (bought,) = stage.simulator.predictions
    return bought


def test_an_adopted_order_is_fetched_and_stored_and_charged_to_nobody(stage: Stage, in_doubt: Job) -> None:
    order = review.adopt(stage.tools, in_doubt.id, _bought(stage))
    assert _listed(stage) == []
    (bound,) = stage.orders(in_doubt.id)
    assert (bound.id, bound.state, bound.operation_id) == (order.id, "accepted", _bought(stage))
    (act,) = _acts(stage)
    assert (act.act, act.subject, act.who, act.who_id) == ("adopt", in_doubt.id, "command line", None)
    assert act.after == {"state": "failed", "order": "accepted", "operation_id": _bought(stage)}
    job = _looked_after(stage, in_doubt)
    assert (job.state, job.status, job.cost, job.charged) == ("failed", "failed", 0, False)
    assert (stage.simulator.paid, stage.books()) == (1, (0, 0, None))
    assert _closings(stage, job.id) == {job.id: "release"}


def test_what_the_provider_does_not_show_or_another_order_owns_is_not_adopted(stage: Stage, in_doubt: Job) -> None:
    with pytest.raises(Problem) as unknown:
        review.adopt(stage.tools, in_doubt.id, "nothing-of-that-name")
    assert (unknown.value.status, unknown.value.code) == (422, "unknown_operation")
    other = stage.step(stage.begin(prompt="another lighthouse"))
    with pytest.raises(Problem) as taken:
        review.adopt(stage.tools, in_doubt.id, stage.orders(other.id)[0].operation_id or "")
    assert (taken.value.status, taken.value.code) == (409, "operation_taken")
    with pytest.raises(Problem) as empty:
        review.adopt(stage.tools, in_doubt.id, " ")
    assert (empty.value.status, empty.value.code) == (422, "invalid_operation")
    assert _listed(stage) == [in_doubt.id]
    assert [each.state for each in stage.orders(in_doubt.id)] == ["unknown"]
    assert _acts(stage) == []


def test_a_late_success_after_it_was_declared_lost_is_adopted_and_charged_to_nobody(
    stage: Stage, in_doubt: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    review.declare_lost(stage.tools, in_doubt.id)
    assert _listed(stage) == []
    assert [each.state for each in stage.orders(in_doubt.id)] == ["lost"]
    assert _receive(stage, in_doubt, monkeypatch, _bought(stage))
    job = _looked_after(stage, in_doubt)
    assert (job.status, job.cost) == ("failed", 0)
    assert (stage.simulator.paid, stage.books()) == (1, (0, 0, None))


def test_a_wish_that_is_placed_again_is_charged_once_whatever_became_of_the_first(stage: Stage, in_doubt: Job) -> None:
    status, answer = review.place_again(stage.tools, in_doubt.id, by=audit.who_of(stage.user))
    assert (status, _listed(stage)) == (202, [])
    (act,) = _acts(stage)
    assert (act.act, act.who, act.who_id) == ("retry", stage.user.email, stage.user.id)
    assert act.before == {"state": "needs_review", "order": "unknown", "operation_id": None}
    assert act.after == {"state": "failed", "order": "lost", "placed": answer["job_id"]}
    with stage.worker():
        again = stage.until(answer["job_id"])
    assert (again.status, again.cost, again.params["seed"]) == ("completed", again.quoted, in_doubt.params["seed"])
    assert _closings(stage, in_doubt.id, again.id) == {in_doubt.id: "release", again.id: "settle"}
    assert stage.books() == (0, 0, None)


@pytest.mark.parametrize(
    "act",
    [
        lambda tools, job_id: review.adopt(tools, job_id, "x"),
        review.declare_lost,
        review.place_again,
    ],
    ids=["adopt", "lost", "retry"],
)
def test_only_what_is_in_review_is_settled_and_only_once(
    stage: Stage, in_doubt: Job, act: Callable[..., object]
) -> None:
    review.declare_lost(stage.tools, in_doubt.id)
    with pytest.raises(Problem) as settled:
        act(stage.tools, in_doubt.id)
    assert (settled.value.status, settled.value.code) == (409, "not_in_review")
    with pytest.raises(Problem) as missing:
        act(stage.tools, "no such job")
    assert missing.value.status == 404


def test_of_two_who_settle_the_same_job_one_is_told(
    stage: Stage, in_doubt: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = review._in_review(stage.tools, in_doubt.id)
    review.declare_lost(stage.tools, in_doubt.id)
    monkeypatch.setattr(review, "_in_review", lambda *_: seen)
    with pytest.raises(Problem, match="Somebody else settled"):
        review.place_again(stage.tools, in_doubt.id)
    assert [each.act for each in _acts(stage)] == ["lost"]
    assert _listed(stage) == []
    assert stage.books() == (0, 0, None)
