"""What every page owes its reader, in a real browser: reachable, readable, nothing sideways, nothing that moves unasked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.pages.chromium import Watched, place, sign_up
from vividflow.timing import new_id

pytestmark = pytest.mark.timeout(240)
WIDTHS = (320, 390, 1024, 1440)
SIGNED_IN = (
    "/create",
    "/create?show=active",
    "/create?show=failed",
    "/jobs",
    "/jobs/{done}",
    "/jobs/{failed}",
    "/jobs/{cancelled}",
    "/developers/keys",
    "/settings",
    "/_ui",
    "/nothing",
)
STRANGERS = ("/login", "/signup", "/reset", "/login/link/none", "/nothing")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(
    open_page: Callable[..., Watched], account: dict[str, Any], scheme: str
) -> None:
    found: list[str] = []
    for paths, state in ((SIGNED_IN, account["state"]), (STRANGERS, None)):
        page = open_page(storage_state=state, color_scheme=scheme).page
        for path in paths:
            page.goto(path.format(**account["jobs"]))
            page.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
            result = Axe().run(page).response["violations"]
            found += [f"{path}: {each['id']}: {each['nodes'][0]['target']}" for each in result]
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 800})
                over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
                found += [f"{path}: {over} px sideways at {width}"] if over > 0 else []
    assert found == []


def test_every_page_has_one_main_heading_and_a_title_of_its_own(
    open_page: Callable[..., Watched], account: dict[str, Any]
) -> None:
    page = open_page(storage_state=account["state"]).page
    titles = []
    for path in ("/create", "/jobs", "/jobs/{done}", "/developers/keys", "/settings"):
        page.goto(path.format(**account["jobs"]))
        assert page.locator("h1").count() == 1, path
        titles.append(page.title())
    assert len(set(titles)) == len(titles)


def test_all_of_create_can_be_reached_by_keyboard(page: Page) -> None:
    page.goto("/create")
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to content")).to_be_focused()
    reached: set[str] = set()
    for _ in range(60):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate(
                "document.activeElement.id || document.activeElement.name || document.activeElement.textContent.trim()"
            )
        )
    assert {"prompt", "image", "model-picker", "aspect_ratio", "resolution", "cfg"} <= reached
    assert any(each.startswith("Generate") for each in reached)


def test_nothing_moves_for_who_asked_for_that(open_page: Callable[..., Watched]) -> None:
    page = open_page(reduced_motion="reduce").page
    sign_up(page, f"{new_id()}@example.com")
    place(page, duration=60, resolution="1080p")
    page.goto("/create")
    expect(page.locator("article[data-job]")).to_have_attribute("data-word", "Generating")
    assert page.evaluate("document.getAnimations().length") == 0
    page.get_by_role("button", name="Cancel").click()
