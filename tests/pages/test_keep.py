"""A form that is sent after the session ended: through sign-in, and out again."""

from __future__ import annotations

import re
from html import unescape

import pytest
from sqlalchemy import delete

from tests.api.desk import Desk
from tests.pages.browser import PASSWORD, Browser
from vividflow.records import sessions


def end_sessions(desk: Desk) -> None:
    """Every session is over."""
    with desk.tools.db.transaction() as connection:
        connection.execute(delete(sessions.sessions))


def hidden(html: str) -> dict[str, str]:
    """The hidden fields of a page."""
    found = re.findall(r'<input type="hidden" name="([^"]*)" value="([^"]*)"', html)
    return {name: unescape(value) for name, value in found}


def test_what_was_typed_comes_back_after_sign_in_and_is_sent_by_a_button(desk: Desk) -> None:
    browser = Browser(desk.app)
    email = browser.sign_up()
    browser.get("/settings")
    end_sessions(desk)
    name = 'Mina "<b>" & Söhne'
    assert browser.post("/settings/profile", name=name).status_code == 401
    assert "Your session has ended." in browser.text
    wrong = browser.post("/login", email=email, password="not the one", **_kept(browser))
    assert wrong.status_code == 422
    answer = browser.post("/login", email=email, password=PASSWORD, **_kept(browser))
    assert answer.status_code == 200
    assert "Nothing was done with it yet." in browser.text
    assert "Mina &#34;&lt;b&gt;&#34; &amp; Söhne" in browser.text
    assert 'action="/settings/profile"' in browser.text
    fields = hidden(browser.text)
    assert browser.post("/settings/profile", **{key: fields[key] for key in ("name", "csrf_token")}).status_code == 303
    assert name in unescape(browser.get("/settings").text)


def test_a_prompt_is_kept_and_becomes_one_job(desk: Desk) -> None:
    browser = Browser(desk.app)
    email = browser.sign_up()
    once = browser.hidden("once")
    end_sessions(desk)
    answer = browser.send("/create", {"prompt": "A quiet lake", "once": once, "audio": "true", "duration": "1"})
    assert answer.status_code == 401
    browser.post("/login", email=email, password=PASSWORD, **_kept(browser))
    assert "A quiet lake" in browser.text
    fields = hidden(browser.text)
    assert fields["once"] == once
    fields["csrf_token"] = browser.token
    fields["model"] = "local"
    fields.pop("audio")
    assert browser.send("/create", fields).status_code == 303
    assert desk.jobs() == 1


def test_a_form_with_a_picture_is_too_much_to_carry(desk: Desk) -> None:
    browser = Browser(desk.app)
    browser.sign_up()
    end_sessions(desk)
    answer = browser.send("/create", {"prompt": "A quiet lake"}, {"image": b"x" * 70_000})
    assert answer.status_code == 303
    assert answer.location == "/login"


def test_what_another_site_sends_is_not_kept(desk: Desk) -> None:
    browser = Browser(desk.app)
    browser.sign_up()
    end_sessions(desk)
    browser.token = "forged"
    assert browser.post("/settings/profile", name="Eve").location == "/login"


def test_passwords_are_not_written_into_the_page(desk: Desk) -> None:
    browser = Browser(desk.app)
    browser.sign_up()
    browser.get("/settings")
    end_sessions(desk)
    browser.post("/settings/password", current=PASSWORD, password="an entirely new one")
    assert browser.page.status_code == 401
    assert "correct" not in browser.text
    assert "entirely" not in browser.text


@pytest.mark.parametrize("accept", [{"Accept": "application/json"}, {"HX-Request": "true", "Accept": "text/html"}])
def test_a_script_is_told_and_keeps_its_page(desk: Desk, accept: dict[str, str]) -> None:
    browser = Browser(desk.app)
    browser.sign_up()
    end_sessions(desk)
    answer = browser.client.post("/settings/profile", headers=accept, data={"csrf_token": browser.token, "name": "M"})
    assert answer.status_code == 401
    assert "what you typed is still here" in answer.text


@pytest.mark.parametrize("path", ["https://evil.example/x", "//evil.example", "create", ""])
def test_sign_in_carries_only_forms_of_our_own(desk: Desk, path: str) -> None:
    browser = Browser(desk.app)
    email = browser.sign_up()
    browser.post("/logout")
    browser.get("/login")
    answer = browser.post("/login", email=email, password=PASSWORD, kept_path=path, kept_body="name=x")
    assert answer.status_code == 303
    assert answer.location == "/create"


def _kept(browser: Browser) -> dict[str, str]:
    fields = hidden(browser.text)
    return {name: fields[name] for name in ("kept_path", "kept_body")}
