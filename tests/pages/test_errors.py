"""Error pages: for people in words, for programs as problems."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.api.desk import Desk
from tests.pages.browser import Browser
from vividflow.pages import jobs


def test_a_page_that_is_not_there_says_so_with_a_way_back(mina: Browser, desk: Desk) -> None:
    assert mina.get("/nothing/here").status_code == 404
    assert "There is nothing here" in mina.text
    assert 'href="/create">Back to Create' in mina.text
    stranger = Browser(desk.app)
    assert stranger.get("/nothing/here").status_code == 404
    assert 'href="/login">Sign in' in stranger.text


def test_our_own_mistake_gives_a_request_id_and_no_detail(mina: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a secret detail")

    monkeypatch.setattr(jobs, "feed", broken)
    answer = mina.get("/jobs", **{"X-Request-ID": "req-42"})
    assert answer.status_code == 500
    assert "req-42" in mina.text
    assert "a secret detail" not in mina.text
    assert "Traceback" not in mina.text


def test_too_many_requests_say_when_to_come_again(desk_for: Callable[..., Desk]) -> None:
    browser = Browser(desk_for(limit_web="2/hour").app)
    browser.sign_up()
    for _ in range(2):
        browser.post("/settings/theme", theme="dark")
        browser.get("/settings")
    answer = browser.post("/settings/theme", theme="dark")
    assert answer.status_code == 429
    assert "Too many requests" in browser.text
    assert int(answer.headers["Retry-After"]) > 0


def test_a_form_that_is_too_large_is_refused(mina: Browser) -> None:
    assert mina.post("/settings/theme", theme="x" * 70_000).status_code == 413


def test_pages_before_sign_in_are_limited_by_address(desk_for: Callable[..., Desk]) -> None:
    browser = Browser(desk_for(limit_anonymous="3/minute").app)
    assert [browser.get("/login").status_code for _ in range(4)] == [200, 200, 200, 429]
