"""The circuit breaker: what shuts an account, who may try it, what opens it again, and that everybody sees it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.lifecycle.stage import Stage
from vividflow.errors import Outcome, Permanent, Refused, Transient, Unknown
from vividflow.lifecycle import breaker
from vividflow.lifecycle.standing import Gate, Standing
from vividflow.records import dead_routes, pauses, rate_tokens
from vividflow.records.orders import OrderRow
from vividflow.records.pauses import Pause
from vividflow.timing import now

AWAY = Transient("provider_unreachable", "Replicate cannot be reached just now.")
UNSURE = Unknown("outcome_unknown", "The answer was lost.")
NO_KEY = Refused("provider_key_refused", "Replicate does not accept the configured key.", pauses=True)
NOT_SO = Refused("content_policy", "Not this.")


@pytest.fixture
def order(stage: Stage) -> OrderRow:
    return stage.orders(stage.begin().id)[0]


def _told(stage: Stage, order: OrderRow, outcome: Outcome, moment: float) -> None:
    writes = breaker.judged(stage.tools, order, outcome, moment)
    with stage.tools.db.transaction() as connection:
        for write in writes:
            write(connection)
    stage.tools.standing.forget()


def _kept(stage: Stage) -> Pause | None:
    stage.tools.standing.forget()
    return stage.tools.standing.kept("replicate", "")


def _seconds_shut(stage: Stage, moment: float) -> float:
    kept = _kept(stage)
    assert kept is not None
    return round((kept.until or moment) - moment, 1)


@pytest.mark.parametrize("outcome", [AWAY, UNSURE])
def test_five_failures_within_two_minutes_shut_an_account_for_every_process(
    stage: Stage, order: OrderRow, outcome: Outcome
) -> None:
    moment = now()
    for n in range(breaker.FAILURES_TO_SHUT):
        assert stage.tools.standing.of("replicate", "").gate is Gate.OPEN
        _told(stage, order, outcome, moment + n)
    stand = Standing(stage.tools.settings, stage.tools.db).of("replicate", "any/model")
    assert (stand.gate, stand.code, stand.reason) == (Gate.SHUT, outcome.code, outcome.message)
    assert _seconds_shut(stage, moment + 4) == breaker.SHUT_SECONDS


def test_failures_that_are_far_apart_or_have_a_success_between_them_shut_nothing(stage: Stage, order: OrderRow) -> None:
    moment = now()
    for n in range(2 * breaker.FAILURES_TO_SHUT):
        _told(stage, order, AWAY, moment + n * breaker.WINDOW_SECONDS)
    for _ in range(breaker.FAILURES_TO_SHUT - 2):
        _told(stage, order, AWAY, moment + 2000)
    kept = _kept(stage)
    assert kept is not None
    assert kept.trips == 0
    with stage.tools.db.transaction() as connection:
        for write in breaker.opened(stage.tools, order):
            write(connection)
    assert _kept(stage) is None
    assert breaker.opened(stage.tools, order) == ()


def test_a_failed_probe_shuts_twice_as_long_and_those_who_were_on_their_way_change_nothing(
    stage: Stage, order: OrderRow
) -> None:
    moment = now()
    for _ in range(breaker.FAILURES_TO_SHUT + 3):  # the last three were sent before it shut
        _told(stage, order, AWAY, moment)
    assert _seconds_shut(stage, moment) == 30
    for seconds in (60, 120, 240, 480, 600, 600):
        with stage.tools.db.transaction() as connection:
            assert breaker.let_through(connection, stage.tools, "replicate", "", moment + 5000)
            assert not breaker.let_through(connection, stage.tools, "replicate", "", moment + 5000)
        _told(stage, order, AWAY, moment + 5001)
        assert _seconds_shut(stage, moment + 5001) == seconds
        stage_until_over(stage)


def stage_until_over(stage: Stage) -> None:
    kept = _kept(stage)
    assert kept is not None
    with stage.tools.db.transaction() as connection:
        pauses.pause(connection, replace(kept, until=1.0))


def test_a_refused_key_shuts_at_once_and_is_tried_ever_more_seldom(stage: Stage, order: OrderRow) -> None:
    moment = now()
    _told(stage, order, NO_KEY, moment)
    _told(stage, order, NO_KEY, moment)  # on its way already
    assert _seconds_shut(stage, moment) == 60
    for seconds in (120, 240):
        stage_until_over(stage)
        with stage.tools.db.transaction() as connection:
            assert breaker.let_through(connection, stage.tools, "replicate", "", moment)
        _told(stage, order, NO_KEY, moment)
        assert _seconds_shut(stage, moment) == seconds


def test_a_provider_that_refuses_a_wish_is_there_but_that_says_nothing_of_a_refused_key(
    stage: Stage, order: OrderRow
) -> None:
    _told(stage, order, NOT_SO, now())
    assert _kept(stage) is None
    _told(stage, order, AWAY, now())
    _told(stage, order, NOT_SO, now())
    assert _kept(stage) is None
    _told(stage, order, NO_KEY, now())
    _told(stage, order, NOT_SO, now())
    assert _kept(stage) is not None


@pytest.mark.parametrize(
    "outcome", [Transient("put_down", "Stopping.", counts=False), Unknown("interrupted", "Cut."), Permanent("x", "No.")]
)
def test_our_own_trouble_is_no_providers_fault(stage: Stage, order: OrderRow, outcome: Outcome) -> None:
    assert breaker.judged(stage.tools, order, outcome, now()) == ()


def test_a_model_that_is_gone_is_not_ordered_by_that_key_again(stage: Stage, order: OrderRow) -> None:
    _told(stage, order, Refused("model_retired", "Replicate no longer offers this model.", retired=True), now())
    standing = stage.tools.standing
    assert standing.dead("replicate", order.provider_model) == "Replicate no longer offers this model."
    assert standing.dead("replicate", "another/model") is None
    other = stage.tools.settings.model_copy(update={"replicate_base_url": "http://elsewhere.example"})
    assert Standing(other, stage.tools.db).dead("replicate", order.provider_model) is None
    with stage.tools.db.reading() as connection:
        assert [each.provider_model for each in dead_routes.all_of(connection)] == [order.provider_model]


def test_a_busy_provider_rests_for_everybody_and_only_a_long_rest_is_worth_a_detour(
    stage: Stage, order: OrderRow
) -> None:
    moment = now()
    _told(stage, order, Transient("rate_limited", "Busy.", retry_after=0.0, counts=False), moment)
    assert stage.tools.standing.of("replicate", "").gate is Gate.OPEN
    for seconds, brief in ((20.0, True), (90.0, False)):
        _told(stage, order, Transient("rate_limited", "Busy.", retry_after=seconds, counts=False), moment)
        stand = stage.tools.standing.of_provider("replicate")
        assert (stand.gate, stand.code, stand.brief) == (Gate.SHUT, "rate_limited", brief)
    with stage.tools.db.reading() as connection:
        assert rate_tokens.held(connection, moment) == {"replicate:submits": pytest.approx(moment + 90)}
    stage.place()
    assert stage.queue().claim_starts(5) == ([], None)


def test_a_shut_account_lets_one_job_through_when_its_time_is_up_and_opens_for_all_when_that_one_is_taken(
    stage: Stage,
) -> None:
    stage.simulator.faults.add("unauthorized")
    first = stage.step(stage.begin())
    assert first.status == "queued"
    stage.change(first.id, due_at=first.created_at)
    others = [stage.place() for _ in range(3)]
    assert stage.queue().claim_starts(5) == ([], None)
    stage_until_over(stage)
    stage.tools.standing.forget()
    (probe,) = stage.queue().claim_starts(5)[0]
    assert stage.queue().claim_starts(5)[0] == []
    assert stage.step(probe).state == "generating"
    assert _kept(stage) is None
    assert len(stage.queue().claim_starts(5)[0]) == len(others)


def test_a_probe_that_fails_uses_up_no_patience_of_its_job(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object) -> None:
        raise AWAY

    monkeypatch.setattr(stage.tools.provider("replicate"), "submit", away)
    with stage.tools.db.transaction() as connection:
        account = stage.tools.standing.account("replicate", "")
        pauses.pause(
            connection,
            Pause(provider="replicate", account=account, reason="Away.", since=now(), until=1.0, trips=3, failures=5),
        )
    stage.tools.standing.forget()
    job = stage.step(stage.begin())
    assert (job.status, job.failures) == ("queued", 0)
    kept = _kept(stage)
    assert kept is not None
    assert (kept.trips, kept.probing) == (4, False)


def test_a_fault_that_is_rehearsed_for_one_job_holds_up_nobody_else(stage: Stage, order: OrderRow) -> None:
    rehearsed = replace(order, provider="local", provider_model="local")
    for outcome in (NO_KEY, AWAY, Transient("rate_limited", "Busy.", retry_after=30.0, counts=False)):
        assert breaker.judged(stage.tools, rehearsed, outcome, now()) == ()
