"""One list call for many orders: it says of each what a look of its own would say, or nothing at all."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.providers.contract import clip_by_kling, kling_settings, order_for, replicate_settings, wish
from tests.providers.openai_orders import DIALECTS, film, pointed_at, served
from tests.simulators.kling import KlingSimulator
from tests.simulators.list_faults import LIST_FAULTS
from tests.simulators.openai_videos import VideosSimulator
from tests.simulators.replicate import ReplicateSimulator
from vividflow.errors import Transient
from vividflow.providers import kling, openai_place, replicate
from vividflow.providers.base import GenerationRequest, ManyAtOnce, OperationStatus, Order
from vividflow.providers.catalog import PROVIDERS
from vividflow.providers.kling import KlingProvider
from vividflow.providers.replicate import ReplicateProvider

VENDORS = ("replicate", "kling", "openai", "sglang", "vllm_omni")
FATES = {"replicate": "failed", "kling": "failed", "openai": "failed", "sglang": "failed", "vllm_omni": "failed"}


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """A vendor with a list: its adapter, its simulator, and what is ordered of it."""

    provider: Any
    simulator: Any
    request: GenerationRequest

    def order(self, fate: str | None = None, seconds: float = 0.0) -> Order:
        """One order that was accepted, with the operation's id, ready after `seconds`."""
        if fate is not None:
            self.simulator.faults.add(fate)
        self.simulator.generation_seconds = seconds
        order = order_for(self.provider, self.request)
        operation = self.provider.submit(self.request, order)
        values = {**vars(order), "operation_id": operation.id, "accepted_at": order.intent_at}
        return Order(**values)

    def several(self) -> list[Order]:
        """Three that run, two that are ready, one that failed."""
        running = [self.order(seconds=3600.0) for _ in range(3)]
        return [*running, self.order(), self.order(), self.order("failed")]


@contextmanager
def _shelf(vendor: str, folder: Path) -> Iterator[Shelf]:
    if vendor in DIALECTS:
        with served(vendor) as server, pointed_at(folder, server) as adapter:
            yield Shelf(provider=adapter, simulator=server, request=film())
        return
    simulator: Any
    provider: Any
    if vendor == "kling":
        simulator = KlingSimulator(movie=b"a film").start()
        provider, request = KlingProvider(kling_settings(simulator.url, folder)), clip_by_kling()
    else:
        simulator = ReplicateSimulator(movie=b"a film").start()
        provider, request = ReplicateProvider(replicate_settings(simulator.url, folder)), wish()
    yield Shelf(provider=provider, simulator=simulator, request=request)
    provider.close()
    simulator.stop()


@pytest.fixture(params=VENDORS)
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shelf]:
    with _shelf(request.param, tmp_path) as made:
        yield made


def test_the_list_says_what_each_look_would_say_in_one_request(shelf: Shelf) -> None:
    orders = shelf.several()
    alone = {order.operation_id: shelf.provider.poll(order.operation_id, order) for order in orders}
    before = shelf.simulator.requests.copy()
    assert shelf.provider.look_through(orders) == alone
    assert shelf.simulator.requests - before == {"list": 1}
    statuses = [alone[order.operation_id].status for order in orders]
    running, done, failed = OperationStatus.RUNNING, OperationStatus.SUCCEEDED, OperationStatus.FAILED
    assert statuses == [running, running, running, done, done, failed]


def test_what_others_ordered_is_left_out(shelf: Shelf) -> None:
    ours = shelf.order(seconds=3600.0)
    shelf.order()
    assert set(shelf.provider.look_through([ours])) == {ours.operation_id}


@pytest.mark.parametrize("fault", [*LIST_FAULTS, "list_error", "list_close", "list_garbage"])
def test_a_list_that_is_wrong_never_says_what_is_not_so(
    shelf: Shelf, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (replicate, kling, openai_place):
        monkeypatch.setattr(module, "LIST_SECONDS", 0.5)
    orders = shelf.several()
    alone = {order.operation_id: shelf.provider.poll(order.operation_id, order) for order in orders}
    shelf.simulator.faults.add(fault)
    try:
        told = shelf.provider.look_through(orders)
    except Transient:
        return
    assert fault not in ("list_endless", "list_deep", "list_error", "list_close", "list_garbage", "list_no_list")
    for name, operation in told.items():
        assert operation.status is alone[name].status
        assert operation.outputs == alone[name].outputs
    expected = {"list_without": 5, "list_twice": 0, "list_others": 0, "list_types": 0, "list_bare": 3, "list_huge": 6}
    assert len(told) == expected.get(fault, len(told))


def test_a_vendor_that_wants_no_more_questions_says_until_when(tmp_path: Path) -> None:
    for vendor, fault in (("replicate", "list_rate_limited"), ("kling", "list_busy"), ("openai", "list_rate_limited")):
        with _shelf(vendor, tmp_path) as shelf:
            order = shelf.order(seconds=3600.0)
            shelf.simulator.faults.add(fault)
            with pytest.raises(Transient) as caught:
                shelf.provider.look_through([order])
            assert (caught.value.counts, caught.value.retry_after) == (False, 7)


def test_only_what_was_created_meanwhile_is_asked_of_replicate(tmp_path: Path) -> None:
    with _shelf("replicate", tmp_path) as shelf:
        early = [shelf.order(seconds=3600.0) for _ in range(3)]
        for prediction in shelf.simulator.predictions.values():
            prediction.accepted_at -= 500
        shelf.simulator.generation_seconds = 3600.0
        for number in range(120):  # more than a page of newer ones
            shelf.order(seconds=3600.0 + number)
        moved = [Order(**{**vars(each), "intent_at": each.intent_at - 500, "accepted_at": None}) for each in early]
        assert set(shelf.provider.look_through(moved)) == {each.operation_id for each in early}


def test_every_adapter_with_lists_can_look_through_them(tmp_path: Path) -> None:
    with_lists = {"replicate": "owner/name", "kling": "text2video/kling-v3", "openai": "default/wan"}
    with served() as server, pointed_at(tmp_path, server) as adapter:
        settings = replicate_settings(
            "http://127.0.0.1:9", tmp_path, openai_base_url=server.base, kling_api_key="k", gemini_api_key="g"
        )
        assert isinstance(adapter, ManyAtOnce)
        for name, vendor in PROVIDERS.items():
            listed = vendor.lists(settings, with_lists.get(name, "x"))
            assert (listed is not None) == (name in with_lists)
            if listed is not None:
                assert isinstance(vendor.build(settings), ManyAtOnce)


def test_a_server_without_a_list_stands_in_none(tmp_path: Path) -> None:
    with served("litellm") as server:
        settings = replicate_settings("http://127.0.0.1:9", tmp_path, openai_base_url=f"litellm+{server.base}")
        assert PROVIDERS["openai"].lists(settings, "default/wan") is None
        assert PROVIDERS["openai"].lists(settings, "unknown/wan") is None
        assert isinstance(server, VideosSimulator)
