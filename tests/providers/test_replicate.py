"""The paid POST through the official client, over real HTTP: sent once whatever happens, and classed rightly."""

from __future__ import annotations

import socket
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.providers.conftest import Receiver
from tests.providers.contract import replicate_settings
from tests.providers.replicate_orders import lost, submitted
from tests.simulators.replicate import TOKEN, ReplicateSimulator
from tests.simulators.server import Drip, Endless, Reply, Request, Server
from vividflow.errors import Outcome, Refused, Transient, Unknown
from vividflow.providers import replicate
from vividflow.providers.base import CannotAsk, Operation
from vividflow.providers.replicate import ReplicateProvider


@pytest.mark.parametrize(
    ("fault", "more", "paid"),
    [
        ("accept_then_close", {}, 1),
        ("read_then_close", {}, 0),
        ("half_answer", {}, 1),
        ("html_200", {}, 1),
        ("empty_200", {}, 1),
        ("no_id_200", {}, 1),
        ("redirect", {}, 0),
        *[("error_before", {"status": status}, 0) for status in (408, 409, 425, 500, 502, 503, 504, 418)],
        *[("error_after", {"status": status}, 1) for status in (500, 502, 503, 504)],
    ],
)
def test_an_answer_that_tells_nothing_is_unknown_and_is_never_sent_again(
    simulator: ReplicateSimulator, provider: ReplicateProvider, fault: str, more: dict[str, Any], paid: int
) -> None:
    order = lost(provider, simulator, fault, **more)
    assert simulator.requests == {"submit": 1}
    assert simulator.paid == paid
    found = provider.find(order)
    assert isinstance(found, Operation) if paid else found is CannotAsk.NOT_YET
    assert simulator.requests["submit"] == 1


@pytest.mark.parametrize(("fault", "paid"), [("read_then_hang", 1), ("hang_unaccepted", 0), ("slow_answer", 1)])
def test_an_answer_that_takes_too_long_is_unknown(
    simulator: ReplicateSimulator, provider: ReplicateProvider, monkeypatch: pytest.MonkeyPatch, fault: str, paid: int
) -> None:
    monkeypatch.setattr(replicate, "SUBMIT_SECONDS", 0.2)
    lost(provider, simulator, fault, seconds=3600)
    assert (simulator.requests, simulator.paid) == ({"submit": 1}, paid)


@pytest.mark.parametrize(
    ("fault", "code", "pauses", "retired"),
    [
        ("unauthorized", "provider_key_refused", True, False),
        ("no_credit", "provider_credit_exhausted", True, False),
        ("forbidden", "provider_forbidden", False, False),
        ("retired", "model_retired", False, True),
        ("invalid", "provider_refused_input", False, False),
        ("content_refused", "content_policy", False, False),
    ],
)
def test_a_certain_refusal_is_one_and_says_what_it_means(
    simulator: ReplicateSimulator, provider: ReplicateProvider, fault: str, code: str, pauses: bool, retired: bool
) -> None:
    simulator.faults.add(fault)
    with pytest.raises(Refused) as caught:
        submitted(provider)
    assert (caught.value.code, caught.value.pauses, caught.value.retired) == (code, pauses, retired)
    assert (simulator.requests, simulator.paid) == ({"submit": 1}, 0)
    assert TOKEN not in caught.value.message


def test_the_vendors_reason_is_passed_on(simulator: ReplicateSimulator, provider: ReplicateProvider) -> None:
    simulator.faults.add("invalid")
    with pytest.raises(Refused, match="num_frames: Must be less than or equal to 100"):
        submitted(provider)


@pytest.mark.parametrize(
    ("more", "wait"),
    [
        ({"retry_after": 17}, 17),
        ({"retry_after": 99999}, 600),
        ({"detail": "Request was throttled. Your rate limit resets in ~30s."}, 30),
        ({}, 5),
        ({"retry_after": "soon"}, 5),
    ],
)
def test_a_429_is_a_later_of_the_length_it_says(
    simulator: ReplicateSimulator, provider: ReplicateProvider, more: dict[str, Any], wait: float
) -> None:
    simulator.faults.add("rate_limited", **more)
    with pytest.raises(Transient) as caught:
        submitted(provider)
    assert (caught.value.retry_after, caught.value.counts) == (wait, False)
    assert (simulator.requests, simulator.paid) == ({"submit": 1}, 0)


def test_a_429_may_name_a_date(simulator: ReplicateSimulator, provider: ReplicateProvider) -> None:
    moment = datetime.fromtimestamp(time.time() + 40, UTC)
    simulator.faults.add("rate_limited", retry_after=moment.strftime("%a, %d %b %Y %H:%M:%S GMT"))
    with pytest.raises(Transient) as caught:
        submitted(provider)
    assert 35 < (caught.value.retry_after or 0) <= 40


def test_what_was_never_sent_may_be_sent_again(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    provider = ReplicateProvider(replicate_settings(f"http://127.0.0.1:{port}", tmp_path))
    with pytest.raises(Transient) as caught:
        submitted(provider)
    assert (caught.value.code, caught.value.counts) == ("provider_unreachable", True)
    provider.close()


def test_a_host_that_has_no_address_was_never_reached(tmp_path: Path) -> None:
    provider = ReplicateProvider(replicate_settings("http://nowhere.invalid", tmp_path))
    with pytest.raises(Transient):
        submitted(provider)
    provider.close()


def test_an_answer_without_end_is_cut_off(
    simulator: ReplicateSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vividflow.providers.replicate_line.MOST_BYTES", 100_000)

    class Babbler(Server):
        def handle(self, request: Request) -> Reply:
            return Endless(body=b"{")

    babbler = Babbler().start()
    provider = ReplicateProvider(replicate_settings(babbler.url, tmp_path))
    with pytest.raises(Unknown):
        submitted(provider)
    provider.close()
    babbler.stop()


def test_an_answer_that_drips_ends_at_the_deadline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replicate, "SUBMIT_SECONDS", 0.3)

    class Dripper(Server):
        def handle(self, request: Request) -> Reply:
            return Drip(body=b" " * 1000, seconds=60, pieces=1000)

    dripper = Dripper().start()
    provider = ReplicateProvider(replicate_settings(dripper.url, tmp_path))
    began = time.monotonic()
    with pytest.raises(Unknown):
        submitted(provider)
    assert time.monotonic() - began < 5
    provider.close()
    dripper.stop()


@pytest.mark.parametrize("fault", ["unauthorized", "invalid", "error_after", "accept_then_close", "redirect"])
def test_no_error_carries_the_key(simulator: ReplicateSimulator, provider: ReplicateProvider, fault: str) -> None:
    simulator.faults.add(fault)
    with pytest.raises(Outcome) as caught:
        submitted(provider)
    error: BaseException | None = caught.value
    while error is not None:
        assert TOKEN not in f"{error!r} {error}"
        error = error.__cause__


def test_a_redirect_never_takes_the_key_along(
    simulator: ReplicateSimulator, provider: ReplicateProvider, receiver: Receiver
) -> None:
    simulator.faults.add("redirect", to=f"{receiver.url}/elsewhere")
    with pytest.raises(Unknown):
        submitted(provider)
    assert receiver.got == []
