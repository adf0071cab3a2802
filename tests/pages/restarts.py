"""A server killed and started again under an open page: `python -m tests.pages.restarts [TIMES]`, ten unless told."""

from __future__ import annotations

import re
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.pages.chromium import DONE_MS, Studio, Watched, headers, open_chromium, place, sign_up

BACK_MS = 45_000
LONG = {"duration": 60, "resolution": "1080p", "prompt": "A long one that every restart interrupts"}


def restart_under(studio: Studio, page: Page, times: int) -> list[float]:
    """Kill and start the server `times` times under `page`, on Create with its stream open; seconds until it was live.

    Before each kill a job is placed, one long job runs through them all. Asserts that without a reload each card says what the
    server says, that none is lost and that none is there twice.
    """
    page.evaluate("window.same = true")
    made, took = [place(page, **LONG)], list[float]()
    for number in range(times):
        made.append(place(page, prompt=f"Placed before restart {number + 1}"))
        expect(page.locator("article[data-job]")).to_have_count(len(made), timeout=BACK_MS)
        studio.kill()
        expect(page.locator("#live")).not_to_have_text("Live", timeout=BACK_MS)
        began = time.monotonic()
        studio.start()
        expect(page.locator("#live")).to_have_text("Live", timeout=BACK_MS)
        took.append(time.monotonic() - began)
        expect(page.locator(f"[data-job='{made[-1]}']")).to_have_attribute("data-word", "Done", timeout=2 * DONE_MS)
        same_as_server(page, made)
    page.request.post(f"/api/v1/cancel/{made[0]}", headers=headers(page), data={})
    over = re.compile("Cancelled|Done")
    expect(page.locator(f"[data-job='{made[0]}']")).to_have_attribute("data-word", over, timeout=2 * DONE_MS)
    same_as_server(page, made)
    assert page.evaluate("window.same") is True
    return took


def same_as_server(page: Page, made: list[str]) -> None:
    """Each job stands on the page once, newest first, as the server has it."""
    cards = page.locator("article[data-job]").evaluate_all("all => all.map((each) => each.dataset.job)")
    assert cards == made[::-1], (cards, made)
    for job in made:
        status = page.request.get(f"/api/v1/status/{job}").json()["status"]
        # Between the question and the look a job may have ended.
        right = re.compile(f"{status}|completed") if status in ("queued", "processing") else status
        expect(page.locator(f"[data-job='{job}']")).to_have_attribute("data-status", right)


def main() -> None:
    """Ten times, or as often as the first argument says, and how long each took."""
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 10
    with tempfile.TemporaryDirectory() as folder, open_chromium() as chromium, Studio(Path(folder), chromium) as studio:
        watched = Watched(studio.context(), broken=True)
        sign_up(watched.page, "ada@example.com")
        expect(watched.page.locator("#live")).to_have_text("Live")
        took = restart_under(studio, watched.page, times)
        assert watched.complaints == [], watched.complaints
    print(f"{times} restarts: {times + 1} cards right without a reload, none lost, none twice.")
    print("Seconds until live again: " + ", ".join(f"{each:.1f}" for each in took))


if __name__ == "__main__":
    main()
