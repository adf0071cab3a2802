"""A library with more than one page of items, in a real browser: more of them, the way back, ranges, the trash, what fails."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, Route, expect

from tests.pages.chromium import Studio, Watched, ended, headers, place, sign_up
from vividflow.timing import new_id

pytestmark = pytest.mark.timeout(240)
ITEMS = 64
DAY_SECONDS = 86_400


def stock(studio: Studio, page: Page, count: int) -> list[str]:
    """One picture that was made, and copies of its row: so many items, the newest first, the last five of the day before."""
    body = {"prompt": "A quiet lake", "model": "local-still"}
    first = page.request.post("/api/v1/generate", headers=headers(page), data=body).json()["job_id"]
    assert ended(page, first) == "completed"
    ids = [first]
    with closing(sqlite3.connect(studio.folder / "data" / "jobs.db", timeout=30)) as db, db:
        names = [row[1] for row in db.execute("PRAGMA table_info(jobs)")]
        (found,) = db.execute("SELECT * FROM jobs WHERE id = ?", (first,))
        plain = dict(zip(names, found, strict=True))
        for number in range(1, count):
            age = number + (DAY_SECONDS if number >= count - 5 else 0)
            row = plain | {"id": new_id(), "prompt": f"Take {number}", "created_at": plain["created_at"] - age}
            db.execute(f"INSERT INTO jobs ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})", tuple(row.values()))
            ids.append(row["id"])
    return ids


class Shelf:
    """Somebody's own library, open."""

    def __init__(self, page: Page, ids: list[str]) -> None:
        self.page, self.ids = page, ids

    def tile(self, number: int) -> Locator:
        """The item that is so many places from the first."""
        return self.page.locator(f'.tile[data-job="{self.ids[number]}"]')

    def tick(self, number: int, *, shift: bool = False) -> None:
        """Press its box."""
        self.tile(number).locator(".check").click(modifiers=["Shift"] if shift else [])

    @property
    def ticked(self) -> list[int]:
        """The places of what is chosen."""
        found = self.page.eval_on_selector_all(".pick .check:checked", "(all) => all.map((each) => each.value)")
        return [self.ids.index(each) for each in found]


@pytest.fixture
def shelf_for(studio: Studio, open_page: Callable[..., Watched]) -> Callable[..., Shelf]:
    def make(count: int, *, broken: bool = False) -> Shelf:
        page = open_page(broken=broken).page
        sign_up(page, f"{new_id()}@example.com")
        shelf = Shelf(page, stock(studio, page, count))
        page.goto("/library")
        return shelf

    return make


@pytest.fixture(scope="module")
def long_one(studio: Studio) -> Iterator[tuple[BrowserContext, list[str]]]:
    context = studio.context()
    page = Watched(context).page
    sign_up(page, f"{new_id()}@example.com")
    ids = stock(studio, page, ITEMS)
    yield context, ids
    context.close()


@pytest.fixture
def long(open_page: Callable[..., Watched], long_one: tuple[BrowserContext, list[str]]) -> Shelf:
    page = open_page(storage_state=long_one[0].storage_state()).page
    page.goto("/library")
    return Shelf(page, long_one[1])


def test_more_is_appended_and_back_restores_length_place_and_focus(long: Shelf) -> None:
    page = long.page
    expect(page.locator(".tile")).to_have_count(60)
    page.get_by_role("link", name="Load more").click()
    expect(page.locator(".tile")).to_have_count(ITEMS)
    expect(page.locator("[data-day]")).to_have_count(2)
    expect(page.locator("[data-load]")).to_have_count(0)
    expect(page).to_have_url(re.compile(r"/library\?pages=2$"))
    expect(long.tile(60).locator(".hit")).to_be_focused()
    long.tile(62).locator(".hit").click()
    page.wait_for_url(f"**/library/{long.ids[62]}")
    page.go_back()
    expect(page.locator(".tile")).to_have_count(ITEMS)
    expect(long.tile(62).locator(".hit")).to_be_focused()
    expect(long.tile(62)).to_be_in_viewport()


def test_more_of_what_is_looked_for_no_longer_is_left_out(long: Shelf) -> None:
    page, held = long.page, list[Route]()
    page.route("**/library?page=2*", lambda route: held.append(route))
    page.get_by_role("link", name="Load more").click()
    page.fill("#search", "Take 42")
    expect(long.tile(42)).to_be_visible()
    expect(page.locator(".tile")).to_have_count(1)
    with page.expect_response("**/library?page=2*") as answered:
        held[0].continue_()
    answered.value.finished()
    page.evaluate("new Promise((done) => setTimeout(done))")
    expect(page.locator(".tile")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"/library\?q=Take\+42$"))


def test_without_script_the_second_page_has_its_own_address(
    open_page: Callable[..., Watched], long_one: tuple[BrowserContext, list[str]]
) -> None:
    page = open_page(storage_state=long_one[0].storage_state(), java_script_enabled=False).page
    page.goto("/library")
    page.get_by_role("link", name="Load more").click()
    expect(page.locator(".tile")).to_have_count(ITEMS - 60)
    page.get_by_role("link", name="Back to the start").click()
    expect(page.locator(".tile")).to_have_count(60)


def test_another_end_of_a_range_takes_the_rest_of_it_back(long: Shelf) -> None:
    page = long.page
    long.tick(12)
    long.tick(3)
    long.tick(8, shift=True)
    assert long.ticked == [3, 4, 5, 6, 7, 8, 12]
    long.tick(5, shift=True)
    assert long.ticked == [3, 4, 5, 12]
    long.tick(1, shift=True)
    assert long.ticked == [1, 2, 3, 12]
    expect(page.locator("[data-count]")).to_have_text("4 selected")
    page.keyboard.press("Escape")
    assert long.ticked == []
    long.tile(20).locator(".hit").focus()
    for key in ("Shift+ArrowRight", "Shift+ArrowRight", "Shift+ArrowLeft"):
        page.keyboard.press(key)
    assert long.ticked == [20, 21]
    page.keyboard.press("ArrowDown")
    assert long.ticked == [20, 21]


@pytest.mark.parametrize("width", [390, 1440])
def test_buttons_of_a_narrow_tile_leave_its_box_alone(long: Shelf, width: int) -> None:
    page = long.page
    page.set_viewport_size({"width": width, "height": 900})
    long.tile(4).evaluate("(tile) => tile.style.setProperty('--a', '0.5')")
    long.tick(4)
    assert long.ticked == [4]
    tile, inside = long.tile(4).bounding_box(), long.tile(4).locator(".acts").bounding_box()
    assert tile
    assert inside
    assert inside["x"] >= tile["x"]
    assert inside["y"] + inside["height"] <= tile["y"] + tile["height"]


def test_lists_under_the_chips_open_one_at_a_time_and_close_by_key_and_outside(long: Shelf) -> None:
    page = long.page
    model, sort = page.locator("summary", has_text="Model"), page.locator("summary", has_text="Newest first")
    opened = page.locator("[data-pop][open]")
    model.click()
    sort.click()
    expect(opened).to_have_count(1)
    page.keyboard.press("Escape")
    expect(opened).to_have_count(0)
    expect(sort).to_be_focused()
    model.press("Enter")
    expect(opened).to_have_count(1)
    page.locator(".day h2").first.click()
    expect(opened).to_have_count(0)
    sort.click()
    page.get_by_role("link", name="Oldest first").click()
    expect(page).to_have_url(re.compile("sort=oldest"))
    expect(page.locator(".tile").first).to_have_attribute("data-job", long.ids[-1])


def test_counts_and_focus_follow_what_goes_to_the_trash_and_comes_back(shelf_for: Callable[..., Shelf]) -> None:
    shelf = shelf_for(8)
    page = shelf.page
    counts = page.locator("[data-day-count]")
    expect(counts).to_have_text(["3 pictures", "5 pictures"])
    shelf.tile(2).locator(".hit").focus()
    page.keyboard.press("Delete")
    expect(counts).to_have_text(["2 pictures", "5 pictures"])
    expect(shelf.tile(3).locator(".hit")).to_be_focused()
    page.get_by_role("button", name="Undo").click()
    expect(counts).to_have_text(["3 pictures", "5 pictures"])
    expect(shelf.tile(2).locator(".hit")).to_be_focused()
    for number in (0, 1, 2):
        shelf.tick(number)
    page.keyboard.press("Delete")
    expect(page.locator(".toast", has_text="3 items moved to the trash")).to_be_visible()
    expect(counts).to_have_text(["5 pictures"])
    page.goto("/library?trash=1")
    expect(page.locator("[data-found]")).to_contain_text("3 items in the trash")
    expect(shelf.tile(0).locator(".bl")).to_have_text("30 days left")
    shelf.tile(0).hover()
    shelf.tile(0).get_by_role("button", name="Restore").click()
    expect(page.locator(".toast", has_text="1 item restored")).to_be_visible()
    expect(page.locator(".tile")).to_have_count(2)
    shelf.tile(1).locator(".hit").focus()
    page.keyboard.press("x")
    page.get_by_role("button", name="Delete now selected").click()
    expect(page.locator(".toast", has_text="1 item deleted for good")).to_be_visible()
    page.get_by_role("link", name="Empty trash").click()
    dialog = page.locator("#empty-trash")
    expect(dialog).to_contain_text("1 item is in it")
    dialog.get_by_role("button", name="Empty trash").click()
    expect(page.locator(".empty h2")).to_have_text("The trash is empty")


def test_a_delete_that_is_refused_leaves_choice_counts_and_order_as_they_were(shelf_for: Callable[..., Shelf]) -> None:
    shelf = shelf_for(7, broken=True)
    page = shelf.page
    page.route("**/library/delete", lambda route: route.abort())
    order = page.eval_on_selector_all(".tile", "(all) => all.map((each) => each.dataset.job)")
    for number in (0, 1, 4):
        shelf.tick(number)
    page.click('[data-bar] [data-do="delete"]')
    expect(page.locator(".toast")).to_contain_text("could not be reached")
    assert page.eval_on_selector_all(".tile", "(all) => all.map((each) => each.dataset.job)") == order == shelf.ids
    assert shelf.ticked == [0, 1, 4]
    expect(page.locator("[data-day-count]")).to_have_text(["2 pictures", "5 pictures"])
    expect(page.locator("[data-count]")).to_have_text("3 selected")


def test_marks_pressed_quickly_end_as_the_last_one_that_was_kept(shelf_for: Callable[..., Shelf]) -> None:
    shelf = shelf_for(1, broken=True)
    page, tries = shelf.page, list[str | None]()

    def second_fails(route: Route) -> None:
        tries.append(route.request.post_data)
        if len(tries) == 2:
            route.abort()
        else:
            route.continue_()

    page.route("**/api/v1/jobs/*", second_fails)
    shelf.tile(0).locator(".hit").focus()
    page.keyboard.press("f")
    page.keyboard.press("f")
    expect(page.locator(".toast")).to_contain_text("could not be reached")
    expect(shelf.tile(0)).to_have_class(re.compile("is-fav"))
    page.goto("/library?favourite=1")
    expect(page.locator(".tile")).to_have_count(1)


def test_keys_fetch_a_file_and_use_settings(shelf_for: Callable[..., Shelf]) -> None:
    shelf = shelf_for(1)
    page = shelf.page
    shelf.tile(0).locator(".hit").focus()
    with page.expect_download() as waiting:
        page.keyboard.press("d")
    assert waiting.value.suggested_filename
    page.keyboard.press("r")
    page.wait_for_url(f"**/create?from={shelf.ids[0]}")


def test_what_fails_leaves_the_library_and_says_so(page: Page) -> None:
    page.goto("/library")
    expect(page.locator("[data-live]").first).to_have_attribute("data-state", "live")
    job = place(page, fault="content")
    toast = page.locator(".toast", has_text="Failed: A quiet lake")
    expect(toast.get_by_role("link", name="Details")).to_have_attribute("href", f"/jobs/{job}")
    expect(page.locator(".tile")).to_have_count(0)
    expect(page.locator(".empty h2")).to_have_text("Your videos will appear here")
