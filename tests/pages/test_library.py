"""The library without script: what it finds, in which days and pages, and what can be done with what is ticked."""

from __future__ import annotations

import re
from html import escape, unescape
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import update

from tests.api.desk import Desk
from tests.pages.browser import Browser
from tests.pages.test_jobs import row, settle, words_of
from vividflow.pages import library
from vividflow.records import jobs
from vividflow.records.jobs import Job
from vividflow.timing import new_id, now

HOSTILE = '<img src=x onerror=alert(1)> "quoted" \u202eevil\u202c 🌊' + "x" * 200
POSTS = ("download", "share", "favourite", "delete", "restore", "purge")


def shown(browser: Browser) -> list[str]:
    """The ids of the tiles, in order."""
    return re.findall(r'<li class="tile[^>]* data-job="([^"]+)"', browser.text)


def kept(desk: Desk, name: str, age: float = 0.0, **more: Any) -> Job:
    moment = now() - age
    times = {"created_at": moment, "updated_at": moment, "finished_at": moment}
    given: dict[str, Any] = times | more
    return desk.finished(prompt=name, **given)


@pytest.fixture
def shelf(desk: Desk, mina: Browser) -> dict[str, Job]:
    settle(desk, mina)
    return {
        "old": kept(desk, "A storm, long ago", 40 * 86400),
        "storm": kept(desk, "A STORM over the harbour", 86400, params={"seed": 4711, "aspect_ratio": "9:16"}),
        "calm": kept(desk, "A calm lake", 60, title="Storm's end", favourite_at=now()),
        "still": kept(desk, "A still", 30, kind="image"),
    }


@pytest.mark.parametrize(("query", "names"), [
    ("", ["still", "calm", "storm", "old"]), ("?sort=oldest", ["old", "storm", "calm", "still"]),
    ("?q=storm", ["calm", "storm", "old"]), ("?q=4711", ["storm"]), ("?q=harbour+storm", ["storm"]), ("?q=%25", []),
    ("?kind=image", ["still"]), ("?favourite=1", ["calm"]), ("?shape=portrait", ["storm"]),
    ("?date=month", ["still", "calm", "storm"]), ("?q=storm&date=month&sort=oldest", ["storm", "calm"]),
    ("?kind=nonsense&sort=nonsense&page=x", ["still", "calm", "storm", "old"]),
])  # fmt: skip
def test_search_filters_and_order_are_in_the_address(
    mina: Browser, shelf: dict[str, Job], query: str, names: list[str]
) -> None:
    assert mina.get(f"/library{query}").status_code == 200
    assert shown(mina) == [shelf[name].id for name in names]


def test_days_have_names_and_counts(mina: Browser, shelf: dict[str, Job]) -> None:
    mina.get("/library")
    said = words_of(mina.text)
    assert re.search(r"Yesterday\s+1 video", said), said
    assert "Storm's end" in unescape(mina.text)


def test_nothing_found_repeats_the_search_and_offers_a_way_out(mina: Browser, shelf: dict[str, Job]) -> None:
    mina.get("/library?q=zeppelin&kind=video")
    assert shown(mina) == []
    assert "Nothing matches" in mina.text
    assert "zeppelin" in words_of(mina.text)
    assert "Clear filters" in mina.text


def test_an_empty_library_offers_the_first_step(mina: Browser) -> None:
    mina.get("/library")
    assert 'href="/create"' in mina.text
    assert "Your videos will appear here" in mina.text
    mina.get("/library?trash=1")
    assert "The trash is empty" in mina.text


def test_more_items_are_on_further_pages_and_all_of_them_come_back(
    mina: Browser, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    settle(desk, mina)
    monkeypatch.setattr(library, "PER_PAGE", 2)
    made = [kept(desk, f"take {number}", number) for number in range(5)]
    seen: list[str] = []
    address = "/library"
    while address:
        mina.get(address)
        seen += shown(mina)
        link = re.search(r'href="([^"]+)" data-load', mina.text)
        address = unescape(link[1]) if link else ""
    assert seen == [job.id for job in made]
    mina.get("/library?pages=2")
    assert shown(mina) == [job.id for job in made[:4]]


def test_hostile_words_are_text(mina: Browser, desk: Desk) -> None:
    settle(desk, mina)
    kept(desk, HOSTILE, title="<script>alert(1)</script>")
    mina.get("/library")
    assert "<script>alert(1)" not in mina.text
    assert escape("<script>alert(1)</script>") in mina.text
    mina.get(f"/library?q={quote(HOSTILE)}")
    assert "<img src=x" not in mina.text


def test_what_is_ticked_goes_to_the_trash_and_all_of_it_comes_back(
    mina: Browser, desk: Desk, shelf: dict[str, Job]
) -> None:
    mina.get("/library")
    answer = mina.client.post(
        "/library/delete",
        data={"csrf_token": mina.token, "ids": [shelf["old"].id, shelf["storm"].id, "no-id", new_id()]},
    )
    assert answer.status_code == 303
    mina.get(answer.headers["Location"])
    assert shown(mina) == [shelf["still"].id, shelf["calm"].id]
    assert "moved to the trash" in words_of(mina.text)
    moment = mina.hidden("moment")
    mina.get("/library?trash=1")
    assert set(shown(mina)) == {shelf["old"].id, shelf["storm"].id}
    assert "30 days left" in words_of(mina.text)
    mina.post("/library/restore", moment=moment)
    mina.get("/library")
    assert len(shown(mina)) == 4


def test_the_trash_is_emptied_after_it_was_asked_and_only_then(
    mina: Browser, desk: Desk, shelf: dict[str, Job]
) -> None:
    mina.get("/library")
    mina.post("/library/delete", ids=shelf["old"].id)
    mina.get("/library/empty-trash")
    assert "1 item" in words_of(mina.text)
    assert row(desk, shelf["old"].id) is not None
    assert mina.post("/library/empty-trash").status_code == 303
    assert row(desk, shelf["old"].id) is None
    assert row(desk, shelf["calm"].id) is not None


def test_one_is_purged_and_the_others_stay(mina: Browser, desk: Desk, shelf: dict[str, Job]) -> None:
    mina.get("/library")
    mina.post("/library/delete", ids=shelf["old"].id)
    mina.post("/library/purge", id=shelf["old"].id)
    mina.post("/library/purge", id=shelf["calm"].id)
    assert row(desk, shelf["old"].id) is None
    assert row(desk, shelf["calm"].id) is not None


def test_marks_shares_and_downloads_without_script(mina: Browser, desk: Desk, shelf: dict[str, Job]) -> None:
    mina.get("/library")
    mina.post("/library/favourite?on=1", id=shelf["old"].id)
    marked = row(desk, shelf["old"].id)
    assert marked is not None
    assert marked.favourite_at is not None
    mina.post("/library/favourite?on=", id=shelf["old"].id)
    marked = row(desk, shelf["old"].id)
    assert marked is not None
    assert marked.favourite_at is None
    shared = mina.post("/library/share", ids=shelf["old"].id)
    assert shared.headers["Location"] == f"/library/{shelf['old'].id}#share"
    one = mina.post("/library/download", ids=shelf["old"].id)
    assert one.headers["Location"] == f"/api/v1/videos/jobs/{shelf['old'].id}/download"
    many = mina.client.post(
        "/library/download", data={"csrf_token": mina.token, "ids": [shelf["old"].id, shelf["calm"].id]}
    )
    assert (many.status_code, many.data[:2]) == (200, b"PK")
    assert int(many.headers["Content-Length"]) == len(many.data)
    nothing = mina.post("/library/download")
    assert "said=choose" in nothing.headers["Location"]
    two = mina.client.post(
        "/library/share", data={"csrf_token": mina.token, "ids": [shelf["old"].id, shelf["calm"].id]}
    )
    assert "said=choose_one" in two.headers["Location"]


@pytest.mark.parametrize("path", POSTS)
def test_what_is_somebody_elses_is_not_there(mina: Browser, desk: Desk, path: str) -> None:
    theirs = desk.finished()
    mina.get("/library")
    assert shown(mina) == []
    mina.post(f"/library/{path}?on=1", ids=theirs.id, id=theirs.id)
    assert row(desk, theirs.id) == theirs
    mina.get(f"/library/tiles?ids={theirs.id}")
    assert shown(mina) == []


@pytest.mark.parametrize("path", [*POSTS, "empty-trash"])
def test_a_form_without_our_token_changes_nothing(mina: Browser, desk: Desk, path: str) -> None:
    settle(desk, mina)
    job = desk.finished()
    mina.token = "made up"
    assert mina.post(f"/library/{path}", ids=job.id, id=job.id).status_code == 403
    assert row(desk, job.id) == job


def test_the_script_gets_words_and_single_tiles(mina: Browser, desk: Desk, shelf: dict[str, Job]) -> None:
    mina.get("/library")
    gone = mina.ask("/library/delete", {"ids": shelf["old"].id}).get_json()
    assert gone["count"] == 1
    assert mina.ask("/library/restore", {"moment": repr(gone["moment"])}).get_json()["count"] == 1
    assert mina.ask("/library/restore", {"moment": "nonsense"}).status_code == 404
    mina.get(f"/library/tiles?ids={shelf['old'].id},{shelf['storm'].id}&q=harbour")
    assert shown(mina) == [shelf["storm"].id]


def test_what_is_under_way_sits_in_place(mina: Browser, desk: Desk) -> None:
    user = settle(desk, mina)
    job = kept(desk, "Running", status="processing")
    running = {"state": "generating", "stage": "generating", "progress": 40}
    with desk.tools.db.transaction() as connection:
        connection.execute(update(jobs.jobs).where(jobs.jobs.c.id == job.id).values(**running))
    assert user.id == job.user_id
    mina.get("/library")
    assert shown(mina) == [job.id]
    assert "40%" in mina.text
    assert '<meta http-equiv="refresh"' in mina.text
