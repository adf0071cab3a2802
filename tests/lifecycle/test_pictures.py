"""Pictures: kept upright and bare, once for equal bytes, cropped where the vendor takes its shape from them."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import pytest
from PIL import Image

from tests.lifecycle.stage import Stage
from vividflow.errors import Problem
from vividflow.lifecycle.intake import STARTS, Intake
from vividflow.lifecycle.pictures import picture_file
from vividflow.lifecycle.tools import Tools
from vividflow.records import assets
from vividflow.records.assets import Asset
from vividflow.timing import now


def keep_picture(tools: Tools, user_id: str, path: Path) -> Asset:
    """Keep one picture, as a request with a file does."""
    with Intake(tools, user_id, STARTS) as intake:
        intake.prove("image", path)
        intake.upload()
        with tools.db.transaction() as connection:
            intake.write(connection)
        return intake.proved["image"]


def _file(folder: Path, size: tuple[int, int] = (640, 400), name: str = "a.upload", **save: object) -> Path:
    path = folder / name
    image = Image.new("RGB", size, "teal")
    image.paste("orange", (0, 0, size[0] // 2, size[1] // 2))
    image.save(path, format="JPEG", **save)  # type: ignore[arg-type]
    return path


def test_equal_bytes_are_kept_once_and_a_turned_photo_upright(stage: Stage, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "a private camera"
    path = _file(tmp_path, exif=exif)
    first = keep_picture(stage.tools, stage.user.id, path)
    again = keep_picture(stage.tools, stage.user.id, path)
    assert first.id == again.id
    assert (first.width, first.height) == (400, 640)
    kept = b"".join(stage.tools.storage.open_range(first.storage_key))
    assert b"private camera" not in kept


@pytest.mark.parametrize(("size", "code"), [((255, 400), "image_too_small"), ((4100, 300), "image_too_large")])
def test_a_picture_of_the_wrong_size_is_refused_with_what_would_do(
    stage: Stage, tmp_path: Path, size: tuple[int, int], code: str
) -> None:
    with pytest.raises(Problem) as refused:
        keep_picture(stage.tools, stage.user.id, _file(tmp_path, size))
    assert (refused.value.status, refused.value.code) == (422, code)
    assert "px" in refused.value.detail


def test_what_is_no_picture_is_refused(stage: Stage, tmp_path: Path) -> None:
    path = tmp_path / "b.upload"
    path.write_text("hello, I am a picture")
    with pytest.raises(Problem) as refused:
        keep_picture(stage.tools, stage.user.id, path)
    assert refused.value.status == 422
    assert [each for each in stage.tools.settings.scratch.rglob("*") if each.is_file()] == []


def test_the_picture_is_cropped_to_the_shape_asked_for_and_the_person_is_told(stage: Stage, tmp_path: Path) -> None:
    asset = keep_picture(stage.tools, stage.user.id, _file(tmp_path, (1000, 1000)))
    with stage.worker():
        job = stage.until(stage.place(model="wan2.2", image_id=asset.id, aspect_ratio="16:9"))
    assert job.status == "completed", job.error_message
    assert any("cropped to 16:9" in warning for warning in job.params["warnings"])
    (sent,) = stage.simulator.submitted
    data = sent["input"]["image"].split(",", 1)[1]
    assert Image.open(io.BytesIO(base64.b64decode(data))).size == (1000, 562)


def test_a_picture_that_lies_elsewhere_is_brought_here_for_a_preview(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asset = keep_picture(stage.tools, stage.user.id, _file(tmp_path))
    job = stage.begin(model="local", image_id=asset.id)
    here = picture_file(job, stage.tools, "image", tmp_path)
    monkeypatch.setattr(stage.tools.storage, "local_path", lambda _: None)
    copy = picture_file(job, stage.tools, "image", tmp_path)
    assert here is not None
    assert copy is not None
    assert copy == tmp_path / "image.jpg"
    assert copy.read_bytes() == here.read_bytes()
    assert picture_file(job, stage.tools, "last_image", tmp_path) is None


@pytest.mark.parametrize("gone", ["the row", "the bytes"])
def test_a_job_whose_picture_was_removed_fails_before_anything_is_paid(stage: Stage, tmp_path: Path, gone: str) -> None:
    asset = keep_picture(stage.tools, stage.user.id, _file(tmp_path))
    job = stage.begin(image_id=asset.id)
    stage.tools.storage.delete(asset.storage_key)
    if gone == "the row":
        with stage.tools.db.transaction() as connection:
            assets.change(connection, asset.id, deleted_at=now())
    failed = stage.step(job)
    assert (failed.status, failed.error_code, failed.charged) == ("failed", "picture_gone", False)
    assert (stage.simulator.paid, stage.books()) == (0, (0, 0, None))
