"""Signing in: equal answers, patience, one-time links, signing out."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import pytest
import time_machine

from tests.api.desk import Desk
from tests.pages.browser import PASSWORD, Browser
from vividflow.pages import sign_in
from vividflow.records import sessions, users
from vividflow.timing import now


def link_for(desk: Desk, purpose: str = "sign-in", seconds: float = 600) -> str:
    with desk.tools.db.transaction() as connection:
        return sessions.make_link(connection, desk.user.id, purpose, now() + seconds)


def test_the_front_door_leads_to_sign_in_and_after_that_to_create(desk: Desk) -> None:
    browser = Browser(desk.app)
    assert browser.get("/").location == "/login"
    browser.sign_up()
    assert browser.get("/").location == "/create"
    assert browser.get("/login").location == "/create"


def test_a_page_that_needs_a_person_comes_back_after_sign_in(desk: Desk) -> None:
    email = Browser(desk.app).sign_up()
    browser = Browser(desk.app)
    answer = browser.get("/jobs?show=failed&after=x")
    assert answer.location == "/login?next=%2Fjobs%3Fshow%3Dfailed%26after%3Dx"
    browser.get(answer.location)
    goal = browser.hidden("next")
    assert browser.post("/login", email=email, password=PASSWORD, next=goal).location == "/jobs?show=failed&after=x"


@pytest.mark.parametrize(
    "goal", ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "/a\nb"]
)
def test_sign_in_never_leads_to_another_host(desk: Desk, goal: str) -> None:
    email = Browser(desk.app).sign_up()
    browser = Browser(desk.app)
    browser.get("/login")
    assert browser.post("/login", email=email, password=PASSWORD, next=goal).location == "/create"


def test_unknown_addresses_and_wrong_passwords_get_the_same_answer(desk: Desk) -> None:
    email = Browser(desk.app).sign_up()
    answers = []
    for address in (email, "nobody@example.com", desk.user.email):  # right address, none, one without a password
        browser = Browser(desk.app)
        answer = browser.sign_in(address, "not the password")
        text = browser.text.replace(address, "ADDRESS").replace(browser.token, "TOKEN")
        answers.append((answer.status_code, text, sorted(answer.headers.keys())))
    assert answers[0] == answers[1] == answers[2]
    assert "That email and password do not match." in answers[0][1]
    assert answers[0][0] == 422


def test_an_unknown_address_takes_as_long_as_a_wrong_password(desk_for: Callable[..., Desk]) -> None:
    desk = desk_for(password_memory_kib=4096)
    email = Browser(desk.app).sign_up()
    browser = Browser(desk.app)
    browser.get("/login")

    def seconds(address: str) -> float:
        sign_in.patience.reset()
        begun = time.perf_counter()
        browser.post("/login", email=address, password="not the password")
        return time.perf_counter() - begun

    pairs = [(seconds(email), seconds("nobody@example.com")) for _ in range(7)]
    ratio = statistics.median(known / unknown for known, unknown in pairs)
    assert 0.4 < ratio < 2.5


def test_after_five_wrong_tries_an_address_rests_known_or_not(desk: Desk) -> None:
    email = Browser(desk.app).sign_up()
    for address in (email, "nobody@example.com"):
        browser = Browser(desk.app)
        for _ in range(5):
            assert browser.sign_in(address, "not the password").status_code == 422
        assert browser.sign_in(address).status_code == 429  # the right password does not help now
        assert "Too many tries. Try again in 5 min." in browser.text
    assert Browser(desk.app).sign_in("somebody.else@example.com", "x").status_code == 422


def test_the_rest_ends(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    email = Browser(desk.app).sign_up()
    browser = Browser(desk.app)
    for _ in range(5):
        browser.sign_in(email, "not the password")
    clock = time.monotonic() + 61
    monkeypatch.setattr("vividflow.pages.patience.monotonic", lambda: clock)
    browser.sign_in(email)
    assert "Try again in 4 min." in browser.text
    clock += 300
    assert browser.sign_in(email).status_code == 303


def test_a_sign_in_link_survives_being_looked_at_and_works_once(desk: Desk) -> None:
    path = f"/login/link/{link_for(desk)}"
    for _ in range(3):  # previews of mail programs and scanners look; the link must still work
        assert Browser(desk.app).get(path).status_code == 200
    browser = Browser(desk.app)
    browser.get(path)
    assert browser.post(path, time_zone="Europe/Berlin").location == "/create"
    assert browser.get("/create").status_code == 200
    with desk.tools.db.reading() as connection:
        kept = users.by_id(connection, desk.user.id)
    assert kept is not None
    assert kept.time_zone == "Europe/Berlin"
    late = Browser(desk.app)
    assert late.get(path).status_code == 410
    assert "This link has ended" in late.text
    assert late.post(path).status_code == 410
    assert late.get("/create").location == "/login"


@pytest.mark.parametrize("purpose", ["reset", "sign-in"])
def test_a_link_of_another_kind_or_past_its_time_opens_nothing(desk: Desk, purpose: str) -> None:
    path = f"/login/link/{link_for(desk, purpose, seconds=600 if purpose == 'reset' else -1)}"
    browser = Browser(desk.app)
    browser.get("/login")
    assert browser.post(path).status_code == 410
    assert browser.get("/create").location == "/login"


def test_signing_out_ends_the_session_and_clears_the_browser(desk: Desk) -> None:
    browser = Browser(desk.app)
    browser.sign_up()
    kept = browser.cookie()
    assert kept is not None
    answer = browser.post("/logout")
    assert answer.location == "/login"
    assert answer.headers["Clear-Site-Data"] == '"cache", "cookies", "storage"'
    thief = Browser(desk.app)
    thief.client.set_cookie("vf_session", kept)
    assert thief.get("/create").location == "/login"


def test_signing_out_is_not_a_link(desk: Desk) -> None:
    browser = Browser(desk.app)
    browser.sign_up()
    assert browser.get("/logout").status_code == 405
    assert browser.get("/create").status_code == 200


def test_sign_in_is_limited_by_address(desk_for: Callable[..., Desk]) -> None:
    browser = Browser(desk_for(limit_sign_in="3/minute").app)
    browser.get("/login")
    assert [browser.post("/login", email=f"{n}@example.com", password="x").status_code for n in range(4)] == [
        422,
        422,
        422,
        429,
    ]
    assert "Too many requests" in browser.text
    assert int(browser.page.headers["Retry-After"]) > 0


def test_a_session_ends_after_twelve_hours_of_rest_and_after_seven_days(desk: Desk) -> None:
    browser = Browser(desk.app)
    with time_machine.travel("2026-11-21T10:00:00Z", tick=False) as clock:
        browser.sign_up()
        clock.shift(11.9 * 3600)
        assert browser.get("/create").status_code == 200
        desk.house.keys.flush()
        for _ in range(13):  # used twice a day, it still ends
            clock.shift(11.9 * 3600)
            browser.get("/create")
            desk.house.keys.flush()
        clock.shift(3 * 3600)
        assert browser.get("/create").location == "/login"


def test_a_session_nobody_uses_ends_after_twelve_hours(desk: Desk) -> None:
    browser = Browser(desk.app)
    with time_machine.travel("2026-11-21T10:00:00Z", tick=False) as clock:
        browser.sign_up()
        clock.shift(12.1 * 3600)
        assert browser.get("/create").location == "/login"


def test_a_suspended_account_gets_in_nowhere(desk: Desk) -> None:
    browser = Browser(desk.app)
    email = browser.sign_up()
    with desk.tools.db.transaction() as connection:
        user = users.by_email(connection, email)
        assert user is not None
        users.change(connection, user.id, suspended_at=now())
    assert browser.get("/create").status_code == 403
    assert "This account is suspended." in browser.text
    assert Browser(desk.app).sign_in(email).status_code == 403
