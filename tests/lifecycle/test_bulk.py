"""Many things at once: into the trash and out of it together, and away for good with their files."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.api.desk import Desk
from tests.installation import a_job
from tests.people import make_user
from vividflow.errors import Problem
from vividflow.lifecycle import bulk, trash
from vividflow.lifecycle.trash import KEPT_SECONDS
from vividflow.records import jobs
from vividflow.records.jobs import Job
from vividflow.timing import new_id, now


@pytest.fixture
def desk(tmp_path: Path, database_url: str):
    made = Desk(tmp_path, database_url=database_url)
    yield made
    made.close()


def row(desk: Desk, job: Job) -> Job | None:
    with desk.tools.db.reading() as connection:
        return jobs.by_id(connection, job.id)


def trashed(desk: Desk, job: Job) -> bool:
    found = row(desk, job)
    assert found is not None
    return found.deleted_at is not None


def test_what_went_together_comes_back_together(desk: Desk) -> None:
    first, second, before = desk.finished(), desk.finished(status="failed"), desk.finished()
    trash.remove(desk.tools, desk.user, before.id)
    gone = bulk.remove(desk.tools, desk.user, [first.id, second.id, before.id, new_id()])
    assert gone.count == 2
    assert bulk.undo(desk.tools, make_user(desk.tools), gone.moment) == 0
    assert bulk.undo(desk.tools, desk.user, gone.moment + 1) == 0
    assert bulk.undo(desk.tools, desk.user, gone.moment) == 2
    assert [trashed(desk, job) for job in (first, second, before)] == [False, False, True]


def test_a_stranger_moves_nothing(desk: Desk) -> None:
    job, stranger = desk.finished(), make_user(desk.tools)
    assert bulk.remove(desk.tools, stranger, [job.id]).count == 0
    bulk.remove(desk.tools, desk.user, [job.id])
    assert bulk.restore(desk.tools, stranger, [job.id]) == 0
    assert bulk.purge(desk.tools, stranger, [job.id]) == 0
    assert bulk.empty(desk.tools, stranger) == 0
    assert bulk.restore(desk.tools, desk.user, [job.id]) == 1


def test_what_is_at_work_stays(desk: Desk) -> None:
    job = a_job(desk.tools.db, desk.user)
    assert bulk.remove(desk.tools, desk.user, [job.id]).count == 0
    assert not trashed(desk, job)


def test_only_what_is_in_the_trash_is_removed_for_good_and_its_files_with_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "BATCH", 2)
    made = [desk.finished() for _ in range(3)]
    kept = desk.finished()
    bulk.remove(desk.tools, desk.user, [job.id for job in made])
    assert bulk.purge(desk.tools, desk.user, [*(job.id for job in made), kept.id]) == 3
    assert [row(desk, job) for job in made] == [None, None, None]
    assert row(desk, kept) == kept
    left = {path.parent.name for path in desk.settings.data_dir.rglob("original.mp4")}
    assert left == {kept.id}


def test_an_emptied_trash_gives_nothing_back(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk, "BATCH", 2)
    monkeypatch.setattr(bulk, "EMPTIED_AT_ONCE", 2)
    made, kept = [desk.finished() for _ in range(5)], desk.finished()
    gone = bulk.remove(desk.tools, desk.user, [job.id for job in made])
    assert bulk.empty(desk.tools, desk.user) == 5
    left = [job for job in made if row(desk, job) is not None]
    assert len(left) == 3
    assert bulk.undo(desk.tools, desk.user, gone.moment) == 0
    assert bulk.restore(desk.tools, desk.user, [job.id for job in left]) == 0
    with pytest.raises(Problem) as missing:
        trash.restore(desk.tools, desk.user, left[0].id)
    assert missing.value.status == 404
    assert trash.empty(desk.tools, now()) == 3
    assert row(desk, kept) == kept


def test_emptying_what_holds_little_ends_at_once(desk: Desk) -> None:
    job = desk.finished()
    bulk.remove(desk.tools, desk.user, [job.id])
    assert bulk.empty(desk.tools, desk.user) == 1
    assert row(desk, job) is None
    assert bulk.empty(desk.tools, desk.user) == 0


def test_after_thirty_days_nothing_is_taken_back(desk: Desk) -> None:
    job = desk.finished(deleted_at=now() - KEPT_SECONDS - 1)
    assert bulk.restore(desk.tools, desk.user, [job.id]) == 0
    with pytest.raises(Problem):
        trash.restore(desk.tools, desk.user, job.id)
    assert trashed(desk, job)
