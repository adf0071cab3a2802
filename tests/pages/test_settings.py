"""The account's own page: theme, time zone, password, signed-in browsers."""

from __future__ import annotations

import re

import pytest

from tests.api.desk import Desk
from tests.installation import an_asset
from tests.pages.browser import PASSWORD, Browser
from vividflow.records import quotas, retention_rules, users


def test_a_theme_is_in_the_first_paint_and_follows_the_account(desk: Desk) -> None:
    browser = Browser(desk.app)
    email = browser.sign_up()
    assert '<meta name="color-scheme" content="light dark">' in browser.text
    answer = browser.post("/settings/theme", theme="dark", back="/jobs")
    assert answer.location == "/jobs"
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith("vf_theme=dark;")
    assert "HttpOnly" in cookie
    browser.get("/jobs")
    assert '<html lang="en" data-theme="dark">' in browser.text
    assert '<meta name="color-scheme" content="dark">' in browser.text
    browser.post("/logout")
    browser.client.set_cookie(
        "vf_theme", "dark"
    )  # the server asked the browser to forget; a kept cookie is still obeyed
    assert 'data-theme="dark"' in browser.get("/login").text
    elsewhere = Browser(desk.app)
    answer = elsewhere.sign_in(email)
    assert any("vf_theme=dark" in each for each in answer.headers.getlist("Set-Cookie"))
    assert 'data-theme="dark"' in elsewhere.get("/create").text


@pytest.mark.parametrize("theme", ["", "neon", '"><script>'])
def test_a_theme_that_is_none_is_the_systems(mina: Browser, theme: str) -> None:
    mina.post("/settings/theme", theme=theme, back="/jobs")
    assert ' data-theme="' not in mina.get("/jobs").text


def test_the_time_zone_changes_what_times_say(mina: Browser) -> None:
    mina.get("/settings")
    assert mina.post("/settings/time-zone", time_zone="Asia/Kathmandu").location == "/settings?said=zone"
    mina.get("/settings?said=zone")
    assert "Time zone saved." in mina.text
    assert "<option selected>Asia/Kathmandu</option>" in mina.text
    assert "(+0545)" in mina.text


def test_a_time_zone_that_is_none_is_refused(mina: Browser) -> None:
    mina.get("/settings")
    assert mina.post("/settings/time-zone", time_zone="Mars/Olympus").status_code == 422
    assert "Choose a time zone from the list." in mina.text


def test_a_new_password_needs_the_present_one(desk: Desk) -> None:
    browser = Browser(desk.app)
    email = browser.sign_up()
    browser.get("/settings")
    assert browser.post("/settings/password", current="wrong", password="an entirely new one").status_code == 422
    assert "That is not your present password." in browser.text
    assert browser.post("/settings/password", current=PASSWORD, password="short").status_code == 422
    assert Browser(desk.app).sign_in(email).status_code == 303


def test_the_present_password_cannot_be_guessed_from_inside(mina: Browser) -> None:
    mina.get("/settings")
    for _ in range(5):
        mina.post("/settings/password", current="wrong", password="an entirely new one")
    assert mina.post("/settings/password", current=PASSWORD, password="an entirely new one").status_code == 429


def test_signed_in_browsers_are_listed_and_can_be_signed_out(desk: Desk) -> None:
    here = Browser(desk.app)
    email = here.sign_up()
    phone = Browser(desk.app, agent="Mozilla/5.0 (iPhone; CPU iPhone OS 19_0) Version/19.0 Safari/605.1")
    phone.sign_in(email)
    here.get("/settings")
    assert re.findall(r"<b>([^<]+ on [^<]+)</b>", here.text).count("Safari on iPhone") == 1
    assert here.text.count("This browser") == 1
    here.post("/settings/sessions/end")
    assert phone.get("/create").location == "/login"
    assert here.get("/create").status_code == 200


def test_a_name_is_changed_and_shown(mina: Browser) -> None:
    mina.get("/settings")
    assert mina.post("/settings/profile", name="  Mina <b>Ö</b> ").location == "/settings?said=profile"
    mina.get("/settings?said=profile")
    assert "Name saved." in mina.text
    assert 'value="Mina &lt;b&gt;Ö&lt;/b&gt;"' in mina.text


@pytest.mark.parametrize("name", ["", "x" * 81, "Mina\x07"])
def test_a_name_that_will_not_do_is_kept_in_its_field(mina: Browser, name: str) -> None:
    mina.get("/settings")
    assert mina.post("/settings/profile", name=name).status_code == 422
    assert "Enter a name of at most 80 characters." in mina.text
    assert f'value="{name}"' in mina.text


def test_single_keys_are_switched_off_and_on(mina: Browser) -> None:
    assert 'id="shortcuts" data-on' in mina.get("/settings").text
    assert mina.post("/settings/keyboard").location == "/settings?said=keyboard"
    assert 'id="shortcuts" data-on' not in mina.get("/settings").text
    mina.post("/settings/keyboard", shortcuts="on")
    assert 'id="shortcuts" data-on' in mina.get("/settings").text


def test_one_signed_in_browser_is_signed_out_and_no_other(desk: Desk) -> None:
    here = Browser(desk.app)
    email = here.sign_up()
    phone, laptop = (Browser(desk.app, agent=agent) for agent in ("Mozilla (iPhone) Safari/1", "Firefox/150 (Linux)"))
    for each in (phone, laptop):
        each.sign_in(email)
    here.get("/settings")
    found = re.search(
        r'action="(/settings/sessions/[0-9a-f]+/end)".*?aria-label="Sign out Safari on iPhone"', here.text
    )
    assert found
    path = found[1]
    assert here.post(path).location == "/settings?said=session"
    assert phone.get("/create").location == "/login"
    assert laptop.get("/create").status_code == 200
    here.get("/settings")
    assert here.post(path).status_code == 404


def test_somebody_elses_session_is_as_good_as_none(desk: Desk) -> None:
    ada, mina = Browser(desk.app), Browser(desk.app)
    ada.sign_up()
    mina.sign_up()
    secret = ada.client.get_cookie("vf_session")
    assert secret
    with desk.tools.db.reading() as connection:
        hashes = connection.exec_driver_sql("SELECT hash FROM sessions ORDER BY created_at").scalars().all()
    mina.get("/settings")
    assert mina.post(f"/settings/sessions/{hashes[0]}/end").status_code == 404
    assert mina.post("/settings/sessions/none/end").status_code == 404
    assert ada.get("/create").status_code == 200


def test_the_prompt_is_signed_only_for_whom_switched_that_on(mina: Browser) -> None:
    mina.get("/settings")
    assert 'name="sign_prompts" value="on">' in mina.text
    assert mina.post("/settings/provenance", sign_prompts="on").location == "/settings?said=provenance"
    mina.get("/settings?said=provenance")
    assert 'name="sign_prompts" value="on" checked>' in mina.text
    assert "Saved, for what is made from now on." in mina.text
    mina.post("/settings/provenance")
    assert 'name="sign_prompts" value="on">' in mina.get("/settings").text


def test_room_and_days_are_shown_to_the_person(desk: Desk) -> None:
    browser = Browser(desk.app)
    email = browser.sign_up()
    assert "0 kB used" in browser.get("/settings").text
    assert "Go to the trash" not in browser.text
    tools = desk.tools
    with tools.db.transaction() as connection:
        user = users.by_email(connection, email)
        assert user is not None
        quotas.put(connection, user.id, 5 * 10**9)
        retention_rules.put(connection, user.id, "video", 90)
        retention_rules.put(connection, user.id, "upload", 1)
    an_asset(tools.db, user, size=2_100_000_000)
    text = browser.get("/settings").text
    assert "2.1 of 5.0 GB used" in text
    assert 'aria-valuenow="42"' in text
    assert "<dt>Videos</dt><dd>Go to the trash after 90 days</dd>" in text
    assert "<dt>Uploads</dt><dd>Go to the trash after 1 day</dd>" in text
    assert "<dt>Images</dt>" not in text
