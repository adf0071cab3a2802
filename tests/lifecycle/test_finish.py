"""Finishing: a proven file, stored under names that stay, and only then a job that is done and paid."""

from __future__ import annotations

import errno
import io
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import func, select

from tests.lifecycle.stage import Stage, make_stage
from tests.media.films import make_film
from tests.media.waiting import children, ended, until
from tests.simulators.replicate import ReplicateSimulator
from vividflow.errors import Permanent, Transient
from vividflow.lifecycle import derive
from vividflow.lifecycle.finish import FETCH_AGAIN_AFTER
from vividflow.lifecycle.housekeeping import sweep_scratch
from vividflow.lifecycle.tools import Tools
from vividflow.records import assets, ledger, renditions
from vividflow.records.jobs import Job
from vividflow.storage.base import StorageFull, StorageGone

ROOT = Path(__file__).parents[2]


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
    assert len(set(keys)) == 8


def _spoilt(path: Path, seconds: float = 4.0) -> bytes:
    """A film of 1 s that moves and then is black."""
    make_film(path, size="320x180", seconds=seconds, filters="drawbox=c=black:t=fill:enable='gte(t,1)'")
    return path.read_bytes()


def test_what_is_wrong_with_a_clip_is_kept_with_a_frame_of_it_and_the_clip_is_delivered(
    stage: Stage, fetched: Job, tmp_path: Path
) -> None:
    _ready(stage, fetched).write_bytes(_spoilt(tmp_path / "black.mp4"))
    job = stage.step(fetched)
    assert (job.status, job.charged) == ("completed", True)
    with stage.tools.db.reading() as connection:
        asset = assets.of_job(connection, job.id)
        assert asset is not None
        made = {each.name: each for each in renditions.of_asset(connection, asset.id)}
    found = {each["kind"]: each for each in asset.facts["findings"]}
    assert (found["black"]["from"], found["black"]["to"]) == (1.0, 4.0)
    assert found["black"]["words"] == "The picture is black from 1 to 4 s."
    assert found["length"]["words"].startswith("It is 4 s long;")
    frame = b"".join(stage.tools.storage.open_range(made[found["black"]["evidence"]].storage_key))
    with Image.open(io.BytesIO(frame)) as picture:
        assert max(picture.convert("L").tobytes()) < 32


def test_what_the_operator_does_not_allow_fails_the_job_at_once_and_costs_the_person_nothing(
    tools_for: Callable[..., Tools], simulator: ReplicateSimulator, tmp_path: Path
) -> None:
    simulator.generation_seconds = 0.0
    stage = make_stage(tools_for, simulator, checks_fail="frozen, black")
    fetched = stage.step(stage.step(stage.step(stage.begin())))
    _ready(stage, fetched).write_bytes(_spoilt(tmp_path / "black.mp4"))
    job = stage.step(fetched)
    (order,) = stage.orders(job.id)
    assert (job.status, job.error_code, job.charged, job.cost) == ("failed", "clip_check_failed", False, 0)
    assert job.error_message == "The picture is black from 1 to 4 s. You were not charged."
    assert (order.state, order.charged, stage.simulator.paid) == ("done", True, 1)
    assert (_assets(stage), stage.books()) == (0, (0, 0, None))
    assert list(stage.tools.settings.scratch.iterdir()) == []
    stage.tools.provider("replicate").close()  # type: ignore[attr-defined]


def test_a_film_of_which_nothing_can_be_made_is_delivered_with_its_posters(
    stage: Stage, fetched: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise trouble

    monkeypatch.setattr(derive, "finish_film", fail)
    trouble: Exception = Transient("media_timeout", "Working on the video took too long; it is tried again.")
    for times in (1, 2):
        waiting = stage.step(fetched)
        assert (waiting.state, waiting.failures) == ("finishing", times)
        fetched = waiting
    trouble = Permanent("media_failed", "The video could not be made.") if stage.tools.settings.on_sqlite else trouble
    job = stage.step(fetched)
    with stage.tools.db.reading() as connection:
        asset = assets.of_job(connection, job.id)
        assert asset is not None
        names = {each.name for each in renditions.of_asset(connection, asset.id)}
    assert (job.status, names) == ("completed", {"poster_480", "poster_960", "poster_jpeg", "provenance"})
    assert "findings" not in asset.facts


def test_a_killed_worker_leaves_no_ffmpeg_and_nothing_that_the_next_start_does_not_sweep(
    stage: Stage, fetched: Job, tmp_path: Path
) -> None:
    folder = stage.tools.settings.scratch / f"{fetched.id}.{fetched.fence}"
    folder.mkdir()
    film = make_film(tmp_path / "long.mp4", size="1280x720", seconds=20)
    program = (
        "import sys, threading\nfrom pathlib import Path\n"
        "from vividflow.media.child import Decoder\nfrom vividflow.media.finishing import finish_film\n"
        "from vividflow.media.finishing_graph import Size\nfilm, folder = map(Path, sys.argv[1:])\n"
        "sizes = [Size(name='718p', width=1276, height=718), Size(name='480p', width=854, height=480)]\n"
        "survey = Decoder().survey(film)\n"
        "work = threading.Thread(target=finish_film, args=(film, survey, sizes, folder))\nwork.start()\nwork.join()"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(film), str(folder)], cwd=ROOT) as worker:
        try:
            until(lambda: (folder / "480p.mp4").exists())
            pid = next(pid for pid, line in children(worker.pid) if "filter_complex" in line)
        finally:
            worker.kill()
    assert ended(pid)
    assert list(folder.iterdir())
    stage.change(fetched.id, fence=fetched.fence + 1)
    assert sweep_scratch(stage.tools) == 1
    assert not folder.exists()
    assert _ready(stage, fetched).exists()
