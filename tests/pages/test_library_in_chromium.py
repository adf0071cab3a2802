"""The library in a real browser: found, chosen, marked, named, put away and taken back, by hand and by keyboard alone."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import APIResponse, Locator, Page, Route, expect

from tests.pages.chromium import DONE_MS, Studio, Watched, ended, headers, place, sign_up
from vividflow.timing import new_id

pytestmark = pytest.mark.timeout(240)
WIDTHS = (320, 390, 1024, 1440)
NAMES = ("alpha", "bravo", "charlie", "delta", "echo")
HOSTILE = "<img src=x onerror=alert(1)> \u202e\u05e9\u05dc\u05d5\u05dd \U0001f30a"


def stock(page: Page) -> dict[str, str]:
    """Five finished pictures, the newest is the last named."""
    ids = {}
    for name in NAMES:
        body = {"prompt": f"A quiet {name}", "model": "local-still"}
        answer = page.request.post("/api/v1/generate", headers=headers(page), data=body)
        ids[name] = answer.json()["job_id"]
    for job in ids.values():
        assert ended(page, job) == "completed"
    return ids


@pytest.fixture(scope="module")
def looked_at(studio: Studio) -> Iterator[dict[str, Any]]:
    """The cookies of somebody whose library is only looked at."""
    context = studio.context()
    page = Watched(context).page
    sign_up(page, f"{new_id()}@example.com")
    ids = stock(page)
    page.request.patch(f"/api/v1/jobs/{ids['echo']}", headers=headers(page), data={"title": HOSTILE})
    page.request.patch(f"/api/v1/jobs/{ids['delta']}", headers=headers(page), data={"title": "W" * 120})
    yield {"state": context.storage_state(), "ids": ids}
    context.close()


@pytest.fixture
def mine(page: Page) -> tuple[Page, dict[str, str]]:
    """Somebody's own library, open."""
    ids = stock(page)
    page.goto("/library")
    return page, ids


def tile(page: Page, job_id: str) -> Locator:
    return page.locator(f'.tile[data-job="{job_id}"]')


def selected(page: Page) -> set[str]:
    return set(page.eval_on_selector_all(".pick .check:checked", "(all) => all.map((each) => each.value)"))


def test_search_is_in_the_address_and_back_restores_it(mine: tuple[Page, dict[str, str]]) -> None:
    page, ids = mine
    page.fill("#search", "bravo")
    expect(page.locator(".tile")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"/library\?q=bravo$"))
    expect(page.locator("#search")).to_be_focused()
    tile(page, ids["bravo"]).locator(".hit").click()
    page.wait_for_url(f"**/library/{ids['bravo']}")
    page.go_back()
    expect(page.locator("#search")).to_have_value("bravo")
    expect(page.locator(".tile")).to_have_count(1)
    page.fill("#search", "nothing like it")
    expect(page.locator(".empty h2")).to_contain_text("nothing like it")
    page.click("text=Clear filters >> nth=-1")
    expect(page.locator(".tile")).to_have_count(5)


def test_shift_chooses_only_what_lies_between(mine: tuple[Page, dict[str, str]]) -> None:
    page, ids = mine
    page.check(f'.tile[data-job="{ids["delta"]}"] .check', force=True)
    page.locator(f'.tile[data-job="{ids["bravo"]}"] .check').click(modifiers=["Shift"], force=True)
    assert selected(page) == {ids["delta"], ids["charlie"], ids["bravo"]}
    expect(page.locator("[data-count]")).to_have_text("3 selected")
    page.click('[data-bar] [data-do="clear"]')
    expect(page.locator("[data-bar]")).to_be_hidden()
    assert selected(page) == set()


def test_delete_is_at_once_and_undo_brings_all_of_it_back(mine: tuple[Page, dict[str, str]]) -> None:
    page, ids = mine
    for name in ("alpha", "echo"):
        page.check(f'.tile[data-job="{ids[name]}"] .check', force=True)
    page.click('[data-bar] [data-do="delete"]')
    expect(page.locator(".tile")).to_have_count(3)
    toast = page.locator(".toast", has_text="2 items moved to the trash")
    toast.get_by_role("button", name="Undo").click()
    expect(page.locator(".tile")).to_have_count(5)
    page.reload()
    expect(page.locator(".tile")).to_have_count(5)


def test_what_the_server_refuses_goes_back(open_page: Callable[..., Watched]) -> None:
    page = open_page(broken=True).page
    sign_up(page, f"{new_id()}@example.com")
    ids = stock(page)
    page.goto("/library")
    page.route("**/api/v1/jobs/*", lambda route: route.abort())
    page.route("**/library/delete", lambda route: route.abort())
    heart = tile(page, ids["echo"]).locator('[data-do="favourite"]')
    tile(page, ids["echo"]).hover()
    heart.click()
    expect(page.locator(".toast")).to_contain_text("could not be reached")
    expect(heart).to_have_attribute("aria-pressed", "false")
    page.check(f'.tile[data-job="{ids["alpha"]}"] .check', force=True)
    page.click('[data-bar] [data-do="delete"]')
    expect(page.locator(".toast")).to_have_count(2)
    expect(page.locator(".tile")).to_have_count(5)


def test_a_name_and_a_mark_are_kept(mine: tuple[Page, dict[str, str]]) -> None:
    page, ids = mine
    one = tile(page, ids["charlie"])
    one.hover()
    one.locator('[data-do="more"]').click()
    page.click('#tile-menu [data-menu="rename"]')
    page.fill("#new-title", "Harbour")
    page.keyboard.press("Enter")
    expect(one.locator(".cap span")).to_have_text("Harbour")
    one.hover()
    one.locator('[data-do="favourite"]').click()
    expect(one).to_have_class(re.compile("is-fav"))
    expect(page.locator("#said")).to_contain_text("Added to favourites")
    page.goto("/library?favourite=1")
    expect(page.locator(".tile .cap span")).to_have_text(["Harbour"])


def test_a_mark_made_while_a_tile_is_on_its_way_stays(mine: tuple[Page, dict[str, str]]) -> None:
    page, ids = mine
    one = tile(page, ids["charlie"])
    held: list[tuple[Route, APIResponse]] = []

    def hold(route: Route) -> None:
        if held:
            return route.continue_()
        held.append((route, route.fetch()))
        return None

    page.route("**/library/tiles*", hold)
    one.hover()
    one.locator('[data-do="more"]').click()
    page.click('#tile-menu [data-menu="rename"]')
    page.fill("#new-title", "Harbour")
    with page.expect_request("**/library/tiles*"):
        page.keyboard.press("Enter")
    one.hover()
    with page.expect_response("**/api/v1/jobs/*"):
        one.locator('[data-do="favourite"]').click()
    with page.expect_request("**/library/tiles*"):  # what was on its way is too old, so it is asked anew
        held[0][0].fulfill(response=held[0][1])
    expect(one.locator(".cap span")).to_have_text("Harbour")
    expect(one).to_have_class(re.compile("is-fav"))


def test_by_keyboard_alone(mine: tuple[Page, dict[str, str]]) -> None:
    page, ids = mine
    page.keyboard.press("ArrowRight")
    expect(tile(page, ids["echo"]).locator(".hit")).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("x")
    page.keyboard.press("Shift+ArrowRight")
    assert selected(page) == {ids["delta"], ids["charlie"]}
    page.keyboard.press("Escape")
    assert selected(page) == set()
    page.keyboard.press("f")
    expect(tile(page, ids["charlie"])).to_have_class(re.compile("is-fav"))
    page.keyboard.press("Delete")
    expect(page.locator(".tile")).to_have_count(4)
    expect(tile(page, ids["bravo"]).locator(".hit")).to_be_focused()
    page.keyboard.press("/")
    expect(page.locator("#search")).to_be_focused()
    page.locator("#search").blur()
    tile(page, ids["bravo"]).locator(".hit").focus()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/library/{ids['bravo']}")


def test_many_come_down_as_one_zip(mine: tuple[Page, dict[str, str]]) -> None:
    page, ids = mine
    for name in NAMES[:3]:
        page.check(f'.tile[data-job="{ids[name]}"] .check', force=True)
    with page.expect_download() as waiting:
        page.click('[data-bar] [data-do="download"]')
    with zipfile.ZipFile(waiting.value.path()) as packed:
        assert packed.testzip() is None
        assert len(packed.namelist()) == 3
    button = page.locator('[data-bar] [data-do="download"]')
    expect(button).not_to_have_attribute("aria-disabled", "true")


def test_a_job_appears_in_place_and_becomes_a_video(page: Page) -> None:
    page.goto("/library")
    expect(page.locator("#live, [data-live]").first).to_have_attribute("data-state", "live")
    job = place(page)
    expect(tile(page, job)).to_be_visible()
    expect(tile(page, job)).to_have_attribute("data-word", "Done", timeout=DONE_MS)
    expect(tile(page, job).locator("img")).to_be_visible()


def test_a_list_that_cannot_be_loaded_says_so_and_tries_again(open_page: Callable[..., Watched]) -> None:
    page = open_page(broken=True).page
    sign_up(page, f"{new_id()}@example.com")
    page.goto("/library")

    def refuse(route: Route) -> None:
        route.abort()

    page.route("**/library?q=*", refuse)
    page.fill("#search", "bravo")
    expect(page.get_by_role("alert")).to_contain_text("could not be loaded")
    page.unroute("**/library?q=*", refuse)
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".empty h2")).to_contain_text("bravo")


def test_a_poster_that_is_gone_leaves_a_frame(open_page: Callable[..., Watched], looked_at: dict[str, Any]) -> None:
    page = open_page(storage_state=looked_at["state"], broken=True).page
    page.route("**/media/**", lambda route: route.abort())
    page.goto("/library")
    expect(page.locator(".tile .media.ph").first).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_is_found_by_axe_and_nothing_goes_sideways(
    open_page: Callable[..., Watched], looked_at: dict[str, Any], theme: str
) -> None:
    page = open_page(storage_state=looked_at["state"], color_scheme=theme).page
    for path in ("/library", "/library?q=zeppelin", "/library?trash=1"):
        page.goto(path)
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()
    page.goto("/library")
    page.check(f'.tile[data-job="{looked_at["ids"]["alpha"]}"] .check', force=True)
    assert Axe().run(page).violations_count == 0
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, width


def test_without_script_all_of_it_are_forms_and_links(
    open_page: Callable[..., Watched], looked_at: dict[str, Any]
) -> None:
    page = open_page(storage_state=looked_at["state"], java_script_enabled=False).page
    page.goto("/library")
    page.fill("#search", "bravo")
    page.keyboard.press("Enter")
    expect(page.locator(".tile")).to_have_count(1)
    page.goto("/library")
    page.check(f'.tile[data-job="{looked_at["ids"]["alpha"]}"] .check', force=True)
    page.click('[data-bar] [data-do="delete"]')
    expect(page.locator(".tile")).to_have_count(4)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".tile")).to_have_count(5)
