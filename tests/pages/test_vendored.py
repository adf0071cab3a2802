"""What we ship of others is what they published, and is loaded where the brief allows it."""

from __future__ import annotations

import hashlib
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tests.api.desk import Desk
from tests.pages.browser import Browser
from vividflow.pages.static_files import FOLDER

VENDOR = FOLDER / "vendor"
LIBRARIES: list[dict[str, Any]] = tomllib.loads((VENDOR / "VENDORED.toml").read_text())["library"]
TEMPLATES = Path(__file__).parents[2] / "templates"


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: library["name"])
def test_every_file_has_the_checksum_that_was_written_down(library: dict[str, Any]) -> None:
    folder = VENDOR / f"{library['name']}-{library['version']}"
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    assert found == library["sha256"]
    assert "LICENSE" in found
    assert library["licence"]
    assert library["version"] in library["source"]


def test_nothing_lies_there_that_is_not_in_the_table() -> None:
    told = {f"{each['name']}-{each['version']}" for each in LIBRARIES}
    assert {path.name for path in VENDOR.iterdir() if path.is_dir()} == told


def test_htmx_is_loaded_on_signed_in_pages_only_and_its_settings_keep_it_plain(mina: Browser, desk: Desk) -> None:
    found = re.search(r'<script defer src="/static/[^"]+/htmx\.min\.js"></script>', mina.text)
    assert found
    config = re.search(r"<meta name=\"htmx-config\" content='([^']+)'>", mina.text)
    assert config
    for said in ('"history":false', '"includeIndicatorCSS":false', '"implicitInheritance":false', '"4xx"', '"5xx"'):
        assert said in config[1].replace(" ", "")
    stranger = Browser(desk.app)
    for path in ("/login", "/signup", "/reset", "/docs"):
        assert "htmx" not in stranger.get(path).text, path


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: path.name)
def test_no_attribute_of_htmx_holds_code(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"hx-on|hx-vals=[\"']?js:|hx-headers=[\"']?js:|hx-confirm=[\"']?js:|:inherited", text)
    for trigger in re.findall(r'hx-trigger="([^"]*)"', text):
        assert "[" not in trigger, trigger


def test_no_page_loads_sortable_yet() -> None:
    assert not [path for path in TEMPLATES.rglob("*.html") if "Sortable" in path.read_text()]
