"""The places in the sidebar, in the tabs and behind More come from one table."""

from __future__ import annotations

import re

import pytest

from tests.api.desk import Desk
from tests.pages.browser import Browser
from tests.pages.operators import operator
from vividflow.pages.addresses import PAGES
from vividflow.pages.navigation import ENTRIES

PATHS = {page.path for page in PAGES}


def links(html: str, start: str, end: str) -> list[str]:
    """The addresses of links between two marks."""
    part = html[html.index(start) :]
    return re.findall(r'<a [^>]*?href="([^"]+)"', part[: part.index(end)])


@pytest.fixture(params=["a person", "an administrator"])
def reader(request: pytest.FixtureRequest, desk: Desk, mina: Browser) -> tuple[Browser, bool]:
    """A browser on Create, and whether an administrator sits at it."""
    if request.param == "a person":
        return mina, False
    browser = operator(desk)
    browser.get("/create")
    return browser, True


def test_every_place_that_is_offered_is_there(reader: tuple[Browser, bool]) -> None:
    browser, _ = reader
    offered = set(links(browser.text, '<aside class="side"', "</aside>"))
    offered |= set(links(browser.text, 'class="tabbar"', "</form>"))
    assert offered
    for path in offered:
        assert browser.get(path).status_code in (200, 303), path


def test_the_sidebar_has_them_all_and_the_tabs_with_more_too(reader: tuple[Browser, bool]) -> None:
    browser, admin = reader
    there = [each.path for each in ENTRIES if (not each.ours or each.path in PATHS) and (admin or not each.admin)]
    assert links(browser.text, '<aside class="side"', "</aside>")[1:] == there
    tabs = links(browser.text, 'class="tabbar"', "</nav>")
    assert tabs == [each.path for each in ENTRIES if each.tab and each.path in PATHS]
    assert sorted(tabs + links(browser.text, 'id="more-menu"', "</form>")) == sorted(there)


def test_a_place_without_a_page_is_not_offered(mina: Browser) -> None:
    missing = [each.path for each in ENTRIES if each.ours and each.path not in PATHS]
    assert not [path for path in missing if f'href="{path}"' in mina.text]


@pytest.mark.parametrize(
    ("here", "said"), [("/jobs", "page"), ("/jobs/abc", "true"), ("/jobsite", ""), ("/create", "")]
)
def test_the_place_one_is_in_is_marked(here: str, said: str) -> None:
    jobs = next(each for each in ENTRIES if each.path == "/jobs")
    assert jobs.current(here) == said
