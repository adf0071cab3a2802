"""The budgets of the pages: what a browser on a slow machine and a slow line sees (4× slowed processor, fast 3G).

`python -m benchmarks.pages` measures every page in Chromium: largest contentful paint, layout shift, answer to a press, bytes
of script, style and HTML as they travel, and requests before the first paint.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page

from benchmarks.report import Row, middle, report
from tests.pages.chromium import Studio, headers, open_chromium, sign_up

ROUNDS = 3
SLOWED = 4
# Chrome's "Fast 3G": 1.6 Mbit/s down, 750 kbit/s up; the round trip is the 150 ms of the network itself.
LINE = {"offline": False, "latency": 150, "downloadThroughput": 1.6e6 / 8, "uploadThroughput": 750e3 / 8}
LCP_MS, CLS, INP_MS, HTML_KB, STYLE_KB = 1800, 0.02, 150, 60, 14
KB = 1000
WATCH = """
window.seen = {lcp: 0, cls: 0, inp: 0};
new PerformanceObserver((list) => { for (const each of list.getEntries()) seen.lcp = each.startTime; })
  .observe({type: "largest-contentful-paint", buffered: true});
new PerformanceObserver((list) => { for (const each of list.getEntries()) if (!each.hadRecentInput) seen.cls += each.value; })
  .observe({type: "layout-shift", buffered: true});
new PerformanceObserver((list) => {
  for (const each of list.getEntries()) if (each.interactionId) seen.inp = Math.max(seen.inp, each.duration);
}).observe({type: "event", buffered: true, durationThreshold: 16});
"""
READ = """() => {
  const paint = performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? 0;
  const files = performance.getEntriesByType("resource");
  const ends = (kind) => files.filter((each) => new URL(each.name).pathname.endsWith(kind));
  const bytes = (kind) => ends(kind).reduce((sum, each) => sum + each.encodedBodySize, 0);
  const page = performance.getEntriesByType("navigation")[0];
  return {...seen, paint, script: bytes(".js"), style: bytes(".css"), html: page.encodedBodySize,
          wait: page.responseStart - page.requestStart,
          before: 1 + files.filter((each) => each.renderBlockingStatus === "blocking").length};
}"""


@dataclass(frozen=True, kw_only=True)
class Place:
    """A page, how much script and how many requests before the first paint it may have, and what is pressed on it."""

    path: str
    script_kb: int
    requests: int
    press: str | None = None


def places(job_id: str, share: str) -> tuple[Place, ...]:
    """Every page with a budget."""
    return (
        Place(path="/login", script_kb=8, requests=3, press="#email"),
        Place(path="/signup", script_kb=8, requests=3, press="#email"),
        Place(path=share, script_kb=8, requests=3),
        Place(path="/docs", script_kb=8, requests=3),
        Place(path="/create", script_kb=32, requests=4, press="#prompt"),
        Place(path="/library", script_kb=32, requests=4, press="main input[type=search]"),
        Place(path=f"/library/{job_id}", script_kb=32, requests=4),
        Place(path="/assets", script_kb=32, requests=4),
        Place(path="/jobs", script_kb=32, requests=4),
        Place(path="/settings", script_kb=32, requests=4),
    )


def main() -> int:
    """Three loads of each page with an empty cache, medians; 1 when a budget is broken."""
    rows: list[Row] = []
    with (
        tempfile.TemporaryDirectory(prefix="vf-pages-") as folder,
        open_chromium() as chromium,
        Studio(Path(folder), chromium) as studio,
    ):
        state, job_id, share = _filled(studio)
        for place in places(job_id, share):
            signed_in = place.script_kb > 8
            seen = [_visit(chromium, studio, place, state if signed_in else None) for _ in range(ROUNDS)]
            rows += _rows(place, {name: middle([each[name] for each in seen]) for name in seen[0]})
    report("Pages on a slow machine and line", rows)
    return int(any(reached is False for _, _, reached in rows))


def _filled(studio: Studio) -> tuple[Any, str, str]:
    """A person with finished videos: the browser's cookies, one job, and its public page."""
    context = studio.context()
    page = context.new_page()
    sign_up(page, "pages@example.com")
    ids = [_placed(page, number) for number in range(6)]
    for job_id in ids:
        while page.request.get(f"/api/v1/status/{job_id}?wait=30").json()["status"] != "completed":
            pass
    made = page.request.post(f"/api/v1/videos/jobs/{ids[0]}/share", headers=headers(page), data={})
    assert made.ok, made.text()
    share = urlsplit(made.json()["url"]).path
    state = context.storage_state()
    context.close()
    return state, ids[0], share


def _placed(page: Page, number: int) -> str:
    body = {"prompt": f"A quiet lake, take {number}", "model": "local", "duration": 1, "resolution": "720p"}
    answer = page.request.post("/api/v1/generate", headers=headers(page), data=body)
    assert answer.status == 202, answer.text()
    return answer.json()["job_id"]


def _visit(chromium: Browser, studio: Studio, place: Place, state: Any) -> dict[str, float]:
    context: BrowserContext = chromium.new_context(
        base_url=studio.address, viewport={"width": 1440, "height": 900}, storage_state=state
    )
    try:
        page = context.new_page()
        line = context.new_cdp_session(page)
        line.send("Network.enable")
        line.send("Network.emulateNetworkConditions", LINE)
        line.send("Emulation.setCPUThrottlingRate", {"rate": SLOWED})
        page.add_init_script(WATCH)
        page.goto(place.path, wait_until="load", timeout=60_000)
        page.wait_for_timeout(1500)
        before = page.evaluate("seen.lcp")
        if place.press:
            page.click(place.press)
            page.keyboard.type("calm", delay=60)
            page.wait_for_timeout(600)
        found = page.evaluate(READ)
        return found | {"lcp": before}
    finally:
        context.close()


def _rows(place: Place, seen: dict[str, float]) -> list[Row]:
    path = "/s/…" if place.path.startswith("/s/") else place.path if place.path.count("/") == 1 else "/library/…"
    script, style, html = seen["script"] / KB, seen["style"] / KB, seen["html"] / KB
    looks = f"LCP {seen['lcp']:.0f} ms, CLS {seen['cls']:.3f}, INP {seen['inp']:.0f} ms, server {seen['wait']:.0f} ms"
    weight = f"script {script:.1f} kB of {place.script_kb}, style {style:.1f}, HTML {html:.1f}, {seen['before']:.0f} requests"
    fast = seen["lcp"] <= LCP_MS and seen["cls"] <= CLS and seen["inp"] <= INP_MS
    light = script <= place.script_kb and style <= STYLE_KB and html <= HTML_KB and seen["before"] <= place.requests
    return [(path, looks, fast), ("", weight, light)]


if __name__ == "__main__":
    sys.exit(main())
