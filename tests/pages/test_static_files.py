"""Static files: kept for a year, within the budget, and the only script there is."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from tests.api.desk import Desk
from tests.pages.browser import Browser
from vividflow.pages.packing import in_order
from vividflow.pages.static_files import FOLDER, address, content, entries_of, names

TEMPLATES = Path(__file__).parents[2] / "templates"
OWN = [path for path in TEMPLATES.rglob("*.html") if path.parent.name != "docs"]
HTMX = "vendor/htmx.org-4.0.1/htmx.min.js"


def read(name: str) -> str:
    """A file of the folder."""
    return (FOLDER / name).read_text(encoding="utf-8")


def packed(*files: str) -> int:
    """What the files take on the way, in bytes."""
    return sum(len(gzip.compress(content(name), 9)) for name in files)


def entries() -> set[str]:
    """The modules that templates ask for, besides the common one."""
    found = {each for path in OWN for each in re.findall(r'\{% set module = "([^"]+)"', path.read_text())}
    assert "js/composer.js" in found
    return found


@pytest.mark.parametrize("name", names())
def test_a_file_is_kept_for_a_year_under_an_address_of_its_content(desk: Desk, name: str) -> None:
    browser = Browser(desk.app)
    answer = browser.client.get(address(name), headers={"Accept-Encoding": "gzip"})
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in answer.headers
    body = gzip.decompress(answer.data) if answer.headers.get("Content-Encoding") == "gzip" else answer.data
    assert body == (FOLDER / name).read_bytes()
    assert browser.client.get(address(name)).data == body
    old = browser.client.get(re.sub("v-[0-9a-f]+", "v-000", address(name)))
    assert (old.status_code, old.headers["Cache-Control"]) == (200, "no-cache")


@pytest.mark.parametrize(
    "name",
    ["nothing.js", "../web_app.py", "%2e%2e/web_app.py", "js", "js/", "packed/x.js", "packed/app.css", "/etc/passwd"],
)
def test_nothing_outside_the_folder_is_served(desk: Desk, name: str) -> None:
    assert Browser(desk.app).client.get(f"/static/v-x/{name}", follow_redirects=True).status_code == 404


def test_the_budgets_of_the_brief_are_kept() -> None:
    assert packed("app.css") <= 14_000
    for entry in ("door.js", "share.js"):
        assert packed(f"packed/{entry}") <= 8_000, entry
    for entry in {"app.js"} | entries():
        assert packed(HTMX, f"packed/{entry}") <= 32_000, entry


def test_before_the_first_paint_a_page_asks_for_little(mina: Browser) -> None:
    head = mina.text[: mina.text.index("<body")]
    blocking = re.findall(r'<link rel="stylesheet"|<script(?! defer| type="module")', head)
    assert len(blocking) == 1
    assert len(re.findall(r"(?:src|href)=", head)) <= 4


def test_every_module_is_used_and_there() -> None:
    used = {
        each for entry in {"door.js", "share.js", "app.js"} | entries() for each in in_order(entries_of(entry), read)
    }
    assert used == {name for name in names() if name.endswith(".js") and not name.startswith("vendor/")}


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.name)
def test_no_template_has_script_or_style_of_its_own(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert "<style" not in text
    assert not re.search(r"\son(?!ce)[a-z]+\s*=", text)
    assert "javascript:" not in text
    assert "| safe" not in text
    assert "|safe" not in text
    assert not re.search(r'(?:src|href)="(?:https?:)?//', text)


@pytest.mark.parametrize("name", [name for name in names() if name.endswith(".js") and not name.startswith("vendor/")])
def test_no_script_builds_markup_from_text(name: str) -> None:
    text = (FOLDER / name).read_text()
    for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
        assert way not in text


def test_colours_are_tokens_that_know_both_themes() -> None:
    css = (FOLDER / "app.css").read_text()
    for token in ("bg", "surface", "ink", "accent", "ok", "warn", "bad"):
        assert re.search(rf"--{token}:\s+light-dark\(#[0-9a-f]{{6}}, #[0-9a-f]{{6}}\)", css), token
