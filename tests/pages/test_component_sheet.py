"""The sheet of components is for who builds pages, and only where debugging is on."""

from __future__ import annotations

from collections.abc import Callable

from tests.api.desk import Desk
from tests.pages.browser import Browser
from vividflow.pages.job_view import BADGES


def test_without_debugging_there_is_no_sheet_for_anybody(desk: Desk, mina: Browser) -> None:
    assert mina.get("/_ui").status_code == 404
    assert Browser(desk.app).get("/_ui").status_code == 404


def test_with_debugging_it_shows_every_part_and_each_of_the_seven_states(desk_for: Callable[..., Desk]) -> None:
    browser = Browser(desk_for(mv_debug_mode=True).app)
    assert browser.get("/_ui").location == "/login?next=%2F_ui"
    browser.sign_up()
    assert browser.get("/_ui").status_code == 200
    for badge in BADGES.values():
        assert f'data-word="{badge.word}"' in browser.text, badge.word
    for mark in ('class="seg', 'role="switch"', 'type="range"', 'class="drop over', 'role="progressbar"', "<dialog"):
        assert mark in browser.text, mark
