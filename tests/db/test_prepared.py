"""A statement compiled once writes what the ordinary way would write, on both databases."""

from __future__ import annotations

from sqlalchemy import select

from vividflow.db.prepared import Prepared
from vividflow.lifecycle.tools import Tools
from vividflow.records import job_events, orders
from vividflow.records.users import User

NAMES = ("job_id", "user_id", "at", "name", "data")


def test_values_come_back_as_they_went_in(tools: Tools, user: User) -> None:
    insert = Prepared(job_events.job_events.insert(), NAMES)
    row = {"job_id": "a", "user_id": user.id, "at": 1.25, "name": "status", "data": {"note": None, "é": [1, "ü"]}}
    with tools.db.transaction() as connection:
        assert insert.run(connection, row | {"left": "alone"}) == 1
        assert insert.run_many(connection, [row, row | {"data": {}}]) == 2
        found = (
            connection.execute(select(job_events.job_events).where(job_events.job_events.c.user_id == user.id))
            .mappings()
            .all()
        )
    assert [dict(each)["data"] for each in found] == [row["data"], row["data"], {}]
    assert {each["at"] for each in found} == {1.25}


def test_a_failing_statement_undoes_its_transaction_alone(tools: Tools, user: User) -> None:
    insert = Prepared(job_events.job_events.insert(), NAMES)
    row = {"job_id": "b", "user_id": user.id, "at": 1.0, "name": "status", "data": {}}
    failed = False
    try:
        with tools.db.transaction() as connection:
            insert.run(connection, row)
            insert.run(connection, row | {"name": None})
    except Exception as error:  # noqa: BLE001 - each driver has an error of its own
        failed = "null" in str(error).lower()
    assert failed
    with tools.db.reading() as connection:
        assert job_events.of_job(connection, "b") == []


def test_columns_of_an_order_are_changed_by_name(tools: Tools) -> None:
    with tools.db.transaction() as connection:
        orders.change(connection, "nobody", state="done", outputs=[{"url": "x"}])
