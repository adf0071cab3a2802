"""Assets by hand: files dropped, refused, broken off and gone on with; deleted and taken back; how it looks."""

from __future__ import annotations

import random
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from struct import pack
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Request, Route, expect

from tests.api.desk import png
from tests.pages.chromium import Studio, Watched, headers, place, sign_up
from vividflow.timing import new_id

pytestmark = pytest.mark.timeout(240)
PIECE = 8 * 1024 * 1024
WIDTHS = (320, 390, 1024, 1440)
DROP = """(files) => {
    const transfer = new DataTransfer();
    for (const [name, type, bytes] of files) transfer.items.add(new File([Uint8Array.from(bytes)], name, {type}));
    for (const kind of ['dragenter', 'dragover', 'drop']) {
        const event = new DragEvent(kind, {dataTransfer: transfer, bubbles: true, cancelable: true});
        document.querySelector('main').dispatchEvent(event);
    }
}"""


def noise(side: int = 1740) -> bytes:
    """A picture that does not pack: more than one piece of it, and less than a picture may have."""
    made = random.Random(7)
    rows = b"".join(b"\0" + made.randbytes(3 * side) for _ in range(side))

    def chunk(name: bytes, data: bytes) -> bytes:
        return pack(">I", len(data)) + name + data + pack(">I", zlib.crc32(name + data))

    head = pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    packed = zlib.compress(rows, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that takes two pieces."""
    path = tmp_path_factory.mktemp("large") / "large.png"
    path.write_bytes(noise())
    assert PIECE < path.stat().st_size < 10 * 1024 * 1024
    return path


def picture(name: str, data: bytes, mime: str = "image/png") -> Any:
    """A file as it is chosen."""
    return {"name": name, "mimeType": mime, "buffer": data}


def choose(page: Page, *files: Any) -> None:
    """Choose files on Assets."""
    page.locator("#pictures").set_input_files(list(files))


def send(page: Page, data: bytes) -> str:
    """The id of a picture that was sent beside the page."""
    file = picture("photo.png", data)
    answer = page.request.post("/api/v1/images", headers=headers(page), multipart={"image": file})
    assert answer.status in (200, 201), answer.text()
    return answer.json()["id"]


def test_dropped_pictures_become_tiles_and_bad_ones_say_why(page: Page) -> None:
    page.goto("/assets")
    expect(page.get_by_text("No pictures yet")).to_be_visible()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.method + request.url))
    page.evaluate(
        DROP,
        [
            ["one.png", "image/png", list(png())],
            ["two.png", "image/png", list(png(400, 300))],
            ["notes.txt", "text/plain", [1, 2, 3]],
            ["none.png", "image/png", []],
            ["tiny.png", "image/png", list(png(20, 30))],
            ["torn.png", "image/png", list(b"no picture at all")],
        ],
    )
    expect(page.locator("[data-asset]")).to_have_count(2)
    expect(page.locator("[data-row]")).to_have_count(4)
    told = page.locator("[data-row]").all_inner_texts()
    assert "That is no picture that can be kept here. Use JPEG, PNG, WebP, HEIC or AVIF." in told[0]
    assert "The file is empty." in told[1]
    assert "It is 20 × 30. A picture needs at least 256 px a side." in told[2]
    assert "The file is damaged" in told[3]
    assert sum(each.startswith("POST") and each.endswith("/uploads") for each in asked) == 2
    expect(page.get_by_text("No pictures yet")).to_be_hidden()
    page.get_by_role("button", name="Cancel notes.txt").click()
    expect(page.locator("[data-row]")).to_have_count(3)
    page.reload()
    expect(page.locator("[data-asset]")).to_have_count(2)


def test_a_file_too_large_is_not_sent(page: Page, tmp_path: Path) -> None:
    page.goto("/assets")
    path = tmp_path / "huge.png"
    path.write_bytes(bytes(11_000_000))
    choose(page, path)
    expect(page.locator("[data-note]")).to_have_text("It has 11.0 MB. A picture may have 10 MB at most.")


def test_no_more_than_two_are_on_their_way(page: Page) -> None:
    page.goto("/assets")
    held: list[Route] = []
    open_now: list[str] = []
    page.route(
        re.compile("/api/v1/uploads/[^/]+$"), lambda route: route.continue_() if open_now else held.append(route)
    )
    choose(page, *[picture(f"{n}.png", png(300 + n, 300)) for n in range(4)])
    states = page.locator("[data-row]")
    expect(states.nth(1)).to_have_attribute("data-state", "sending")
    expect(states.nth(2)).to_have_attribute("data-state", "waiting")
    expect(states.nth(3)).to_have_attribute("data-state", "waiting")
    page.get_by_role("button", name="Cancel 3.png").click()
    expect(states).to_have_count(3)
    open_now.append("")
    for route in held:
        route.continue_()
    expect(page.locator("[data-asset]")).to_have_count(3)
    expect(states).to_have_count(0)


def test_a_broken_line_goes_on_by_itself_where_it_was(rough_page: Page, large: Path) -> None:
    page = rough_page
    page.goto("/assets")
    ranges: list[str] = []

    def break_once(route: Route) -> None:
        if route.request.method != "PUT":
            return route.continue_()
        ranges.append(route.request.headers["content-range"])
        return route.abort() if len(ranges) == 2 else route.continue_()

    page.route("**/api/v1/uploads/*", break_once)
    choose(page, large)
    expect(page.locator("[data-asset]")).to_have_count(1, timeout=60_000)
    starts = [int(each.removeprefix("bytes ").partition("-")[0]) for each in ranges]
    assert starts == [0, PIECE, PIECE]


def test_after_a_reload_the_same_file_goes_on_where_it_was(rough_page: Page, large: Path) -> None:
    page = rough_page
    page.goto("/assets")
    ranges: list[str] = []

    def first_piece_only(route: Route) -> None:
        if route.request.method == "PUT":
            ranges.append(route.request.headers["content-range"])
        if len(ranges) == 1 or route.request.method != "PUT":
            route.continue_()
        else:
            route.abort()

    page.route("**/api/v1/uploads/*", first_piece_only)
    with page.expect_request(_second_piece, timeout=60_000):  # asked for once the first was told as received
        choose(page, large)
    page.goto("/assets")
    page.unroute_all(behavior="ignoreErrors")
    ranges.clear()
    expect(page.get_by_text("Choose the same file again to go on.")).to_be_visible()
    page.on(
        "request",
        lambda asked: ranges.append(asked.headers.get("content-range", "")) if asked.method == "PUT" else None,
    )
    choose(page, large)
    expect(page.locator("[data-asset]")).to_have_count(1, timeout=60_000)
    expect(page.get_by_text("Choose the same file again to go on.")).to_be_hidden()
    assert [each.split("-")[0] for each in ranges] == [f"bytes {PIECE}"]


def test_a_server_that_was_killed_under_an_upload_costs_a_piece(rough_page: Page, studio: Studio, large: Path) -> None:
    page = rough_page
    page.goto("/assets")
    down: list[str] = []

    def stop_before_the_second(route: Route) -> None:
        if (
            route.request.method == "PUT"
            and not route.request.headers["content-range"].startswith("bytes 0-")
            and not down
        ):
            down.append("")
            studio.stop()
            route.abort()
            studio.start()
        else:
            route.continue_()

    page.route("**/api/v1/uploads/*", stop_before_the_second)
    choose(page, large)
    expect(page.locator("[data-asset]")).to_have_count(1, timeout=90_000)
    assert down


def test_a_cancelled_upload_is_gone_everywhere(rough_page: Page, large: Path) -> None:
    page = rough_page
    page.goto("/assets")
    page.route("**/api/v1/uploads/*", lambda route: route.continue_() if route.request.method != "PUT" else None)
    choose(page, large)
    expect(page.locator("[data-note]")).to_have_text(re.compile("%$"))
    with page.expect_request(lambda asked: asked.method == "DELETE"):
        page.get_by_role("button", name="Cancel large.png").click()
    expect(page.locator("[data-row]")).to_have_count(0)
    page.unroute_all(behavior="ignoreErrors")
    page.goto("/assets")
    expect(page.get_by_text("Choose the same file again to go on.")).to_have_count(0)


def test_the_limit_of_uploads_is_waited_for(page: Page) -> None:
    page.goto("/assets")
    refused: list[str] = []

    def once(route: Route) -> None:
        if refused:
            return route.continue_()
        refused.append("")
        return route.fulfill(status=429, headers={"Retry-After": "1"}, json={"detail": "You have used all 10 uploads."})

    page.route("**/api/v1/uploads", once)
    choose(page, picture("a.png", png()))
    expect(page.locator("[data-note]")).to_have_text(re.compile("^Many files at once. Goes on by itself"))
    expect(page.locator("[data-asset]")).to_have_count(1)


def test_no_room_on_the_server_can_be_tried_again(page: Page) -> None:
    page.goto("/assets")
    full = {"status": 507, "json": {"code": "disk_full", "detail": "There is no room left on the server's disk."}}
    page.route("**/api/v1/uploads/*", lambda route: route.fulfill(**full))
    choose(page, picture("a.png", png()))
    expect(page.locator("[data-note]")).to_have_text("There is no room left on the server's disk.")
    page.unroute_all()
    page.get_by_role("button", name="Try again: a.png").click()
    expect(page.locator("[data-asset]")).to_have_count(1)


def test_who_was_signed_out_meanwhile_is_told_what_to_do(page: Page) -> None:
    page.goto("/assets")
    page.context.clear_cookies()
    choose(page, picture("a.png", png()))
    expect(page.locator("[data-note]")).to_have_text(re.compile("^You are signed out. Sign in again"))


def test_a_pasted_picture_is_taken(page: Page) -> None:
    page.goto("/assets")
    page.evaluate(
        """(bytes) => {
            const clipboardData = new DataTransfer();
            clipboardData.items.add(new File([Uint8Array.from(bytes)], 'image.png', {type: 'image/png'}));
            dispatchEvent(new ClipboardEvent('paste', {clipboardData}));
        }""",
        list(png()),
    )
    expect(page.locator("[data-asset]")).to_have_count(1)


def test_a_picture_that_is_here_already_says_so(page: Page) -> None:
    page.goto("/assets")
    send(page, png(333, 300))
    page.reload()
    choose(page, picture("again.png", png(333, 300)))
    expect(page.locator(".toast")).to_contain_text("again.png was here already.")
    expect(page.locator("[data-asset]")).to_have_count(1)


def test_delete_and_undo_by_keyboard(page: Page) -> None:
    page.goto("/assets")
    first, second = send(page, png(310, 300)), send(page, png(320, 300))
    place(page, image_id=second)
    page.reload()
    page.get_by_role("button", name=re.compile("^Delete picture, 320")).focus()
    page.keyboard.press("Enter")
    expect(page.locator("[data-asset]")).to_have_count(1)
    expect(page.locator(f'[data-asset="{first}"] a').first).to_be_focused()
    expect(page.locator(".toast")).to_contain_text("1 video")
    page.get_by_role("button", name="Undo").focus()
    page.keyboard.press("Enter")
    expect(page.locator("[data-asset]")).to_have_count(2)
    page.reload()
    expect(page.locator("[data-asset]").first).to_have_attribute("data-asset", second)
    page.get_by_role("link", name="Used in 1 video").click()
    expect(page).to_have_url(re.compile(f"/assets/{second}#used$"))
    expect(page.locator("article[data-job]")).to_have_count(1)


def test_older_pictures_are_added_below(page: Page, studio: Studio) -> None:
    page.goto("/assets")
    for n in range(3):
        send(page, png(300 + n, 256))
    page.goto("/assets")
    older = page.locator("[data-asset]").last.get_attribute("data-asset")
    page.route(
        re.compile("/assets$"),
        lambda route: route.fulfill(response=(got := route.fetch()), body=_with_more(got.text())),
    )
    page.goto("/assets")
    expect(page.locator("[data-asset]")).to_have_count(1)
    page.get_by_role("link", name="Load more").click()
    expect(page.locator("[data-asset]")).to_have_count(3)
    expect(page.locator("[data-asset]").last).to_have_attribute("data-asset", str(older))
    expect(page.get_by_role("link", name="Load more")).to_have_count(0)
    expect(page.locator("[data-asset] a.media").nth(1)).to_be_focused()


def test_without_script_pictures_come_go_and_come_back(open_page: Callable[..., Watched]) -> None:
    page = open_page(java_script_enabled=False).page
    sign_up(page, f"{new_id()}@example.com")
    page.goto("/assets")
    choose(page, picture("a.png", png()), picture("b.png", png(280, 300)))
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_text("Added to your assets.")).to_be_visible()
    expect(page.locator("[data-asset]")).to_have_count(2)
    page.get_by_role("button", name=re.compile("^Delete")).first.click()
    expect(page.locator("[data-asset]")).to_have_count(1)
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("[data-asset]")).to_have_count(2)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_scrolls_sideways(
    open_page: Callable[..., Watched], account: dict[str, Any], scheme: str
) -> None:
    page = open_page(storage_state=account["state"], color_scheme=scheme, reduced_motion="reduce").page
    page.goto("/assets")
    found = _faults(page, "empty") if scheme == "light" else []
    image = send(page, png(900, 300))
    send(page, png(300, 800))
    place(page, image_id=image, prompt="x" * 900)
    page.request.post("/api/v1/uploads", headers=headers(page), data={"name": "w" * 200 + ".png", "size": 9_000_000})
    page.goto("/assets")
    choose(page, picture("\u202egnp" + "y" * 120 + ".txt", b"no", "text/plain"))
    expect(page.locator("[data-row]")).to_have_count(1)
    found += _faults(page, "pictures")
    page.goto(f"/assets/{image}")
    found += _faults(page, "one")
    assert found == []


def _second_piece(asked: Request) -> bool:
    return asked.method == "PUT" and asked.headers.get("content-range", "").startswith(f"bytes {PIECE}-")


def _faults(page: Page, name: str) -> list[str]:
    result = Axe().run(page).response["violations"]
    found = [f"{name}: {each['id']}: {each['nodes'][0]['target']}" for each in result]
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        found += [f"{name}: {over} px sideways at {width}"] if over > 0 else []
    return found


def _with_more(html: str) -> str:
    """The page as it would be with one picture a page."""
    first, *rest = re.findall(r'<li class="card pic".*?</li>', html, re.DOTALL)
    for each in rest:
        html = html.replace(each, "")
    after = re.search(r'data-asset="([^"]+)"', first)
    assert after
    link = f'<p class="more-link"><a class="btn" href="/assets?after={after[1]}" data-more>Load more</a></p>'
    return html.replace("<div data-none", f"{link}<div data-none")
