"""Event streams as they leave the application; that they are held open is the hub's part and tested there."""

from __future__ import annotations

import json
from typing import Any

from tests.api.desk import Desk
from vividflow.api import event_feed
from vividflow.api.hub import Subscription
from vividflow.records import job_events


def read(text: str) -> list[dict[str, Any]]:
    """The events in a stream's text."""
    found = []
    for block in text.split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line and not line.startswith(":"))
        if "data" in lines:
            found.append({"id": int(lines["id"]), "event": lines["event"], "data": json.loads(lines["data"])})
    return found


def test_a_stream_begins_with_the_present_state(desk: Desk) -> None:
    job_id = desk.placed()
    answer = desk.get(f"/api/v1/jobs/{job_id}/events")
    assert answer.content_type == "text/event-stream; charset=utf-8"
    (event,) = read(answer.text)
    status = desk.get(f"/api/v1/status/{job_id}").get_json()
    assert event["event"] == "status"
    assert event["data"] == status | {"eta_seconds": event["data"]["eta_seconds"], "metrics": event["data"]["metrics"]}
    assert "retry: 1000" in answer.text


def test_a_finished_jobs_stream_is_done_at_once(desk: Desk) -> None:
    answer = desk.get(f"/api/v1/jobs/{desk.finished().id}/events")
    assert [event["event"] for event in read(answer.text)] == ["done"]
    assert "retry" not in answer.text


def test_last_event_id_replays_what_was_missed_in_order(desk: Desk) -> None:
    job_id = desk.placed()
    (first,) = read(desk.get(f"/api/v1/jobs/{job_id}/events").text)
    desk.post(f"/api/v1/cancel/{job_id}")
    events = read(desk.get(f"/api/v1/jobs/{job_id}/events", headers={"Last-Event-ID": str(first["id"])}).text)
    assert [event["event"] for event in events] == ["done"]
    assert events[0]["id"] > first["id"]
    assert events[0]["data"]["status"] == "cancelled"
    everything = read(desk.get(f"/api/v1/jobs/{job_id}/events", headers={"Last-Event-ID": "0"}).text)
    assert [event["data"]["status"] for event in everything] == ["queued", "cancelled"]


def test_with_nothing_missed_the_present_state_comes_again(desk: Desk) -> None:
    job = desk.placed()
    (first,) = read(desk.get(f"/api/v1/jobs/{job}/events").text)
    (again,) = read(desk.get(f"/api/v1/jobs/{job}/events", headers={"Last-Event-ID": str(first["id"])}).text)
    assert again["id"] == first["id"]


def test_the_stream_of_all_jobs_begins_with_the_active_ones_of_this_person(desk: Desk) -> None:
    mine = {desk.placed(), desk.placed()}
    desk.finished()
    _, key = desk.someone()
    assert {event["data"]["job_id"] for event in read(desk.get("/api/v1/events").text)} == mine
    assert read(desk.get("/api/v1/events", key=key).text) == []
    assert read(desk.get("/api/v1/events", key=key, headers={"Last-Event-ID": "0"}).text) == []


def test_a_last_event_id_that_is_no_number_is_refused(desk: Desk) -> None:
    for wrong in ("x", "-1", "1.5", "9" * 30):
        answer = desk.get("/api/v1/events", headers={"Last-Event-ID": wrong})
        assert (answer.status_code, answer.get_json()["code"]) == (422, "invalid_last_event_id")


def test_the_feed_gives_events_in_pages_and_skips_purged_jobs(desk: Desk) -> None:
    job_id = desk.placed()
    about = Subscription(user_id=desk.user.id, job_id=None)
    rows = [
        {
            "job_id": job_id,
            "user_id": desk.user.id,
            "at": 1.0,
            "name": "progress",
            "data": {"status": "queued", "progress": n},
        }
        for n in range(150)
    ]
    gone = rows[0] | {"job_id": "0b6c7a52-6f0e-4a53-9a3c-0d3f1f1b9a10"}
    with desk.tools.db.transaction() as connection:
        job_events.insert_many(connection, [gone, *rows])
    first = event_feed.load(desk.tools, about, 0)
    second = event_feed.load(desk.tools, about, first[-1].id)
    ids = [event.id for event in first + second]
    assert ids == sorted(set(ids))
    assert len(ids) == 151


def test_what_happened_elsewhere_is_found_by_its_id(desk: Desk) -> None:
    newest, nothing = event_feed.since(desk.tools, None)
    job_id = desk.placed()
    later, changed = event_feed.since(desk.tools, newest)
    assert nothing == []
    assert changed == [(desk.user.id, job_id)]
    assert later > newest
    assert event_feed.since(desk.tools, later) == (later, [])
