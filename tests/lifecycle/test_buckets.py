"""Whole lives with a bucket, and what happens to jobs that finish while it is away."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator

import pytest

import monitor
from tests.lifecycle.stage import FAST, Stage
from tests.people import make_user
from tests.simulators.buckets import CREDENTIALS, AmazonBucket, BucketSimulator, GoogleBucket
from tests.simulators.replicate import ReplicateSimulator
from vividflow.health.findings import State
from vividflow.lifecycle import carrying
from vividflow.lifecycle.status import metadata_object, status_object
from vividflow.lifecycle.tools import Tools
from vividflow.records import assets, renditions
from vividflow.storage import tries
from vividflow.storage.waiting_room import WaitingRoom

LOCAL = {"model": "local", "duration": 1, "resolution": "480p"}


@pytest.fixture(params=[GoogleBucket, AmazonBucket], ids=["gs", "s3"])
def bucket(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[BucketSimulator]:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(tries.time, "sleep", lambda _: None)
    monkeypatch.setattr(carrying, "_FIRST_PAUSE", 0.05)
    monkeypatch.setattr(carrying, "_LONGEST_PAUSE", 0.2)
    server = request.param().start()
    yield server
    server.stop()


@pytest.fixture
def stage(tools_for: Callable[..., Tools], bucket: BucketSimulator, simulator: ReplicateSimulator) -> Iterator[Stage]:
    from tests.simulators.buckets import settings_of

    tools = tools_for(**FAST, media_hands=2, **settings_of(bucket))
    yield Stage(tools=tools, user=make_user(tools), simulator=simulator)
    tools.storage.close()  # type: ignore[attr-defined]


def _promised(stage: Stage, job_id: str) -> dict[str, str]:
    """Key to SHA-256 of everything a job stored."""
    with stage.tools.db.reading() as connection:
        asset = assets.of_job(connection, job_id)
        assert asset is not None
        made = renditions.of_asset(connection, asset.id)
    return {each.storage_key: each.sha256 for each in (asset, *made)}


def _up(bucket: BucketSimulator) -> dict[str, str]:
    return {
        name.removeprefix("ours/"): hashlib.sha256(held.body).hexdigest()
        for name, held in bucket.held.items()
        if "probe" not in name
    }


def _health(stage: Stage) -> tuple[State, str]:
    found = monitor.health(
        stage.tools.settings, db=stage.tools.db, storage=lambda: stage.tools.storage, only=["storage"]
    )
    return found.checks[0].state, found.checks[0].sentence


def test_a_job_is_stored_in_the_bucket_and_nothing_waits_here(stage: Stage, bucket: BucketSimulator) -> None:
    with stage.worker():
        job = stage.until(stage.place(**LOCAL))
    assert job.status == "completed"
    assert _up(bucket) == _promised(stage, job.id)
    assert not stage.tools.settings.outgoing.exists()
    with stage.tools.db.reading() as connection:
        told = metadata_object(stage.tools, connection, job)
    assert told is not None
    assert told["storage_state"] == "stored"
    assert _health(stage) == (State.OK, "The storage writes and reads.")


def test_jobs_that_finish_while_the_bucket_is_away_are_done_served_and_stored_later(
    stage: Stage, bucket: BucketSimulator
) -> None:
    bucket.away = True
    room = stage.tools.storage
    assert isinstance(room, WaitingRoom)
    with stage.worker():
        done = [stage.until(job_id) for job_id in [stage.place(**LOCAL) for _ in range(3)]]
        assert {job.status for job in done} == {"completed"}
        promised = {key: sha for job in done for key, sha in _promised(stage, job.id).items()}
        assert len(promised) == room.waiting().count == 24
        for key, sha in promised.items():
            assert hashlib.sha256(b"".join(room.open_range(key))).hexdigest() == sha
        state, sentence = _health(stage)
        assert state is State.DEGRADED
        assert "24 files wait to go up, since" in sentence
        with stage.tools.db.reading() as connection:
            told = metadata_object(stage.tools, connection, done[0])
            status = status_object(stage.tools, connection, done[0])
        assert told is not None
        assert told["storage_state"] == "waiting"
        assert status["result_url"].startswith(f"{stage.tools.settings.public}/media/")
        assert _up(bucket) == {}
        bucket.away = False
        end = time.monotonic() + 60
        while room.waiting().count:
            assert time.monotonic() < end, room.waiting()
            time.sleep(0.05)
    assert _up(bucket) == promised
    assert [path.name for path in stage.tools.settings.outgoing.rglob("*") if path.is_file()] == [".lock"]
    assert _health(stage)[0] is State.OK


def test_a_purged_job_leaves_nothing_behind_here_or_there(stage: Stage, bucket: BucketSimulator) -> None:
    from vividflow.lifecycle import trash

    with stage.worker():
        first = stage.until(stage.place(**LOCAL))
        bucket.away = True
        second = stage.until(stage.place(**LOCAL))
    bucket.away = False
    for job in (first, second):
        trash.remove(stage.tools, stage.user, job.id, purge=True)
    assert _up(bucket) == {}
    assert stage.tools.storage.waiting().count == 0  # type: ignore[attr-defined]
