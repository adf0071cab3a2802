"""Placing: all or nothing, once for each key, within every ceiling."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from tests.lifecycle.stage import Stage, make_stage
from tests.people import make_user
from tests.simulators.replicate import ReplicateSimulator
from vividflow.errors import Problem, Transient
from vividflow.lifecycle import orders as placing
from vividflow.lifecycle.orders import Once, place, replay, retry
from vividflow.lifecycle.tools import Tools
from vividflow.lifecycle.wish import Wish
from vividflow.records import idempotency, jobs, ledger
from vividflow.records.users import User
from vividflow.timing import now

ONCE = Once(address="/api/v1/generate", key="k1", fingerprint="f1")
WISH = Wish(prompt="a lighthouse", model="local")


def _count(tools: Tools) -> int:
    with tools.db.reading() as connection:
        return connection.execute(select(func.count()).select_from(jobs.jobs)).scalar_one()


def test_twenty_equal_requests_at_once_with_one_key_make_one_job(tools: Tools) -> None:
    user = make_user(tools)
    answers: list[str] = []

    def send() -> None:
        answers.append(place(tools, user, WISH, once=ONCE)[1]["job_id"])

    threads = [threading.Thread(target=send) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 20
    assert len(set(answers)) == 1
    assert _count(tools) == 1


def test_the_same_key_with_other_content_is_refused_and_another_person_s_key_is_another_key(tools: Tools) -> None:
    user, other = make_user(tools), make_user(tools)
    place(tools, user, WISH, once=ONCE)
    with pytest.raises(Problem) as refused:
        replay(tools, user.id, replace(ONCE, fingerprint="f2"))
    assert refused.value.code == "idempotency_key_reused"
    assert replay(tools, other.id, ONCE) is None
    place(tools, other, WISH, once=ONCE)
    assert _count(tools) == 2


def test_without_credit_nothing_is_made(tools_for: Callable[..., Tools], simulator: ReplicateSimulator) -> None:
    stage = make_stage(tools_for, simulator, credits=True)
    with pytest.raises(Problem) as refused:
        stage.place()
    assert (refused.value.status, refused.value.code) == (402, "insufficient_credit")
    assert _count(stage.tools) == 0
    rich = make_user(stage.tools, credit=10_000_000)
    assert place(stage.tools, rich, Wish(prompt="a lighthouse", model="wan2.2"))[0] == 202


@pytest.mark.parametrize(
    ("settings", "status", "code"),
    [
        ({"max_job_usd": 0.01}, 402, "over_budget"),
        ({"user_daily_usd": 0.01}, 402, "over_daily_budget"),
        ({"daily_usd": 0.01}, 402, "over_installation_budget"),
    ],
)
def test_a_ceiling_is_held_before_the_order(
    tools_for: Callable[..., Tools],
    simulator: ReplicateSimulator,
    settings: dict[str, object],
    status: int,
    code: str,
) -> None:
    stage = make_stage(tools_for, simulator, **settings)
    with pytest.raises(Problem) as refused:
        stage.place()
    assert (refused.value.status, refused.value.code) == (status, code)
    assert _count(stage.tools) == 0
    with stage.tools.db.reading() as connection:
        assert ledger.account(connection, stage.user.id).held == 0


def test_a_person_s_queue_has_an_end(tools_for: Callable[..., Tools]) -> None:
    tools = tools_for(user_queued=2)
    user = make_user(tools)
    place(tools, user, WISH)
    place(tools, user, WISH)
    with pytest.raises(Problem) as refused:
        place(tools, user, WISH)
    assert (refused.value.status, refused.value.retry_after) == (429, 30)


@pytest.mark.parametrize("cap", ["user_daily_usd", "daily_usd"])
def test_within_a_day_s_budget_jobs_are_placed_until_it_is_used_up(
    tools_for: Callable[..., Tools], simulator: ReplicateSimulator, cap: str
) -> None:
    price = make_stage(tools_for, simulator).begin().quoted / 1_000_000
    stage = make_stage(tools_for, simulator, **{cap: 2.5 * price if cap == "user_daily_usd" else 3.5 * price})
    stage.place()
    stage.place()
    with pytest.raises(Problem) as refused:
        stage.place()
    assert refused.value.status == 402
    assert stage.books()[1] == round(2 * price * 1_000_000)


@pytest.mark.parametrize("cap", ["user_daily_usd", "daily_usd"])
def test_many_at_once_stay_within_a_day_s_budget(
    tools_for: Callable[..., Tools], simulator: ReplicateSimulator, cap: str
) -> None:
    price = make_stage(tools_for, simulator).begin().quoted
    spent = price if cap == "daily_usd" else 0
    stage = make_stage(tools_for, simulator, **{cap: (spent + 3.5 * price) / 1_000_000})
    others = [make_user(stage.tools) for _ in range(12)] if cap == "daily_usd" else [stage.user] * 12
    together = threading.Barrier(len(others))
    refusals: list[str] = []

    def send(person: User) -> None:
        together.wait()
        try:
            place(stage.tools, person, Wish(prompt="a lighthouse", model="wan2.2", resolution="480p"))
        except Problem as problem:
            refusals.append(problem.code)

    threads = [threading.Thread(target=send, args=(person,)) for person in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    code = "over_installation_budget" if cap == "daily_usd" else "over_daily_budget"
    assert refusals == [code] * 9
    with stage.tools.db.reading() as connection:
        assert ledger.promised_since(connection, 0) == 3 * price + price


def test_what_yesterday_s_job_gives_back_makes_no_room_today(tools: Tools, user: User) -> None:
    with tools.db.transaction() as connection:
        ledger.reserve(connection, user.id, "yesterday", 100, 50.0, guarded=False)
        ledger.reserve(connection, user.id, "today", 70, 150.0, guarded=False)
        ended = ledger.Closing(kind=ledger.RELEASE, user_id=user.id, job_id="yesterday", reserved=100)
        paid = ledger.Closing(kind=ledger.SETTLE, user_id=user.id, job_id="today", reserved=70, cost=60)
        assert ledger.promised_since(connection, 100.0, user.id) == 70
        ledger.close(connection, [ended, paid], 160.0)
        assert ledger.promised_since(connection, 100.0, user.id) == 60
        assert ledger.promised_since(connection, 100.0) == 60
        assert ledger.promised_since(connection, 0.0, user.id) == 60


def test_a_webhook_whose_name_does_not_resolve_now_may_do_so_at_the_end(
    tools: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    def check(*_: object) -> None:
        raise Transient("host_not_found", "The name of the host has no address.")

    monkeypatch.setattr(tools.door, "check", check)
    assert place(tools, make_user(tools), replace(WISH, webhook_url="https://later.example.com/hook"))[0] == 202


def test_a_key_that_was_used_a_moment_ago_is_answered_with_the_first_answer_and_the_reserve_is_undone(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    wish = Wish(prompt="a lighthouse", model="wan2.2")
    first = place(stage.tools, stage.user, wish, once=ONCE)
    held = stage.books()[1]
    answers = [None, placing.replay(stage.tools, stage.user.id, ONCE)]
    monkeypatch.setattr(placing, "replay", lambda *_: answers.pop(0))  # the first look came before the other's commit
    again = place(stage.tools, stage.user, wish, once=ONCE)
    assert (again[0], again[1]["job_id"]) == (202, first[1]["job_id"])
    assert (_count(stage.tools), stage.books()) == (1, (0, held, None))


def test_a_key_whose_day_is_over_is_a_new_key_although_nobody_tidied_yet(stage: Stage) -> None:
    wish = Wish(prompt="a lighthouse", model="wan2.2")
    first = place(stage.tools, stage.user, wish, once=ONCE)
    with stage.tools.db.transaction() as connection:
        connection.execute(
            idempotency.idempotency_keys.update().values(created_at=now() - idempotency.KEPT_SECONDS - 1)
        )
    second = place(stage.tools, stage.user, wish, once=ONCE)
    third = place(stage.tools, stage.user, wish, once=ONCE)
    assert first[1]["job_id"] != second[1]["job_id"] == third[1]["job_id"]
    assert _count(stage.tools) == 2


def test_a_broken_rule_that_no_first_answer_explains_is_not_hidden(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(stage.tools, stage.user, WISH, once=ONCE)
    monkeypatch.setattr(placing, "replay", lambda *_: None)
    with pytest.raises(IntegrityError):
        place(stage.tools, stage.user, WISH, once=ONCE)
    assert _count(stage.tools) == 1


def test_how_many_wait_is_said_and_counted_no_more_than_twice_a_second(
    tools: Tools, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000.0]
    monkeypatch.setattr(placing, "monotonic", lambda: clock[0])
    user = make_user(tools)
    said = []
    for moment in (2000.0, 2000.2, 2000.6):
        clock[0] = moment
        said.append(place(tools, user, WISH)[1]["message"])
    assert said == ["Queued. 0 jobs ahead of you.", "Queued. 0 jobs ahead of you.", "Queued. 2 jobs ahead of you."]


@pytest.mark.parametrize("url", ["https://127.0.0.1/hook", "ftp://example.com/x", "https://user:pw@example.com/"])
def test_a_webhook_to_the_inside_is_refused(tools: Tools, url: str) -> None:
    with pytest.raises(Problem) as refused:
        place(tools, make_user(tools), replace(WISH, webhook_url=url))
    assert (refused.value.status, refused.value.code) == (422, "invalid_webhook_url")


def test_only_a_failed_job_is_tried_again_as_a_new_one_with_the_same_wish(stage: Stage) -> None:
    stage.simulator.faults.add("invalid")
    with stage.worker():
        failed = stage.until(stage.place())
        code, body = retry(stage.tools, stage.user, failed.id)
        again = stage.until(body["job_id"])
    assert (code, again.status) == (202, "completed")
    assert again.params["seed"] == failed.params["seed"]
    with pytest.raises(Problem) as refused:
        retry(stage.tools, stage.user, again.id)
    assert refused.value.code == "not_failed"
    with pytest.raises(Problem) as missing:
        retry(stage.tools, make_user(stage.tools), failed.id)
    assert missing.value.status == 404
    assert retry(stage.tools, make_user(stage.tools, admin=True), failed.id)[0] == 202
