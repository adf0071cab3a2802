"""The status of a job: one answer by two ways, tags, waits."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.api.desk import Desk
from vividflow.records import jobs

MEMBERS = {
    "job_id", "status", "kind", "created_at", "updated_at", "progress", "stage", "eta_seconds", "queue_position", "model",
    "provider", "message", "result_url", "thumbnail_url", "result", "late_result_url", "cancel", "error_message",
    "error_code", "metrics",
}  # fmt: skip


def test_the_status_has_every_promised_member(desk: Desk) -> None:
    body = desk.get(f"/api/v1/status/{desk.placed()}").get_json()
    assert set(body) >= MEMBERS
    assert set(body["metrics"]) == {
        "queue_seconds", "generation_seconds", "processing_seconds", "total_seconds", "cost", "estimated_cost",
        "actual_cost", "variance", "variance_alert", "attempts", "polls", "bytes", "routes",
    }  # fmt: skip
    assert set(body["cancel"]) == {"possible", "refund_usd", "reason"}


def test_both_ways_give_the_same_answer(desk: Desk) -> None:
    path = f"/api/v1/status/{desk.finished().id}"
    by_flask = desk.get(path)  # the key is not known yet
    by_short = desk.get(path)
    by_query = desk.get(f"{path}?wait=0")

    def shown(answer: TestResponse) -> tuple[bytes, dict[str, str]]:
        passing = ("X-Request-ID", "RateLimit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
        return answer.data, {name: value for name, value in answer.headers.items() if name not in passing}

    assert shown(by_flask) == shown(by_short) == shown(by_query)


def test_the_short_way_never_enters_flask(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    path = f"/api/v1/status/{desk.placed()}"
    monkeypatch.setattr(desk.app.wsgi_app, "_inner", None)
    answer = desk.get(path, headers={"X-Request-ID": "mine"})
    assert answer.status_code == 200
    assert answer.headers["X-Request-ID"] == "mine"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_tag_answers_304_until_something_happens(desk: Desk) -> None:
    job_id = desk.placed()
    first = desk.get(f"/api/v1/status/{job_id}")
    tag = {"If-None-Match": first.headers["ETag"]}
    unchanged = desk.get(f"/api/v1/status/{job_id}", headers=tag)
    assert (unchanged.status_code, unchanged.data) == (304, b"")
    assert unchanged.headers["ETag"] == first.headers["ETag"]
    assert desk.get(f"/api/v1/status/{job_id}", headers={"If-None-Match": "*"}).status_code == 304
    desk.post(f"/api/v1/cancel/{job_id}")
    changed = desk.get(f"/api/v1/status/{job_id}", headers=tag)
    assert changed.status_code == 200
    assert changed.get_json()["status"] == "cancelled"


def test_a_finished_jobs_answer_stays_equal_within_the_hour_and_changes_with_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"/api/v1/status/{desk.finished().id}"
    clock = [1_800_000_000.0 - 1_800_000_000 % 3600 + 60]
    monkeypatch.setattr("vividflow.api.status_answers.now", lambda: clock[0])
    first = desk.get(path)
    clock[0] += 3000
    assert desk.get(path).data == first.data
    assert desk.get(path, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    clock[0] += 3600
    later = desk.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert later.status_code == 200
    assert later.get_json()["result_url"] != first.get_json()["result_url"]


def test_an_unchanged_row_is_not_rendered_twice_and_a_changed_one_always_is(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id = desk.placed()
    path = f"/api/v1/status/{job_id}"
    desk.get(path)
    rendered: list[str] = []
    render = __import__("vividflow.lifecycle.status", fromlist=["status_object"]).status_object

    def counted(*arguments: Any, **named: Any) -> Any:
        rendered.append(arguments[2].id)
        return render(*arguments, **named)

    monkeypatch.setattr("vividflow.api.status_answers.status_object", counted)
    monkeypatch.setattr("vividflow.api.status_answers.RUNNING_SECONDS", 60.0)
    desk.get(path)
    rendered.clear()
    assert desk.get(path).get_json()["status"] == "queued"
    assert rendered == []
    desk.post(f"/api/v1/jobs/{job_id}/front")
    desk.get(path)
    desk.post(f"/api/v1/cancel/{job_id}")
    assert desk.get(path).get_json()["status"] == "cancelled"
    assert rendered == [job_id, job_id]


def test_a_job_in_the_trash_is_gone_by_both_ways(desk: Desk) -> None:
    job_id = desk.finished().id
    assert desk.get(f"/api/v1/status/{job_id}").status_code == 200
    assert desk.delete(f"/api/v1/jobs/{job_id}").status_code == 204
    for query in ("", "?wait=0", "?wait=1"):
        assert desk.get(f"/api/v1/status/{job_id}{query}").status_code == 404


def test_a_wait_ends_when_the_status_changes(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.tools.ears.changed = desk.house.hub.notify
    job_id = desk.placed()
    answers: list[TestResponse] = []
    begun, hold = threading.Event(), desk.house.hub.wait

    def held(*arguments: Any, **named: Any) -> Any:
        begun.set()
        return hold(*arguments, **named)

    monkeypatch.setattr(desk.house.hub, "wait", held)

    def wait() -> None:
        headers = {"X-API-Key": desk.key, "X-Request-ID": "waiting"}
        answers.append(desk.app.test_client().get(f"/api/v1/status/{job_id}?wait=30", headers=headers))

    waiting = threading.Thread(target=wait)
    began = time.monotonic()
    waiting.start()
    assert begun.wait(10)
    desk.post(f"/api/v1/cancel/{job_id}")
    waiting.join(10)
    assert time.monotonic() - began < 10
    (answer,) = answers
    assert answer.get_json()["status"] == "cancelled"
    assert answer.headers["X-Request-ID"] == "waiting"
    assert answer.headers["Content-Security-Policy"]


def test_a_wait_for_nothing_ends_in_time_with_the_present_state(desk: Desk) -> None:
    job_id, began = desk.placed(), time.monotonic()
    answer = desk.get(f"/api/v1/status/{job_id}?wait=0.2")
    assert 0.2 <= time.monotonic() - began < 5
    assert answer.get_json()["status"] == "queued"


def test_a_finished_job_is_not_waited_for(desk: Desk) -> None:
    job_id, began = desk.finished().id, time.monotonic()
    assert desk.get(f"/api/v1/status/{job_id}?wait=60").get_json()["status"] == "completed"
    assert time.monotonic() - began < 5


def test_a_status_of_another_state_tells_why(desk: Desk) -> None:
    job = desk.finished(
        status="failed", error_code="content_policy", error_message="It was refused. You were not charged."
    )
    body = desk.get(f"/api/v1/status/{job.id}").get_json()
    assert (body["status"], body["error_code"]) == ("failed", "content_policy")
    assert body["result_url"] is None


def test_a_late_result_shows_at_once_in_a_remembered_answer(desk: Desk) -> None:
    job, other = desk.finished(status="failed"), desk.finished()
    path = f"/api/v1/status/{job.id}"
    assert desk.get(path).get_json()["late_result_url"] is None
    assert desk.get(path).get_json()["late_result_url"] is None
    with desk.tools.db.transaction() as connection:
        jobs.change(connection, job.id, late_asset_id=other.result["asset_id"])
    assert desk.get(path).get_json()["late_result_url"]
