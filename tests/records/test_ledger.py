"""The ledger: sums to zero whatever happens, closes each reserve once, never lends when guarded."""

from __future__ import annotations

import threading
from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from tests.people import make_user
from vividflow.lifecycle.tools import Tools
from vividflow.records import ledger
from vividflow.records.users import User

ACTS = st.tuples(st.sampled_from(["reserve", "settle", "release"]), st.integers(0, 5), st.integers(0, 900))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(ACTS, max_size=25))
def test_whatever_is_booked_in_whatever_order_the_books_balance(tools: Tools, acts: list[tuple[str, int, int]]) -> None:
    person = make_user(tools, credit=1000)
    reserved: dict[str, int] = {}
    closed: set[str] = set()
    spent = 0
    with tools.db.transaction() as connection:
        for act, job, amount in acts:
            job_id = f"{person.id}-{job}"
            if act == "reserve":
                if job_id not in reserved and ledger.reserve(connection, person.id, job_id, amount, 0.0, guarded=True):
                    reserved[job_id] = amount
            elif job_id in reserved:
                cost = min(amount, reserved[job_id])
                first = _close(connection, act, person.id, job_id, reserved[job_id], cost if act == "settle" else 0)
                assert first == (job_id not in closed)
                spent += cost if first and act == "settle" else 0
                closed.add(job_id)
        account = ledger.account(connection, person.id)
        held = sum(amount for job_id, amount in reserved.items() if job_id not in closed)
        assert ledger.total(connection) == 0
        assert account.held == held
        assert account.available == 1000 - held - spent >= 0


def test_fifty_at_once_with_credit_for_ten_get_ten(tools: Tools) -> None:
    person = make_user(tools, credit=1000)
    got: list[bool] = []

    def reserve(number: int) -> None:
        with tools.db.transaction() as connection:
            got.append(ledger.reserve(connection, person.id, f"{person.id}-{number}", 100, 0.0, guarded=True))

    threads = [threading.Thread(target=reserve, args=(n,)) for n in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert got.count(True) == 10
    with tools.db.reading() as connection:
        assert ledger.account(connection, person.id).available == 0
        assert ledger.total(connection) == 0


def test_without_the_guard_a_household_may_go_below_zero(tools: Tools, user: User) -> None:
    with tools.db.transaction() as connection:
        assert ledger.reserve(connection, user.id, "a", 700, 0.0, guarded=False)
        assert ledger.account(connection, user.id).available == -700


def test_what_is_promised_today_counts_holds_and_what_was_spent(tools_for: Callable[..., Tools]) -> None:
    tools = tools_for()
    person = make_user(tools)
    with tools.db.transaction() as connection:
        for job, amount in (("a", 100), ("b", 200), ("c", 400)):
            ledger.reserve(connection, person.id, f"{person.id}-{job}", amount, 1000.0, guarded=False)
        assert _close(connection, "settle", person.id, f"{person.id}-a", 100, 60)
        assert _close(connection, "release", person.id, f"{person.id}-b", 200)
        assert ledger.promised_since(connection, 999.0, person.id) == 460
        assert ledger.promised_since(connection, 2000.0, person.id) == 0


def test_several_reserves_of_several_people_are_closed_together_each_once(tools: Tools) -> None:
    people = [make_user(tools, credit=1000) for _ in range(2)]
    closings = [
        ledger.Closing(kind=kind, user_id=person.id, job_id=f"{person.id}-{kind}", reserved=300, cost=cost)
        for person in people
        for kind, cost in (("settle", 120), ("release", 0))
    ]
    with tools.db.transaction() as connection:
        for each in closings:
            ledger.reserve(connection, each.user_id, each.job_id, 300, 0.0, guarded=True)
        assert ledger.close(connection, closings[:1], 1.0) == [closings[0].job_id]
        assert ledger.close(connection, closings, 2.0) == [each.job_id for each in closings[1:]]
        assert ledger.close(connection, closings, 3.0) == []
        for person in people:
            account = ledger.account(connection, person.id)
            assert (account.available, account.held) == (880, 0)
        assert ledger.closing_kinds(connection, [each.job_id for each in closings]) == {
            each.job_id: each.kind for each in closings
        }
        assert ledger.total(connection) == 0


def _close(connection: Connection, kind: str, user_id: str, job_id: str, reserved: int, cost: int = 0) -> bool:
    closing = ledger.Closing(kind=kind, user_id=user_id, job_id=job_id, reserved=reserved, cost=cost)
    return ledger.close(connection, [closing], 1001.0) == [job_id]
