"""The audit log keeps what was done in the order in which it was done, the same on both databases."""

from __future__ import annotations

import pytest

from vividflow.db.database import Database
from vividflow.records import audit
from vividflow.records.audit import COMMAND_LINE, JOB, PROVIDER, Who

ADA = Who(id="ada", name="ada@example.com")


def test_the_newest_stands_first_and_jobs_and_providers_apart(database: Database) -> None:
    with database.transaction() as connection:
        audit.write(connection, ADA, "lost", JOB, "j1", 10.0, before={"state": "needs_review"}, after={"n": [1]})
        audit.write(connection, COMMAND_LINE, "pause", PROVIDER, "kling", 20.0, before={}, after={"paused": "Bill."})
        audit.write(connection, ADA, "adopt", JOB, "j2", 30.0, before={}, after={})
    with database.reading() as connection:
        found = audit.newest(connection, JOB, 10)
        assert [each.subject for each in found] == ["j2", "j1"]
        assert (found[1].who, found[1].who_id, found[1].before, found[1].after) == (
            "ada@example.com",
            "ada",
            {"state": "needs_review"},
            {"n": [1]},
        )
        assert [each.subject for each in audit.newest(connection, JOB, 1)] == ["j2"]
        paused = audit.newest_of(connection, PROVIDER, "kling", "pause")
        assert paused is not None
        assert (paused.who, paused.who_id, paused.at) == ("command line", None, 20.0)
        assert audit.newest_of(connection, PROVIDER, "kling", "resume") is None


def test_an_act_that_is_rolled_back_leaves_no_entry(database: Database) -> None:
    def act() -> None:
        with database.transaction() as connection:
            audit.write(connection, ADA, "lost", JOB, "j1", 10.0, before={}, after={})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        act()
    with database.reading() as connection:
        assert audit.newest(connection, JOB, 10) == []
