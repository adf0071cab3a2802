"""Finishing: a proven file, stored under names that stay, and only then a job that is done and paid."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from tests.lifecycle.stage import Stage
from vividflow.errors import Permanent
from vividflow.lifecycle.finish import FETCH_AGAIN_AFTER
from vividflow.records import assets, ledger, renditions
from vividflow.records.jobs import Job
from vividflow.storage.base import StorageFull, StorageGone


@pytest.fixture
def fetched(stage: Stage) -> Job:
    """A job whose video lies on this machine, unproven."""
    stage.simulator.generation_seconds = 0.0
    job = stage.step(stage.step(stage.step(stage.begin())))
    assert job.state == "finishing"
    return job


def _ready(stage: Stage, job: Job) -> Path:
    return stage.tools.settings.scratch / f"{job.id}.ready"


def _assets(stage: Stage) -> int:
    with stage.tools.db.reading() as connection:
        return connection.execute(select(func.count()).select_from(assets.assets)).scalar_one()


def test_a_proven_film_is_stored_with_its_posters_and_paid_once(stage: Stage, fetched: Job) -> None:
    film = _ready(stage, fetched).read_bytes()
    job = stage.step(fetched)
    (order,) = stage.orders(job.id)
    assert (job.status, job.progress, job.charged, job.cost) == ("completed", 100, True, job.quoted)
    assert (order.state, order.cost, order.charged) == ("done", job.quoted, True)
    with stage.tools.db.reading() as connection:
        asset = assets.by_id(connection, stage.user.id, job.result["asset_id"])
        assert asset is not None
        posters = renditions.of_asset(connection, asset.id)
        assert ledger.closing_kinds(connection, [job.id]) == {job.id: "settle"}
    assert b"".join(stage.tools.storage.open_range(asset.storage_key)) == film
    assert all(stage.tools.storage.stat(each.storage_key) for each in posters)
    assert list(stage.tools.settings.scratch.iterdir()) == []
    assert stage.books() == (0, 0, None)


def test_a_file_that_vanished_is_fetched_again_with_the_same_order(stage: Stage, fetched: Job) -> None:
    _ready(stage, fetched).unlink()
    again = stage.step(fetched)
    assert again.state == "downloading"
    job = stage.step(stage.step(again))
    assert (job.status, stage.simulator.paid, len(stage.orders(job.id))) == ("completed", 1, 1)


def test_a_film_that_stays_broken_is_fetched_three_times_more_and_then_costs_the_person_nothing(
    stage: Stage, fetched: Job
) -> None:
    job = fetched
    for again, wait in enumerate(FETCH_AGAIN_AFTER, start=1):
        _ready(stage, job).write_bytes(b"this is no film")
        job = stage.step(job)
        assert (job.state, job.result["fetched_again"]) == ("downloading", again)
        assert job.note == "The file was damaged; fetching it again."
        assert (job.due_at or 0) - job.updated_at == pytest.approx(wait)
        assert not _ready(stage, job).exists()
        job = stage.step(job)
    _ready(stage, job).write_bytes(b"this is no film")
    job = stage.step(job)
    (order,) = stage.orders(job.id)
    assert (job.status, job.error_code, job.charged, job.cost) == ("failed", "bad_result", False, 0)
    assert "fetched 4 times. You were not charged." in (job.error_message or "")
    assert (order.state, order.charged) == ("done", True)
    assert (_assets(stage), stage.books()) == (0, (0, 0, None))


def test_what_can_never_be_stored_ends_the_job_free(
    stage: Stage, fetched: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise Permanent("video_too_long", "The video is longer than this installation takes.")

    monkeypatch.setattr(type(stage.tools.decoder), "survey", refuse)
    job = stage.step(fetched)
    assert (job.status, job.error_code, job.charged) == ("failed", "video_too_long", False)
    assert stage.orders(job.id)[0].charged is True
    assert stage.books() == (0, 0, None)


@pytest.mark.parametrize(
    ("trouble", "says"),
    [
        (StorageGone("no route"), "The storage does not answer"),
        (StorageFull("quota"), "There is no room left"),
        (OSError(errno.ENOSPC, "No space left on device"), "There is no room left"),
        (OSError(errno.EACCES, "Permission denied"), "This machine had trouble: Permission denied."),
    ],
)
def test_a_storage_in_trouble_is_waited_for_and_the_paid_film_is_kept(
    stage: Stage, fetched: Job, trouble: Exception, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def put(*_: Any, **__: Any) -> None:
        raise trouble

    with monkeypatch.context() as patch:
        patch.setattr(stage.tools.storage, "put", put)
        waiting = stage.step(stage.change(fetched.id, failures=50))
    assert (waiting.state, waiting.failures) == ("finishing", 51)
    assert (waiting.note or "").startswith(says)
    assert _ready(stage, waiting).exists()
    assert _assets(stage) == 0
    job = stage.step(waiting)
    assert (job.status, job.note, stage.simulator.paid) == ("completed", None, 1)


def test_a_second_try_writes_the_same_names_again(stage: Stage, fetched: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    keys: list[str] = []
    put = stage.tools.storage.put

    def die_at_the_poster(key: str, *given: Any, **more: Any) -> object:
        keys.append(key)
        if "poster" in key and keys.count(key) == 1 and len(keys) < 3:
            raise StorageGone("cut off")
        return put(key, *given, **more)

    monkeypatch.setattr(stage.tools.storage, "put", die_at_the_poster)
    job = stage.step(stage.step(fetched))
    assert job.status == "completed"
    assert keys[:2] == keys[2:4]
    assert len(set(keys)) == 7
