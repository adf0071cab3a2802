"""What the house does besides answering: starting, hearing what happens elsewhere, stopping."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.api.desk import GENERATE, LIGHTHOUSE, Desk, file_of, png
from vividflow.api import house as house_module
from vividflow.api import uploads
from vividflow.api.hub import Hub
from vividflow.storage.base import StorageGone
from vividflow.timing import now


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """A keeper that looks every few milliseconds."""
    monkeypatch.setattr(house_module, "LISTEN_SECONDS", 0.005)
    monkeypatch.setattr(house_module, "FLUSH_SECONDS", 0.01)


@pytest.mark.usefixtures("quick")
def test_what_another_server_did_reaches_those_who_listen_here(
    desk_for: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = desk_for(embedded_worker=False)
    monkeypatch.setattr(Hub, "n", property(lambda _self: 1))
    heard: list[tuple[str, str]] = []
    told = threading.Event()

    def notify(user_id: str, job_id: str) -> None:
        heard.append((user_id, job_id))
        told.set()

    desk.house.hub.notify = notify  # pyright: ignore[reportAttributeAccessIssue]
    desk.house.start()
    desk.tools.ears.changed = lambda _user, _job: None  # as if it had been placed elsewhere
    job_id = desk.placed()
    assert told.wait(10)
    assert heard == [(desk.user.id, job_id)]


@pytest.mark.usefixtures("quick")
def test_marks_are_written_by_and_by_and_nothing_is_written_at_rest(
    desk_for: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = desk_for(embedded_worker=False)
    flushed = threading.Event()
    flush = desk.house.keys.flush

    def noted() -> bool:
        written = flush()
        if written:
            flushed.set()
        return written

    monkeypatch.setattr(desk.house.keys, "flush", noted)
    desk.house.start()
    desk.get("/api/v1/jobs")
    assert flushed.wait(10)
    before, quiet = desk.tools.db.commits, threading.Event()
    quiet.wait(0.1)  # ten flushes
    assert desk.tools.db.commits == before


def test_a_server_starts_without_its_storage(desk_for: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch) -> None:
    desk = desk_for(embedded_worker=False)

    def gone() -> None:
        raise StorageGone("no bucket")

    monkeypatch.setattr(desk.tools.storage, "check", gone)
    desk.house.start()
    assert desk.client.get("/healthz").status_code == 200


def test_uploads_that_a_crash_left_are_swept_and_young_ones_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    incoming = uploads.Incoming(tmp_path, field_name="image", most=10, code="c", sentence="s")
    incoming.write(b"half")
    assert uploads.sweep(tmp_path) == 0
    monkeypatch.setattr(uploads, "now", lambda: now() + 3601)
    assert uploads.sweep(tmp_path) == 1
    incoming.close()


def test_the_api_is_the_same_on_both_databases(desk_for: Callable[..., Desk], database_url: str) -> None:
    desk = desk_for(database_url=database_url)
    once = {"Idempotency-Key": "one"}
    first = desk.post(GENERATE, data=LIGHTHOUSE | {"image": file_of(png())}, headers=once)
    again = desk.post(GENERATE, data=LIGHTHOUSE | {"image": file_of(png())}, headers=once)
    assert (first.status_code, again.get_json()) == (202, first.get_json())
    job_id = first.get_json()["job_id"]
    path = f"/api/v1/status/{job_id}"
    assert desk.get(path).data == desk.get(f"{path}?wait=0").data
    assert desk.get("/api/v1/jobs?q=LIGHT").get_json()["data"][0]["job_id"] == job_id
    assert desk.get("/api/v1/jobs?q=%00").status_code == 422
    assert desk.get("/api/v1/status/%00").status_code == 404
    assert "event: status" in desk.get(f"/api/v1/jobs/{job_id}/events").text
    assert desk.post(f"/api/v1/cancel/{job_id}").status_code == 200
    assert desk.delete(f"/api/v1/jobs/{job_id}").status_code == 204
    assert desk.post(f"/api/v1/jobs/{job_id}/restore").get_json()["status"] == "cancelled"
