"""Pictures and models: made to fit where that is harmless, refused with the reason and the way out where it is not."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from tests.installation import an_asset
from tests.lifecycle.stage import Stage
from tests.lifecycle.test_pictures import keep_picture
from vividflow.errors import Permanent, Problem
from vividflow.lifecycle import library
from vividflow.lifecycle.fit import check_fit
from vividflow.lifecycle.pictures import load_picture
from vividflow.providers.registry import load_registry
from vividflow.records import jobs
from vividflow.records.assets import Asset

STRICT = """
[[models]]
id = "wan2.2"
[[models.routes]]
provider = "replicate"
text = "wan-video/wan-2.2-t2v-fast"
image = "wan-video/wan-2.2-i2v-fast"
picture = {{ {picture} }}
price_date = 2026-11-21
price_source = "a test"
prices = [{{ usd = 0.05 }}]
"""


def strict(folder: Path, picture: str) -> Path:
    """A registry file in which wan2.2 takes only such pictures, and its shape not from them."""
    path = folder / "models.toml"
    path.write_text("dated = 2026-11-21\n" + STRICT.format(picture=picture))
    return path


def choosy(stage: Stage, folder: Path, picture: str) -> None:
    """From now on the stage's wan2.2 takes only such pictures."""
    stage.tools = replace(stage.tools, registry=load_registry(strict(folder, picture)))


def picture_of(width: int, height: int) -> Asset:
    values = {"id": "x", "user_id": "u", "kind": "image", "storage_key": "k", "mime": "image/png", "size": 1}
    return Asset(**values, sha256="", created_at=0, width=width, height=height)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("picture", "size", "shape", "code"),
    [
        ("min_side = 300", (299, 400), None, "image_too_small_for_model"),
        ("min_side = 300", (300, 400), None, None),
        ("min_side = 300", (400, 400), "16:9", "image_too_small_for_model"),
        ("min_side = 300, max_side = 1000", (4000, 1000), None, "image_too_small_for_model"),
        ("min_side = 300, max_side = 1000", (3000, 1000), None, None),
        ("ratio = [0.4, 2.5]", (1001, 400), None, "image_wrong_shape"),
        ("ratio = [0.4, 2.5]", (1000, 400), None, None),
        ("ratio = [0.4, 2.5]", (400, 1001), None, "image_wrong_shape"),
        ("ratio = [0.4, 2.5]", (400, 2000), "9:16", None),
        ("", (4096, 256), None, None),
    ],
)
def test_what_cannot_be_mended_is_refused(
    picture: str, size: tuple[int, int], shape: str | None, code: str | None, tmp_path: Path
) -> None:
    model = load_registry(strict(tmp_path, picture)).model("wan2.2")
    assert model is not None
    if code is None:
        check_fit(model, model.routes[0], "image", picture_of(*size), shape=shape)
        return
    with pytest.raises(Problem) as refused:
        check_fit(model, model.routes[0], "last_image", picture_of(*size), shape=shape)
    assert (refused.value.status, refused.value.code, refused.value.param) == (422, code, "last_image")
    assert model.title in refused.value.detail
    assert f"{size[0]} × {size[1]}" in refused.value.detail
    assert "choose another model" in refused.value.detail


def test_a_wish_is_held_against_its_route(stage: Stage, tmp_path: Path) -> None:
    choosy(stage, tmp_path, "min_side = 500")
    asset = keep_picture(stage.tools, stage.user.id, _saved(tmp_path / "a.png", Image.new("RGB", (400, 600))))
    with pytest.raises(Problem) as refused:
        stage.place(model="wan2.2", image_id=asset.id)
    assert refused.value.code == "image_too_small_for_model"


@pytest.mark.parametrize(
    ("picture", "given", "format", "size"),
    [
        ('formats = ["jpeg"]', "PNG", "JPEG", (800, 600)),
        ('formats = ["jpeg", "png"]', "PNG", "PNG", (800, 600)),
        ('formats = ["png"]', "WEBP", "PNG", (800, 600)),
        ('formats = ["jpeg"], max_side = 400', "JPEG", "JPEG", (400, 300)),
        ("max_bytes = 60000", "PNG", "JPEG", (800, 600)),
    ],
)
def test_the_model_gets_what_it_takes(
    picture: str, given: str, format: str, size: tuple[int, int], stage: Stage, tmp_path: Path
) -> None:
    choosy(stage, tmp_path, picture)
    image = Image.effect_noise((800, 600), 30).convert("RGBA")
    image.putalpha(Image.new("L", (800, 600), 0).point(lambda _: 40))
    asset = keep_picture(
        stage.tools, stage.user.id, _saved(tmp_path / "a", image.convert("RGB") if given == "JPEG" else image, given)
    )
    found = load_picture(stage.job(stage.place(image_id=asset.id)), stage.tools, "image")
    assert found is not None
    assert (found.mime, found.width, found.height) == (f"image/{format.lower()}", *size)
    with Image.open(io.BytesIO(found.data)) as sent:
        sent.load()
    assert (sent.format, sent.size) == (format, size)
    if given == "PNG" and format == "JPEG":  # white was put behind what is mostly transparent
        level = sent.convert("L").getpixel((5, 5))
        assert isinstance(level, int)
        assert level > 190
    if "max_bytes" in picture:
        assert len(found.data) <= 60_000


def test_what_nothing_makes_small_enough_says_so(stage: Stage, tmp_path: Path) -> None:
    choosy(stage, tmp_path, "max_bytes = 2000")
    noise = Image.effect_noise((800, 600), 90).convert("RGB")
    asset = keep_picture(stage.tools, stage.user.id, _saved(tmp_path / "a.jpg", noise, "JPEG"))
    with pytest.raises(Permanent) as refused:
        load_picture(stage.job(stage.place(image_id=asset.id)), stage.tools, "image")
    assert refused.value.code == "image_too_large"
    assert [each for each in stage.tools.settings.scratch.rglob("*") if each.is_file()] == []


def test_a_picture_in_the_trash_is_not_sent_and_costs_nothing(stage: Stage, tmp_path: Path) -> None:
    asset = keep_picture(stage.tools, stage.user.id, _saved(tmp_path / "a.png", Image.new("RGB", (400, 300))))
    job_id = stage.place(model="wan2.2", image_id=asset.id)
    library.remove(stage.tools, stage.user.id, asset.id)
    with stage.worker():
        job = stage.until(job_id)
    assert (job.status, job.error_code, job.charged) == ("failed", "picture_gone", False)
    assert "deleted" in (job.error_message or "")
    assert stage.simulator.submitted == []


def test_an_order_that_may_be_placed_still_finds_its_picture_in_the_trash(stage: Stage, tmp_path: Path) -> None:
    asset = keep_picture(stage.tools, stage.user.id, _saved(tmp_path / "a.png", Image.new("RGB", (400, 300))))
    job_id = stage.place(model="wan2.2", image_id=asset.id, aspect_ratio="16:9")
    library.remove(stage.tools, stage.user.id, asset.id)
    with stage.tools.db.reading() as connection:
        job = jobs.by_id(connection, job_id)
    assert job is not None
    with pytest.raises(Permanent):
        load_picture(job, stage.tools, "image")
    first, again = (load_picture(job, stage.tools, "image", asking=True) for _ in range(2))
    assert first is not None
    assert first == again  # orders are found by comparing what was sent


def test_a_job_whose_picture_is_gone_for_good_says_so(stage: Stage) -> None:
    asset = an_asset(stage.tools.db, stage.user, kind="image", mime="image/png", width=400, height=300)
    job_id = stage.place(model="wan2.2", image_id=asset.id)
    with stage.worker():
        job = stage.until(job_id)
    assert (job.status, job.error_code) == ("failed", "picture_gone")


def _saved(path: Path, image: Image.Image, format: str = "PNG") -> Path:
    image.save(path, format)
    return path
