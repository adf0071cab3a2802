"""Applications with browsers before them; and for the tests in Chromium a real server and a real browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jinja2.bccache import Bucket, BytecodeCache
from playwright.sync_api import BrowserContext, Page

from tests.api.desk import Desk
from tests.pages.browser import Browser
from tests.pages.chromium import Studio, Watched, ended, headers, open_chromium, place, sign_up
from vividflow.pages import sign_in
from vividflow.timing import new_id


class Compiled(BytecodeCache):
    """Templates that were compiled for one application serve the next one too: compiling is most of a test's time."""

    def __init__(self) -> None:
        self._known: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """What was kept, if anything."""
        if bucket.key + bucket.checksum in self._known:
            bucket.bytecode_from_string(self._known[bucket.key + bucket.checksum])

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep it."""
        self._known[bucket.key + bucket.checksum] = bucket.bytecode_to_string()


COMPILED = Compiled()


@pytest.fixture
def desk_for(tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    """Applications for settings; keyword arguments are settings. No worker runs."""
    made: list[Desk] = []

    def make(**settings: object) -> Desk:
        made.append(Desk(tmp_path, **settings))
        made[-1].app.jinja_env.bytecode_cache = COMPILED
        return made[-1]

    yield make
    for desk in made:
        desk.close()


@pytest.fixture
def desk(desk_for: Callable[..., Desk]) -> Desk:
    """An application with one admin, who is not signed in anywhere."""
    return desk_for()


@pytest.fixture
def browser(desk: Desk) -> Browser:
    """A browser that has not been here before."""
    return Browser(desk.app)


@pytest.fixture
def mina(browser: Browser) -> Browser:
    """A browser with somebody signed in."""
    browser.sign_up()
    return browser


@pytest.fixture(autouse=True)
def _patience() -> Iterator[None]:
    """Wrong tries of one test are none of another's."""
    yield
    sign_in.patience.reset()


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """`python web_app.py` on loopback with a Chromium before it, for all tests of a file."""
    with open_chromium() as chromium, Studio(tmp_path_factory.mktemp("studio"), chromium) as studio:
        yield studio


@pytest.fixture(scope="module")
def account(studio: Studio) -> Iterator[dict[str, Any]]:
    """The cookies of one account with a done, a failed and a cancelled job, for tests that only look."""
    context = studio.context()
    page = Watched(context).page
    sign_up(page, "ada@example.com")
    jobs = {
        "done": place(page),
        "failed": place(page, fault="content"),
        "cancelled": place(page, duration=60, resolution="4k"),
    }
    page.request.post(f"/api/v1/cancel/{jobs['cancelled']}", headers=headers(page), data={})
    for job in jobs.values():
        ended(page, job)
    yield {"state": context.storage_state(), "jobs": jobs}
    context.close()


@pytest.fixture
def open_page(studio: Studio) -> Iterator[Callable[..., Watched]]:
    """Pages in profiles of their own; at the end nobody's console may hold a complaint."""
    opened: list[tuple[BrowserContext, Watched]] = []

    def make(*, broken: bool = False, **options: Any) -> Watched:
        context = studio.context(**options)
        opened.append((context, Watched(context, broken=broken)))
        return opened[-1][1]

    yield make
    complaints = [each for _, watched in opened for each in watched.complaints]
    for context, _ in opened:
        context.close()
    assert complaints == []


@pytest.fixture
def page(open_page: Callable[..., Watched]) -> Page:
    """A page of somebody who has just signed up."""
    page = open_page().page
    sign_up(page, f"{new_id()}@example.com")
    return page


@pytest.fixture
def rough_page(open_page: Callable[..., Watched]) -> Page:
    """The same, for tests that break the connection on purpose."""
    page = open_page(broken=True).page
    sign_up(page, f"{new_id()}@example.com")
    return page
