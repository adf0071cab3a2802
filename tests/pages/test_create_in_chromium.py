"""Create by hand: what is typed is never lost, what it costs is seen before, and every dialog works by keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.api.desk import png
from tests.pages.chromium import DONE_MS, PASSWORD, Studio, Watched, headers, open_chromium, place, sign_up
from vividflow.timing import new_id

pytestmark = pytest.mark.timeout(240)
HOSTILE = "<b>bold</b> مرحبا 🎬 " + "x" * 900
PRICED = {
    "REPLICATE_API_TOKEN": "r8_for_a_provider_that_is_not_there",
    "REPLICATE_BASE_URL": "http://127.0.0.1:9",
    "CREDITS": "true",
}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Chromium]:
    with open_chromium() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory, chromium: Chromium) -> Iterator[Studio]:
    """A server that counts credits and has a model with a price, whose provider does not answer."""
    with Studio(tmp_path_factory.mktemp("studio"), chromium, **PRICED) as studio:
        yield studio


def saved(page: Page, version: int) -> None:
    """Wait until the draft is kept under a version."""
    expect(page.locator("#composer")).to_have_attribute("data-saved", str(version))


def local(page: Page, prompt: str = "A quiet lake at dawn") -> None:
    """A free clip that is made in a moment."""
    page.select_option("#model", "local", force=True)
    page.fill("input[type=number][name=duration]", "1")
    page.check("input[name=resolution][value='480p']", force=True)
    page.fill("#prompt", prompt)


def in_another_tab(page: Page) -> Page:
    other = page.context.new_page()
    other.goto("/create")
    return other


# ---- drafts


def test_everything_typed_is_there_again_after_a_reload(page: Page) -> None:
    local(page, HOSTILE)
    file = {"name": "lake.png", "mimeType": "image/png", "buffer": png(400, 300)}
    page.set_input_files("#image", file)  # pyright: ignore[reportArgumentType]
    page.click("details.more summary")
    page.fill("#seed", "99")
    page.fill("#negative_prompt", "people")
    page.check("input[name=variations][value='2']", force=True)
    page.check("input[name=aspect_ratio][value='9:16']", force=True)
    with page.expect_response(lambda answer: answer.url.endswith("/create/draft") and answer.ok):
        page.fill("#cfg", "6.5")
    page.reload()
    expect(page.locator("#prompt")).to_have_value(HOSTILE)
    expect(page.locator("[data-picture=image]")).to_contain_text("400 × 300")
    for name, value in (("seed", "99"), ("negative_prompt", "people"), ("cfg", "6.5")):
        expect(page.locator(f"#{name}")).to_have_value(value)
    for name, value in (("variations", "2"), ("aspect_ratio", "9:16"), ("resolution", "480p")):
        expect(page.locator(f"input[name={name}][value='{value}']")).to_be_checked()
    page.set_viewport_size({"width": 320, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") == 0


def test_two_windows_lose_nothing(page: Page) -> None:
    other = in_another_tab(page)
    other.fill("#prompt", "From the other window")
    saved(other, 1)
    page.fill("#prompt", "From this window")
    note = page.locator("#draft-note")
    expect(note).to_contain_text("Changed in another window. Reload or keep mine.")
    expect(page.locator("#prompt")).to_have_value("From this window")
    other.reload()
    expect(other.locator("#draft-note")).to_contain_text("Changed in another window.")
    expect(other.locator("#prompt")).to_have_value("From the other window")
    page.get_by_role("button", name="Keep mine").click()
    saved(page, 2)
    expect(note).to_be_hidden()
    other.get_by_role("button", name="Reload").click()
    expect(other.locator("#prompt")).to_have_value("From this window")
    expect(other.locator("#draft-note")).to_be_hidden()


def sign_in_beside(context: BrowserContext, email: str) -> None:
    tab = context.new_page()
    tab.goto("/login")
    tab.fill("#email", email)
    tab.fill("#password", PASSWORD)
    tab.click("button:has-text('Sign in')")
    tab.wait_for_url("**/create")
    tab.close()


def test_a_session_that_ended_in_the_middle_loses_nothing(open_page: Callable[..., Watched]) -> None:
    page, email = open_page().page, f"{new_id()}@example.com"
    sign_up(page, email)
    local(page)
    saved(page, 1)
    page.context.clear_cookies()
    page.fill("#prompt", "Typed after the session had ended")
    note = page.locator("#draft-note")
    expect(note).to_contain_text("You are signed out. What you typed is kept on this device.")
    expect(note.get_by_role("link", name="Sign in")).to_have_attribute("target", "_blank")
    # Leaving the field saves once more: that answer too is awaited, before there is a session again.
    with page.expect_response("**/create/draft"):
        page.click("[data-generate]")
    expect(page.locator("article[data-job]")).to_have_count(0)
    note.get_by_role("button", name="Try again").click()
    expect(note).to_contain_text("You are signed out.")
    sign_in_beside(page.context, email)
    note.get_by_role("button", name="Try again").click()
    expect(note).to_be_hidden()
    page.click("[data-generate]")
    expect(page.locator("article[data-job]")).to_contain_text("Typed after the session had ended")


def test_a_page_that_is_left_while_the_server_is_away_finds_its_text_again(rough_page: Page) -> None:
    page = rough_page
    local(page)
    saved(page, 1)
    away: Callable[[Route], None] = lambda route: route.abort()  # noqa: E731
    page.route("**/create/draft", away)
    page.fill("#prompt", "Typed while the server was away")
    note = page.locator("#draft-note")
    expect(note).to_contain_text("The server could not be reached. What you typed is kept on this device.")
    page.reload()
    expect(page.locator("#prompt")).to_have_value("Typed while the server was away")
    expect(note).to_contain_text("The server could not be reached.")
    page.unroute("**/create/draft")
    note.get_by_role("button", name="Try again").click()
    saved(page, 2)
    expect(note).to_be_hidden()
    other = in_another_tab(page)
    expect(other.locator("#prompt")).to_have_value("Typed while the server was away")
    assert page.evaluate("Object.keys(localStorage).length") == 0


def test_what_was_typed_just_before_a_reload_is_there_after_it(rough_page: Page) -> None:
    page = rough_page
    page.route("**/create/draft", lambda route: route.abort())
    page.fill("#prompt", "Typed and left in the same second")
    page.reload()
    expect(page.locator("#prompt")).to_have_value("Typed and left in the same second")


def test_what_is_kept_on_the_device_goes_with_signing_out(rough_page: Page) -> None:
    page = rough_page
    page.route("**/create/draft", lambda route: route.abort())
    page.fill("#prompt", "Nobody else may read this")
    expect(page.locator("#draft-note")).to_be_visible()
    page.get_by_role("button", name="Account").click()
    page.click("button:has-text('Sign out')")
    page.wait_for_url("**/login")
    assert "Nobody" not in page.evaluate("JSON.stringify(localStorage)")


# ---- the prompt made richer


def test_both_prompts_are_seen_before_one_is_used(page: Page) -> None:
    page.fill("#prompt", "A dog runs")
    page.click("[data-preview]")
    dialog = page.locator("#enhance")
    expect(dialog.locator("[data-original]")).to_have_text("A dog runs")
    expect(dialog.locator("textarea")).to_have_value(re.compile(r"^A dog runs\. ."))
    dialog.get_by_role("button", name="Keep mine").click()
    expect(page.locator("#prompt")).to_have_value("A dog runs")
    expect(page.locator("[data-revert]")).to_be_hidden()
    page.click("[data-preview]")
    dialog.get_by_role("button", name="Edit").click()
    expect(dialog.locator("textarea")).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type("A dog runs on the beach")
    dialog.get_by_role("button", name="Use", exact=True).click()
    expect(page.locator("#prompt")).to_have_value("A dog runs on the beach")
    expect(page.locator("#prompt")).to_be_focused()
    page.click("[data-revert]")
    expect(page.locator("#prompt")).to_have_value("A dog runs")
    expect(page.locator("[data-revert]")).to_be_hidden()


def test_enter_in_a_field_makes_the_video_and_presses_nothing_else(page: Page) -> None:
    local(page)
    page.locator("input[type=number][name=duration]").press("Enter")
    expect(page.locator("article[data-job]")).to_have_count(1)
    expect(page.locator("#prompt")).to_have_value("A quiet lake at dawn")


# ---- models


def test_a_model_is_chosen_from_cards_by_keyboard(page: Page) -> None:
    local(page)
    page.fill("input[type=number][name=duration]", "60")
    page.locator("#model-picker").press("Enter")
    dialog = page.locator("#models")
    expect(dialog).to_be_visible()
    dialog.get_by_role("radio", name=re.compile("^Local preview")).focus()
    page.keyboard.press("ArrowDown")
    chosen = dialog.locator("input:checked")
    expect(chosen).to_be_focused()
    expect(chosen).to_have_value("wan2.2")
    expect(dialog).to_contain_text("Credits a second")
    page.keyboard.press("Escape")
    expect(page.locator("#model-picker")).to_be_focused()
    expect(page.locator("#model-picker")).to_contain_text("Wan 2.2")
    expect(page.locator("#model-note")).to_contain_text("Length set to 7 s, the longest for Wan 2.2.")
    expect(page.locator("input[name=resolution][value='1080p']")).to_be_disabled()
    page.locator("[data-needs=resolution]").get_by_role("button", name="Switch model").click()
    expect(page.locator("#model-picker")).to_contain_text("Local preview")
    expect(page.locator("input[name=resolution][value='1080p']")).to_be_enabled()
    expect(page.locator("input[name=resolution]:checked")).to_be_focused()


# ---- price


def dear(page: Page) -> None:
    """The model that costs something."""
    with page.expect_response("**/create/quote"):
        page.select_option("#model", "wan2.2", force=True)
    expect(page.locator("#cost")).to_contain_text("5 credits")


def test_who_has_too_few_credits_is_offered_what_can_be_paid(page: Page) -> None:
    page.fill("#prompt", "A quiet lake at dawn")
    local(page)
    dear(page)
    offer = page.locator("[data-offer]")
    expect(offer).to_have_text("Switch to a free one")
    expect(page.locator("[data-generate]")).to_be_hidden()
    expect(page.locator("[data-short]")).to_have_text("You have no credits. Ask an administrator for more.")
    offer.click()
    expect(page.locator("#cost")).to_contain_text("Free")
    expect(page.locator("[data-generate]")).to_be_focused()
    expect(page.locator("#prompt")).to_have_value("A quiet lake at dawn")
    page.click("[data-generate]")
    expect(page.locator("article[data-job]")).to_contain_text("Local preview")


def test_a_price_that_rose_is_asked_for_again_and_two_clicks_make_one_job(
    tmp_path_factory: pytest.TempPathFactory, chromium: Chromium
) -> None:
    free = PRICED | {"CREDITS": "false"}
    with Studio(tmp_path_factory.mktemp("priced"), chromium, **free) as studio:
        context = studio.context()
        watched = Watched(context)
        page = watched.page
        sign_up(page, "ada@example.com")
        local(page)
        dear(page)
        # As a page that was made before the price rose.
        page.evaluate("document.querySelector('[name=max_cost]').value = '0.02'")
        page.click("[data-generate]")
        expect(page.locator("#form-error")).to_have_text(
            "This now costs 5 credits ($0.05). Nothing was charged. Press Generate again to accept."
        )
        assert page.request.get("/api/v1/jobs").json()["data"] == []
        page.dblclick("[data-generate]")
        expect(page.locator("article[data-job]")).to_have_count(1)
        expect(page.locator("#form-error")).to_be_hidden()
        (job,) = page.request.get("/api/v1/jobs").json()["data"]
        assert job["model"] == "wan2.2"
        assert watched.complaints == []
        context.close()


def test_two_variations_are_two_cards_and_one_price(open_page: Callable[..., Watched], studio: Studio) -> None:
    page, email = open_page().page, f"{new_id()}@example.com"
    sign_up(page, email)
    studio.command("grant-credits", email, "0.30")
    page.reload()
    local(page)
    dear(page)
    page.click("details.more summary")
    with page.expect_response("**/create/quote"):
        page.check("input[name=variations][value='2']", force=True)
    expect(page.locator("#cost")).to_contain_text("10 credits · $0.10")
    page.dblclick("[data-generate]")
    expect(page.locator("article[data-job]")).to_have_count(2)
    page.reload()
    expect(page.locator(".credits")).to_contain_text(re.compile(r"Credits\s*20\s*10 held"))
    first, second = page.request.get("/api/v1/jobs").json()["data"]
    assert first["params"]["seed"] - second["params"]["seed"] in (1, -1)


def test_variations_are_priced_placed_and_shown_together(page: Page) -> None:
    local(page)
    page.click("details.more summary")
    page.check("input[name=variations][value='3']", force=True)
    page.fill("#seed", "41")
    page.locator("#prompt").press("Control+Enter")
    expect(page.locator("article[data-job]")).to_have_count(3)
    expect(page.locator("[data-word=Done]")).to_have_count(3, timeout=DONE_MS)
    jobs = page.request.get("/api/v1/jobs").json()["data"]
    assert sorted(job["params"]["seed"] for job in jobs) == [41, 42, 43]
    expect(page.locator("#prompt")).to_be_focused()
    page.get_by_role("button", name="Unlock").click()
    expect(page.locator("#seed")).to_have_value("")
    page.get_by_role("button", name="Reuse 41").click()
    expect(page.locator("#seed")).to_have_value("41")


# ---- pictures, calls, cards


def send(page: Page, picture: bytes) -> str:
    """The id of a picture that was sent beside the page."""
    file = {"name": "lake.png", "mimeType": "image/png", "buffer": picture}
    answer = page.request.post("/api/v1/images", headers=headers(page), multipart={"image": file})  # pyright: ignore[reportArgumentType]
    return answer.json()["id"]


def test_use_settings_makes_the_very_same_video_again(page: Page) -> None:
    wished = {
        "prompt": "A lake <i>and</i> a boat",
        "model": "local",
        "duration": 1.5,
        "aspect_ratio": "1:1",
        "resolution": "480p",
        "cfg": 6.5,
        "seed": 4242,
        "steps": 12,
        "negative_prompt": "people, boats",
        "audio": True,
        "image_id": send(page, png(400, 400)),
        "last_image_id": send(page, png(400, 300, 90)),
    }
    first = place(page, **wished)
    page.goto("/create")
    card = page.locator(f"[data-job='{first}'][data-word=Done]")
    expect(card).to_have_count(1, timeout=DONE_MS)
    page.fill("#prompt", "Something else")
    saved(page, 1)
    card.get_by_role("link", name="Use settings").click()
    page.wait_for_url("**/create?from=*")
    expect(page.locator("#prompt")).to_have_value(str(wished["prompt"]))
    page.click("[data-generate]")
    expect(page.locator("article[data-job]")).to_have_count(2)
    again, before = page.request.get("/api/v1/jobs").json()["data"]
    assert again["params"] == before["params"]
    asked = {name: value for name, value in wished.items() if name not in ("prompt", "model")}
    assert before["params"].items() >= asked.items()
    assert again["prompt"] == before["prompt"] == wished["prompt"]


def test_a_picture_in_assets_is_used_in_create(page: Page) -> None:
    image_id = send(page, png(400, 300))
    local(page, "A boat on the lake")
    saved(page, 1)
    page.goto("/assets")
    page.get_by_role("link", name=re.compile("^Use in Create")).click()
    page.wait_for_url(f"**/create?image={image_id}")
    expect(page.locator("#prompt")).to_have_value("A boat on the lake")
    expect(page.locator("[data-picture=image]")).to_contain_text("400 × 300")
    page.click("[data-generate]")
    expect(page.locator("article[data-job]")).to_contain_text("Image to video")
    saved(page, 2)
    page.goto("/create")
    expect(page.locator("input[name=image_id]")).to_have_value(image_id)


def test_tabs_tell_how_many_there_are_and_stay_in_the_address(page: Page) -> None:
    jobs = {"Done": place(page, model="local"), "Failed": place(page, model="local", fault="content")}
    page.goto("/create")
    shown = page.locator("[data-job]")
    for name, job in jobs.items():
        expect(page.locator(f"[data-job='{job}']")).to_have_attribute("data-word", name, timeout=DONE_MS)
    tabs = page.get_by_role("navigation", name="Filter jobs")
    for name, job in jobs.items():
        tab = tabs.get_by_role("link", name=name)
        expect(tab).to_have_text(f"{name} 1")
        tab.click()
        page.wait_for_url(f"**/create?show={name.lower()}")
        page.reload()
        expect(shown).to_have_count(1)
        expect(shown).to_have_attribute("data-job", job)
        expect(tab).to_have_attribute("aria-current", "true")
    tabs.get_by_role("link", name="All").click()
    expect(shown).to_have_count(2)


def test_a_done_video_is_continued_and_picked_from(page: Page) -> None:
    local(page)
    page.click("[data-generate]")
    card = page.locator("article[data-word=Done]")
    expect(card).to_have_count(1, timeout=DONE_MS)
    page.locator("[data-picture=image]").get_by_role("button", name="Pick start image").click()
    page.locator("#pick").get_by_role("link", name=re.compile("^Last frame of A quiet lake")).click()
    expect(page.locator("#pick")).to_be_hidden()
    picture = page.locator("[data-picture=image]")
    expect(picture).to_contain_text(re.compile(r"Last frame\s*A quiet lake"))
    picked = page.input_value("input[name=image_id]")
    page.get_by_role("button", name="Remove start image").click()
    card.get_by_role("link", name="Continue from last frame").click()
    page.wait_for_url("**/create?continue=*")
    expect(page.locator("input[name=image_id]")).to_have_value(picked)
    expect(picture).to_contain_text("854 × 480")
    page.locator("[data-picture=image]").get_by_role("button", name="Pick start image").click()
    page.locator("#pick").get_by_role("link", name=re.compile("^Picture of 854 × 480")).click()
    expect(page.locator("input[name=image_id]")).to_have_value(picked)


def test_the_form_and_a_done_video_are_copied_as_a_call(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    place(page, model="local", prompt="It's a lake")
    page.goto("/create")
    card = page.locator("article[data-word=Done]")
    expect(card).to_have_count(1, timeout=DONE_MS)
    local(page, "Another <b>lake</b>")
    page.get_by_role("button", name="Copy as API call").click()
    dialog = page.locator("#call")
    expect(dialog.locator("#call-curl")).to_contain_text('"prompt": "Another <b>lake</b>"')
    dialog.get_by_role("button", name="Copy Python").click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("import os")
    assert "VIVID_FLOW_KEY" in copied
    page.keyboard.press("Escape")
    card.locator("summary").press("Enter")
    card.get_by_role("link", name="Copy as API call").click()
    expect(dialog.locator("#call-javascript")).to_contain_text('"prompt": "It\'s a lake"')
    page.keyboard.press("Escape")
    card.locator("summary").click()
    card.get_by_role("button", name="Copy prompt").click()
    expect(card.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "It's a lake"
    card.get_by_role("button", name="Favourite It's a lake").click()
    expect(card.locator(".heart")).to_have_attribute("aria-pressed", "true")


def test_samples_fill_the_form(page: Page) -> None:
    page.get_by_role("link", name="Caravan in the dunes").click()
    expect(page.locator("#prompt")).to_have_value(re.compile("^Camel caravan"))
    expect(page.locator("#prompt")).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_dialogs_can_be_read_by_everybody(open_page: Callable[..., Watched], scheme: str) -> None:
    page = open_page(color_scheme=scheme).page
    sign_up(page, f"{new_id()}@example.com")
    local(page)
    found: list[str] = []
    opens = {
        "models": "#model-picker",
        "enhance": "[data-preview]",
        "pick": "[data-pick-for=image]",
        "call": "form [data-copy-call]",
    }
    for name, button in opens.items():
        page.click(button)
        expect(page.locator(f"#{name}")).to_be_visible()
        result = Axe().run(page).response["violations"]
        found += [f"{name}: {each['id']}: {each['nodes'][0]['target']}" for each in result]
        for width in (320, 390, 1440):
            page.set_viewport_size({"width": width, "height": 800})
            over = page.locator(f"#{name}").evaluate("(each) => each.scrollWidth - each.clientWidth")
            found += [f"{name}: {over} px sideways at {width}"] if over > 0 else []
        page.keyboard.press("Escape")
        expect(page.locator(button)).to_be_focused()
    assert found == []


def test_without_script_the_model_is_switched_and_the_prompt_enhanced(open_page: Callable[..., Watched]) -> None:
    page = open_page(java_script_enabled=False).page
    sign_up(page, f"{new_id()}@example.com")
    page.select_option("#model", "local")
    page.click("button:has-text('Show this model')")
    page.fill("#prompt", "A dog runs")
    page.click("button[value=enhance]")
    expect(page.locator("#prompt")).to_have_value(re.compile(r"^A dog runs\. ."))
    page.click("button[value=revert]")
    expect(page.locator("#prompt")).to_have_value("A dog runs")
    page.select_option("#model", "wan2.2")
    page.click("button:has-text('Show this model')")
    page.click("button:has-text('Switch to a free one')")
    expect(page.locator("#model")).to_have_value("local")
    page.click("[data-copy-call]")
    expect(page.locator("#call-curl")).to_contain_text('"prompt": "A dog runs"')
    page.goto("/create")
    expect(page.locator("#prompt")).to_have_value("A dog runs")
