"""What a person sees of the routes that their job went by: who was tried, why they were left, who made it, for how much."""

from __future__ import annotations

from typing import Any

from tests.api.desk import Desk
from tests.installation import a_job
from tests.pages.browser import Browser
from tests.pages.test_jobs import settle, words_of
from vividflow.timing import iso, now

NO_CREDIT = "The account at Google Cloud has no credit left."
BUSY = "Kling takes no more orders just now."


def _left(provider: str, reason: str, age: float) -> dict[str, Any]:
    return {"provider": provider, "code": "x", "reason": reason, "at": iso(now() - age)}


def _tried() -> dict[str, Any]:
    return {"routes": [_left("vertex", NO_CREDIT, 300), _left("kling", BUSY, 120)]}


def _words(browser: Browser, path: str) -> str:
    browser.get(path)
    return words_of(browser.text)


def test_a_finished_job_tells_each_route_in_order_and_who_made_it(mina: Browser, desk: Desk) -> None:
    settle(desk, mina)
    job = desk.finished(model="veo3.1", provider="replicate", quoted=400_000, cost=300_000)
    with desk.tools.db.transaction() as connection:
        from vividflow.records import jobs

        jobs.store(connection, [(job, job.but(result=job.result | _tried(), changes=1))])
    for path in (f"/jobs/{job.id}", f"/library/{job.id}"):
        told = _words(mina, path)
        assert f"Routes in order Google Cloud {NO_CREDIT} left 5 min ago" in told, path
        assert f"Kling {BUSY} left 2 min ago Replicate made it" in told, path
        assert "Made by Replicate Estimate 40 credits Cost 30 credits" in told, path


def test_a_job_under_way_tells_where_it_is_now_and_what_is_held(mina: Browser, desk: Desk) -> None:
    user = settle(desk, mina)
    more = {"quoted": 500_000, "params": {"estimate": 400_000}, "result": _tried(), "model": "veo3.1"}
    queued = a_job(desk.tools.db, user, prompt="A lake", **more)
    going = a_job(
        desk.tools.db, user, prompt="A lake", status="processing", state="generating", stage="generating", **more
    )
    told = _words(mina, f"/jobs/{queued.id}")
    assert "Replicate waiting" in told
    assert "Provider Replicate Estimate 40 credits Held 50 credits" in told
    assert "Replicate at work" in _words(mina, f"/jobs/{going.id}")


def test_a_failed_job_tells_why_its_last_route_was_the_last(mina: Browser, desk: Desk) -> None:
    user = settle(desk, mina)
    over = {"due_at": None, "prompt": "A lake", "result": _tried(), "quoted": 400_000, "model": "veo3.1"}
    failed = a_job(desk.tools.db, user, status="failed", state="failed", error_message="It broke.", **over)
    told = _words(mina, f"/jobs/{failed.id}")
    assert "Replicate It broke. failed" in told
    assert "Estimate 40 credits Cost Not charged" in told
    gone = a_job(desk.tools.db, user, status="cancelled", state="cancelled", **over)
    assert "Replicate cancelled" in _words(mina, f"/jobs/{gone.id}")


def test_with_one_route_there_is_no_list_of_them(mina: Browser, desk: Desk) -> None:
    user = settle(desk, mina)
    job = a_job(desk.tools.db, user, prompt="A lake")
    assert "Routes" not in _words(mina, f"/jobs/{job.id}")


def test_the_status_says_what_became_of_each_route(mina: Browser, desk: Desk) -> None:
    job = a_job(desk.tools.db, desk.user, status="failed", state="failed", due_at=None, result=_tried())
    routes = desk.get(f"/api/v1/status/{job.id}").get_json()["metrics"]["routes"]
    assert [(each["provider"], each["state"], each["reason"]) for each in routes] == [
        ("vertex", "left", NO_CREDIT),
        ("kling", "left", BUSY),
        ("replicate", "ended", None),
    ]
