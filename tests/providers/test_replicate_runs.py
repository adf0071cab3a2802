"""Looking at a run, reading its end, and stopping it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from tests.providers.conftest import Clock
from tests.providers.contract import order_for, replicate_settings, wish
from tests.providers.replicate_orders import submitted
from tests.simulators.replicate import TOKEN, ReplicateSimulator
from vividflow.errors import Permanent, Transient
from vividflow.providers.base import CancelOutcome, OperationStatus
from vividflow.providers.replicate import ReplicateProvider
from vividflow.providers.replicate_runs import made_at, read_run


def test_a_run_is_followed_from_start_to_end(simulator: ReplicateSimulator, provider: ReplicateProvider) -> None:
    simulator.generation_seconds = 1000
    operation, order = submitted(provider)
    run = simulator.predictions[operation.id]
    assert (operation.status, operation.progress) == (OperationStatus.RUNNING, None)
    run.accepted_at -= 450
    seen = provider.poll(operation.id, order)
    assert (seen.status, seen.progress) == (OperationStatus.RUNNING, 45)
    run.accepted_at -= 551
    seen = provider.poll(operation.id, order)
    assert (seen.status, seen.progress, seen.seconds) == (OperationStatus.SUCCEEDED, 100, 800)
    assert [each.url for each in seen.outputs] == [f"{simulator.url}/outputs/{operation.id}/out.mp4"]


@pytest.mark.parametrize("fate", ["unknown_status", "backwards", "stuck"])
def test_words_that_are_new_or_go_backwards_are_running(
    simulator: ReplicateSimulator, provider: ReplicateProvider, fate: str
) -> None:
    simulator.generation_seconds = 100
    simulator.faults.add(fate)
    operation, order = submitted(provider)
    seen = [operation, *(provider.poll(operation.id, order) for _ in range(3))]
    assert {each.status for each in seen} == {OperationStatus.RUNNING}


@pytest.mark.parametrize(
    ("fate", "code", "charged", "cancelled"),
    [
        ("nsfw_failed", "content_policy", None, False),
        ("oom_failed", "out_of_memory", None, False),
        ("failed", "provider_failed", None, False),
        ("aborted", "provider_cancelled", False, True),
        ("canceled", "provider_cancelled", True, True),
        ("no_output", "no_result", True, False),
    ],
)
def test_every_way_to_fail_has_its_code_and_a_clean_sentence(
    simulator: ReplicateSimulator,
    provider: ReplicateProvider,
    fate: str,
    code: str,
    charged: bool | None,
    cancelled: bool,
) -> None:
    simulator.faults.add(fate)
    operation, order = submitted(provider)
    seen = provider.poll(operation.id, order)
    assert (seen.status, seen.error_code, seen.charged, seen.cancelled) == (
        OperationStatus.FAILED,
        code,
        charged,
        cancelled,
    )
    assert seen.error_message
    assert not any(bad in seen.error_message for bad in ("r8_", "http", "Bearer"))
    assert simulator.paid == 1


def test_a_result_that_was_deleted_is_gone_and_paid(simulator: ReplicateSimulator, provider: ReplicateProvider) -> None:
    operation, order = submitted(provider)
    simulator.predictions[operation.id].accepted_at -= 3601
    seen = provider.poll(operation.id, order)
    assert (seen.status, seen.error_code, seen.charged) == (OperationStatus.FAILED, "result_gone", True)


def test_a_list_of_outputs_is_read_too(simulator: ReplicateSimulator, provider: ReplicateProvider) -> None:
    simulator.faults.add("list_output")
    operation, order = submitted(provider)
    assert len(provider.poll(operation.id, order).outputs) == 1


@pytest.mark.parametrize(
    ("fault", "more", "wait", "counts"),
    [
        *[("poll_error", {"status": status}, None, True) for status in (500, 502, 503, 504, 403, 302)],
        ("poll_error", {"status": 401}, 30, False),
        ("poll_garbage", {}, None, True),
        ("poll_other", {}, None, True),
        ("poll_close", {}, None, True),
        ("poll_rate_limited", {}, 7, False),
        ("poll_missing", {}, None, True),
    ],
)
def test_a_look_that_brings_nothing_is_one_request_and_may_be_repeated(
    simulator: ReplicateSimulator,
    provider: ReplicateProvider,
    fault: str,
    more: dict[str, Any],
    wait: float | None,
    counts: bool,
) -> None:
    operation, order = submitted(provider)
    simulator.faults.add(fault, **more)
    began = time.monotonic()
    with pytest.raises(Transient) as caught:
        provider.poll(operation.id, order)
    assert (caught.value.retry_after, caught.value.counts) == (wait, counts)
    assert simulator.requests == {"submit": 1, "poll": 1}
    assert time.monotonic() - began < 2
    assert provider.poll(operation.id, order).status is OperationStatus.SUCCEEDED


def test_a_run_that_nobody_knows_is_lost_only_when_it_is_old(
    simulator: ReplicateSimulator, provider: ReplicateProvider, clock: Clock
) -> None:
    operation, order = submitted(provider)
    simulator.predictions.clear()
    with pytest.raises(Transient):
        provider.poll(operation.id, order)
    clock.ahead = 121
    with pytest.raises(Permanent) as caught:
        provider.poll(operation.id, order)
    assert (caught.value.code, caught.value.charged) == ("operation_lost", False)


def test_what_a_run_does_not_tell_is_not_invented() -> None:
    bare = read_run({"id": "p1", "status": "processing", "logs": None, "metrics": None}, lambda url: {})
    assert (bare.status, bare.progress, bare.seconds) == (OperationStatus.RUNNING, None, None)
    odd = read_run(
        {"id": "p1", "status": "failed", "error": {"code": 7}, "metrics": {"predict_time": "1"}}, lambda url: {}
    )
    assert (odd.error_code, odd.seconds) == ("provider_failed", None)
    assert (
        read_run({"id": "p1", "status": "succeeded", "output": [None, 3, ""]}, lambda url: {}).error_code == "no_result"
    )
    assert [made_at(run) for run in ({}, {"created_at": 5}, {"created_at": "soon"})] == [None, None, None]


def test_an_id_that_looks_like_a_path_stays_an_id(simulator: ReplicateSimulator, provider: ReplicateProvider) -> None:
    with pytest.raises(Transient):
        provider.poll("../files", order_for(provider, wish()))
    assert simulator.requests == {}


@pytest.mark.parametrize(
    ("url", "with_key"),
    [
        ("https://replicate.delivery/a.mp4", True),
        ("https://pbxt.replicate.delivery/a.mp4", True),
        ("http://replicate.delivery/a.mp4", False),
        ("https://replicate.delivery.evil.example/a.mp4", False),
        ("https://evilreplicate.delivery/a.mp4", False),
        ("https://replicate.delivery@evil.example/a.mp4", False),
        ("https://storage.example/a.mp4", False),
        ("http://127.0.0.1:1/a.mp4", False),
    ],
)
def test_the_key_goes_to_the_base_host_and_the_result_hosts_alone(
    simulator: ReplicateSimulator, provider: ReplicateProvider, url: str, with_key: bool
) -> None:
    operation, order = submitted(provider)
    own = provider.poll(operation.id, order).outputs[0]
    assert own.headers == provider.result_headers() == {"Authorization": f"Bearer {TOKEN}"}
    simulator.output_base = url
    assert provider._headers_for(url) == (own.headers if with_key else {})


def test_hosts_come_from_the_registry_and_the_base_url(simulator: ReplicateSimulator, tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text('[providers.replicate]\nresult_hosts = ["results.example"]\n')
    provider = ReplicateProvider(replicate_settings("https://api.replicate.com", tmp_path, models_file=own))
    assert list(provider.result_hosts()) == ["results.example"]
    assert list(provider.own_netlocs()) == ["api.replicate.com:443"]
    proxied = ReplicateProvider(replicate_settings(f"{simulator.url}", tmp_path))
    assert list(proxied.own_netlocs()) == [f"127.0.0.1:{simulator.port}"]
    assert list(proxied.result_hosts()) == ["replicate.delivery"]


def test_a_cancel_stops_a_run_that_has_begun_and_is_charged(
    simulator: ReplicateSimulator, provider: ReplicateProvider
) -> None:
    simulator.generation_seconds = 1000
    operation, order = submitted(provider)
    simulator.predictions[operation.id].accepted_at -= 500
    assert provider.cancel(operation.id, order) is CancelOutcome.STOPPED
    seen = provider.poll(operation.id, order)
    assert (seen.cancelled, seen.charged) == (True, True)


def test_a_cancel_before_the_start_is_free(simulator: ReplicateSimulator, provider: ReplicateProvider) -> None:
    simulator.generation_seconds = 1000
    operation, order = submitted(provider)
    assert provider.cancel(operation.id, order) is CancelOutcome.STOPPED
    assert provider.poll(operation.id, order).charged is False


def test_a_cancel_of_what_has_ended_or_is_unknown_says_so(
    simulator: ReplicateSimulator, provider: ReplicateProvider
) -> None:
    operation, order = submitted(provider)
    assert provider.cancel(operation.id, order) is CancelOutcome.ENDED
    assert provider.cancel("nobody", order) is CancelOutcome.ENDED


def test_a_cancel_without_an_answer_may_be_repeated(simulator: ReplicateSimulator, provider: ReplicateProvider) -> None:
    operation, order = submitted(provider)
    simulator.faults.add("cancel_error")
    with pytest.raises(Transient):
        provider.cancel(operation.id, order)
    assert provider.cancel(operation.id, order) is CancelOutcome.ENDED


def test_a_cancel_that_takes_its_time_was_asked_for(
    simulator: ReplicateSimulator, provider: ReplicateProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulator.generation_seconds = 1000
    operation, order = submitted(provider)
    monkeypatch.setattr(simulator, "_cancel", simulator._poll)
    assert provider.cancel(operation.id, order) is CancelOutcome.ASKED
