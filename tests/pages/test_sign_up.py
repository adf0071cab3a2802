"""Making accounts, and resetting passwords."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from sqlalchemy import delete

from tests.api.desk import Desk
from tests.pages.browser import PASSWORD, Browser
from vividflow.lifecycle.invites import make_invite
from vividflow.passwords import check_password
from vividflow.records import ledger, sessions, users
from vividflow.records.users import User
from vividflow.timing import now


def user_of(desk: Desk, email: str) -> User:
    with desk.tools.db.reading() as connection:
        found = users.by_email(connection, email)
    assert found is not None
    return found


def empty(desk: Desk) -> None:
    """An installation nobody has an account on."""
    with desk.tools.db.transaction() as connection:
        for table in ("api_keys", "accounts", "users"):
            connection.exec_driver_sql(f"DELETE FROM {table}")


def test_an_account_is_whole_and_signed_in(desk: Desk) -> None:
    browser = Browser(desk.app)
    browser.sign_up("Mina@Example.com", time_zone="Europe/Berlin")
    assert browser.get("/create").status_code == 200
    user = user_of(desk, "mina@example.com")
    assert (user.name, user.role, user.time_zone) == ("Mina Okafor", "user", "Europe/Berlin")
    assert user.webhook_secret.startswith("whsec_")
    assert check_password(desk.settings, PASSWORD, user.password_hash)
    with desk.tools.db.transaction() as connection:
        assert ledger.reserve(connection, user.id, "job", 0, 0.0, guarded=True)


def test_a_new_account_finds_a_sample_prompt(desk: Desk) -> None:
    browser = Browser(desk.app)
    browser.sign_up()
    assert re.search(r"<textarea[^>]*id=\"prompt\"[^>]*>\s*A lone lighthouse at dusk", browser.text)


def test_only_the_first_account_made_in_the_browser_is_admin(desk: Desk) -> None:
    empty(desk)
    browser = Browser(desk.app)
    browser.get("/signup")
    assert "Make the first account" in browser.text
    first, second = browser.sign_up(), Browser(desk.app).sign_up()
    assert [user_of(desk, each).role for each in (first, second)] == ["admin", "user"]


@pytest.mark.parametrize("registration", ["invite", "closed"])
def test_where_sign_up_is_not_open_the_page_says_so_and_nothing_is_made(
    desk_for: Callable[..., Desk], registration: str
) -> None:
    desk = desk_for(registration=registration)
    browser = Browser(desk.app)
    browser.get("/signup")
    assert "made by the person who runs this installation" in browser.text
    assert "<input class" not in browser.text
    answer = browser.post("/signup", email="mina@example.com", name="Mina", password=PASSWORD)
    assert answer.status_code == 403
    with desk.tools.db.reading() as connection:
        assert users.by_email(connection, "mina@example.com") is None


def test_an_invitation_opens_sign_up_for_its_address_alone(desk_for: Callable[..., Desk]) -> None:
    desk = desk_for(registration="invite")
    token = make_invite(desk.tools.secret, "ada@example.com", now() + 60)
    browser = Browser(desk.app)
    browser.get(f"/signup?invite={token}")
    assert re.search(r'value="ada@example.com"[^>]* readonly', browser.text)
    assert browser.hidden("invite") == token
    assert browser.post("/signup", email="eve@example.com", name="", password="short", invite=token).status_code == 422
    assert 'value="ada@example.com"' in browser.text
    answer = browser.post("/signup", email="eve@example.com", name="Ada", password=PASSWORD, invite=token)
    assert answer.location == "/create"
    assert user_of(desk, "ada@example.com").name == "Ada"
    again = Browser(desk.app)
    again.get(f"/signup?invite={token}")
    assert again.post("/signup", email="", name="Ada", password=PASSWORD, invite=token).status_code == 409


def test_an_invitation_that_ended_or_was_made_up_opens_nothing(desk_for: Callable[..., Desk]) -> None:
    desk = desk_for(registration="invite")
    for token in (make_invite(desk.tools.secret, "ada@example.com", now() - 1), "made-up"):
        browser = Browser(desk.app)
        browser.get(f"/signup?invite={token}")
        assert "This invitation has ended" in browser.text
        answer = browser.post("/signup", email="ada@example.com", name="Ada", password=PASSWORD, invite=token)
        assert answer.status_code == 403


def test_where_sign_up_is_closed_an_invitation_opens_nothing(desk_for: Callable[..., Desk]) -> None:
    desk = desk_for(registration="closed")
    browser = Browser(desk.app)
    token = make_invite(desk.tools.secret, "ada@example.com", now() + 60)
    browser.get(f"/signup?invite={token}")
    assert "Sign-up is closed" in browser.text
    assert browser.post("/signup", email="", name="Ada", password=PASSWORD, invite=token).status_code == 403


def test_what_is_wrong_stands_beside_each_field_and_nothing_is_lost(desk: Desk) -> None:
    browser = Browser(desk.app)
    browser.get("/signup")
    answer = browser.post("/signup", email="mina at example", name="", password="short", time_zone="UTC")
    assert answer.status_code == 422
    for name, words in (
        ("email", "Enter an email address"),
        ("name", "Enter a name"),
        ("password", "10 characters or more; this one has 5"),
    ):
        assert re.search(
            rf'id="{name}"[^>]*aria-invalid="true"[^>]*aria-describedby="[^"]*{name}-error', browser.text
        ), name
        assert re.search(rf'id="{name}-error"[^>]*>.*?{words}', browser.text, re.S), name
    assert 'value="mina at example"' in browser.text
    assert 'value="short"' not in browser.text


def test_an_address_that_is_taken_is_refused_without_saying_whose(desk: Desk) -> None:
    browser = Browser(desk.app)
    browser.get("/signup")
    answer = browser.post("/signup", email=desk.user.email, name="Somebody", password=PASSWORD)
    assert answer.status_code == 409
    assert "sign in or reset the password" in browser.text
    assert browser.get("/create").location == "/login"


@pytest.mark.parametrize("zone", ["", "Mars/Olympus", "../../etc/passwd", "x" * 500, "\0"])
def test_a_time_zone_that_is_none_becomes_utc(desk: Desk, zone: str) -> None:
    email = Browser(desk.app).sign_up(time_zone=zone)
    assert user_of(desk, email).time_zone == "UTC"


def test_reset_answers_the_same_for_everybody(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    known, pages = Browser(desk.app).sign_up(), []
    for address in (known, "nobody@example.com", "no address at all"):
        browser = Browser(desk.app)
        browser.get("/reset")
        answer = browser.post("/reset", email=address)
        pages.append((answer.status_code, browser.text.replace(browser.token, "")))
    assert pages[0] == pages[1] == pages[2]
    assert "If that address has an account, we sent a link." in pages[0][1]
    assert capsys.readouterr().err.count("/reset/") == 1


def test_without_mail_the_link_appears_beside_the_log_and_gives_a_new_password_once(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    here, elsewhere = Browser(desk.app), Browser(desk.app)
    email = elsewhere.sign_up()
    here.get("/reset")
    here.post("/reset", email=email)
    found = re.search(r"(/reset/[\w-]+)", capsys.readouterr().err)
    assert found
    path = found[1]
    here.get(path)
    assert here.post(path, password="short").status_code == 422
    assert here.post(path, password="an entirely new one").location == "/create"
    assert here.get("/create").status_code == 200
    assert elsewhere.get("/create").location == "/login"
    assert Browser(desk.app).sign_in(email).status_code == 422
    assert Browser(desk.app).sign_in(email, "an entirely new one").status_code == 303
    assert Browser(desk.app).get(path).status_code == 410


def test_a_reset_link_ends_after_half_an_hour(desk: Desk) -> None:
    with desk.tools.db.transaction() as connection:
        secret = sessions.make_link(connection, desk.user.id, "reset", 1.0)
        connection.execute(delete(sessions.sessions))
    browser = Browser(desk.app)
    browser.get("/login")
    assert browser.post(f"/reset/{secret}", password="an entirely new one").status_code == 410
