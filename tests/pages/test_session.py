"""The cookie, the session behind it, and the token that proves our own forms."""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Callable
from http.cookies import SimpleCookie

import pytest

from tests.api.desk import Desk, form_of
from tests.pages.browser import PASSWORD, Browser
from tests.pages.operators import operator
from vividflow.pages.addresses import PAGES
from vividflow.records import sessions, users


def cookie_of(header: str) -> tuple[str, dict[str, str | bool]]:
    name, morsel = next(iter(SimpleCookie(header).items()))
    return name, {key: value for key, value in morsel.items() if value}


def test_over_plain_http_the_cookie_is_for_http_only_and_lax(desk: Desk) -> None:
    name, attributes = cookie_of(Browser(desk.app).get("/login").headers["Set-Cookie"])
    assert name == "vf_session"
    assert attributes == {"httponly": True, "path": "/", "samesite": "Lax"}


def test_over_https_the_cookie_is_bound_to_the_host(desk_for: Callable[..., Desk]) -> None:
    browser = Browser(desk_for(public_url="https://studio.example").app)
    name, attributes = cookie_of(browser.get("/login").headers["Set-Cookie"])
    assert name == "__Host-vf_session"
    assert attributes == {"httponly": True, "path": "/", "samesite": "Lax", "secure": True}


def test_signing_in_gives_a_new_secret_that_outlives_the_browser(desk: Desk) -> None:
    browser = Browser(desk.app)
    email = browser.sign_up()
    first = browser.cookie()
    with desk.tools.db.reading() as connection:
        user = users.by_email(connection, email)
        assert user is not None
        before = sessions.of_user(connection, user.id)
    browser.get("/create")
    browser.client.set_cookie("vf_session", first or "")
    browser.post("/logout")
    browser.get("/login")
    answer = browser.post("/login", email=email, password=PASSWORD)
    assert "expires" in cookie_of(answer.headers.getlist("Set-Cookie")[0])[1]
    with desk.tools.db.reading() as connection:
        after = sessions.of_user(connection, user.id)
    assert len(before) == len(after) == 1
    assert before[0].hash != after[0].hash


def test_a_session_planted_before_sign_in_is_worth_nothing_after(desk: Desk) -> None:
    email = Browser(desk.app).sign_up()
    victim, thief = Browser(desk.app), Browser(desk.app)
    thief.get("/login")
    planted = thief.cookie()
    assert planted
    victim.client.set_cookie("vf_session", planted)
    victim.sign_in(email)
    assert victim.get("/create").status_code == 200
    assert thief.get("/create").location == "/login"


def test_the_cookie_names_nobody(mina: Browser) -> None:
    cookie = mina.cookie()
    assert cookie is not None
    body = cookie.partition(".")[0] or cookie
    content = urlsafe_b64decode(body + "=" * (-len(body) % 4)).decode()
    assert set(json.loads(content)) <= {"s", "csrf_token", "_permanent"}


def test_a_forged_cookie_opens_nothing(mina: Browser, desk: Desk) -> None:
    kept = mina.cookie() or ""
    for forged in (kept[:-3] + "abc", kept.replace(".", "x"), "e30.e30.e30", "é", ""):
        thief = Browser(desk.app)
        thief.client.set_cookie("vf_session", forged)
        assert thief.get("/create").location == "/login"


def test_a_new_password_ends_every_other_session_and_renews_this_one(desk: Desk) -> None:
    here, elsewhere = Browser(desk.app), Browser(desk.app)
    email = here.sign_up()
    elsewhere.sign_in(email)
    before = here.cookie()
    here.get("/settings")
    assert (
        here.post("/settings/password", current=PASSWORD, password="an entirely new one").location
        == "/settings?said=password"
    )
    assert elsewhere.get("/create").location == "/login"
    assert here.get("/create").status_code == 200
    thief = Browser(desk.app)
    thief.client.set_cookie("vf_session", before or "")
    assert thief.get("/create").location == "/login"


FORMS = [page.path for page in PAGES if page.method == "POST"]
STREAMED = {page.path for page in PAGES if page.streams}


@pytest.mark.parametrize("path", FORMS)
def test_no_form_is_taken_without_the_token_of_its_own_session(desk: Desk, path: str) -> None:
    mina = operator(desk)
    other = Browser(desk.app)
    other.get("/login")
    path = re.sub("<[a-z_]+>", "x", path)
    for token in ("", "forged", other.token):
        form = {"csrf_token": token, "prompt": "A quiet lake"}
        content = form_of(form, {}) if path in STREAMED else {"data": form}
        answer = mina.client.post(path, **content)
        assert answer.status_code == 403, token
        assert "Reload it and try again" in answer.text
    assert desk.jobs() == 0


def test_a_form_from_another_site_is_refused_even_with_a_token(mina: Browser, desk: Desk) -> None:
    answer = mina.client.post("/logout", data={"csrf_token": mina.token}, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert mina.get("/create").status_code == 200


def test_the_api_takes_the_session_with_its_token_and_only_then(mina: Browser, desk: Desk) -> None:
    body = {"prompt": "A quiet lake"}
    assert mina.client.get("/api/v1/jobs").status_code == 200
    bare = mina.client.post("/api/v1/generate", json=body)
    assert (bare.status_code, bare.get_json()["code"]) == (403, "invalid_csrf")
    assert mina.client.post("/api/v1/generate", json=body, headers={"X-CSRF-Token": mina.token}).status_code == 202
    assert desk.jobs() == 1


def test_a_key_needs_no_token(desk: Desk) -> None:
    assert desk.post("/api/v1/generate", json={"prompt": "A quiet lake"}).status_code == 202


def test_importing_and_assembling_makes_no_secret(desk: Desk) -> None:
    from web_app import create_app

    assert not (desk.settings.data_dir / "secret_key").exists()
    app = create_app(desk.settings)
    app.test_client().get("/healthz").close()
    assert not (desk.settings.data_dir / "secret_key").exists()
    Browser(desk.app).get("/login")
    assert (desk.settings.data_dir / "secret_key").stat().st_mode & 0o777 == 0o600
    app.extensions["vividflow"].close()


def test_pages_are_never_kept_and_never_framed(mina: Browser) -> None:
    headers = mina.get("/create").headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "same-origin"
    policy = headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-eval" not in policy
