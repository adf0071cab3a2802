"""The operator's pages in a real browser: readable in both themes and on a phone, and everything done by keyboard and form."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.installation import a_job, migrated, settings_in
from tests.pages.chromium import Studio, Watched, open_chromium, sign_up
from tests.pages.operators import acts, an_order, in_doubt, promote
from vividflow.db.database import Database
from vividflow.providers.accounts import account_of
from vividflow.records import audit, dead_routes, pauses
from vividflow.records.pauses import Pause
from vividflow.timing import iso, now

pytestmark = pytest.mark.timeout(240)
SHOTS = os.environ.get("SHOTS")
KEYS = {
    "REPLICATE_API_TOKEN": "r8_simulated",
    "KLING_API_KEY": "a-key-of-kling",
    "OPENAI_SERVERS": "den=http://127.0.0.1:9",
}


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    """A server with keys of providers that nobody asks, and no worker."""
    folder = tmp_path_factory.mktemp("studio")
    own = folder / "own.toml"
    day = datetime.now(UTC).date() + timedelta(days=20)
    own.write_text(f'[[models]]\nid = "wan2.1"\nshutdown_date = {day}\nsuccessors = ["wan2.2"]\n')
    migrated(settings_in(folder)).close()  # beforehand: on a busy machine a first page would have to wait for it
    more = KEYS | {"MODELS_FILE": str(own), "EMBEDDED_WORKER": "false"}
    with open_chromium() as chromium, Studio(folder, chromium, **more) as studio:
        yield studio


@pytest.fixture(scope="module")
def db(studio: Studio) -> Iterator[Database]:
    """The server's database, as a command has it."""
    opened = Database(f"sqlite:///{studio.folder / 'data' / 'jobs.db'}")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def state(studio: Studio, db: Database) -> Any:
    """The cookies of an administrator."""
    context = studio.context()
    sign_up(context.new_page(), "ada@example.com")
    promote(db, "ada@example.com")
    kept = context.storage_state()
    context.close()
    return kept


def looked_at(page: Page, name: str) -> list[str]:
    """What axe and the width of a phone find wrong; a picture is left where SHOTS says."""
    found: list[str] = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        for width in (1440, 390):
            page.set_viewport_size({"width": width, "height": 900})
            violations = Axe().run(page).response["violations"]
            found += [f"{name} {scheme} {width}: {each['id']}: {each['nodes'][0]['target']}" for each in violations]
            over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
            found += [f"{name}: {over} px sideways at {width}"] if over > 0 else []
            if SHOTS:
                page.screenshot(path=Path(SHOTS) / f"{name}-{scheme}-{width}.png", full_page=True)
    page.set_viewport_size({"width": 1440, "height": 900})
    return found


def test_the_review_page_empty_and_full_and_what_is_said_there(
    open_page: Callable[..., Watched], state: Any, db: Database
) -> None:
    page = open_page(storage_state=state).page
    page.goto("/admin/review")
    found = looked_at(page, "review-empty")
    for prompt, model, provider, name in (
        ("A lighthouse at dusk, beam sweeping through thin fog", "wan2.2", "replicate", "wan-video/wan-2.2-t2v-fast"),
        ("Camel caravan crossing tall dunes", "kling3", "kling", "kling-v3"),
        ("A quiet lake", "local", "local", "local"),
    ):
        params: dict[str, Any] = {"duration": 5.0, "resolution": "720p", "aspect_ratio": "16:9"}
        more = {"model": model, "provider": provider, "provider_model": name, "params": params}
        job = in_doubt(db, prompt=prompt, quoted=440_000, **more)
    page.reload()
    found += looked_at(page, "review-three")
    expect(page.get_by_role("link", name="Review 3")).to_be_visible()
    card = page.get_by_role("region", name="A quiet lake")
    card.get_by_label("It ran: the provider's id").fill("op-1")
    page.keyboard.press("Enter")
    expect(page.locator("#said")).to_contain_text("Adopted. A worker fetches what it made")
    page.get_by_role("button", name="Retry: Camel caravan").click()
    expect(page.locator("#said")).to_contain_text("placed again")
    page.get_by_role("button", name="Declare lost: A lighthouse").click()
    expect(page.get_by_text("Nothing needs a review")).to_be_visible()
    found += looked_at(page, "review-done")
    assert found == []
    assert [each.act for each in acts(db, audit.JOB)] == ["lost", "retry", "adopt"]
    assert acts(db, audit.JOB)[2].subject == job.id


def test_the_providers_page_and_the_models_with_one_paused_and_one_resting(
    open_page: Callable[..., Watched], state: Any, db: Database, studio: Studio
) -> None:
    settings = settings_in(
        studio.folder, replicate_api_token=KEYS["REPLICATE_API_TOKEN"], kling_api_key=KEYS["KLING_API_KEY"]
    )
    moment = now()
    rest = Pause(
        provider="kling",
        account=account_of(settings, "kling", ""),
        code="provider_error",
        reason="Kling did not answer five times in two minutes.",
        since=moment,
        until=moment + 3600,
        trips=2,
    )
    dead = dead_routes.DeadRoute(
        account=account_of(settings, "replicate", ""),
        provider_model="wan-video/wan-2.5-t2v",
        reason="Replicate no longer has this model.",
        since=moment,
    )
    with db.transaction() as connection:
        pauses.pause(connection, rest)
        dead_routes.bury(connection, dead)
    page = open_page(storage_state=state).page
    page.goto("/admin/providers")
    replicate = page.get_by_role("region", name="Replicate", exact=True)
    replicate.get_by_label("Reason").fill("The bill is looked at until noon.")
    replicate.get_by_role("button", name="Pause Replicate").click()
    expect(page.get_by_text("Paused by you")).to_be_visible()
    expect(page.get_by_text("Resting after failures")).to_be_visible()
    found = looked_at(page, "providers")
    page.goto("/create")
    page.locator("#model-picker").click()
    dialog = page.get_by_role("dialog", name="Model")
    expect(dialog.get_by_text("Paused", exact=True).first).to_be_visible()
    expect(dialog.get_by_text("Resting", exact=True).first).to_be_visible()
    dialog.get_by_text("Shut down").first.click()
    found += looked_at(page, "models")
    if SHOTS:
        for part in range(4):
            dialog.evaluate("(each, part) => each.scrollTo(0, part * 700)", part)
            page.screenshot(path=Path(SHOTS) / f"models-part-{part}.png")
    page.goto("/admin/providers")
    page.get_by_role("button", name="Resume Replicate").click()
    expect(page.get_by_text("Paused by you")).to_have_count(0)
    page.get_by_role("button", name="Revive wan-video/wan-2.5-t2v").click()
    expect(page.locator("#said")).to_have_text("That model is ordered again.")
    assert found == []
    assert [each.act for each in acts(db, audit.PROVIDER)] == ["revive", "resume", "pause"]


def test_a_jobs_routes_are_told_in_order(open_page: Callable[..., Watched], state: Any, db: Database) -> None:
    left = [
        {
            "provider": "vertex",
            "code": "x",
            "reason": "The account at Google Cloud has no credit left.",
            "at": iso(now() - 300),
        },
        {"provider": "kling", "code": "x", "reason": "Kling takes no more orders just now.", "at": iso(now() - 90)},
    ]
    ada = promote(db, "ada@example.com")
    over: dict[str, Any] = {"due_at": None, "finished_at": now(), "quoted": 500_000}
    job = a_job(
        db,
        ada,
        prompt="A lighthouse at dusk",
        model="veo3.1",
        state="failed",
        status="failed",
        stage="failed",
        error_message="The provider could not make this video.",
        params={"estimate": 400_000, "duration": 4.0, "aspect_ratio": "16:9", "resolution": "720p"},
        result={"routes": left},
        **over,
    )
    an_order(db, job)
    page = open_page(storage_state=state).page
    page.goto(f"/jobs/{job.id}")
    routes = page.get_by_text("has no credit left.")
    expect(routes).to_be_visible()
    assert looked_at(page, "routes") == []
