"""Pictures that come with a wish: read once the wish itself is fine, kept with its job, and else not at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from tests.api.desk import png
from tests.lifecycle.stage import Stage
from vividflow.errors import Problem, Transient
from vividflow.lifecycle import bringing, intake, library, moderation
from vividflow.lifecycle.bringing import Brought
from vividflow.lifecycle.moderation import Finding, Verdict
from vividflow.lifecycle.picture_links import Address
from vividflow.lifecycle.wish import Wish
from vividflow.records import jobs, renditions
from vividflow.storage.base import StorageFull, StorageGone

WISH = Wish(prompt="a lighthouse", model="wan2.2", resolution="480p")


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "given.png"
    path.write_bytes(png(640, 360))
    return path


def _stored(stage: Stage) -> list[Path]:
    root = stage.tools.settings.data_dir / "media" / "users"
    return [each for each in root.rglob("*") if each.is_file()] if root.exists() else []


def _kept(stage: Stage) -> list[dict[str, Any]]:
    return library.page(stage.tools, stage.user.id, limit=9)[0]


def test_a_picture_is_kept_in_the_job_s_own_transaction(stage: Stage, picture: Path) -> None:
    code, body = bringing.place(stage.tools, stage.user, WISH, Brought(files={"image": picture}))
    (kept,) = _kept(stage)
    assert (code, stage.job(body["job_id"]).params["image_id"]) == (202, kept["id"])
    assert len(_stored(stage)) == 2


def test_without_pictures_it_is_a_wish_like_any_other(stage: Stage) -> None:
    code, body = bringing.place(stage.tools, stage.user, WISH, Brought())
    assert (code, "image_id" in stage.job(body["job_id"]).params) == (202, False)
    assert bringing.estimate(stage.tools, stage.user, WISH, Brought())["estimated_cost"] == body["estimated_cost"]


def test_a_picture_by_address_is_read_into_scratch_and_kept(
    stage: Stage, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(_tools: object, address: Address, sink: Path, *, seconds: float, param: str) -> None:
        assert (address.url, param) == ("https://pictures.example.com/a.png", "image_url")
        assert 0 < seconds <= intake.LINK_SECONDS
        sink.write_bytes(picture.read_bytes())

    monkeypatch.setattr(intake, "fetch", read)
    brought = Brought(links={"image": Address(url="https://pictures.example.com/a.png")})
    _, body = bringing.place(stage.tools, stage.user, WISH, brought)
    assert stage.job(body["job_id"]).params["image_id"] == _kept(stage)[0]["id"]
    assert list((stage.tools.settings.scratch / "uploads").iterdir()) == []


def test_an_estimate_reads_the_picture_and_keeps_nothing(stage: Stage, picture: Path) -> None:
    told = bringing.estimate(stage.tools, stage.user, WISH, Brought(files={"image": picture}))
    assert told["estimated_cost"] > 0
    assert "image_id" not in told["params"]
    assert (_kept(stage), _stored(stage)) == ([], [])


def test_a_wish_that_is_refused_reads_no_picture(stage: Stage, tmp_path: Path) -> None:
    unread = Brought(files={"image": tmp_path / "there is no such file"})
    with pytest.raises(Problem) as refused:
        bringing.place(stage.tools, stage.user, replace(WISH, duration=4), unread)
    assert refused.value.code == "invalid_duration"


def test_a_job_that_cannot_be_placed_leaves_no_picture_behind(
    stage: Stage, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> None:
        raise Problem(402, "insufficient_credit", "You have no credit. Nothing was charged.")

    monkeypatch.setattr(jobs, "insert", refuse)
    with pytest.raises(Problem):
        bringing.place(stage.tools, stage.user, WISH, Brought(files={"image": picture}))
    assert (_kept(stage), _stored(stage), stage.books()) == ([], [], (0, 0, None))


def test_the_same_file_as_first_and_last_picture_is_kept_once(stage: Stage, picture: Path) -> None:
    both = Brought(files={"image": picture, "last_image": picture})
    _, body = bringing.place(stage.tools, stage.user, Wish(prompt="abc", model="local"), both)
    params = stage.job(body["job_id"]).params
    assert params["image_id"] == params["last_image_id"] == _kept(stage)[0]["id"]
    assert len(_stored(stage)) == 2


def _somebody_is_faster(stage: Stage, picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An equal upload commits between our look and our own commit."""
    real = intake.Intake.upload

    def upload(self: intake.Intake) -> None:
        monkeypatch.setattr(intake.Intake, "upload", real)
        real(self)
        library.keep(stage.tools, stage.user.id, picture)

    monkeypatch.setattr(intake.Intake, "upload", upload)


def test_an_equal_picture_that_was_faster_is_the_one_that_the_job_takes(
    stage: Stage, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _somebody_is_faster(stage, picture, monkeypatch)
    _, body = bringing.place(stage.tools, stage.user, WISH, Brought(files={"image": picture}))
    (kept,) = _kept(stage)
    assert stage.job(body["job_id"]).params["image_id"] == kept["id"]
    assert len(_stored(stage)) == 2
    assert stage.books()[1] == stage.job(body["job_id"]).quoted


def test_an_upload_that_was_overtaken_answers_with_the_faster_one(
    stage: Stage, picture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _somebody_is_faster(stage, picture, monkeypatch)
    code, body = library.keep(stage.tools, stage.user.id, picture)
    assert (code, [each["id"] for each in _kept(stage)]) == (200, [body["id"]])
    assert len(_stored(stage)) == 2


@pytest.mark.parametrize("way", ["with a job", "alone"])
def test_a_rule_that_was_broken_otherwise_is_not_hidden(
    stage: Stage, picture: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise IntegrityError("INSERT", {}, ValueError("another rule"))

    monkeypatch.setattr(renditions, "insert", broken)
    tools, user, brought = stage.tools, stage.user, Brought(files={"image": picture})
    with pytest.raises(IntegrityError):
        library.keep(tools, user.id, picture) if way == "alone" else bringing.place(tools, user, WISH, brought)
    assert (_kept(stage), _stored(stage)) == ([], [])


@pytest.mark.parametrize(
    ("trouble", "status", "code"),
    [(StorageGone("away"), 503, "storage_gone"), (StorageFull("quota"), 507, "disk_full")],
)
def test_a_storage_in_trouble_takes_no_picture_and_makes_no_job(
    stage: Stage, picture: Path, trouble: Exception, status: int, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def put(*_: Any, **__: Any) -> None:
        raise trouble

    monkeypatch.setattr(stage.tools.storage, "put", put)
    with pytest.raises(Problem) as refused:
        bringing.place(stage.tools, stage.user, WISH, Brought(files={"image": picture}))
    assert (refused.value.status, refused.value.code, stage.books()) == (status, code, (0, 0, None))


@pytest.mark.parametrize(
    ("verdict", "kept"), [(Verdict.ALLOWED, True), (Verdict.FLAGGED, True), (Verdict.REFUSED, False)]
)
def test_a_check_allows_marks_or_refuses(
    stage: Stage, picture: Path, verdict: Verdict, kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks = {"first": lambda *_: Finding(verdict=Verdict.ALLOWED), "second": lambda *_: Finding(verdict=verdict)}
    monkeypatch.setattr(moderation, "CHECKS", checks)
    if kept:
        _, body = library.keep(stage.tools, stage.user.id, picture)
        assert body["moderation"]["verdict"] == verdict
        assert body["moderation"]["checks"]["second"] == {"verdict": verdict, "reason": None}
    else:
        with pytest.raises(Problem) as refused:
            library.keep(stage.tools, stage.user.id, picture)
        assert (refused.value.status, refused.value.code) == (422, "image_refused")
        assert (_kept(stage), _stored(stage)) == ([], [])


def test_what_cannot_be_checked_is_not_taken(stage: Stage, picture: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any) -> Finding:
        raise Transient("down", "The check does not answer.")

    monkeypatch.setattr(moderation, "CHECKS", {"only": away})
    with pytest.raises(Problem) as refused:
        library.keep(stage.tools, stage.user.id, picture)
    assert (refused.value.status, refused.value.code, refused.value.retry_after) == (503, "moderation_unavailable", 60)
