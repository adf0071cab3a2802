"""Looking at a job, fetching it and stopping it: each server's words, and what a server that forgets means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.providers.conftest import Clock
from tests.providers.openai_orders import DIALECTS, pointed_at, served, submitted
from vividflow.errors import Permanent, Transient
from vividflow.providers.base import CancelOutcome, Operation, OperationStatus
from vividflow.providers.openai_dialects import DIALECTS as ROWS
from vividflow.providers.openai_runs import read_job
from vividflow.providers.openai_servers import VideoServer


def read(dialect: str = "openai", **job: Any) -> Operation:
    server = VideoServer(name="den", url="http://a:1/v1", dialect=ROWS[dialect])
    return read_job({"id": "v1", **job}, server)


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("word", ["queued", "in_progress", "processing", "preparing", "", None, 7, [], {}])
def test_a_word_that_is_new_means_running(dialect: str, word: object) -> None:
    assert read(dialect, status=word).status is OperationStatus.RUNNING


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_finished_job_is_fetched_from_its_content(dialect: str) -> None:
    done = read(dialect, status="completed", progress=100)
    assert (done.status, done.progress) == (OperationStatus.SUCCEEDED, 100)
    assert [each.url for each in done.outputs] == ["http://a:1/v1/videos/v1/content"]
    assert done.outputs[0].headers == {}


def test_only_a_linking_server_says_where_the_result_is() -> None:
    link = {"status": "completed", "url": "https://bucket.example/film.mp4"}
    assert read("sglang", **link).outputs[0].url == "https://bucket.example/film.mp4"
    assert read("openai", **link).outputs[0].url == "http://a:1/v1/videos/v1/content"
    for odd in ("/outputs/film.mp4", "", None, 3, "file:///etc/passwd"):
        assert read("sglang", status="completed", url=odd).outputs[0].url == "http://a:1/v1/videos/v1/content"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_completed_with_an_error_has_failed(dialect: str) -> None:
    done = read(dialect, status="completed", error={"code": 13, "message": "ended in an error"})
    assert (done.status, done.error_code, done.outputs) == (OperationStatus.FAILED, "provider_failed", ())


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ({"code": "moderation_blocked", "message": "no"}, "content_policy"),
        ({"message": "CUDA out of memory"}, "out_of_memory"),
        ({"code": 500, "message": "x"}, "provider_failed"),
        ("CUDA out of memory", "out_of_memory"),
        (None, "provider_failed"),
        ([], "provider_failed"),
    ],
)
def test_a_failure_is_told_in_our_words(error: object, code: str) -> None:
    failed = read(status="failed", error=error)
    assert (failed.status, failed.error_code, failed.charged) == (OperationStatus.FAILED, code, None)
    assert "CUDA" not in (failed.error_message or "")


def test_a_job_that_was_deleted_was_stopped() -> None:
    assert read("sglang", status="deleted").cancelled
    assert read("vllm_omni", status="cancelled").cancelled
    assert read("openai", status="deleted").status is OperationStatus.RUNNING


@pytest.mark.parametrize(
    ("told", "percent"),
    [(0, 0), (41, 41), (41.7, 41), (100, 99), (-1, None), (101, None), (True, None), ("50", None), (None, None)],
)
def test_progress_is_taken_when_it_is_a_percentage(told: object, percent: int | None) -> None:
    assert read(status="in_progress", progress=told).progress == percent


@pytest.mark.parametrize(
    "fault", ["poll_error", "poll_garbage", "poll_close", "poll_rate_limited", "poll_other", "poll_unauthorized"]
)
def test_a_bad_look_is_no_news(tmp_path: Path, fault: str) -> None:
    with served() as server, pointed_at(tmp_path, server) as provider:
        operation, order = submitted(provider)
        server.faults.add(fault)
        with pytest.raises(Transient):
            provider.poll(operation.id, order)
        assert provider.poll(operation.id, order).id == operation.id


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_server_that_forgot_a_job_has_lost_it(tmp_path: Path, clock: Clock, dialect: str) -> None:
    with served(dialect) as server, pointed_at(tmp_path, server) as provider:
        operation, order = submitted(provider)
        server.forget()
        with pytest.raises(Transient):  # so soon after the order it may only be late
            provider.poll(operation.id, order)
        clock.ahead = ROWS[dialect].lost_after + 1
        with pytest.raises(Permanent, match="no longer knows this video; it was probably restarted") as caught:
            provider.poll(operation.id, order)
        assert (caught.value.code, caught.value.charged) == ("operation_lost", False)


def test_a_404_of_a_gateway_is_not_the_servers_word(tmp_path: Path, clock: Clock) -> None:
    with served("sglang") as server, pointed_at(tmp_path, server) as provider:
        operation, order = submitted(provider)
        clock.ahead = 1000
        server.faults.add("poll_gateway_404")
        with pytest.raises(Transient):
            provider.poll(operation.id, order)


@pytest.mark.parametrize("dialect", ["openai", "sglang", "litellm"])
def test_where_delete_stops_nothing_nothing_is_deleted(tmp_path: Path, dialect: str) -> None:
    with served(dialect, generation_seconds=60) as server, pointed_at(tmp_path, server) as provider:
        operation, order = submitted(provider)
        assert provider.cancel(operation.id, order) is CancelOutcome.IMPOSSIBLE
        assert server.requests == {"submit": 1}


def test_vllm_omni_stops_a_run(tmp_path: Path) -> None:
    with served("vllm_omni", generation_seconds=60) as server, pointed_at(tmp_path, server) as provider:
        operation, order = submitted(provider)
        server.faults.add("delete_busy")
        assert provider.cancel(operation.id, order) is CancelOutcome.ASKED
        assert provider.cancel(operation.id, order) is CancelOutcome.STOPPED
        assert provider.cancel(operation.id, order) is CancelOutcome.ENDED
        assert server.jobs == {}


def test_a_finished_film_is_not_deleted_by_a_late_cancel(tmp_path: Path) -> None:
    with served("vllm_omni") as server, pointed_at(tmp_path, server) as provider:
        operation, order = submitted(provider)
        assert provider.cancel(operation.id, order) is CancelOutcome.ENDED
        assert server.requests["delete"] == 0
        assert provider.poll(operation.id, order).status is OperationStatus.SUCCEEDED


@pytest.mark.parametrize("fault", ["delete_error", "poll_error"])
def test_a_cancel_without_an_answer_is_asked_again(tmp_path: Path, fault: str) -> None:
    with served("vllm_omni", generation_seconds=60) as server, pointed_at(tmp_path, server) as provider:
        operation, order = submitted(provider)
        server.faults.add(fault)
        with pytest.raises(Transient):
            provider.cancel(operation.id, order)
        assert provider.cancel(operation.id, order) is CancelOutcome.STOPPED


def test_a_server_that_knows_no_delete_runs_on(tmp_path: Path) -> None:
    with served("vllm_omni", generation_seconds=60) as server, pointed_at(tmp_path, server) as provider:
        operation, order = submitted(provider)
        server.faults.add("delete_unknown")
        assert provider.cancel(operation.id, order) is CancelOutcome.ENDED
        assert provider.poll(operation.id, order).status is OperationStatus.RUNNING
