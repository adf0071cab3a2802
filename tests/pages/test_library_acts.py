"""What is done with what was chosen: one file or a zip, one video's page, marks, the trash and its end."""

from __future__ import annotations

import io
import zipfile
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest
from werkzeug.datastructures import MultiDict

from tests.api.desk import Desk
from tests.pages.browser import Browser
from tests.pages.test_jobs import row, settle
from vividflow.pages import library_zip
from vividflow.pages.library_zip import entries_of, file_name
from vividflow.records import assets
from vividflow.records.jobs import Job
from vividflow.timing import new_id

ACTS = ("download", "share", "favourite?on=1", "delete", "restore", "purge")


def act(browser: Browser, path: str, *ids: str, **more: Any):
    """The form of the library with these ticked."""
    form = MultiDict([("csrf_token", browser.token), *(("ids", each) for each in ids), *more.items()])
    return browser.client.post(f"/library/{path}", data=form)


def unpacked(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as read:
        assert read.testzip() is None
        return {name: read.read(name) for name in read.namelist()}


def test_one_is_sent_as_it_is_and_several_as_a_zip(mina: Browser, desk: Desk) -> None:
    settle(desk, mina)
    first = desk.finished(b"first film", title="Night / day: 灯台 \u202e🌊")
    second, third = desk.finished(b"second film"), desk.finished(b"third film")
    answer = act(mina, "download", first.id)
    assert (answer.status_code, answer.location) == (303, f"/api/v1/videos/jobs/{first.id}/download")
    answer = act(mina, "download", first.id, second.id, third.id)
    assert answer.status_code == 200
    assert answer.mimetype == "application/zip"
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    assert unpacked(answer.data) == {
        "Night day 灯台 🌊.mp4": b"first film",
        "A finished lighthouse.mp4": b"second film",
        "A finished lighthouse (2).mp4": b"third film",
    }


def test_a_zip_holds_only_what_is_ones_own_done_and_not_thrown_away(mina: Browser, desk: Desk) -> None:
    theirs = desk.finished(b"not yours")
    settle(desk, mina)
    made = [desk.finished(b"one"), desk.finished(b"two")]
    failed, gone = desk.finished(status="failed"), desk.finished(b"gone")
    act(mina, "delete", gone.id)
    ids = [theirs.id, failed.id, gone.id, new_id(), "no-id", *(job.id for job in made), made[0].id]
    assert sorted(unpacked(act(mina, "download", *ids).data).values()) == [b"one", b"two"]
    assert act(mina, "download", theirs.id, failed.id, gone.id).location == "/library?said=choose"


def test_a_zip_that_would_be_too_large_is_not_begun(mina: Browser, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    settle(desk, mina)
    ids = [desk.finished(b"x" * 100).id for _ in range(3)]
    with monkeypatch.context() as patch:
        patch.setattr(library_zip, "MOST_FILES", 2)
        answer = act(mina, "download", *ids)
        assert (answer.status_code, "at most 2 files" in answer.text) == (413, True)
    monkeypatch.setattr(library_zip, "MOST_BYTES", 700)
    assert act(mina, "download", *ids).status_code == 413
    assert act(mina, "download", *ids[:2]).status_code == 200


def test_a_file_that_is_not_as_it_was_is_told_before_anything_is_sent(mina: Browser, desk: Desk) -> None:
    settle(desk, mina)
    first, second = desk.finished(b"one"), desk.finished(b"two")
    with desk.tools.db.reading() as connection:
        asset = assets.of_job(connection, second.id)
    assert asset is not None
    path = desk.tools.storage.local_path(asset.storage_key)
    assert path is not None
    path.write_bytes(b"cut")
    path.write_bytes(b"")
    assert act(mina, "download", first.id, second.id).status_code == 503


def test_only_so_many_zips_are_packed_at_once_and_each_gives_its_turn_back(mina: Browser, desk: Desk) -> None:
    settle(desk, mina)
    ids = [desk.finished(b"one").id, desk.finished(b"two").id]
    with ExitStack() as turns:
        for _ in range(library_zip.AT_ONCE):
            turns.enter_context(library_zip._turns)
        answer = act(mina, "download", *ids)
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "60")
    for _ in range(library_zip.AT_ONCE + 1):
        assert act(mina, "download", *ids).status_code == 200


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("../../etc/passwd", "etc passwd"),
        ('a<b>c:"d"|e?f*', "a b c d e f"),
        ("...", None),
        ("\u202egpj.exe", "gpj.exe"),
        ("W" * 300, "W" * 60 + "…"),
    ],
)
def test_a_files_name_is_one_that_every_system_takes(desk: Desk, title: str, name: str | None) -> None:
    job = replace(desk.finished(), title=title)
    assert file_name(job) == (name or job.id)


def test_no_name_is_given_twice_whatever_the_case(desk: Desk) -> None:
    jobs = [replace(desk.finished(), title=title) for title in ("Sea", "sea", "Sea (2)")]
    with desk.tools.db.reading() as connection:
        found: list[tuple[Job, Any]] = [(job, assets.of_job(connection, job.id)) for job in jobs]
    assert [entry.name for entry in entries_of(found)] == ["Sea.mp4", "sea (2).mp4", "Sea (2) (2).mp4"]


def test_sharing_leads_to_the_page_of_the_one_that_was_chosen(mina: Browser, desk: Desk) -> None:
    settle(desk, mina)
    first, second = desk.finished().id, desk.finished().id
    assert act(mina, "share", first).location == f"/library/{first}#share"
    assert act(mina, "share", first, second).location == "/library?said=choose_one"
    mina.get("/library?said=choose_one")
    assert "Choose one video to share." in mina.text


def test_a_mark_is_set_and_taken_away_by_the_button_of_one(mina: Browser, desk: Desk) -> None:
    settle(desk, mina)
    job, other = desk.finished(), desk.finished()
    act(mina, "favourite?on=1", other.id, id=job.id, back="/library?kind=video")
    marked, plain = row(desk, job.id), row(desk, other.id)
    assert marked is not None
    assert plain is not None
    assert (marked.favourite_at is None, plain.favourite_at is None) == (False, True)
    act(mina, "favourite?on=", id=job.id)
    unmarked = row(desk, job.id)
    assert unmarked is not None
    assert unmarked.favourite_at is None
    assert act(mina, "favourite?on=1").status_code == 404


def test_the_trash_is_emptied_after_a_question_that_says_how_much_is_in_it(mina: Browser, desk: Desk) -> None:
    settle(desk, mina)
    gone, kept = [desk.finished().id for _ in range(2)], desk.finished().id
    act(mina, "delete", *gone)
    mina.get("/library/empty-trash")
    assert "2 items are in it" in mina.text
    assert act(mina, "empty-trash").location == "/library?trash=1&said=emptied"
    assert [row(desk, job_id) for job_id in gone] == [None, None]
    assert row(desk, kept) is not None
    mina.get("/library?trash=1&said=emptied")
    assert "The trash is empty." in mina.text


def test_the_script_gets_how_many_and_the_moment_that_takes_them_back(mina: Browser, desk: Desk) -> None:
    settle(desk, mina)
    job_id = desk.finished().id
    answer = mina.ask("/library/delete", {"ids": job_id}).get_json()
    assert answer["count"] == 1
    again = mina.ask("/library/restore", {"moment": repr(answer["moment"])})
    assert again.get_json()["count"] == 1
    assert mina.ask("/library/restore", {"moment": "yesterday"}).status_code == 404
    assert mina.ask("/library/restore", {"moment": "nan"}).get_json()["count"] == 0
    assert mina.ask("/library/purge", {"ids": job_id}).get_json()["count"] == 0


@pytest.mark.parametrize("path", ACTS)
def test_nothing_is_done_to_what_somebody_else_has(mina: Browser, desk: Desk, path: str) -> None:
    theirs = desk.finished()
    answers = []
    for job_id in (theirs.id, new_id()):
        answer = act(mina, path, job_id)
        answers.append((answer.status_code, str(answer.location).replace(job_id, "…")))
    assert answers[0] == answers[1]
    assert row(desk, theirs.id) == theirs


@pytest.mark.parametrize("path", ACTS)
def test_a_form_without_its_token_does_nothing(mina: Browser, desk: Desk, path: str) -> None:
    settle(desk, mina)
    job = desk.finished()
    assert mina.client.post(f"/library/{path}", data={"ids": job.id}).status_code == 403
    assert row(desk, job.id) == job
