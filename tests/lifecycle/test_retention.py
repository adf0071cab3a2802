"""What is over its days goes to the trash, on both databases; what is kept, in use or taken back stays."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.installation import a_job, an_asset
from tests.people import make_user
from vividflow.lifecycle import housekeeping, library, retention, trash
from vividflow.lifecycle.tools import Tools
from vividflow.records import assets, jobs, retention_rules, shares
from vividflow.records.jobs import Job
from vividflow.records.shares import Share
from vividflow.records.users import User
from vividflow.timing import new_id, now

DAY = 86400.0


def made(tools: Tools, user: User, days: float, **more: object) -> Job:
    """A finished job of that many days ago."""
    then = now() - days * DAY
    values = {"state": "completed", "status": "completed", "stage": "completed", "due_at": None}
    return a_job(tools.db, user, **(values | {"created_at": then, "updated_at": then, "finished_at": then} | more))


def trashed(tools: Tools, *things: Job) -> list[bool]:
    with tools.db.reading() as connection:
        found = [jobs.by_id(connection, each.id) for each in things]
    return [each is not None and each.deleted_at is not None for each in found]


def ruled(tools: Tools, user: User, kind: str, days: int) -> None:
    with tools.db.transaction() as connection:
        retention_rules.put(connection, user.id, kind, days)


@pytest.fixture
def ninety(tools_for: Callable[..., Tools]) -> Tools:
    return tools_for(retention_video_days=90)


def test_nothing_is_taken_while_nobody_asked_for_it(tools: Tools, user: User) -> None:
    old = made(tools, user, 4000)
    assert retention.put_away(tools, now()) == 0
    assert trashed(tools, old) == [False]


def test_each_kind_and_person_has_its_own_days(ninety: Tools) -> None:
    tools, usual, short, never = ninety, make_user(ninety), make_user(ninety), make_user(ninety)
    ruled(tools, short, "video", 7)
    ruled(tools, short, "export", 1)
    ruled(tools, never, "video", retention_rules.FOR_EVER)
    gone = [made(tools, usual, 91), made(tools, short, 8), made(tools, short, 2, kind="export")]
    gone += [made(tools, usual, 91, state="failed", status="failed")]
    stay = [made(tools, usual, 89), made(tools, short, 6), made(tools, never, 5000)]
    stay += [made(tools, short, 8, kind="image"), made(tools, usual, 2, kind="export")]
    assert retention.put_away(tools, now()) == len(gone)
    assert trashed(tools, *gone, *stay) == [True] * len(gone) + [False] * len(stay)
    with tools.db.transaction() as connection:
        retention_rules.put(connection, never.id, "video", None)
    assert retention.put_away(tools, now()) == 1


def test_what_is_kept_shown_or_under_review_is_never_taken(ninety: Tools) -> None:
    tools, user = ninety, make_user(ninety)
    marked = made(tools, user, 100, favourite_at=now())
    shown, ended, expired = (made(tools, user, 100) for _ in range(3))
    review = made(tools, user, 100, state="needs_review", status="failed")
    at_work = a_job(tools.db, user, created_at=now() - 100 * DAY)
    with tools.db.transaction() as connection:
        for job, end, expiry in ((shown, None, now() + DAY), (ended, now(), None), (expired, None, now() - 1)):
            share = Share(
                id=new_id(), job_id=job.id, user_id=user.id, created_at=now(), ended_at=end, expires_at=expiry
            )
            shares.insert(connection, share)
    assert retention.put_away(tools, now()) == 2
    assert trashed(tools, marked, shown, review, at_work) == [False] * 4
    assert trashed(tools, ended, expired) == [True, True]


def test_what_was_taken_back_has_all_its_days_again(ninety: Tools) -> None:
    tools, user = ninety, make_user(ninety)
    job = made(tools, user, 100)
    assert retention.put_away(tools, now()) == 1
    trash.restore(tools, user, job.id)
    assert retention.put_away(tools, now()) == 0
    assert retention.put_away(tools, now() + 91 * DAY) == 1


def test_uploads_go_unless_a_job_under_way_needs_them(tools_for: Callable[..., Tools]) -> None:
    tools = tools_for(retention_upload_days=30)
    user = make_user(tools)
    then = now() - 31 * DAY
    kinds = {"kind": "image", "created_at": then}
    names = ("old", "first", "last", "reference", "used_up")
    found = {name: an_asset(tools.db, user, **kinds).id for name in names}
    young, result = an_asset(tools.db, user, kind="image"), an_asset(tools.db, user, job_id=new_id(), created_at=then)
    a_job(tools.db, user, params={"image_id": found["first"], "last_image_id": found["last"]})
    a_job(tools.db, user, params={"reference_ids": [found["reference"]]})
    made(tools, user, 1, params={"image_id": found["used_up"]})
    assert retention.put_away(tools, now()) == 2

    def gone(asset_id: str) -> bool:
        with tools.db.reading() as connection:
            asset = assets.by_id(connection, user.id, asset_id)
        return asset is not None and asset.deleted_at is not None

    assert {name for name, each in found.items() if gone(each)} == {"old", "used_up"}
    assert not gone(young.id)
    assert not gone(result.id)
    library.restore(tools, user.id, found["old"])
    assert retention.put_away(tools, now()) == 0


def test_batches_end_and_go_on_behind_what_is_in_use(
    tools_for: Callable[..., Tools], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 2)
    monkeypatch.setattr(retention, "MOST_BATCHES", 2)
    tools = tools_for(retention_video_days=1, retention_upload_days=1)
    user = make_user(tools)
    for _ in range(5):
        made(tools, user, 2)
    ids = [an_asset(tools.db, user, kind="image", created_at=now() - 2 * DAY + n).id for n in range(3)]
    a_job(tools.db, user, params={"image_id": ids[0], "last_image_id": ids[1]})
    assert retention.put_away(tools, now()) == 4 + 1
    assert retention.put_away(tools, now()) == 1


def test_the_hourly_round_takes_them_and_thirty_days_later_they_are_gone(ninety: Tools) -> None:
    tools, user = ninety, make_user(ninety)
    job = made(tools, user, 91)
    housekeeping.tidy(tools)
    assert trashed(tools, job) == [True]
    assert trash.empty(tools, now() + 31 * DAY) == 1
    with tools.db.reading() as connection:
        assert jobs.by_id(connection, job.id) is None
