"""Assets without script: pictures come by a plain form, are used, put away and taken back; foreign ones are not there."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest

from tests.api.desk import Desk, png
from tests.installation import a_job
from tests.pages.browser import Browser
from vividflow.lifecycle import library, pieces
from vividflow.records import assets, jobs, users
from vividflow.records.assets import Asset
from vividflow.records.users import User
from vividflow.timing import new_id, now

NOBODYS = "0b6c7a52-6f0e-4a53-9a3c-0d3f1f1b9a10"


def owner(desk: Desk, email: str) -> User:
    """Who signed up in the browser."""
    with desk.tools.db.reading() as connection:
        found = users.by_email(connection, email)
    assert found is not None
    return found


def kept(desk: Desk, user: User, data: bytes | None = None) -> str:
    """The id of a picture of this person's."""
    path = desk.settings.data_dir / new_id()
    path.write_bytes(data or png())
    return library.keep(desk.tools, user.id, path)[1]["id"]


def rows(desk: Desk, user: User, count: int, *, at: float = 1_800_000_000.0, **more: Any) -> list[str]:
    """The ids of so many pictures, oldest first, whose files nobody looks at."""
    ids = [new_id() for _ in range(count)]
    with desk.tools.db.transaction() as connection:
        for number, each in enumerate(ids):
            made = Asset(
                id=each, user_id=user.id, kind="image", storage_key=f"users/{user.id}/{each}/original.png", mime="image/png",
                size=2_100_000, sha256="0" * 64, width=1600, height=900, created_at=at + number, **more,
            )  # fmt: skip
            assets.insert(connection, made)
    return ids


def tiles(browser: Browser) -> list[str]:
    """The pictures on the page, in order."""
    return re.findall(r'data-asset="([^"]+)"', browser.text)


def plain(browser: Browser) -> str:
    """The words of the page."""
    return unescape(" ".join(re.sub(r"<[^>]+>", " ", browser.text).split()))


def send(browser: Browser, *files: tuple[str, bytes], **fields: str) -> None:
    """The form with several files under one name."""
    parts = [f'--b\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n'.encode() for n, v in fields.items()]
    for name, content in files:
        head = f'--b\r\nContent-Disposition: form-data; name="image"; filename="{name}"\r\n\r\n'.encode()
        parts.append(head + content + b"\r\n")
    data = b"".join([*parts, b"--b--\r\n"])
    browser.page = browser.client.post("/assets", data=data, content_type="multipart/form-data; boundary=b")
    browser.text = browser.page.text


@pytest.fixture
def mine(desk: Desk, browser: Browser) -> User:
    """Somebody signed in, on Assets."""
    user = owner(desk, browser.sign_up())
    browser.get("/assets")
    return user


def test_nobody_sees_it_without_signing_in(browser: Browser) -> None:
    assert browser.get("/assets").headers["Location"] == "/login?next=%2Fassets"


def test_an_empty_page_says_what_pictures_are_for(browser: Browser, mine: User) -> None:
    assert browser.page.status_code == 200
    assert "No pictures yet" in browser.text
    assert 'type="file"' in browser.text
    assert "multiple" in browser.text
    assert "data-none hidden" not in browser.text


def test_several_files_come_by_one_form(browser: Browser, mine: User) -> None:
    send(browser, ("a.png", png()), ("b.png", png(400, 300)), csrf_token=browser.token)
    assert (browser.page.status_code, browser.page.headers["Location"]) == (303, "/assets?said=added")
    browser.get("/assets?said=added")
    assert "Added to your assets." in browser.text
    assert len(tiles(browser)) == 2
    assert "400 × 300" in browser.text
    assert "PNG" in browser.text


def test_what_cannot_be_kept_is_told_file_by_file_and_the_rest_is_kept(
    desk: Desk, browser: Browser, mine: User
) -> None:
    hostile = "<b>\u202e" + "x" * 300 + ".png"
    send(
        browser,
        ("good.png", png()),
        (hostile, b"<svg/>"),
        ("empty.png", b""),
        ("large.png", bytes(10 * 1024 * 1024 + 1)),
        ("small.png", png(20, 20)),
        csrf_token=browser.token,
    )
    assert browser.page.status_code == 422
    said = plain(browser)
    assert "1 of 5 were added." in said
    assert "empty.png : The file is empty." in said
    assert "large.png : The picture is larger than 10 MB" in said
    assert "small.png : " in said
    assert "<b>\u202e" not in browser.text
    assert len(tiles(browser)) == 1
    assert desk.scratch() == []


def test_no_file_is_asked_for_in_words(browser: Browser, mine: User) -> None:
    send(browser, ("", b""), csrf_token=browser.token)
    assert browser.page.status_code == 422
    assert "Choose a picture first." in browser.text


def test_a_form_of_another_site_or_kind_keeps_nothing(desk: Desk, browser: Browser, mine: User) -> None:
    send(browser, ("a.png", png()), csrf_token="no")
    assert browser.page.status_code == 403
    send(browser, ("a.png", png()))
    assert browser.page.status_code == 403
    assert browser.post("/assets", image="x").status_code == 415
    browser.get("/assets")
    assert tiles(browser) == []
    assert desk.scratch() == []


def test_the_limit_of_uploads_holds_for_files_of_a_form(desk_for: Callable[..., Desk]) -> None:
    desk = desk_for(limit_uploads="2/minute")
    browser = Browser(desk.app)
    browser.sign_up()
    browser.get("/assets")
    send(browser, *[(f"{n}.png", png(300 + n, 300)) for n in range(3)], csrf_token=browser.token)
    assert browser.page.status_code == 422
    assert "2 of 3 were added." in plain(browser)
    assert "You have used all 2 uploads" in plain(browser)


def test_pages_of_sixty_lead_to_the_older_ones(desk: Desk, browser: Browser, mine: User) -> None:
    ids = rows(desk, mine, 125)
    seen: list[str] = []
    path: str | None = "/assets"
    while path:
        browser.get(path)
        seen += tiles(browser)
        found = re.search(r'href="(/assets\?after=[^"]+)" data-more', browser.text)
        path = found[1] if found else None
    assert seen == ids[::-1]
    browser.get(f"/assets?after={ids[0]}")
    assert "No older pictures" in browser.text
    assert browser.get("/assets?after=x").status_code == 404


def test_a_place_in_the_list_may_lie_in_the_trash(desk: Desk, browser: Browser, mine: User) -> None:
    ids = rows(desk, mine, 3)
    library.remove(desk.tools, mine.id, ids[1])
    browser.get(f"/assets?after={ids[1]}")
    assert tiles(browser) == [ids[0]]


def test_a_tile_leads_everywhere(desk: Desk, browser: Browser, mine: User) -> None:
    image = kept(desk, mine, png(640, 480))
    browser.get("/assets")
    assert f'href="/create?image={image}"' in browser.text
    for pattern, kind in (
        (r'<img src="(/media/[^"]+)" alt=""', "inline"),
        (r'href="(/media/[^"]+)" download', "attachment"),
    ):
        found = re.search(pattern, browser.text)
        assert found, pattern
        answer = browser.client.get(unescape(found[1]))
        assert answer.status_code == 200
        assert answer.headers["Content-Disposition"].startswith(kind)
    browser.get(f"/assets/{image}")
    assert "640 × 480" in browser.text
    assert "Not used yet" in browser.text
    assert "None in the file" in browser.text


def test_a_place_that_was_taken_out_is_told(desk: Desk, browser: Browser, mine: User) -> None:
    (image,) = rows(desk, mine, 1, facts={"location": True, "given_mime": "image/heic"})
    browser.get("/assets")
    assert "Location removed" in browser.text
    browser.get(f"/assets/{image}")
    assert "Removed: the file told where it was taken" in browser.text
    assert "sent as HEIC" in browser.text


def test_uses_are_counted_and_listed(desk: Desk, browser: Browser, mine: User) -> None:
    image, other = rows(desk, mine, 2, at=now() - 100)
    over: dict[str, Any] = {"status": "failed", "finished_at": now()}
    first = a_job(desk.tools.db, mine, prompt="<i>One</i>", params={"image_id": image}, **over)
    a_job(desk.tools.db, mine, prompt="Two", params={"image_id": other, "last_image_id": image}, **over)
    a_job(desk.tools.db, mine, prompt="Three", params={"reference_ids": [other, image]}, **over)
    a_job(desk.tools.db, mine, prompt="Late", params={"image_id": image}, kind="late", **over)
    put_away = a_job(desk.tools.db, mine, prompt="Away", params={"image_id": image}, **over)
    with desk.tools.db.transaction() as connection:
        jobs.change(connection, put_away.id, deleted_at=now())
    browser.get("/assets")
    assert f'href="/assets/{image}#used">Used in 3 videos' in browser.text
    assert f'href="/assets/{other}#used">Used in 2 videos' in browser.text
    browser.get(f"/assets/{image}")
    assert "Used in 3 videos" in browser.text
    assert f'href="/jobs/{first.id}"' in browser.text
    assert "&lt;i&gt;One&lt;/i&gt;" in browser.text
    assert "Late" not in browser.text
    assert "Away" not in browser.text


def test_a_picture_is_put_away_and_taken_back(desk: Desk, browser: Browser, mine: User) -> None:
    image = kept(desk, mine)
    answer = browser.post(f"/assets/{image}/delete")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/assets?gone={image}")
    browser.get(f"/assets?gone={image}")
    assert "Picture moved to the trash." in browser.text
    assert tiles(browser) == []
    answer = browser.post(f"/assets/{image}/restore")
    assert answer.headers["Location"] == "/assets?said=restored"
    browser.get(f"/assets?gone={image}")
    assert tiles(browser) == [image]
    assert "Picture moved to the trash." not in browser.text
    assert browser.post(f"/assets/{image}/restore").status_code == 409


@pytest.mark.parametrize(
    ("made", "waiting", "said"),
    [
        (0, 0, "Picture moved to the trash."),
        (1, 0, "Picture moved to the trash. 1 video made with it stays."),
        (2, 1, "2 videos made with it stay. 1 video in progress may still need it and would fail, free of charge."),
    ],
)
def test_putting_away_a_used_picture_says_so(
    desk: Desk, browser: Browser, mine: User, made: int, waiting: int, said: str
) -> None:
    (image,) = rows(desk, mine, 1, at=now() - 100)
    for status in ["failed"] * made + ["queued"] * waiting:
        a_job(desk.tools.db, mine, params={"image_id": image}, status=status)
    answer = browser.ask(f"/assets/{image}/delete", {})
    assert answer.get_json()["image_id"] == image
    assert answer.get_json()["said"].endswith(said)
    assert browser.ask(f"/assets/{image}/restore", {}).get_json() == {"image_id": image}


def test_tiles_come_by_name_for_the_script(desk: Desk, browser: Browser, mine: User) -> None:
    ids = rows(desk, mine, 3)
    library.remove(desk.tools, mine.id, ids[1])
    foreign = rows(desk, owner(desk, Browser(desk.app).sign_up()), 1)
    browser.get(f"/assets/cards?ids={','.join([ids[2], ids[1], *foreign, 'x', ids[0]])}")
    assert tiles(browser) == [ids[2], ids[0]]


def test_an_upload_that_broke_off_is_offered_to_go_on_with(desk: Desk, browser: Browser, mine: User) -> None:
    name = "<script>\u202egnp.jpg"
    _, begun = pieces.begin(desk.tools, mine.id, name=name, size=4_000_000)
    piece = desk.settings.data_dir / "piece"
    piece.write_bytes(bytes(1_000_000))
    pieces.add(desk.tools, mine.id, begun["upload_id"], offset=0, length=1_000_000, piece=piece)
    browser.get("/assets")
    assert "1.0 MB of 4.0 MB are here. Choose the same file again to go on." in browser.text
    assert 'aria-valuenow="25"' in browser.text
    assert "<script>\u202e" not in browser.text
    assert browser.post(f"/assets/uploads/{begun['upload_id']}/give-up").status_code == 303
    browser.get("/assets")
    assert "Choose the same file again" not in browser.text
    assert browser.post("/assets/uploads/x/give-up").status_code == 404
    browser.get("/assets")
    assert browser.ask(f"/assets/uploads/{begun['upload_id']}/give-up", {}).status_code == 404


@pytest.mark.parametrize("which", ["foreign", "unknown", "odd", "made"])
def test_a_foreign_picture_is_not_there(desk: Desk, browser: Browser, mine: User, which: str) -> None:
    other = owner(desk, Browser(desk.app).sign_up())
    image = kept(desk, other)
    _, upload = pieces.begin(desk.tools, other.id, name="a.png", size=5)
    name = {"foreign": image, "unknown": NOBODYS, "odd": "x", "made": str(desk.finished().result["asset_id"])}[which]
    assert browser.get(f"/assets/{name}").status_code == 404
    browser.get("/assets")
    for act in ("delete", "restore"):
        assert browser.post(f"/assets/{name}/{act}").status_code == 404
        browser.get("/assets")
    assert browser.post(f"/assets/uploads/{upload['upload_id']}/give-up").status_code == 404
    assert browser.get(f"/assets?after={name}").status_code == 404
    browser.get(f"/assets?gone={name}")
    assert "moved to the trash" not in browser.text
    browser.get(f"/assets/cards?ids={name}")
    assert tiles(browser) == []


def test_the_page_is_in_the_navigation(browser: Browser, mine: User) -> None:
    assert re.search(r'<a href="/assets"[^>]* aria-current="page">', browser.text)
