"""The public view of a job: what is happening, how long it takes, what it cost and where the result lies."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lifecycle.stage import Stage
from vividflow.lifecycle.status import (
    eta,
    event_object,
    message,
    metadata_object,
    order_history,
    provenance,
    stages,
    status_object,
)
from vividflow.records import job_events, renditions
from vividflow.records.job_events import JobEvent
from vividflow.records.jobs import Job

NOW = 1_800_000_000.0


@pytest.fixture
def done(stage: Stage) -> Job:
    """A job that completed."""
    stage.simulator.generation_seconds = 0.0
    job = stage.begin()
    while not job.over:
        job = stage.step(job)
    assert job.status == "completed"
    return job


def _job(**more: Any) -> Job:
    values: dict[str, Any] = {
        "id": "j", "user_id": "u", "kind": "video", "state": "generating", "status": "processing",
        "stage": "generating", "lane": "calls", "created_at": NOW - 100, "updated_at": NOW, "usual_seconds": 60.0,
    }  # fmt: skip
    return Job(**(values | more))


def _told(stage: Stage, job: Job) -> dict[str, Any]:
    with stage.tools.db.reading() as connection:
        return status_object(stage.tools, connection, job)


@pytest.mark.parametrize(
    ("job", "seconds"),
    [
        (_job(status="queued", state="queued"), 60),
        (_job(state="submitting"), 60),
        (_job(generating_at=NOW - 20), 40),
        (_job(generating_at=NOW - 59.9), 1),
        (_job(generating_at=NOW - 61), None),
        (_job(generating_at=NOW - 61, state="finishing"), 2),
        (_job(usual_seconds=None), None),
        (_job(status="completed"), 0),
        (_job(status="failed"), None),
    ],
)
def test_the_seconds_left_are_a_guess_that_knows_when_it_was_wrong(job: Job, seconds: int | None) -> None:
    assert eta(job, NOW) == seconds


@pytest.mark.parametrize(
    ("job", "ahead", "says"),
    [
        (_job(status="queued"), 1, "Queued. 1 job ahead of you."),
        (_job(status="queued"), None, "Queued. 0 jobs ahead of you."),
        (_job(status="queued", note="Busy. Trying again in 3 s."), 4, "Busy. Trying again in 3 s."),
        (_job(), None, "Your video is being made."),
        (_job(stage="something new"), None, "Working."),
        (_job(note="The provider does not answer; asking again."), None, "The provider does not answer; asking again."),
        (_job(status="completed"), None, "Done."),
        (_job(status="cancelled", charged=True), None, "Cancelled. You were charged for it."),
        (_job(status="cancelled", charged=False), None, "Cancelled. You were not charged."),
        (_job(status="failed", error_message="The content check refused it."), None, "The content check refused it."),
        (_job(status="failed"), None, "It failed. You were not charged."),
    ],
)
def test_one_sentence_says_what_is_happening(job: Job, ahead: int | None, says: str) -> None:
    assert message(job, ahead) == says


def test_a_queued_job_knows_its_place_and_shows_nothing_of_ours(stage: Stage) -> None:
    stage.place()
    told = _told(stage, stage.change(stage.place(), params={"seed": 3, "fault": "stall", "warnings": ["Cropped."]}))
    assert (told["queue_position"], told["message"]) == (2, "Queued. 1 job ahead of you.")
    assert (told["params"], told["warnings"]) == ({"seed": 3}, ["Cropped."])
    assert (told["result_url"], told["result"], told["late_result_url"], told["error_code"]) == (None, {}, None, None)
    assert told["metrics"]["cost"] is None
    assert told["metrics"]["estimated_cost"] > 0


def test_a_completed_job_tells_where_the_result_lies_and_what_it_cost(stage: Stage, done: Job) -> None:
    told = _told(stage, done)
    assert (told["progress"], told["eta_seconds"], told["charged"]) == (100, 0, True)
    assert told["result"]["asset_id"] == done.result["asset_id"]
    assert told["result"]["is_preview"] is False
    assert told["result_url"] != told["thumbnail_url"]
    assert told["metrics"]["cost"] == done.quoted / 1_000_000
    assert told["metrics"]["bytes"] == told["result"]["size"] > 0


def test_a_result_whose_posters_and_late_file_are_gone_is_still_told(stage: Stage, done: Job) -> None:
    with stage.tools.db.transaction() as connection:
        renditions.delete_of_asset(connection, done.result["asset_id"])
    told = _told(stage, stage.change(done.id, late_asset_id="removed"))
    assert (told["thumbnail_url"], told["late_result_url"]) == (None, None)
    assert told["result_url"]


def test_a_failed_job_tells_why_and_shows_no_result(stage: Stage) -> None:
    stage.simulator.faults.add("content_refused")
    failed = stage.step(stage.begin())
    told = _told(stage, failed)
    assert (told["error_code"], told["error_message"], told["charged"]) == (
        "content_policy",
        failed.error_message,
        False,
    )
    assert told["result_url"] is None
    with stage.tools.db.reading() as connection:
        (order,) = order_history(connection, failed)
    assert (order["n"], order["state"], order["error_code"]) == (1, "refused", "content_policy")


def _stages(stage: Stage, job: Job) -> dict[str, tuple[str, int | None]]:
    with stage.tools.db.reading() as connection:
        return {each["stage"]: (each["state"], each["percentage"]) for each in stages(connection, job)}


def test_stages_are_waiting_running_done_or_where_it_ended(stage: Stage, done: Job) -> None:
    assert set(_stages(stage, done).values()) == {("done", 100)}
    stage.simulator.generation_seconds = 3600.0
    running = stage.change(stage.step(stage.begin()).id, progress=30)
    seen = _stages(stage, running)
    assert (seen["queued"], seen["submitting"]) == (("done", 100), ("done", 100))
    assert (seen["generating"], seen["downloading"]) == (("running", 30), ("waiting", 0))
    failed = stage.step(stage.change(running.id, deadline_at=1.0))
    seen = _stages(stage, failed)
    assert (seen["generating"], seen["downloading"]) == (("failed", 0), ("skipped", 0))


def test_the_metadata_of_a_video_are_those_of_its_file(stage: Stage, done: Job) -> None:
    with stage.tools.db.reading() as connection:
        told = metadata_object(stage.tools, connection, done)
        assert metadata_object(stage.tools, connection, done.but(status="failed")) is None
        assert metadata_object(stage.tools, connection, done.but(id="another")) is None
    assert told is not None
    assert told["dimensions"] == [told["technical_metadata"]["width"], told["technical_metadata"]["height"]]
    assert len(told["thumbnail_urls"]) == 4
    assert len(told["storage_keys"]) == 8
    assert told["provenance"]["ai_generated"] is True


def test_a_preview_is_never_said_to_be_made_by_ai() -> None:
    told = provenance(_job(provider="local"))
    assert (told["ai_generated"], told["note"]) == (False, "A preview made on this machine, not by AI.")


def test_an_event_tells_the_job_as_it_was_then(stage: Stage, done: Job) -> None:
    with stage.tools.db.reading() as connection:
        first, *_, last = job_events.of_job(connection, done.id)
        then = event_object(stage.tools, connection, first)
        now = event_object(stage.tools, connection, last, done)
        odd = JobEvent(id=9, job_id=done.id, user_id="u", at=NOW, name="status", data={"status": "processing"})
        unnamed = event_object(stage.tools, connection, odd)
        gone = event_object(stage.tools, connection, JobEvent(**{**_fields(odd), "job_id": "removed"}))
    assert then is not None
    assert (then["status"], then["message"], then["result_url"], then["result"]) == ("queued", "Queued.", None, {})
    assert now is not None
    assert (now["status"], now["progress"], bool(now["result_url"])) == ("completed", 100, True)
    assert unnamed is not None
    assert unnamed["message"] == "Queued."
    assert gone is None


def _fields(event: JobEvent) -> dict[str, Any]:
    return {name: getattr(event, name) for name in JobEvent.__dataclass_fields__}
