"""The paid POST to Kling over real HTTP: sent once whatever happens, and classed rightly."""

from __future__ import annotations

import socket
import time
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from tests.providers.conftest import Clock, Receiver
from tests.providers.contract import kling_settings
from tests.providers.kling_orders import lost, submitted
from tests.simulators.kling import API_KEY, KlingSimulator
from tests.simulators.server import Drip, Reply, Request, Server
from vividflow.errors import Outcome, Refused, Transient, Unknown
from vividflow.providers import kling as adapter
from vividflow.providers.base import CannotAsk, Operation, OperationStatus
from vividflow.providers.kling import KlingProvider

LOST: list[tuple[str, dict[str, Any], int]] = [
    ("accept_then_close", {}, 1),
    ("read_then_close", {}, 0),
    ("half_answer", {}, 1),
    ("html_200", {}, 1),
    ("empty_200", {}, 1),
    ("no_id_200", {}, 1),
    ("deep_200", {}, 1),
    ("huge_200", {}, 1),
    ("endless_200", {}, 1),
    ("other_id_200", {}, 1),
    ("sent_twice", {}, 1),
    ("sent_twice_409", {}, 1),
    ("redirect", {}, 0),
    *[("error_before", {"status": status}, 0) for status in (408, 409, 425, 500, 502, 503, 504)],
    *[("error_after", {"status": status}, 1) for status in (500, 502, 503, 504)],
    *[("code_after", {"code": code}, 1) for code in (5000, 5001, 5002)],
    ("code_after", {"code": 5000, "status": 200}, 1),
    ("refused", {"code": 5000}, 0),
]


@pytest.mark.parametrize(("fault", "more", "paid"), LOST)
def test_an_answer_that_tells_nothing_is_unknown_and_the_order_is_found_by_our_number(
    kling_simulator: KlingSimulator, kling: KlingProvider, clock: Clock, fault: str, more: dict[str, Any], paid: int
) -> None:
    order = lost(kling, kling_simulator, fault, **more)
    assert (kling_simulator.requests["submit"], kling_simulator.paid) == (1, paid)
    found = kling.find(order)
    if paid:
        assert isinstance(found, Operation)
        assert found.id in kling_simulator.tasks
        assert kling.poll(found.id, order).status is OperationStatus.SUCCEEDED
    else:
        assert found is CannotAsk.NOT_YET
        clock.ahead = 61
        assert kling.find(order) is None
    assert (kling_simulator.requests["submit"], kling_simulator.paid) == (1, paid)


@pytest.mark.parametrize(("fault", "paid"), [("read_then_hang", 1), ("hang_unaccepted", 0), ("slow_answer", 1)])
def test_an_answer_that_takes_too_long_is_unknown(
    kling_simulator: KlingSimulator, kling: KlingProvider, monkeypatch: pytest.MonkeyPatch, fault: str, paid: int
) -> None:
    monkeypatch.setattr(adapter, "SUBMIT_SECONDS", 0.2)
    lost(kling, kling_simulator, fault, seconds=3600)
    assert (kling_simulator.requests["submit"], kling_simulator.paid) == (1, paid)


def test_an_order_that_is_taken_after_we_lost_patience_is_not_placed_again(
    kling_simulator: KlingSimulator, kling: KlingProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter, "SUBMIT_SECONDS", 0.1)
    order = lost(kling, kling_simulator, "accept_late", seconds=0.5)
    assert kling.find(order) is CannotAsk.NOT_YET
    end = time.monotonic() + 10
    while not isinstance(kling.find(order), Operation):
        assert time.monotonic() < end
        time.sleep(0.02)
    assert kling_simulator.paid == 1


@pytest.mark.parametrize(
    ("code", "ours", "pauses", "retired"),
    [
        (1000, "provider_key_refused", True, False),
        (1100, "provider_forbidden", True, False),
        (1101, "provider_credit_exhausted", True, False),
        (1102, "provider_credit_exhausted", True, False),
        (1103, "provider_forbidden", True, False),
        (1200, "provider_refused_input", False, False),
        (1202, "provider_refused_input", False, False),
        (1203, "model_retired", False, True),
        (1300, "content_policy", False, False),
        (1301, "content_policy", False, False),
        (1304, "provider_forbidden", True, False),
    ],
)
def test_a_certain_refusal_is_one(
    kling_simulator: KlingSimulator, kling: KlingProvider, code: int, ours: str, pauses: bool, retired: bool
) -> None:
    kling_simulator.faults.add("refused", code=code)
    with pytest.raises(Refused) as caught:
        submitted(kling)
    assert (caught.value.code, caught.value.pauses, caught.value.retired) == (ours, pauses, retired)
    assert (kling_simulator.requests, kling_simulator.paid) == ({"submit": 1}, 0)


@pytest.mark.parametrize(("code", "wait"), [(1302, 5), (1303, 30)])
def test_a_busy_vendor_is_a_later(
    kling_simulator: KlingSimulator, kling: KlingProvider, code: int, wait: float
) -> None:
    kling_simulator.faults.add("refused", code=code)
    with pytest.raises(Transient) as caught:
        submitted(kling)
    assert (caught.value.retry_after, caught.value.counts) == (wait, False)
    assert (kling_simulator.requests, kling_simulator.paid) == ({"submit": 1}, 0)


def test_more_tasks_than_the_pack_has_places_wait(kling_simulator: KlingSimulator, kling: KlingProvider) -> None:
    kling_simulator.places, kling_simulator.generation_seconds = 1, 60
    submitted(kling)
    with pytest.raises(Transient, match="All places"):
        submitted(kling)
    assert kling_simulator.paid == 1


def test_the_vendors_reason_is_passed_on(kling_simulator: KlingSimulator, kling: KlingProvider) -> None:
    kling_simulator.faults.add("refused", code=1201, message="duration value '7' is invalid, see https://x.example/k")
    with pytest.raises(Refused, match=r"duration value '7' is invalid, see …$"):
        submitted(kling)


def test_what_was_never_sent_may_be_sent_again(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    provider = KlingProvider(kling_settings(f"http://127.0.0.1:{port}", tmp_path))
    with pytest.raises(Transient) as caught:
        submitted(provider)
    assert (caught.value.code, caught.value.counts) == ("provider_unreachable", True)
    provider.close()


def test_an_answer_that_drips_ends_at_the_deadline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "SUBMIT_SECONDS", 0.3)

    class Dripper(Server):
        def handle(self, request: Request) -> Reply:
            return Drip(body=b" " * 1000, seconds=60, pieces=1000)

    dripper = Dripper().start()
    provider = KlingProvider(kling_settings(dripper.url, tmp_path))
    began = time.monotonic()
    with pytest.raises(Unknown):
        submitted(provider)
    assert time.monotonic() - began < 10
    provider.close()
    dripper.stop()


@pytest.mark.parametrize("fault", ["huge_200", "endless_200"])
def test_an_answer_without_measure_costs_little_memory(
    kling_simulator: KlingSimulator, kling: KlingProvider, fault: str
) -> None:
    submitted(kling)
    before = len(kling_simulator.tasks)
    tracemalloc.start()
    try:
        lost(kling, kling_simulator, fault)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kling_simulator.paid == before + 1
    assert most < 45 * 1024 * 1024  # the simulator's own 10 MB and their copies are in it


@pytest.mark.parametrize("fault", [*{name for name, _, _ in LOST}, "refused"])
def test_no_error_carries_the_key(kling_simulator: KlingSimulator, kling: KlingProvider, fault: str) -> None:
    kling_simulator.faults.add(fault, **({"code": 1000} if fault == "refused" else {}))
    with pytest.raises(Outcome) as caught:
        submitted(kling)
    error: BaseException | None = caught.value
    while error is not None:
        assert API_KEY not in f"{error!r} {error}"
        error = error.__cause__


def test_a_redirect_never_takes_the_key_along(
    kling_simulator: KlingSimulator, kling: KlingProvider, receiver: Receiver
) -> None:
    kling_simulator.faults.add("redirect", to=f"{receiver.url}/elsewhere")
    with pytest.raises(Unknown):
        submitted(kling)
    assert receiver.got == []


def test_a_base_address_may_have_a_path(kling_simulator: KlingSimulator, tmp_path: Path) -> None:
    provider = KlingProvider(kling_settings(f"{kling_simulator.url}/kling/", tmp_path))
    assert provider.own_netlocs() == (f"127.0.0.1:{kling_simulator.port}",)
    with pytest.raises(Refused):
        submitted(provider)
    provider.close()
