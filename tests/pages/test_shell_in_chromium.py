"""The shell in a real browser: the jobs panel, keys, settings that act in place, notices, and a server that goes away."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.pages.chromium import DONE_MS, Studio, Watched, place, sign_up
from tests.pages.restarts import restart_under
from vividflow.timing import new_id

pytestmark = pytest.mark.timeout(240)
TABS_OF_A_PHONE = {"width": 390, "height": 800}


def long_jobs(page: Page, count: int) -> list[str]:
    """Jobs that take longer than a test: the first runs, the others wait."""
    return [place(page, duration=60, resolution="1080p", prompt=f"Long one {number}") for number in range(count)]


def test_the_jobs_panel_shows_what_runs_and_cancels_what_waits(page: Page) -> None:
    page.goto("/settings")
    expect(page.locator("#tray")).to_have_attribute("aria-label", "Jobs: none in progress")
    long_jobs(page, 5)
    expect(page.locator("#tray")).to_contain_text("5 in progress")
    expect(page).to_have_title("(5) Settings · Vivid Flow")
    page.locator("#tray").click()
    panel = page.get_by_role("region", name="Jobs")
    expect(panel.locator("li")).to_have_count(5)
    expect(panel.locator("[data-live]")).to_have_text("Live")
    expect(panel.get_by_role("progressbar").first).to_be_visible()
    panel.get_by_role("button", name=re.compile(r"^Cancel all \d queued")).click()
    expect(panel.get_by_text("Cancelled")).not_to_have_count(0)
    buttons = panel.get_by_role("button", name=re.compile("^Cancel"))
    while left := buttons.count():
        buttons.first.click()
        expect(buttons).to_have_count(left - 1)
    expect(page.locator("#tray")).to_have_attribute("aria-label", "Jobs: none in progress", timeout=DONE_MS)
    expect(panel.locator("li").get_by_text("Cancelled", exact=True)).to_have_count(5)
    page.keyboard.press("Escape")
    expect(panel).to_be_hidden()


def test_one_job_puts_its_percent_before_every_title(page: Page) -> None:
    (job,) = long_jobs(page, 1)
    for path, title in (("/jobs", "Jobs"), ("/settings", "Settings"), ("/developers/keys", "API keys")):
        page.goto(path)
        expect(page).to_have_title(re.compile(rf"^\(\d+%\) {title} · Vivid Flow$"))
    page.request.post(f"/api/v1/cancel/{job}", headers={"X-CSRF-Token": _token(page)}, data={})
    expect(page).to_have_title("API keys · Vivid Flow")


def test_keys_lead_to_places_and_list_themselves(page: Page) -> None:
    page.goto("/settings")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    expect(dialog).to_contain_text("Go to Jobs")
    page.keyboard.press("g")
    page.keyboard.press("j")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.keyboard.press("g")
    page.keyboard.press("j")
    page.wait_for_url("**/jobs")
    page.keyboard.press("g")
    page.keyboard.press("c")
    page.wait_for_url("**/create")
    page.focus("#prompt")
    page.keyboard.press("g")
    page.keyboard.press("j")
    expect(page.locator("#prompt")).to_have_value(re.compile("gj"))
    assert page.url.endswith("/create")


def test_keys_that_are_switched_off_do_nothing_and_the_switch_acts_at_once(page: Page) -> None:
    page.goto("/settings")
    page.get_by_role("switch", name="Single keys act").uncheck()
    page.get_by_role("button", name="Save keyboard").click()
    expect(page.locator(".toast")).to_contain_text("Keyboard saved.")
    page.locator("h1").click()
    page.keyboard.press("?")
    page.keyboard.press("g")
    page.keyboard.press("j")
    expect(page.locator("#keys")).to_be_hidden()
    page.get_by_role("switch", name="Single keys act").check()
    page.get_by_role("button", name="Save keyboard").click()
    expect(page.locator("#shortcuts[data-on]")).to_have_count(1)
    page.locator("h1").click()
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()


def test_settings_act_in_place_and_say_what_is_wrong(page: Page) -> None:
    page.goto("/settings")
    page.evaluate("window.same = true")
    page.fill("#name", "Ada King")
    page.get_by_role("button", name="Save name").click()
    expect(page.locator(".toast")).to_contain_text("Name saved.")
    expect(page.locator("#who")).to_have_text("AK")
    expect(page.get_by_role("button", name="Save name")).to_be_focused()
    page.fill("#name", "Ada\N{ZERO WIDTH SPACE}")
    page.get_by_role("button", name="Save name").click()
    expect(page.locator("#name-error")).to_contain_text("Enter a name")
    expect(page.locator("#name")).to_be_focused()
    page.select_option("#time_zone", "Asia/Kathmandu")
    page.get_by_role("button", name="Save time zone").click()
    expect(page.locator(".toast").last).to_contain_text("Time zone saved.")
    assert page.evaluate("window.same") is True


def test_a_session_that_ended_keeps_what_was_typed(page: Page) -> None:
    page.goto("/settings")
    page.fill("#name", "Ada King")
    cookies = page.context.cookies()
    page.context.clear_cookies()
    page.get_by_role("button", name="Save name").click()
    expect(page.locator(".toast")).to_contain_text("You are signed out. What you typed is still here.")
    expect(page.locator("#name")).to_have_value("Ada King")
    page.context.add_cookies(cookies)  # pyright: ignore[reportArgumentType]
    page.get_by_role("button", name="Save name").click()
    expect(page.locator("#who")).to_have_text("AK")


def test_a_save_that_finds_no_server_loses_nothing(rough_page: Page) -> None:
    page = rough_page
    page.goto("/settings")
    page.fill("#name", "Ada King")
    page.route("**/settings/profile", lambda route: route.abort())
    page.get_by_role("button", name="Save name").click()
    expect(page.locator(".toast")).to_contain_text("Nothing you typed is lost.")
    expect(page.locator("#name")).to_have_value("Ada King")
    page.unroute("**/settings/profile")
    page.get_by_role("button", name="Save name").click()
    expect(page.locator("#who")).to_have_text("AK")


def test_the_list_of_jobs_grows_in_place(page: Page) -> None:
    for number in range(22):
        job = place(page, duration=60, resolution="4k", prompt=f"Number {number}")
        page.request.post(f"/api/v1/cancel/{job}", headers={"X-CSRF-Token": _token(page)}, data={})
    page.goto("/jobs")
    expect(page.locator("article")).to_have_count(20)
    page.get_by_role("link", name="Load more").click()
    expect(page.locator("article")).to_have_count(22)
    expect(page.get_by_role("link", name="Load more")).to_have_count(0)
    assert len(set(page.locator("article").evaluate_all("all => all.map(each => each.id)"))) == 22


def test_notify_me_asks_only_when_pressed_and_tells_once(open_page: Callable[..., Watched]) -> None:
    page = open_page().page
    page.add_init_script(
        """window.asked = 0; window.told = [];
        window.Notification = class { constructor(words) { told.push(words); }
            static async requestPermission() { asked += 1; return 'granted'; } };"""
    )
    sign_up(page, f"{new_id()}@example.com")
    place(page, duration=8, prompt="A slow lake")
    page.goto("/create")
    button = page.get_by_role("button", name="Notify me")
    expect(button).to_be_visible()
    assert page.evaluate("asked") == 0
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(page.locator("article[data-job]")).to_have_attribute("data-word", "Done", timeout=DONE_MS)
    assert page.evaluate("[asked, told]") == [1, ["Video ready: A slow lake"]]


def test_at_most_three_toasts_and_they_wait_while_pointed_at(page: Page) -> None:
    page.goto("/settings")
    page.clock.install()
    for name in ("Ada One", "Ada Two", "Ada Three", "Ada Four"):
        page.fill("#name", name)
        page.get_by_role("button", name="Save name").click()
        expect(page.locator("#who")).to_have_attribute("aria-label", f"Account, {name}")
    toasts = page.locator(".toast")
    expect(toasts).to_have_count(3)
    toasts.first.hover()
    page.clock.run_for(7_000)
    expect(toasts).to_have_count(1)
    page.mouse.move(0, 0)
    page.clock.run_for(7_000)
    expect(toasts).to_have_count(0)


def test_more_holds_the_rest_on_a_phone(open_page: Callable[..., Watched]) -> None:
    page = open_page(viewport=TABS_OF_A_PHONE).page
    sign_up(page, f"{new_id()}@example.com")
    page.get_by_role("button", name="More").click()
    page.get_by_role("link", name="Settings").click()
    page.wait_for_url("**/settings")
    expect(page.get_by_role("button", name="More")).to_have_attribute("aria-current", "true")


def test_out_of_sight_for_half_a_minute_the_stream_closes_and_comes_back(page: Page) -> None:
    page.goto("/jobs")
    expect(page.locator("#live")).to_have_text("Live")
    page.clock.install()
    page.evaluate(HIDE, True)
    page.clock.run_for(29_000)
    assert page.evaluate("window.closed_streams") == 0
    page.clock.run_for(2_000)
    assert page.evaluate("window.closed_streams") == 1
    with page.expect_request("**/api/v1/events"):
        page.evaluate(HIDE, False)
    job = place(page)
    expect(page.locator(f"[data-job='{job}']")).to_have_attribute("data-word", "Done", timeout=DONE_MS)


def test_a_server_that_is_killed_twice_loses_and_doubles_no_card(studio: Studio, rough_page: Page) -> None:
    expect(rough_page.locator("#live")).to_have_text("Live")
    assert len(restart_under(studio, rough_page, 2)) == 2


def test_the_sheet_of_components_stands_still_for_who_wants_that_and_shows_in_forced_colours(
    open_page: Callable[..., Watched], account: dict[str, Any]
) -> None:
    page = open_page(storage_state=account["state"], reduced_motion="reduce", forced_colors="active").page
    page.goto("/_ui")
    expect(page.get_by_role("progressbar", name="Generating").first).to_be_visible()
    assert page.evaluate("document.getAnimations().length") == 0
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    chosen, other = page.locator("input[name=s_shape] + span").all()[:2]
    assert chosen.evaluate(OUTLINE) != other.evaluate(OUTLINE)
    bar = page.locator("[role=progressbar] i").first
    assert bar.evaluate("(each) => getComputedStyle(each).backgroundColor") != page.locator(
        "[role=progressbar]"
    ).first.evaluate("(each) => getComputedStyle(each).backgroundColor")


OUTLINE = "(each) => getComputedStyle(each).outlineStyle"
HIDE = """(hidden) => {
    if (window.closed_streams === undefined) {
        window.closed_streams = 0;
        const close = EventSource.prototype.close;
        EventSource.prototype.close = function () { window.closed_streams += 1; close.call(this); };
    }
    Object.defineProperty(document, 'hidden', {value: hidden, configurable: true});
    document.dispatchEvent(new Event('visibilitychange'));
}"""


def _token(page: Page) -> str:
    return page.get_attribute("meta[name=csrf-token]", "content") or ""
