"""Looking at an interaction, stopping it, and where its result is fetched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.providers.conftest import Clock
from tests.providers.contract import gemini_settings
from tests.providers.gemini_orders import submitted
from tests.simulators.gemini import KEY, GeminiSimulator
from vividflow.errors import Permanent, Transient
from vividflow.providers.base import CancelOutcome, OperationStatus
from vividflow.providers.gemini import GeminiProvider
from vividflow.providers.gemini_runs import read_run
from vividflow.providers.google_line import PUBLIC_BASE

RUNNING, SUCCEEDED, FAILED = OperationStatus.RUNNING, OperationStatus.SUCCEEDED, OperationStatus.FAILED


def test_a_finished_run_gives_its_file_at_the_configured_base(
    gemini: GeminiSimulator, omni_provider: GeminiProvider
) -> None:
    operation, order = submitted(omni_provider)
    seen = omni_provider.poll(operation.id, order)
    (run,) = gemini.interactions.values()
    assert (seen.status, seen.progress) == (SUCCEEDED, 100)
    assert [each.url for each in seen.outputs] == [f"{gemini.url}/v1/files/{run.file}:download?alt=media"]
    assert not seen.outputs[0].headers


@pytest.mark.parametrize(
    ("fate", "code", "cancelled"),
    [
        ("nsfw_failed", "content_policy", False),
        ("failed", "provider_failed", False),
        ("filtered", "no_result", False),
        ("filtered_with_reason", "content_policy", False),
        ("cancelled", "provider_cancelled", True),
        ("incomplete", "provider_failed", False),
        ("budget_exceeded", "provider_failed", False),
    ],
)
def test_an_end_without_a_clip_is_told_apart_and_quotes_no_vendor(
    gemini: GeminiSimulator, omni_provider: GeminiProvider, fate: str, code: str, cancelled: bool
) -> None:
    gemini.faults.add(fate)
    operation, order = submitted(omni_provider)
    seen = omni_provider.poll(operation.id, order)
    assert (seen.status, seen.error_code, seen.cancelled, seen.charged) == (FAILED, code, cancelled, None)
    assert "AIza" not in (seen.error_message or "")


@pytest.mark.parametrize("fate", ["stuck", "unknown_status", "requires_continuation", "backwards"])
def test_a_word_that_is_new_or_goes_backwards_means_running(
    gemini: GeminiSimulator, omni_provider: GeminiProvider, fate: str
) -> None:
    gemini.generation_seconds = 60
    gemini.faults.add(fate)
    operation, order = submitted(omni_provider)
    assert [omni_provider.poll(operation.id, order).status for _ in range(3)] == [RUNNING] * 3


def test_a_result_that_comes_inside_the_answer_is_taken_as_bytes(
    gemini: GeminiSimulator, omni_provider: GeminiProvider
) -> None:
    gemini.faults.add("inline")
    operation, order = submitted(omni_provider)
    (output,) = omni_provider.poll(operation.id, order).outputs
    assert output.data == gemini.film(next(iter(gemini.interactions.values())))
    assert output.url is None


def test_a_result_elsewhere_keeps_its_address_and_gets_no_key(
    gemini: GeminiSimulator, omni_provider: GeminiProvider
) -> None:
    gemini.faults.add("foreign_uri")
    operation, order = submitted(omni_provider)
    (output,) = omni_provider.poll(operation.id, order).outputs
    assert (output.url or "").startswith("https://elsewhere.example/files/")
    assert omni_provider.own_netlocs() == (gemini.url.removeprefix("http://"),)
    assert omni_provider.result_hosts() == ()
    assert omni_provider.result_headers() == {"x-goog-api-key": KEY}


@pytest.mark.parametrize(
    ("uri", "fetched"),
    [
        ("files/abc-1", "/v1/files/abc-1:download?alt=media"),
        (f"{PUBLIC_BASE}/v1beta/files/abc", "/v1/files/abc:download?alt=media"),
        (f"{PUBLIC_BASE}/v1/files/abc:download?alt=media", "/v1/files/abc:download?alt=media"),
    ],
)
def test_every_form_of_a_files_name_leads_to_the_base(tmp_path: Path, uri: str, fetched: str) -> None:
    provider = GeminiProvider(gemini_settings("http://127.0.0.1:9", tmp_path))
    run = {
        "id": "x",
        "status": "completed",
        "steps": [{"type": "model_output", "content": [{"type": "video", "uri": uri}]}],
    }
    (output,) = provider._read(run).outputs
    assert output.url == f"http://127.0.0.1:9{fetched}"
    plain = GeminiProvider(gemini_settings("", tmp_path))
    assert plain._read(run).outputs[0].url == f"{PUBLIC_BASE}{fetched}"


@pytest.mark.parametrize(
    "run",
    [
        {"id": "x", "status": "completed"},
        {"id": "x", "status": "completed", "steps": "none"},
        {"id": "x", "status": "completed", "steps": [7, {"content": 7}, {"content": [7, {"type": "video"}]}]},
        {"id": "x", "status": "completed", "steps": [{"content": [{"type": "video", "data": "no base64"}]}]},
        {
            "id": "x",
            "status": "completed",
            "steps": [{"type": "user_input", "content": [{"type": "video", "uri": "files/a"}]}],
        },
    ],
)
def test_a_finished_run_of_any_form_without_a_film_has_no_result(run: dict[str, Any]) -> None:
    seen = read_run(run, lambda uri: uri)
    assert (seen.status, seen.error_code) == (FAILED, "no_result")


@pytest.mark.parametrize("fault", ["poll_error", "poll_garbage", "poll_close", "poll_rate_limited", "poll_other"])
def test_a_look_without_an_answer_is_looked_again(
    gemini: GeminiSimulator, omni_provider: GeminiProvider, fault: str
) -> None:
    operation, order = submitted(omni_provider)
    gemini.faults.add(fault)
    with pytest.raises(Transient) as caught:
        omni_provider.poll(operation.id, order)
    assert gemini.requests["poll"] == 1
    assert (caught.value.retry_after == 7) is (fault == "poll_rate_limited")
    assert omni_provider.poll(operation.id, order).status is SUCCEEDED


def test_what_nobody_knows_any_more_is_lost_but_not_at_once(
    gemini: GeminiSimulator, omni_provider: GeminiProvider, clock: Clock
) -> None:
    operation, order = submitted(omni_provider)
    gemini.faults.add("poll_missing", times=2)
    with pytest.raises(Transient):
        omni_provider.poll(operation.id, order)
    clock.ahead = 121
    with pytest.raises(Permanent) as caught:
        omni_provider.poll(operation.id, order)
    assert caught.value.code == "operation_lost"


@pytest.mark.parametrize("odd", ["../../models", "a/b", "a?b=c", "a%2Fb", "ä"])
def test_an_odd_id_stays_inside_its_place(gemini: GeminiSimulator, omni_provider: GeminiProvider, odd: str) -> None:
    _, order = submitted(omni_provider)
    with pytest.raises(Transient):
        omni_provider.poll(odd, order)
    assert gemini.requests.keys() <= {"submit", "poll"}


def test_a_running_one_is_stopped_and_an_ended_one_says_so(
    gemini: GeminiSimulator, omni_provider: GeminiProvider
) -> None:
    gemini.generation_seconds = 60
    operation, order = submitted(omni_provider)
    assert omni_provider.cancel(operation.id, order) is CancelOutcome.STOPPED
    assert omni_provider.cancel(operation.id, order) is CancelOutcome.ENDED
    assert omni_provider.poll(operation.id, order).cancelled
    assert omni_provider.cancel("v1_nobody", order) is CancelOutcome.ENDED


def test_a_cancel_without_an_answer_may_be_repeated(gemini: GeminiSimulator, omni_provider: GeminiProvider) -> None:
    gemini.generation_seconds = 60
    operation, order = submitted(omni_provider)
    gemini.faults.add("cancel_error")
    with pytest.raises(Transient):
        omni_provider.cancel(operation.id, order)
    assert omni_provider.cancel(operation.id, order) is CancelOutcome.STOPPED


def test_a_key_that_is_refused_at_a_look_is_waited_out(gemini: GeminiSimulator, omni_provider: GeminiProvider) -> None:
    operation, order = submitted(omni_provider)
    gemini.key = "AIzaOther"
    with pytest.raises(Transient):
        omni_provider.poll(operation.id, order)
