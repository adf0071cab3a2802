"""What orders came to lately says the same on both databases."""

from __future__ import annotations

from typing import Any

import pytest

from tests.installation import a_job, a_user
from tests.pages.operators import an_order
from vividflow.db.database import Database
from vividflow.records import orders
from vividflow.records.order_figures import OrderFigures, order_figures, together
from vividflow.records.users import User

NOON = 1_800_000_000.0 - 1_800_000_000 % 86400 + 43_200
WAN = ("replicate", "wan")


def _order(db: Database, user: User, age: float, **more: Any) -> None:
    job = a_job(db, user, due_at=None, provider_model="wan", state="failed", status="failed")
    an_order(db, job, **({"intent_at": NOON - age, "error_code": None, "quoted": 100} | more))


def _run(db: Database, user: User, seconds: float, age: float = 60) -> None:
    end = NOON - age
    times = {"generating_at": end - seconds, "provider_done_at": end, "finished_at": end}
    a_job(db, user, due_at=None, provider_model="wan", status="completed", state="completed", **times)


def test_nothing_was_ordered(database: Database) -> None:
    with database.reading() as connection:
        assert order_figures(connection, since=0.0, now=NOON) == {}
    assert together([]) == OrderFigures()
    assert together([]).median_seconds is None


@pytest.mark.parametrize(
    ("age", "more", "counted"),
    [
        (60, {}, (1, 0, 0)),
        (3600, {}, (0, 0, 0)),
        (60, {"error_code": "provider_error", "state": orders.UNKNOWN}, (1, 1, 0)),
        (60, {"error_code": "cancelled", "state": orders.DONE, "ended_at": NOON, "charged": False}, (1, 0, 0)),
        (3600, {"state": orders.DONE, "ended_at": NOON}, (0, 0, 100)),
        (3600, {"state": orders.DONE, "ended_at": NOON, "cost": 70}, (0, 0, 70)),
        (86_000, {"state": orders.DONE, "ended_at": NOON - 43_100}, (0, 0, 100)),  # ordered yesterday, ended today
        (86_000, {"state": orders.DONE, "ended_at": NOON - 43_300}, (0, 0, 0)),
        (60, {"state": orders.DONE, "ended_at": NOON, "error_code": "content_policy", "charged": False}, (1, 1, 0)),
        (60, {"state": orders.DONE, "ended_at": NOON, "error_code": "bad_result", "charged": True}, (1, 1, 100)),
        (60, {"state": orders.REFUSED, "ended_at": NOON, "error_code": "provider_error"}, (1, 1, 0)),
    ],
)
def test_what_counts_as_order_as_error_and_as_cost(
    database: Database, age: float, more: dict[str, Any], counted: tuple[int, int, int]
) -> None:
    _order(database, a_user(database), age, **more)
    with database.reading() as connection:
        found = order_figures(connection, since=NOON - 1800, now=NOON)[WAN]
    assert (found.placed, found.errors, found.cost) == counted


def test_the_median_is_of_the_last_day_s_runs_of_all_models_together(database: Database) -> None:
    user = a_user(database)
    for seconds in (10, 20, 900):
        _run(database, user, seconds)
    _run(database, user, 5000, age=90_000)
    with database.reading() as connection:
        found = order_figures(connection, since=NOON - 1800, now=NOON)
    assert sorted(found[WAN].seconds) == [10, 20, 900]
    assert found[WAN].median_seconds == 20
    assert together([found[WAN], OrderFigures(placed=2, errors=1, cost=5, seconds=(12.0, 14.0))]) == OrderFigures(
        placed=2, errors=1, cost=5, seconds=(*found[WAN].seconds, 12.0, 14.0)
    )
