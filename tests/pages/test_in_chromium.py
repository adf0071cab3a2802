"""The studio by hand: a real browser, a real server, the local renderer."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.api.desk import png
from tests.pages.chromium import DONE_MS, Studio, Watched, place, sign_up
from vividflow.timing import new_id

pytestmark = pytest.mark.timeout(240)
# Promises instead of wait_for_function, which needs the eval that our content policy forbids.
PLAYED = "(video) => new Promise((done) => (video.ontimeupdate = () => video.currentTime > 0.1 && done()))"
MOVED = """() => new Promise((done) => {
    const look = () => Number(document.querySelector('[data-job]').dataset.percent) >= 2 && done();
    new MutationObserver(look).observe(document.querySelector('[data-feed]'), {attributes: true, childList: true, subtree: true});
    look();
})"""


def fill_short(page: Page, prompt: str = "A quiet lake at dawn") -> None:
    """A form that is rendered in a moment."""
    page.fill("#prompt", prompt)
    page.fill("input[type=number][name=duration]", "1")
    page.check("input[name=resolution][value='480p']")


def record_words(page: Page) -> None:
    """From now on remember every badge word that a card shows."""
    page.evaluate(
        """() => {
            window.seen = [];
            const look = () => {
                for (const card of document.querySelectorAll('[data-job]')) {
                    if (seen.at(-1) !== card.dataset.word) seen.push(card.dataset.word);
                }
            };
            new MutationObserver(look).observe(document.querySelector('[data-feed]'), {childList: true, subtree: true});
        }"""
    )


def test_sign_up_generate_watch_and_play(page: Page) -> None:
    expect(page.locator("#prompt")).to_have_value(re.compile("^A lone lighthouse at dusk"))
    expect(page.locator("#live")).to_have_text("Live")
    record_words(page)
    page.fill("input[type=number][name=duration]", "4")
    page.keyboard.press("Control+Enter")
    card = page.locator("article[data-job]")
    expect(card).to_have_count(1)
    expect(card).to_have_attribute("data-word", "Generating")
    expect(card.locator("[role=progressbar]")).to_be_visible()
    expect(page.locator("#tray")).to_contain_text("1 in progress")
    expect(page).to_have_title(re.compile(r"^\(\d+%\) Create · Vivid Flow$"))
    expect(card).to_have_attribute("data-word", "Done", timeout=DONE_MS)
    words = page.evaluate("seen")
    assert words[-2:] == ["Generating", "Done"]
    assert set(words) <= {"Queued", "Preparing", "Generating", "Done"}
    expect(page).to_have_title("Create · Vivid Flow")
    expect(page.locator("#tray")).to_have_attribute("aria-label", "Jobs: none in progress")
    expect(page.locator("#prompt")).to_have_value(re.compile("^A lone lighthouse"))
    page.get_by_role("link", name=re.compile("^Play A lone lighthouse")).click()
    video = card.locator("video")
    video.evaluate(PLAYED)
    assert video.evaluate("(video) => [video.videoWidth, video.videoHeight]") == [1280, 720]


def test_the_page_of_a_job_turns_into_its_player(page: Page) -> None:
    job = place(page, duration=3)
    page.goto(f"/jobs/{job}")
    expect(page.locator("[role=progressbar]")).to_be_visible()
    video = page.locator("video")
    expect(video).to_be_visible(timeout=DONE_MS)
    video.evaluate("(video) => video.play()")
    video.evaluate(PLAYED)
    with page.expect_download() as download:
        page.get_by_role("link", name="Download MP4").click()
    assert download.value.path().read_bytes()[4:8] == b"ftyp"


def test_without_script_the_same_by_reloads(open_page: Callable[..., Watched]) -> None:
    page = open_page(java_script_enabled=False).page
    sign_up(page, f"{new_id()}@example.com")
    fill_short(page)
    page.click("button:has-text('Generate')")
    page.wait_for_url("**/create")
    expect(page.locator("#prompt")).to_have_value("A quiet lake at dawn")
    article = page.locator("article")
    expect(article).to_have_count(1)
    for _ in range(60):
        if article.get_attribute("data-word") == "Done":
            break
        page.wait_for_timeout(500)
        page.reload()
    expect(article).to_have_attribute("data-word", "Done")
    article.get_by_role("link", name=re.compile("^Play")).click()
    page.wait_for_url("**/jobs/*")
    expect(page.locator("video")).to_have_attribute("controls", "")
    page.click("button:has-text('Delete')")
    page.wait_for_url("**/jobs?undo=*")
    page.click("button:has-text('Undo')")
    expect(page.locator("article")).to_have_count(1)


def test_a_double_click_makes_one_job(page: Page) -> None:
    fill_short(page)
    page.dblclick("[data-generate]")
    expect(page.locator("article[data-job]")).to_have_attribute("data-word", "Done", timeout=DONE_MS)
    assert len(page.request.get("/api/v1/jobs").json()["data"]) == 1


def test_a_reload_in_the_middle_keeps_percent_and_stage(page: Page) -> None:
    place(page, duration=60, resolution="1080p", prompt="A long one")
    page.goto("/create")
    card = page.locator("article[data-job]")
    page.evaluate(MOVED)
    before = int(card.get_attribute("data-percent") or 0)
    page.reload()
    expect(card).to_have_attribute("data-word", "Generating")
    assert int(card.get_attribute("data-percent") or 0) >= before
    card.get_by_role("button", name="Cancel").click()
    expect(card).to_have_attribute("data-word", "Cancelled")
    expect(card).to_contain_text("Not charged")


def test_a_server_that_restarts_is_found_again_without_a_reload(studio: Studio, rough_page: Page) -> None:
    page = rough_page
    expect(page.locator("#live")).to_have_text("Live")
    studio.stop()
    expect(page.locator("#live")).to_have_text("Reconnecting")
    studio.start()
    expect(page.locator("#live")).to_have_text("Live", timeout=40_000)
    place(page)
    card = page.locator("article[data-job]")
    expect(card).to_have_attribute("data-word", "Done", timeout=DONE_MS)
    expect(card).to_have_count(1)


def test_offline_is_said_and_ends(rough_page: Page) -> None:
    page = rough_page
    expect(page.locator("#live")).to_have_text("Live")
    page.context.set_offline(True)
    expect(page.get_by_text("You are offline. Your videos keep generating")).to_be_visible()
    page.context.set_offline(False)
    expect(page.locator("#live")).to_have_text("Live")
    expect(page.locator("#offline")).to_be_hidden()


def test_a_picture_is_shown_measured_and_sent_by_file_by_paste_and_by_drop(page: Page) -> None:
    drop = page.locator("[data-picture=image] [data-drop]")
    file = {"name": "lake.png", "mimeType": "image/png", "buffer": png(300, 600)}
    page.set_input_files("#image", file)  # pyright: ignore[reportArgumentType]
    expect(drop).to_contain_text("300 × 600")
    expect(page.locator("input[value='9:16']")).to_be_checked()
    page.get_by_role("button", name="Remove start image").click()
    expect(drop).to_contain_text("Choose, drop or paste")
    for kind in ("paste", "drop"):
        page.evaluate(SEND_FILE, [kind, list(png(400, 300)), "image/png"])
        expect(drop).to_contain_text("400 × 300")
        if kind == "paste":
            page.get_by_role("button", name="Remove start image").click()
    fill_short(page)
    page.click("[data-generate]")
    expect(page.locator("article[data-job]")).to_contain_text("Image to video")
    expect(page.locator("article[data-job]")).to_have_attribute("data-word", "Done", timeout=DONE_MS)
    page.click("[data-generate]")
    expect(page.locator("article[data-job]")).to_have_count(2)
    jobs = page.request.get("/api/v1/jobs").json()["data"]
    assert jobs[0]["params"]["image_id"] == jobs[1]["params"]["image_id"]


SEND_FILE = """([kind, bytes, type]) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([new Uint8Array(bytes)], 'picture', {type}));
    const options = {bubbles: true, cancelable: true};
    if (kind === 'paste') dispatchEvent(new ClipboardEvent('paste', {...options, clipboardData: transfer}));
    else document.querySelector('[data-drop]').dispatchEvent(new DragEvent('drop', {...options, dataTransfer: transfer}));
}"""


@pytest.mark.parametrize(
    ("content", "mime", "words"),
    [
        (png(200, 300), "image/png", "The picture is 200 × 300. It needs at least 256 px a side."),
        (b"not a picture", "image/png", "That file cannot be read as a picture."),
        (b"%PDF-1.7", "application/pdf", "That is no picture we can start from."),
    ],
    ids=["small", "broken", "pdf"],
)
def test_a_wrong_picture_is_refused_before_it_is_sent(page: Page, content: bytes, mime: str, words: str) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.set_input_files("#image", {"name": "file", "mimeType": mime, "buffer": content})  # pyright: ignore[reportArgumentType]
    expect(page.locator("#image-error")).to_contain_text(words)
    assert page.evaluate("document.querySelector('#image').files.length") == 0
    assert sent == []


def test_a_heavy_picture_is_refused_before_it_is_sent(page: Page) -> None:
    page.evaluate(
        """() => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(10 * 1024 * 1024 + 1)], 'heavy.png', {type: 'image/png'}));
            dispatchEvent(new ClipboardEvent('paste', {bubbles: true, cancelable: true, clipboardData: transfer}));
        }"""
    )
    expect(page.locator("#image-error")).to_contain_text("It may have 10 MB at most.")


def test_an_error_stands_beside_its_field_and_has_the_focus(page: Page) -> None:
    page.fill("#prompt", "x")
    page.click("[data-generate]")
    expect(page.locator("#prompt-error")).to_have_text("A prompt has 3 to 1,000 characters; this one has 1.")
    expect(page.locator("#prompt")).to_be_focused()
    expect(page.locator("#prompt")).to_have_attribute("aria-invalid", "true")
    page.fill("#prompt", "A quiet lake")
    expect(page.locator("#prompt-error")).to_be_hidden()


def test_the_price_follows_the_form_after_a_moment(page: Page) -> None:
    asked: list[str] = []
    page.on(
        "request", lambda request: asked.append(request.post_data or "") if request.url.endswith("/quote") else None
    )
    with page.expect_response("**/create/quote"):
        page.fill("input[type=number][name=duration]", "60")
        page.check("input[name=resolution][value='4k']")
    expect(page.locator("#cost")).to_contain_text(re.compile(r"Free.*Ready in about \d+ min", re.S))
    page.fill("#prompt", "The prompt changes no price")
    with page.expect_response("**/create/quote"):
        page.check("input[name=resolution][value='480p']")
    found = [re.findall(r'name="(?:duration|resolution)"\r\n\r\n([^\r]*)', each) for each in asked]
    assert found == [["60", "4k"], ["60", "480p"]]


def test_deleting_is_at_once_and_can_be_undone(page: Page) -> None:
    job = place(page)
    page.goto("/create")
    card = page.locator(f"[data-job='{job}']")
    expect(card).to_have_attribute("data-word", "Done", timeout=DONE_MS)
    card.locator("summary").click()
    card.get_by_role("button", name="Move to trash").click()
    expect(card).to_have_count(0)
    expect(page.get_by_role("heading", name="Your videos will appear here")).to_be_visible()
    with page.expect_response("**/restore"):
        page.get_by_role("button", name="Undo").click()
        expect(card).to_have_count(1)
    page.reload()
    expect(card).to_have_count(1)


def test_a_video_that_is_ready_elsewhere_is_told_in_a_toast(page: Page) -> None:
    page.goto("/settings")
    place(page)
    toast = page.locator(".toast")
    expect(toast).to_contain_text("Video ready: A quiet lake", timeout=DONE_MS)
    expect(page.locator("#said")).to_contain_text("Video ready: A quiet lake")
    toast.get_by_role("link", name="Play").click()
    expect(page.locator("video")).to_be_visible()


def test_a_key_is_copied_and_revoked_by_name(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto("/developers/keys")
    page.fill("#name", "Render farm")
    page.click("button:has-text('Create key')")
    shown = page.inner_text("#fresh-key")
    page.get_by_role("button", name="Copy key Render farm").click()
    assert page.evaluate("navigator.clipboard.readText()") == shown
    page.click("text=I have saved it")
    page.get_by_role("link", name="Revoke Render farm").click()
    dialog = page.get_by_role("dialog", name="Revoke “Render farm”?")
    expect(dialog).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.get_by_role("link", name="Revoke Render farm")).to_be_focused()
    page.get_by_role("link", name="Revoke Render farm").click()
    dialog.get_by_role("button", name="Revoke “Render farm”").click()
    expect(page.locator(".toast")).to_contain_text("Key revoked.")
    expect(page.get_by_text("No key yet.")).to_be_visible()


def test_the_theme_changes_at_once_and_stays(page: Page) -> None:
    with page.expect_response("**/settings/theme"):
        page.get_by_role("button", name="Dark theme").click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(16, 17, 19)"
    expect(page.get_by_role("button", name="Dark theme")).to_have_attribute("aria-pressed", "true")
    page.goto("/settings")
    assert page.get_attribute("html", "data-theme") == "dark"
    page.check("input[name=theme][value=light]")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(246, 246, 244)"


def test_sign_up_takes_the_browsers_time_zone(open_page: Callable[..., Watched]) -> None:
    page = open_page(timezone_id="Europe/Berlin").page
    sign_up(page, f"{new_id()}@example.com")
    page.goto("/settings")
    expect(page.locator("#time_zone")).to_have_value("Europe/Berlin")


def test_signing_out_leaves_nothing_behind(page: Page) -> None:
    page.get_by_role("button", name=re.compile("^Account")).click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/login")
    assert [cookie.get("name") for cookie in page.context.cookies()] in (["vf_session"], [])
    page.goto("/create")
    page.wait_for_url("**/login")


def test_without_a_stream_the_page_asks_every_five_seconds(rough_page: Page) -> None:
    page = rough_page
    page.route("**/api/v1/events", lambda route: route.abort())
    page.goto("/create")
    job = place(page)
    card = page.locator(f"[data-job='{job}']")
    expect(card).to_have_attribute("data-word", "Done", timeout=DONE_MS)
