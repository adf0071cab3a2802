"""A person's room: everything stored counts, uploads over it and new orders are refused, what was paid for is stored."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.api.desk import png
from tests.installation import an_asset
from tests.lifecycle.stage import Stage
from tests.people import make_user
from vividflow.errors import Problem
from vividflow.lifecycle import bringing, library, orders, pieces, quota
from vividflow.lifecycle.bringing import Brought
from vividflow.lifecycle.tools import Tools
from vividflow.lifecycle.wish import Wish
from vividflow.records import quotas
from vividflow.records.users import User
from vividflow.timing import now

WISH = Wish(prompt="a lighthouse", model="local")


def used(tools: Tools, user: User) -> int:
    with tools.db.reading() as connection:
        return quota.share_of(connection, tools.settings, user.id).used


def allow(tools: Tools, user: User, most: int | None) -> None:
    with tools.db.transaction() as connection:
        quotas.put(connection, user.id, most)


def picture(folder: Path, name: str, colour: int) -> Path:
    path = folder / name
    path.write_bytes(png(colour=colour))
    return path


def refused(act: Callable[[], object]) -> Problem:
    with pytest.raises(Problem) as told:
        act()
    assert told.value.code == "over_quota"
    return told.value


def test_an_upload_that_does_not_fit_is_refused_and_leaves_nothing(tools: Tools, user: User, tmp_path: Path) -> None:
    library.keep(tools, user.id, picture(tmp_path, "a", 1))
    there = used(tools, user)
    assert there > 0
    allow(tools, user, there + 10)
    stored = [each.key for each in tools.storage.list("users")]
    problem = refused(lambda: library.keep(tools, user.id, picture(tmp_path, "b", 2)))
    assert problem.status == 413
    assert (problem.extra["used_bytes"], problem.extra["quota_bytes"]) == (there, there + 10)
    assert [each.key for each in tools.storage.list("users")] == stored
    assert refused(lambda: pieces.begin(tools, user.id, name="a.png", size=11)).status == 413
    assert pieces.begin(tools, user.id, name="a.png", size=10)[0] == 201
    assert library.keep(tools, user.id, picture(tmp_path, "a", 1))[0] == 200  # equal bytes need no room
    allow(tools, user, None)
    assert library.keep(tools, user.id, picture(tmp_path, "b", 2))[0] == 201


def test_the_trash_counts_and_other_people_do_not(tools: Tools, user: User) -> None:
    an_asset(tools.db, user, size=70, deleted_at=now())
    an_asset(tools.db, make_user(tools), size=500)
    assert used(tools, user) == 70


def test_uploads_at_once_do_not_pass_each_other_by(tools: Tools, user: User, tmp_path: Path) -> None:
    library.keep(tools, user.id, picture(tmp_path, "first", 1))
    room = 2 * used(tools, user) + 200  # one more fits
    allow(tools, user, room)
    start, ends = threading.Barrier(4), []

    def keep(colour: int) -> None:
        path = picture(tmp_path, f"{colour}", colour)
        start.wait(30)
        try:
            library.keep(tools, user.id, path)
            ends.append("kept")
        except Problem as problem:
            ends.append(problem.code)

    threads = [threading.Thread(target=keep, args=(colour,)) for colour in (20, 30, 40, 50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(ends) == ["kept", *["over_quota"] * 3]
    assert used(tools, user) <= room


def test_nothing_is_ordered_when_the_room_is_used_up(tools_for: Callable[..., Tools], tmp_path: Path) -> None:
    tools = tools_for(user_quota="1kB")
    user = make_user(tools)
    assert orders.place(tools, user, WISH)[0] == 202
    an_asset(tools.db, user, size=1000)
    brought = Brought(files={"image": picture(tmp_path, "a", 1)})
    for act in (
        lambda: orders.place(tools, user, WISH),
        lambda: orders.estimate(tools, user, WISH),
        lambda: bringing.place(tools, user, WISH, brought),
    ):
        problem = refused(act)
        assert problem.status == 409
        assert "1.0 kB of your 1.0 kB" in problem.detail
    with tools.db.transaction() as connection:
        quotas.put(connection, user.id, 2000)
    assert orders.place(tools, user, WISH)[0] == 202


def test_what_was_paid_for_is_stored_although_it_goes_over(stage: Stage) -> None:
    job_id = stage.place()
    allow(stage.tools, stage.user, 1)
    with stage.worker():
        assert stage.until(job_id).status == "completed"
    assert used(stage.tools, stage.user) > 1
    assert stage.simulator.paid == 1
    refused(stage.place)
