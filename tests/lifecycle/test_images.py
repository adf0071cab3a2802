"""Whole lives of jobs that make pictures: the same states, one payment, a real file that can start the next job."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from tests.api.desk import png
from tests.lifecycle.stage import Stage, make_stage
from tests.simulators.replicate import ReplicateSimulator
from vividflow.lifecycle import library
from vividflow.lifecycle.status import metadata_object, status_object
from vividflow.lifecycle.tools import Tools
from vividflow.records import assets, renditions
from vividflow.records.assets import Asset
from vividflow.records.jobs import Job

FLUX = {"model": "flux-schnell", "resolution": None}
STILL = {"model": "local-still", "resolution": "480p"}


def stored(stage: Stage, job: Job) -> tuple[Asset, bytes]:
    with stage.tools.db.reading() as connection:
        asset = assets.of_job(connection, job.id)
    assert asset is not None
    return asset, b"".join(stage.tools.storage.open_range(asset.storage_key))


def a_picture(stage: Stage, tmp_path: Path, colour: int = 200) -> str:
    given = tmp_path / f"given-{colour}.png"
    given.write_bytes(png(640, 360, colour))
    return str(library.keep(stage.tools, stage.user.id, given)[1]["id"])


def test_a_picture_goes_through_the_states_of_a_generation_and_is_kept_as_a_picture(stage: Stage) -> None:
    with stage.worker():
        job = stage.until(stage.place(**FLUX))
    assert (job.status, job.kind) == ("completed", "image"), job
    assert stage.states(job.id) == ["queued", "submitting", "generating", "downloading", "finishing", "completed"]
    assert (stage.simulator.paid, job.cost) == (1, 3_000)
    assert stage.books() == (0, 0, None)
    asset, content = stored(stage, job)
    assert (asset.kind, asset.mime, asset.width, asset.height, asset.duration) == ("image", "image/png", 640, 360, None)
    assert content == stage.simulator.film(next(iter(stage.simulator.predictions.values())))
    with stage.tools.db.reading() as connection:
        made = renditions.of_asset(connection, asset.id)
        told, facts = status_object(stage.tools, connection, job), metadata_object(stage.tools, connection, job)
    assert {each.name for each in made} == {"poster_480", "poster_960", "poster_jpeg", "provenance"}
    assert (told["kind"], told["result"]["mime_type"], told["result"]["duration"]) == ("image", "image/png", None)
    assert facts is not None
    assert (facts["video_urls"], facts["dimensions"]) == ({}, [640, 360])
    assert facts["image_url"]


def test_a_reference_picture_is_sent_as_a_list_and_decides_the_shape(stage: Stage, tmp_path: Path) -> None:
    with stage.worker():
        job = stage.until(stage.place(model="nano-banana-pro", resolution="1080p", image_id=a_picture(stage, tmp_path)))
    assert job.status == "completed", job
    (sent,) = (each["input"] for each in stage.simulator.submitted)
    assert [each.partition(",")[0] for each in sent["image_input"]] == ["data:image/png;base64"]
    assert (sent["aspect_ratio"], sent["resolution"]) == ("16:9", "2K")
    assert job.cost == 150_000


def test_a_picture_that_was_made_starts_a_video(stage: Stage) -> None:
    with stage.worker():
        still = stage.until(stage.place(**FLUX))
        job = stage.until(stage.place(image_id=still.result["asset_id"]))
    assert job.status == "completed", job
    assert stage.simulator.submitted[-1]["input"]["image"].startswith("data:image/png;base64,")


@pytest.mark.parametrize("fault", ["accept_then_close", "output_short", "poll_error", "rate_limited"])
def test_a_fault_never_pays_a_picture_twice(stage: Stage, fault: str) -> None:
    stage.simulator.faults.add(fault)
    with stage.worker():
        job = stage.until(stage.place(**FLUX))
    assert (job.status, stage.simulator.paid) == ("completed", 1), job


def test_a_lost_picture_without_a_seed_is_found_by_what_was_asked(stage: Stage) -> None:
    stage.simulator.faults.add("accept_then_close")
    with stage.worker():
        job = stage.until(stage.place(model="nano-banana-pro", resolution="720p"))
    assert (job.status, stage.simulator.paid) == ("completed", 1), job
    assert "reconciling" in stage.states(job.id)


@pytest.mark.parametrize("fault", ["output_html", "output_corrupt"])
def test_a_result_that_is_no_picture_is_fetched_again(
    stage: Stage, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vividflow.lifecycle.finish.FETCH_AGAIN_AFTER", (0.05, 0.05, 0.05))
    stage.simulator.faults.add(fault)
    with stage.worker():
        job = stage.until(stage.place(**FLUX))
    assert (job.status, stage.simulator.paid) == ("completed", 1), job


def test_a_film_where_a_picture_was_ordered_is_no_result(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vividflow.lifecycle.finish.FETCH_AGAIN_AFTER", (0.05,))
    monkeypatch.setattr("tests.simulators.replicate.PICTURE_MODELS", set())
    with stage.worker():
        job = stage.until(stage.place(**FLUX))
    assert (job.status, job.error_code, job.charged) == ("failed", "bad_result", False)
    assert stage.books() == (0, 0, None)


def test_a_model_that_the_vendor_took_away_fails_free_and_is_not_asked_again(stage: Stage) -> None:
    stage.simulator.faults.add("retired", times=None)
    with stage.worker():
        job = stage.until(stage.place(**FLUX))
    assert (job.status, job.error_code, job.charged) == ("failed", "model_retired", False)
    assert (len(stage.simulator.submitted), stage.simulator.requests["list"]) == (1, 0)


def test_a_local_still_is_free_of_the_size_asked_for_and_the_same_for_the_same_seed(stage: Stage) -> None:
    with stage.worker():
        jobs = [stage.until(stage.place(**STILL, aspect_ratio="1:1", seed=each)) for each in (7, 7, 8)]
    assert {job.status for job in jobs} == {"completed"}
    assert {job.cost for job in jobs} == {0}
    files = [stored(stage, job) for job in jobs]
    assert {(asset.mime, asset.width, asset.height) for asset, _ in files} == {("image/png", 480, 480)}
    assert files[0][1] == files[1][1] != files[2][1]


def test_a_local_still_respects_its_picture(stage: Stage, tmp_path: Path) -> None:
    with stage.worker():
        job = stage.until(stage.place(**STILL, seed=7, image_id=a_picture(stage, tmp_path)))
    asset, content = stored(stage, job)
    assert (asset.width, asset.height) == (854, 480)
    with Image.open(io.BytesIO(content)) as shown:
        red, green, blue = shown.convert("RGB").getpixel((427, 100))  # type: ignore[misc]
    assert abs(red - 200) < 6
    assert abs(green - 90) < 6
    assert abs(blue - 40) < 6


def test_a_corrupt_rehearsal_of_a_still_is_drawn_again(
    tools_for: Callable[..., Tools], simulator: ReplicateSimulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vividflow.lifecycle.finish.FETCH_AGAIN_AFTER", (0.05, 0.05, 0.05))
    rehearsal = make_stage(tools_for, simulator, local_faults_header=True)
    with rehearsal.worker():
        job = rehearsal.until(rehearsal.place(**STILL, fault="corrupt"))
    assert job.status == "completed", job
    assert "generating" in rehearsal.states(job.id)[4:]


def test_mock_mode_draws_pictures_here_and_says_so(
    tools_for: Callable[..., Tools], simulator: ReplicateSimulator
) -> None:
    mock = make_stage(tools_for, simulator, mock_vid_gens=True)
    with mock.worker():
        job = mock.until(mock.place(**FLUX))
    assert (job.kind, job.provider, job.status, simulator.paid) == ("image", "local", "completed", 0)
    with mock.tools.db.reading() as connection:
        assert status_object(mock.tools, connection, job)["result"]["is_mock"] is True


def test_a_late_picture_is_kept_as_a_picture_for_free(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vividflow.lifecycle.ending.LATE_FIRST_SECONDS", 0.5)
    monkeypatch.setattr("vividflow.lifecycle.look.LATE_LOOK_SECONDS", 0.2)
    object.__setattr__(stage.tools, "settings", stage.tools.settings.model_copy(update={"job_deadline_seconds": 0.3}))
    stage.simulator.generation_seconds = 1.2
    stage.simulator.faults.add("cancel_error", times=None)
    with stage.worker():
        job = stage.until(stage.place(**FLUX))
        assert (job.status, job.error_code) == ("failed", "deadline_exceeded")
        late = stage.until(job.id, lambda row: row.late_asset_id is not None)
    with stage.tools.db.reading() as connection:
        asset = assets.by_id(connection, stage.user.id, late.late_asset_id or "")
    assert asset is not None
    assert (asset.kind, asset.mime) == ("image", "image/png")


def test_the_words_of_a_picture_say_picture(stage: Stage) -> None:
    job_id = stage.place(**FLUX)
    with stage.tools.db.reading() as connection:
        told = status_object(
            stage.tools, connection, replace(stage.job(job_id), status="processing", stage="generating")
        )
    assert told["message"] == "Your picture is being made."
