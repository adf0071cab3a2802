"""Usage: every job counts once, on the day it was ordered, for its owner alone, and goes on counting when it is gone."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from tests.people import make_user
from vividflow.lifecycle import trash
from vividflow.lifecycle.tools import Tools
from vividflow.records import jobs, ledger, ledger_lines, past_jobs, usage
from vividflow.records.jobs import Job
from vividflow.records.users import User
from vividflow.timing import new_id

DAY = 86400.0
NOVEMBER_1 = 1793491200.0  # 2026-11-01T00:00:00Z


def job(tools: Tools, user: User, at: float, status: str = "completed", **more: Any) -> Job:
    """A job that was ordered at that moment."""
    values: dict[str, Any] = {"model": "wan2.2", "provider": "replicate", "quoted": 100, "cost": 100, "actual": 100}
    made = Job(
        id=new_id(),
        user_id=user.id,
        kind=more.pop("kind", "video"),
        state=status,
        status=status,
        stage=status,
        lane="loop",
        created_at=at,
        updated_at=at,
        **(values | more),
    )
    with tools.db.transaction() as connection:
        jobs.insert(connection, made)
    return made


def sums(tools: Tools, user: User, *by: str, since: float = 0, until: float = 1e11) -> list[tuple[Any, usage.Sums]]:
    """The groups with their sums."""
    with tools.db.reading() as connection:
        return usage.grouped(connection, user.id, since, until, *by)


def test_a_day_has_all_its_seconds_and_none_of_the_next(tools: Tools, user: User) -> None:
    for at in (NOVEMBER_1 - 0.001, NOVEMBER_1, NOVEMBER_1 + DAY - 0.001, NOVEMBER_1 + DAY / 2 + 1, NOVEMBER_1 + DAY):
        job(tools, user, at)
    found = sums(tools, user, "day")
    assert [(day, row.jobs) for (day,), row in found] == [
        (NOVEMBER_1 - DAY, 1),
        (NOVEMBER_1, 3),
        (NOVEMBER_1 + DAY, 1),
    ]
    ((_, one),) = sums(tools, user, since=NOVEMBER_1, until=NOVEMBER_1 + DAY)
    assert one.jobs == 3


def test_what_is_summed(tools: Tools, user: User) -> None:
    job(tools, user, 1, made_ms=4000, quoted=100, cost=100, actual=130)
    job(tools, user, 1, made_ms=5500, quoted=300, cost=100, actual=100, params={"estimate": 90})
    job(tools, user, 1, "failed", quoted=50, cost=0, actual=None)
    job(tools, user, 1, "failed", quoted=60, cost=0, actual=60)
    job(tools, user, 1, "cancelled", quoted=70, cost=70, actual=70)
    job(tools, user, 1, "processing", quoted=1000, cost=None, actual=None)
    job(tools, user, 1, "completed", kind="late", made_ms=9000)
    job(tools, user, 1, "queued", kind="delivery")
    job(tools, make_user(tools), 1)
    ((_, found),) = sums(tools, user)
    assert found == usage.Sums(
        jobs=6,
        completed=2,
        failed=2,
        cancelled=1,
        made_ms=9500,
        estimate=100 + 90 + 60 + 70,
        actual=130 + 100 + 60 + 70,
        charged=100 + 100 + 70,
        refunded=200 + 50 + 60,
    )


def test_without_a_job_all_is_nothing(tools: Tools, user: User) -> None:
    assert sums(tools, user) == [((), usage.Sums())]
    assert sums(tools, user, "day") == []


def test_groups_and_pairs_of_groups(tools: Tools, user: User) -> None:
    job(tools, user, 1, key_id="k1")
    job(tools, user, 1, key_id="k1", model="kling3", provider="kling", actual=7)
    job(tools, user, 1, model="kling3", provider="kling", actual=5)
    assert [(group, row.actual) for group, row in sums(tools, user, "key")] == [((None,), 5), (("k1",), 107)]
    assert [(group, row.actual) for group, row in sums(tools, user, "provider")] == [
        (("kling",), 12),
        (("replicate",), 100),
    ]
    assert [(group, row.jobs) for group, row in sums(tools, user, "day", "model")] == [
        ((0, "kling3"), 2),
        ((0, "wan2.2"), 1),
    ]


def test_a_deleted_job_counts_as_before_and_never_twice(tools: Tools, user: User) -> None:
    kept = job(tools, user, NOVEMBER_1, made_ms=4000, key_id="k1", params={"estimate": 80})
    job(tools, user, NOVEMBER_1, "failed", cost=0, actual=None)
    before = {by: sums(tools, user, by) for by in usage.GROUPS}
    trash.remove(tools, user, kept.id)
    assert {by: sums(tools, user, by) for by in usage.GROUPS} == before
    trash.remove(tools, user, kept.id, purge=True)
    with tools.db.reading() as connection:
        assert jobs.by_id(connection, kept.id) is None
    assert {by: sums(tools, user, by) for by in usage.GROUPS} == before
    with pytest.raises(IntegrityError), tools.db.transaction() as connection:
        past_jobs.keep(connection, kept)


def test_a_deletion_that_is_undone_leaves_no_trace(tools: Tools, user: User) -> None:
    kept = job(tools, user, NOVEMBER_1)

    def forget_and_break() -> None:
        with tools.db.transaction() as connection:
            trash.forget(connection, kept)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        forget_and_break()
    ((_, found),) = sums(tools, user)
    assert found.jobs == 1


def test_the_ledger_is_told_in_four_words_newest_first(tools: Tools, user: User) -> None:
    paid = job(tools, user, 1, quoted=100, cost=60, actual=66, params={"estimate": 60}, prompt="a lake")
    free = job(tools, user, 1, "failed", quoted=50, cost=0, actual=None)
    unpriced = job(tools, user, 1, quoted=0, cost=0, actual=0)
    with tools.db.transaction() as connection:
        ledger.grant(connection, user.id, 1000, "welcome", 1.0)
        for each in (paid, free, unpriced):
            ledger.reserve(connection, user.id, each.id, each.quoted, 2.0, guarded=False)
        ends = {paid.id: ("settle", 60, 100), free.id: ("release", 0, 50), unpriced.id: ("settle", 0, 0)}
        for job_id, (kind, cost, held) in ends.items():
            closing = ledger.Closing(kind=kind, user_id=user.id, job_id=job_id, reserved=held, cost=cost)
            ledger.close(connection, [closing], 3.0)
    trash.remove(tools, user, free.id, purge=True)
    with tools.db.reading() as connection:
        lines = ledger_lines.page(connection, user.id, limit=20)
        first = ledger_lines.page(connection, user.id, limit=2)
        rest = ledger_lines.page(connection, user.id, limit=20, before=first[-1].id)
        assert ledger_lines.page(connection, make_user(tools).id, limit=20) == []
    assert [(line.word, line.amount) for line in lines] == [
        ("Returned", 50),
        ("Charged", 60),
        ("Returned", 40),
        ("Reserved", 50),
        ("Reserved", 100),
        ("Granted", 1000),
    ]
    assert first + rest == lines
    gone, charged, granted = lines[0], lines[1], lines[-1]
    assert (gone.there, gone.estimate, gone.actual) == (False, 50, None)
    assert (charged.there, charged.prompt, charged.estimate, charged.actual) == (True, "a lake", 60, 66)
    assert (granted.there, granted.reason, granted.job_id) == (False, "welcome", None)
