"""One video and its public page in a real browser: keys, frames, names that change in place, a link that dies at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, Route, expect

from tests.pages.chromium import DONE_MS, Studio, Watched, ended, headers, place, sign_up
from vividflow.timing import new_id

pytestmark = pytest.mark.timeout(240)
WIDTHS = (320, 390, 1024, 1440)
FPS = 30
AT = "(video) => new Promise((done) => { const at = () => done(video.currentTime); "
SETTLED = AT + "if (video.readyState >= 2 && !video.seeking) at(); else video.addEventListener('seeked', at); })"
PLAYED = AT + "video.addEventListener('timeupdate', () => video.currentTime > 0 && at()); })"
HOSTILE = "<img src=x onerror=alert(1)> \u202e\u05e9\u05dc\u05d5\u05dd \U0001f30a"


@pytest.fixture(scope="module")
def made(studio: Studio) -> Iterator[dict[str, Any]]:
    """The cookies of somebody with videos of three shapes, a picture and a job that failed; and a link to each shared one."""
    context = studio.context()
    page = Watched(context).page
    sign_up(page, f"{new_id()}@example.com")
    jobs = {
        "wide": place(page, duration=3, prompt="A lake at dawn"),
        "tall": place(page, aspect_ratio="9:16", prompt="W" * 1000),
        "still": page.request.post(
            "/api/v1/generate", headers=headers(page), data={"prompt": "A still lake", "model": "local-still"}
        ).json()["job_id"],
        "failed": place(page, fault="content"),
    }
    for job in jobs.values():
        ended(page, job)
    page.request.post(f"/library/{jobs['tall']}/title", headers=headers(page), form={"title": HOSTILE})
    links = {}
    for name in ("tall", "still"):
        terms = {"show_name": True, "show_prompt": True}
        answer = page.request.post(f"/api/v1/videos/jobs/{jobs[name]}/share", headers=headers(page), data=terms)
        links[name] = "/s/" + answer.json()["url"].rpartition("/")[2]
    yield {"state": context.storage_state(), "jobs": jobs, "links": links}
    context.close()


@pytest.fixture
def mine(open_page: Callable[..., Watched], made: dict[str, Any]) -> Page:
    """The page of the wide video."""
    page = open_page(storage_state=made["state"]).page
    page.goto(f"/library/{made['jobs']['wide']}")
    return page


def frame(video: Locator) -> float:
    return video.evaluate(SETTLED) * FPS


def test_the_bar_shows_small_pictures_and_a_drag_over_it_moves_the_video(mine: Page) -> None:
    video, tile = mine.locator("video"), mine.locator(".scrub-tile")
    box = mine.locator("[data-tiles]").bounding_box()
    assert box
    expect(tile).to_be_hidden()
    across, middle = lambda part: box["x"] + box["width"] * part, box["y"] + box["height"] / 2
    mine.mouse.move(across(0.5), middle)
    expect(tile).to_be_visible()
    expect(tile).to_have_attribute("data-at", re.compile(r"1\.[45]"))
    picture = "(tile) => fetch(getComputedStyle(tile).backgroundImage.slice(5, -2)).then((a) => a.headers.get('Content-Type'))"
    assert tile.evaluate(picture) == "image/jpeg"
    mine.mouse.down()
    mine.mouse.move(across(0.6), middle)
    expect(tile).to_have_attribute("data-at", re.compile(r"1\.[78]|1\.8"))
    mine.mouse.up()
    assert frame(video) == pytest.approx(1.8 * FPS, abs=3)
    mine.mouse.move(5, 5)
    expect(tile).to_be_hidden()


def test_single_keys_step_skip_loop_and_mute(mine: Page) -> None:
    page, video = mine, mine.locator("video")
    page.keyboard.press(".")
    assert 1 <= frame(video) < 2
    expect(page.locator("[data-watch-time]")).to_have_text("0:00.03 · frame 2")
    for _ in range(3):
        page.keyboard.press(".")
        frame(video)
    page.keyboard.press(",")
    assert 3 <= frame(video) < 4
    page.keyboard.press("ArrowRight")
    assert FPS + 3 <= frame(video) < FPS + 4
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    assert frame(video) == 0
    page.keyboard.press("l")
    expect(page.locator("[data-loop]")).to_have_attribute("aria-pressed", "true")
    assert video.evaluate("(video) => video.loop")
    page.keyboard.press("m")
    assert video.evaluate("(video) => video.muted")
    page.keyboard.press("Space")
    video.evaluate(PLAYED)
    page.keyboard.press("Space")
    assert video.evaluate("(video) => video.paused")
    page.keyboard.press("f")
    expect(page.locator("video:fullscreen")).to_have_count(1)
    page.keyboard.press("f")
    expect(page.locator("video:fullscreen")).to_have_count(0)


def test_the_buttons_do_the_same_and_a_focused_one_keeps_its_space(mine: Page) -> None:
    page, video = mine, mine.locator("video")
    page.get_by_role("button", name="Next frame").click()
    assert 1 <= frame(video) < 2
    page.get_by_role("button", name="Previous frame").click()
    assert frame(video) < 1
    loop = page.get_by_role("button", name="Loop")
    loop.focus()
    page.keyboard.press("Space")
    expect(loop).to_have_attribute("aria-pressed", "true")
    assert video.evaluate("(video) => video.paused")


def test_keys_are_letters_while_somebody_types(mine: Page) -> None:
    title = mine.get_by_role("textbox", name="Title")
    title.fill("")
    mine.keyboard.type("loom, f m.")
    expect(title).to_have_value("loom, f m.")
    expect(mine.locator("[data-loop]")).to_have_attribute("aria-pressed", "false")
    assert mine.locator("video").evaluate("(video) => [video.muted, video.currentTime]") == [False, 0]
    mine.keyboard.press("Escape")
    expect(title).to_have_value("")


def test_a_new_name_stands_at_once_and_after_a_reload(mine: Page) -> None:
    held: list[Route] = []
    mine.route("**/title", lambda route: held.append(route))
    title, heading = mine.get_by_role("textbox", name="Title"), mine.locator("h1")
    title.fill(HOSTILE)
    title.press("Enter")
    expect(heading).to_have_text(HOSTILE)
    with mine.expect_response("**/title"):
        held[0].continue_()
    expect(mine.locator("#said")).to_have_text("Title saved")
    mine.reload()
    expect(heading).to_have_text(HOSTILE)
    expect(mine).to_have_title(f"{HOSTILE} · Vivid Flow")
    mine.unroute("**/title")
    title.fill("  ")
    title.press("Tab")
    expect(heading).to_have_text("A lake at dawn")


def test_a_name_that_is_refused_goes_back_and_what_was_typed_stays(mine: Page) -> None:
    answer = '{"code": "invalid_title", "detail": "A title has at most 120 characters."}'
    mine.route("**/title", lambda route: route.fulfill(status=422, body=answer, content_type="application/json"))
    title, heading = mine.get_by_role("textbox", name="Title"), mine.locator("h1")
    before = heading.text_content()
    title.fill("Too long")
    title.press("Enter")
    expect(mine.locator("#title-error")).to_have_text("A title has at most 120 characters.")
    expect(heading).to_have_text(before or "")
    expect(title).to_have_value("Too long")
    expect(title).to_have_attribute("aria-describedby", "title-error")


def test_a_favourite_is_marked_at_once_and_unmarked_when_the_server_says_no(mine: Page) -> None:
    heart = mine.get_by_role("button", name="Favourite")
    heart.click()
    expect(heart).to_have_attribute("aria-pressed", "true")
    expect(mine.locator("#said")).to_have_text("Added to favourites")
    mine.reload()
    expect(heart).to_have_attribute("aria-pressed", "true")
    mine.route("**/favourite", lambda route: route.fulfill(status=409, body="{}", content_type="application/json"))
    heart.click()
    expect(mine.locator(".toast")).to_contain_text("That did not work")
    expect(heart).to_have_attribute("aria-pressed", "true")
    mine.unroute("**/favourite")
    heart.click()
    expect(heart).to_have_attribute("aria-pressed", "false")


def test_a_stranger_watches_until_the_link_is_switched_off(mine: Page, open_page: Callable[..., Watched]) -> None:
    switch = mine.get_by_role("switch", name="Anyone with the link can watch")
    switch.focus()
    mine.keyboard.press("Space")
    expect(switch).to_have_attribute("aria-checked", "true")
    expect(switch).to_be_focused()
    path = "/s/" + (mine.locator("#share-link").get_attribute("href") or "").rpartition("/")[2]
    mine.get_by_label("Show the prompt").check()
    expect(mine.locator("#said")).to_contain_text("Anyone with the link can watch")
    mine.get_by_label("Ends").select_option("never")
    expect(mine.locator("#share .hint")).to_contain_text("It does not end by itself.")

    stranger = open_page().page
    assert stranger.goto(path)
    expect(stranger.locator(".one-prompt")).to_have_text("A lake at dawn")
    stranger.keyboard.press("Space")
    stranger.locator("video").evaluate(PLAYED)
    assert stranger.context.cookies() == []

    switch.click()
    expect(switch).to_have_attribute("aria-checked", "false")
    for ending in ("", "/file", "/poster"):
        assert stranger.request.get(path + ending).status == 404
    stranger.reload()
    expect(stranger.get_by_role("heading", name="There is nothing here")).to_be_visible()


def test_a_player_whose_link_has_ended_asks_for_another(
    open_page: Callable[..., Watched], made: dict[str, Any]
) -> None:
    page, asked = open_page().page, []

    def once(route: Route) -> None:
        asked.append(route.request.url)
        if len(asked) == 1:
            route.fulfill(status=410, body="")
        else:
            route.continue_()

    page.route("**/file", once)
    page.goto(made["links"]["tall"])
    page.get_by_role("button", name="Next frame").click()
    video = page.locator("video")
    assert 1 <= frame(video) < 2
    assert len(asked) >= 2


def test_the_page_turns_into_the_player_when_the_job_is_done(page: Page) -> None:
    job = place(page, duration=3)
    page.goto(f"/library/{job}")
    expect(page.get_by_role("link", name="Follow the job")).to_have_attribute("href", f"/jobs/{job}")
    expect(page.locator("video")).to_be_visible(timeout=DONE_MS)
    page.keyboard.press(".")
    assert 1 <= frame(page.locator("video")) < 2


def test_without_script_forms_name_mark_share_and_put_away(
    open_page: Callable[..., Watched], made: dict[str, Any]
) -> None:
    page = open_page(storage_state=made["state"], java_script_enabled=False).page
    page.goto(f"/library/{made['jobs']['wide']}")
    title = page.get_by_role("textbox", name="Title")
    title.fill("By hand")
    page.locator(".one-name").get_by_role("button", name="Save").click()
    expect(page.locator("h1")).to_have_text("By hand")
    title.fill("")
    title.press("Enter")
    expect(page.locator("h1")).to_have_text("A lake at dawn")
    for pressed in ("true", "false"):
        page.get_by_role("button", name="Favourite").click()
        expect(page.get_by_role("button", name="Favourite")).to_have_attribute("aria-pressed", pressed)
    page.get_by_role("switch").click()
    page.get_by_label("Ends").select_option("7")
    page.get_by_label("Show my name").check()
    page.locator(".share-terms").get_by_role("button", name="Save").click()
    expect(page.locator(".toast")).to_contain_text("The link is changed.")
    expect(page.get_by_label("Show my name")).to_be_checked()
    page.get_by_role("switch").click()
    expect(page.get_by_role("switch")).to_have_attribute("aria-checked", "false")
    expect(page.locator("video")).to_have_attribute("controls", "")
    page.get_by_role("button", name="Delete").click()
    page.goto(f"/library/{made['jobs']['wide']}")
    page.get_by_role("button", name="Restore").click()
    expect(page.locator("video")).to_have_count(1)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(
    open_page: Callable[..., Watched], made: dict[str, Any], scheme: str
) -> None:
    found: list[str] = []
    own = [f"/library/{job}" for job in made["jobs"].values()]
    for paths, state in ((own, made["state"]), ([*made["links"].values(), "/s/none"], None)):
        page = open_page(storage_state=state, color_scheme=scheme).page
        for path in paths:
            page.goto(path)
            result = Axe().run(page).response["violations"]
            found += [f"{path}: {each['id']}: {each['nodes'][0]['target']}" for each in result]
            found += [f"{path}: {page.locator('h1').count()} headings"] if page.locator("h1").count() != 1 else []
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 800})
                over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
                found += [f"{path}: {over} px sideways at {width}"] if over > 0 else []
    assert found == []


def test_a_shape_of_its_own_gets_black_bars_and_the_player_fits_the_window(
    open_page: Callable[..., Watched], made: dict[str, Any]
) -> None:
    page = open_page(storage_state=made["state"]).page
    page.goto(f"/library/{made['jobs']['tall']}")
    box, video = page.locator(".theatre").bounding_box(), page.locator("video").bounding_box()
    assert box
    assert video
    assert box["y"] + box["height"] <= 900
    assert box["width"] > box["height"]
    assert (video["width"], video["height"]) == (box["width"], box["height"])
    assert page.locator("video").evaluate("(video) => getComputedStyle(video).objectFit") == "contain"
