"""The public page: open to everybody with the link, to nobody without, and silent about what was not allowed."""

from __future__ import annotations

from typing import Any

import pytest
import time_machine

from tests.api.desk import Desk
from tests.pages.browser import Browser
from tests.pages.test_jobs import words_of
from vividflow.lifecycle import sharing, trash
from vividflow.lifecycle.naming import rename
from vividflow.lifecycle.sharing import DAY_SECONDS, FILE_SECONDS, Terms
from vividflow.records import assets
from vividflow.records.jobs import Job
from vividflow.timing import now

FILM = b"a film that everybody may see"


def shared(desk: Desk, job: Job, **terms: Any) -> str:
    _, body = sharing.switch_on(desk.tools, desk.user, job.id, Terms(**terms))
    return body["url"].removeprefix(desk.settings.public)


def test_a_stranger_sees_video_and_title_and_gets_no_cookie(desk: Desk, browser: Browser) -> None:
    job = desk.finished(FILM)
    rename(desk.tools, desk.user, job.id, "<i>Turquoise</i> \u202ewave")
    path = shared(desk, job)
    answer = browser.get(path)
    assert answer.status_code == 200
    assert '<h1 dir="auto">&lt;i&gt;Turquoise&lt;/i&gt; \u202ewave</h1>' in browser.text
    assert f'src="{path}/file"' in browser.text
    for absent in ("finished lighthouse", "Mina", "csrf", job.id, desk.user.id, "<i>"):
        assert absent not in browser.text, absent
    address = f"{desk.settings.public}{path}"
    for name, content in (
        ("og:title", "&lt;i&gt;Turquoise&lt;/i&gt; \u202ewave"),
        ("og:url", address),
        ("og:image", f"{address}/poster"),
        ("og:video", f"{address}/file"),
    ):
        assert f'<meta property="{name}" content="{content}">' in browser.text
    assert '<meta name="robots" content="noindex, nofollow">' in browser.text
    assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "no-store"
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "Set-Cookie" not in answer.headers


def test_name_and_prompt_are_shown_where_they_are_allowed(desk: Desk, browser: Browser) -> None:
    job = desk.finished(FILM, prompt="A <b>lake</b> at dawn")
    path = shared(desk, job, show_name=True)
    browser.get(path)
    assert "By Mina" in words_of(browser.text)
    assert '<h1 dir="auto">A video</h1>' in browser.text
    assert "lake" not in browser.text
    shared(desk, job, show_prompt=True)
    browser.get(path)
    assert "A &lt;b&gt;lake&lt;/b&gt; at dawn" in browser.text
    assert '<meta property="og:description"' in browser.text
    assert "Mina" not in browser.text


def test_the_files_come_by_links_that_end_within_minutes(desk: Desk, browser: Browser) -> None:
    path, moment = shared(desk, desk.finished(FILM)), now()
    film, poster = browser.get(f"{path}/file"), browser.get(f"{path}/poster")
    assert (film.status_code, poster.status_code) == (302, 302)
    for answer in (film, poster):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
    link = film.headers["Location"]
    part = browser.get(link, Range="bytes=2-5")
    assert (part.status_code, part.data) == (206, b"film")
    assert browser.get(poster.headers["Location"]).data == b"poster_jpeg"
    with time_machine.travel(moment + FILE_SECONDS + 1):
        assert browser.get(link).status_code == 410


def test_a_picture_is_shown_as_one_without_any_script(desk: Desk, browser: Browser) -> None:
    job = desk.finished(kind="image")
    with desk.tools.db.transaction() as connection:
        assets.change(connection, job.result["asset_id"], kind="image", width=640, height=480)
    path = shared(desk, job)
    browser.get(path)
    assert f'<img src="{path}/file" alt="A picture" width="640" height="480">' in browser.text
    for absent in ("<video", "<script", "og:video"):
        assert absent not in browser.text


def test_every_link_that_does_not_work_gets_the_same_answer(desk: Desk, browser: Browser) -> None:
    off, expired, gone = (shared(desk, desk.finished(FILM), days=1) for _ in range(3))
    kept = [desk.finished(FILM) for _ in range(2)]
    trashed, ended = shared(desk, kept[0]), shared(desk, kept[1])
    sharing.switch_off(desk.tools, desk.user, kept[1].id)
    trash.remove(desk.tools, desk.user, kept[0].id)
    seen = set()
    with time_machine.travel(now() + DAY_SECONDS + 1):
        for path in (off, expired, gone, trashed, ended, "/s/unknown", f"/s/{'A' * 43}", "/s/%00", "/s/%F0%9F%8C%8A"):
            for more in ("", "/file", "/poster"):
                answer = browser.get(path + more)
                assert "Set-Cookie" not in answer.headers
                kept_headers = {
                    name: value for name, value in answer.headers.items() if not name.startswith(("X-R", "RateLimit"))
                }
                seen.add((answer.status_code, answer.data, str(sorted(kept_headers.items()))))
    assert len(seen) == 1
    assert next(iter(seen))[0] == 404
    assert "There is nothing here" in browser.text


@pytest.mark.parametrize("more", ["", "/file", "/poster"])
def test_a_link_dies_the_moment_it_is_switched_off(desk: Desk, browser: Browser, more: str) -> None:
    job = desk.finished(FILM)
    path = shared(desk, job) + more
    assert browser.get(path).status_code in (200, 302)
    sharing.switch_off(desk.tools, desk.user, job.id)
    assert browser.get(path).status_code == 404


def test_a_video_without_a_poster_is_shared_all_the_same(desk: Desk, browser: Browser) -> None:
    job = desk.finished(FILM)
    with desk.tools.db.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM renditions")
    path = shared(desk, job)
    assert browser.get(path).status_code == 200
    assert "og:image" not in browser.text
    assert browser.get(f"{path}/poster").status_code == 404
