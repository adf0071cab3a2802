"""API keys on their page."""

from __future__ import annotations

import re

import pytest

from tests.api.desk import Desk
from tests.pages.browser import Browser
from vividflow.records import api_keys
from vividflow.timing import now


def make(browser: Browser, name: str = "CI", days: str = "") -> str:
    browser.get("/developers/keys")
    browser.post("/developers/keys", name=name, days=days)
    shown = re.search(r'id="fresh-key">(vf_[^<]+)<', browser.text)
    assert shown, browser.text
    return shown[1]


def test_a_key_is_shown_once_and_works(mina: Browser, desk: Desk) -> None:
    bare = make(mina)
    assert mina.page.status_code == 201
    assert desk.get("/api/v1/jobs", key=bare).status_code == 200
    mina.get("/developers/keys")
    assert bare not in mina.text
    assert f"{bare[:14]}…" in mina.text
    with desk.tools.db.reading() as connection:
        found = api_keys.by_bare_key(connection, bare)
    assert found is not None
    assert bare not in found.hash


def test_a_used_key_says_when(mina: Browser, desk: Desk) -> None:
    bare = make(mina)
    assert "Never" in mina.text
    desk.get("/api/v1/jobs", key=bare)
    desk.house.keys.flush()
    mina.get("/developers/keys")
    assert re.search(r"Last used: </span><time [^>]*>just now</time>", mina.text)


def test_revoking_asks_by_name_and_closes_the_key_at_once(mina: Browser, desk: Desk) -> None:
    bare = make(mina, "Render farm")
    assert desk.get("/api/v1/jobs", key=bare).status_code == 200
    path = f"/developers/keys/{bare.split('_')[1]}/revoke"
    mina.get(path)  # without script the question is a page
    assert "Revoke “Render farm”?" in mina.text
    assert desk.get("/api/v1/jobs", key=bare).status_code == 200
    assert mina.post(path).location == "/developers/keys?said=revoked"
    assert desk.get("/api/v1/jobs", key=bare).status_code == 401
    mina.get("/developers/keys")
    assert "Render farm" not in mina.text
    assert mina.post(path).status_code == 404


@pytest.mark.parametrize("name", ["", "   ", "x" * 61, "a\nb"])
def test_a_key_needs_a_name(mina: Browser, name: str) -> None:
    mina.get("/developers/keys")
    answer = mina.post("/developers/keys", name=name, days="")
    assert answer.status_code == 422
    assert "Give it a name" in mina.text


def test_a_key_may_end(mina: Browser, desk: Desk) -> None:
    bare = make(mina, days="30")
    with desk.tools.db.reading() as connection:
        found = api_keys.by_bare_key(connection, bare)
    assert found is not None
    assert found.expires_at is not None
    assert 29.9 < (found.expires_at - now()) / 86400 <= 30


def test_somebody_elses_key_cannot_be_seen_or_revoked(mina: Browser, desk: Desk) -> None:
    path = f"/developers/keys/{desk.key.split('_')[1]}/revoke"
    assert mina.get(path).status_code == 404
    mina.get("/create")
    assert mina.post(path).status_code == 404
    assert desk.get("/api/v1/jobs").status_code == 200
