"""The local renderer's lives: rehearsed faults, cancelling, files that vanish, the trash."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from tests.lifecycle.stage import Stage, make_stage
from tests.people import make_user
from tests.simulators.replicate import ReplicateSimulator
from vividflow.errors import Problem
from vividflow.lifecycle import trash
from vividflow.lifecycle.housekeeping import sweep_scratch, tidy
from vividflow.lifecycle.status import order_history, stages, status_object
from vividflow.lifecycle.tools import Tools
from vividflow.records import assets, jobs
from vividflow.storage.base import StorageGone
from vividflow.timing import now

LOCAL = {"model": "local", "duration": 1, "resolution": "480p"}


@pytest.fixture
def rehearsal(tools_for: Callable[..., Tools], simulator: ReplicateSimulator) -> Stage:
    return make_stage(tools_for, simulator, local_faults_header=True, job_deadline_seconds=2.5)


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("accept_lost", "completed", None),
        ("rate_limit:times=1,seconds=0.1", "completed", None),
        ("late:seconds=0.3", "completed", None),
        ("content", "failed", "content_policy"),
        ("stall", "failed", "deadline_exceeded"),
    ],
)
def test_a_rehearsed_fault_ends_as_the_real_one_would(
    rehearsal: Stage, fault: str, status: str, code: str | None
) -> None:
    with rehearsal.worker():
        job = rehearsal.until(rehearsal.place(**LOCAL, fault=fault))
    assert (job.status, job.error_code) == (status, code), job
    assert rehearsal.books() == (0, 0, None)


def test_a_corrupt_rehearsal_is_rendered_again(rehearsal: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vividflow.lifecycle.finish.FETCH_AGAIN_AFTER", (0.05, 0.05, 0.05))
    object.__setattr__(
        rehearsal.tools, "settings", rehearsal.tools.settings.model_copy(update={"job_deadline_seconds": 60})
    )
    with rehearsal.worker():
        job = rehearsal.until(rehearsal.place(**LOCAL, fault="corrupt"))
    assert job.status == "completed"
    assert "generating" in rehearsal.states(job.id)[4:]


def test_a_stalled_rendering_waits_and_ends_at_its_deadline_free(rehearsal: Stage) -> None:
    rendering = rehearsal.step(rehearsal.begin(**LOCAL, fault="stall"))
    waiting = rehearsal.step(rendering)
    assert (waiting.state, waiting.looks) == ("generating", 1)
    job = rehearsal.step(rehearsal.change(waiting.id, deadline_at=now() - 1))
    assert (job.status, job.error_code, job.charged) == ("failed", "deadline_exceeded", False)
    assert rehearsal.books() == (0, 0, None)


def test_a_late_rendering_begins_when_it_was_told_to(rehearsal: Stage) -> None:
    rendering = rehearsal.step(rehearsal.begin(**LOCAL, fault="late:seconds=30"))
    waiting = rehearsal.step(rendering)
    assert waiting.state == "generating"
    assert rehearsal.step(rehearsal.change(waiting.id, generating_at=now() - 31)).state == "downloading"


def test_a_rendering_job_is_stopped_when_its_owner_says_so(stage: Stage) -> None:
    with stage.worker():
        job_id = stage.place(model="local", duration=60, resolution="1080p")
        stage.until(job_id, lambda job: job.state == "generating")
        assert stage.queue().cancel(stage.user, job_id)[0] == 202
        job = stage.until(job_id)
    assert (job.status, job.charged) == ("cancelled", False)


def test_the_public_view_of_a_finished_job_says_everything_once(stage: Stage) -> None:
    with stage.worker():
        job = stage.until(stage.place(**LOCAL))
    with stage.tools.db.reading() as connection:
        told = status_object(stage.tools, connection, job)
        parts = stages(connection, job)
        history = order_history(connection, job)
    assert (told["status"], told["progress"], told["stage"]) == ("completed", 100, "completed")
    assert told["result_url"].startswith(stage.tools.settings.public)
    assert told["metrics"]["attempts"] == 1
    assert [part["state"] for part in parts] == ["done"] * 5
    assert [order["state"] for order in history] == ["done"]


def test_the_trash_takes_a_finished_job_gives_it_back_and_empties_for_good(stage: Stage) -> None:
    with stage.worker():
        job = stage.until(stage.place(**LOCAL))
    with pytest.raises(Problem) as foreign:
        trash.remove(stage.tools, make_user(stage.tools), job.id)
    assert foreign.value.status == 404
    trash.remove(stage.tools, stage.user, job.id)
    with pytest.raises(Problem):
        trash.remove(stage.tools, stage.user, job.id)
    assert trash.restore(stage.tools, stage.user, job.id).deleted_at is None
    with pytest.raises(Problem) as outside:
        trash.restore(stage.tools, stage.user, job.id)
    assert outside.value.code == "not_in_trash"
    with stage.tools.db.reading() as connection:
        asset = assets.of_job(connection, job.id)
    assert asset is not None
    trash.remove(stage.tools, stage.user, job.id)
    assert trash.empty(stage.tools, now()) == 0
    assert trash.empty(stage.tools, now() + trash.KEPT_SECONDS + 1) == 1
    assert stage.tools.storage.stat(asset.storage_key) is None
    with pytest.raises(Problem):
        trash.restore(stage.tools, stage.user, job.id)


def test_a_job_at_work_cannot_be_deleted_and_purging_removes_at_once(stage: Stage) -> None:
    job_id = stage.place(**LOCAL)
    with pytest.raises(Problem) as busy:
        trash.remove(stage.tools, stage.user, job_id)
    assert (busy.value.status, busy.value.code) == (409, "job_not_finished")
    with stage.worker():
        stage.until(job_id)
    trash.remove(stage.tools, stage.user, job_id, purge=True)
    with pytest.raises(Problem):
        trash.restore(stage.tools, stage.user, job_id)


def test_what_the_storage_cannot_delete_now_is_gone_from_the_lists_all_the_same(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    job = stage.begin(**LOCAL)
    while not job.over:
        job = stage.step(job)

    def away(_key: str) -> None:
        raise StorageGone("no route")

    monkeypatch.setattr(stage.tools.storage, "delete", away)
    trash.remove(stage.tools, stage.user, job.id, purge=True)
    with stage.tools.db.reading() as connection:
        assert jobs.by_id(connection, job.id) is None
        assert assets.all_of_job(connection, job.id) == []
    assert "the storage is away" in caplog.text


def test_an_upload_that_nobody_came_back_for_is_swept_after_an_hour(stage: Stage) -> None:
    scratch = stage.tools.settings.scratch
    scratch.mkdir(parents=True)
    (scratch / "forgotten.upload").write_text("half a picture")
    os.utime(scratch / "forgotten.upload", (now() - 3700, now() - 3700))
    (scratch / "vanishing.upload").symlink_to(scratch / "just taken away")
    assert sweep_scratch(stage.tools) == 1
    assert [each.name for each in scratch.iterdir()] == ["vanishing.upload"]


def test_tidying_says_what_it_took_and_says_nothing_when_there_was_nothing(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    tidy(stage.tools)
    assert "swept" not in caplog.text
    stage.tools.settings.scratch.mkdir(parents=True)
    (stage.tools.settings.scratch / "gone-job.ready").write_text("nobody's")
    tidy(stage.tools)
    assert "swept 1 scratch names, trashed 0 old jobs and uploads, emptied the trash of 0," in caplog.text


def test_the_sweep_takes_what_the_dead_left_and_nothing_else(stage: Stage) -> None:
    job_id = stage.place(**LOCAL)
    scratch = stage.tools.settings.scratch
    scratch.mkdir(parents=True)
    (scratch / f"{job_id}.ready").write_text("wanted")
    (scratch / f"{job_id}.99").mkdir()
    (scratch / "gone-job.ready").write_text("nobody's")
    (scratch / "gone-job.3.part").write_text("half")
    (scratch / "somebody.upload").write_text("just arriving")
    assert sweep_scratch(stage.tools) == 3
    assert sorted(path.name for path in scratch.iterdir()) == sorted([f"{job_id}.ready", "somebody.upload"])
    tidy(stage.tools)
