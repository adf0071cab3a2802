"""Usage in a real browser: a level kept by hand, the table fetched, and how it looks."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.installation import a_job
from tests.pages.chromium import Studio
from vividflow.db.database import Database
from vividflow.records import ledger, users

pytestmark = pytest.mark.timeout(240)
MODELS = (("veo3.1", "vertex", 3_200_000, 3_200_000), ("kling3", "kling", 420_000, 560_000), ("local", "local", 0, 0))


@pytest.fixture
def spent(studio: Studio, page: Page) -> Page:
    """A page of somebody whose account has a month of jobs behind it."""
    database = Database(f"sqlite:///{studio.folder}/data/jobs.db")
    with database.reading() as connection:
        email = page.locator(".menu-who span").text_content()
        user = users.by_email(connection, email or "")
    assert user is not None
    moment = time.time()
    for number, (model, provider, quoted, actual) in enumerate(MODELS * 3):
        at = moment - number * 3600
        job = a_job(
            database,
            user,
            model=model,
            provider=provider,
            quoted=quoted,
            cost=quoted,
            actual=actual,
            made_ms=5000,
            prompt="A slow flight over a quiet lake at dawn, mist and reeds",
            status="failed",
            state="failed",
            stage="failed",
            lane="loop",
            due_at=None,
            created_at=at,
            finished_at=at + 60,
        )
        with database.transaction() as connection:
            ledger.reserve(connection, user.id, job.id, quoted, at, guarded=False)
            end = ledger.Closing(kind=ledger.SETTLE, user_id=user.id, job_id=job.id, reserved=quoted, cost=quoted)
            ledger.close(connection, [end], at + 60)
    database.close()
    return page


def test_a_level_is_kept_the_table_is_fetched_and_all_of_it_can_be_read(spent: Page) -> None:
    page = spent
    page.goto("/usage")
    page.get_by_label("US dollars in a month").fill("1")
    page.get_by_role("button", name="Save level").click()
    expect(page.locator("#spending")).to_contain_text("above your $1.00.")
    with page.expect_download() as fetched:
        page.get_by_role("link", name="Export CSV").click()
    assert Path(fetched.value.path()).read_text().startswith("day,name,jobs,")
    page.get_by_text("Figures by day").click()
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        for width in (320, 390, 1024, 1440):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (scheme, width)
            found = Axe().run(page).response["violations"]
            assert found == [], (scheme, width, [(each["id"], each["nodes"][0]["html"]) for each in found])
            if shots := os.environ.get("VF_SHOTS"):
                page.screenshot(path=f"{shots}/{scheme}-{width}.png", full_page=True)
