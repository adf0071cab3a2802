"""The library when something does not come: the next items, a poster; and a job that belongs elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Route, expect

from tests.pages.chromium import Watched, ended, headers, place, sign_up
from vividflow.timing import new_id

pytestmark = pytest.mark.timeout(240)


def signed_up(open_page: Callable[..., Watched]) -> Watched:
    watched = open_page(broken=True)
    sign_up(watched.page, f"{new_id()}@example.com")
    return watched


def done(watched: Watched) -> str:
    job = place(watched.page)
    ended(watched.page, job)
    return job


def test_more_that_does_not_come_says_so_in_its_place_and_comes_when_tried_again(
    open_page: Callable[..., Watched],
) -> None:
    watched = signed_up(open_page)
    page, job = watched.page, done(watched)
    page.goto("/library")
    expect(page.locator(".tile")).to_have_count(1)
    page.evaluate(
        """() => {
            const link = document.createElement("a");
            Object.assign(link, {className: "btn", href: "/library?page=2&after=none", textContent: "Load more"});
            link.dataset.load = "";
            document.querySelector("[data-more]").append(link);
        }"""
    )
    page.route("**/library?page=2*", lambda route: route.abort())
    page.click("text=Load more")
    banner = page.locator("[data-more] .banner[role=alert]")
    expect(banner).to_contain_text("The next items could not be loaded.")
    page.unroute("**/library?page=2*")
    banner.get_by_role("button", name="Try again").click()
    expect(page.locator("[data-more] a")).to_have_count(0)
    expect(banner).to_have_count(0)
    expect(page.locator(f".tile[data-job='{job}']")).to_have_count(1)


def test_a_poster_that_does_not_come_leaves_the_frame_icon(open_page: Callable[..., Watched]) -> None:
    watched = signed_up(open_page)
    done(watched)
    watched.page.route("**/media/**", lambda route: route.abort())
    watched.page.goto("/library")
    expect(watched.page.locator(".tile .media.ph svg").first).to_be_visible()
    expect(watched.page.locator(".tile img")).to_have_count(0)


def test_a_poster_whose_link_ended_is_asked_for_anew(open_page: Callable[..., Watched]) -> None:
    watched = signed_up(open_page)
    page = watched.page
    done(watched)
    page.goto("/library")
    image = page.locator(".tile img")
    expect(image).to_have_js_property("complete", True)
    image.evaluate(
        "(each) => { each.removeAttribute('srcset'); each.src = '/media/users/ended.webp?expires=1&signature=x'; }"
    )
    expect(image).to_have_attribute("srcset", re.compile("poster_480"))
    expect(page.locator(".tile .media.ph")).to_have_count(0)


def test_progress_of_what_is_not_wanted_here_asks_the_server_nothing(open_page: Callable[..., Watched]) -> None:
    watched = signed_up(open_page)
    page, asked = watched.page, []

    def note(route: Route) -> None:
        asked.append(route.request.url)
        route.continue_()

    page.goto("/library?favourite=1")
    page.route("**/library/tiles?*", note)
    job = place(page, duration=60, resolution="1080p")
    page.evaluate(
        """(id) => new Promise((done) => {
            const seen = new EventSource("/api/v1/events");
            let count = 0;
            seen.addEventListener("progress", (event) => {
                if (JSON.parse(event.data).job_id === id && ++count === 8) { seen.close(); done(); }
            });
        })""",
        job,
    )
    assert len(asked) <= 6, asked
    expect(page.locator(".tile")).to_have_count(0)
    page.request.post(f"/api/v1/cancel/{job}", headers=headers(page), data={})
