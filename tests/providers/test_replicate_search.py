"""Asking Replicate for an order whose answer was lost."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from tests.providers.conftest import Clock
from tests.providers.contract import order_for, replicate_settings, wish
from tests.providers.replicate_orders import IMAGE, lost
from tests.simulators.replicate import TOKEN, ReplicateSimulator
from tests.simulators.server import Request
from vividflow.errors import Transient, Unknown
from vividflow.providers import replicate_search
from vividflow.providers.base import CannotAsk, Operation, Order
from vividflow.providers.replicate import ReplicateProvider


def test_a_lost_answer_is_found_again_by_list(simulator: ReplicateSimulator, provider: ReplicateProvider) -> None:
    order = lost(provider, simulator, "accept_then_close")
    found = provider.find(order)
    assert isinstance(found, Operation)
    assert [found.id] == list(simulator.predictions)
    assert simulator.requests == {"submit": 1, "list": 1}


def test_absence_is_believed_only_at_a_second_look_after_the_rest(
    simulator: ReplicateSimulator, provider: ReplicateProvider, clock: Clock
) -> None:
    order = lost(provider, simulator, "read_then_close")
    assert provider.find(order) is CannotAsk.NOT_YET
    clock.ahead = 59
    assert provider.find(order) is CannotAsk.NOT_YET
    clock.ahead = 60.1
    assert provider.find(order) is None
    assert simulator.requests == {"submit": 1, "list": 3}


def test_a_first_look_right_after_a_timed_out_post_is_not_a_no(
    simulator: ReplicateSimulator, provider: ReplicateProvider, clock: Clock
) -> None:
    order = lost(provider, simulator, "read_then_close")
    clock.ahead = 61
    assert provider.find(order) is CannotAsk.NOT_YET
    simulator.handle(_same_order(simulator, order))  # it was under way all the time
    clock.ahead = 122
    assert isinstance(provider.find(order), Operation)


def _same_order(simulator: ReplicateSimulator, order: Order) -> Request:
    return Request(
        method="POST",
        path=f"/v1/models/{order.provider_model}/predictions",
        query={},
        headers={"authorization": f"Bearer {TOKEN}", "content-type": "application/json"},
        body=json.dumps(order.request).encode(),
    )


def test_a_worker_that_comes_late_need_not_look_twice(
    simulator: ReplicateSimulator, provider: ReplicateProvider, clock: Clock
) -> None:
    order = lost(provider, simulator, "read_then_close")
    clock.ahead = 121
    assert provider.find(order) is None


def test_the_rest_can_be_set_for_tests(simulator: ReplicateSimulator, tmp_path: Path) -> None:
    provider = ReplicateProvider(replicate_settings(simulator.url, tmp_path), certain_no_seconds=0)
    assert provider.find(lost(provider, simulator, "read_then_close")) is None
    provider.close()


def test_equal_orders_wait_for_one_another_and_share_nothing(
    simulator: ReplicateSimulator, provider: ReplicateProvider
) -> None:
    order = lost(provider, simulator, "accept_then_close")
    assert provider.find(replace(order, siblings_submitting=True)) is CannotAsk.NOT_YET
    bound = frozenset(simulator.predictions)
    assert provider.find(replace(order, bound=bound)) is CannotAsk.NOT_YET
    other = lost(provider, simulator, "accept_then_close")
    found = provider.find(replace(other, bound=bound))
    assert isinstance(found, Operation)
    assert found.id not in bound


def test_another_input_model_or_time_is_not_ours(
    simulator: ReplicateSimulator, provider: ReplicateProvider, clock: Clock
) -> None:
    for request in (wish(seed=8), wish(prompt="another prompt"), replace(IMAGE, seed=7)):
        provider.submit(request, order_for(provider, request))
    assert provider.find(order_for(provider, wish(), intent_at=time.time() - 121)) is None
    provider.submit(wish(), order_for(provider, wish()))
    clock.ahead = 1000
    assert provider.find(order_for(provider, wish(), intent_at=time.time() + 500)) is None


def test_a_run_that_cannot_be_told_apart_is_neither_adopted_nor_denied(
    simulator: ReplicateSimulator, provider: ReplicateProvider, clock: Clock
) -> None:
    simulator.faults.add("rewritten_input")
    simulator.faults.add("accept_then_close")
    order = order_for(provider, IMAGE)
    with pytest.raises(Unknown):
        provider.submit(IMAGE, order)
    clock.ahead = 200
    assert provider.find(order) is CannotAsk.NOT_YET
    assert provider.find(replace(order, bound=frozenset(simulator.predictions))) is None


def test_a_run_whose_input_is_deleted_is_not_denied(
    simulator: ReplicateSimulator, provider: ReplicateProvider, clock: Clock
) -> None:
    simulator.retention = 0
    order = lost(provider, simulator, "accept_then_close")
    clock.ahead = 200
    assert provider.find(order) is CannotAsk.NOT_YET


def test_the_list_is_read_page_by_page_and_the_key_stays_at_home(
    simulator: ReplicateSimulator, provider: ReplicateProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = lost(provider, simulator, "accept_then_close")
    for seed in range(100, 350):
        simulator.handle(_same_order(simulator, order_for(provider, wish(seed=seed))))
    monkeypatch.setattr(simulator, "url", "http://evil.invalid")  # what `next` links to
    found = provider.find(order)
    assert isinstance(found, Operation)
    assert found.id == next(iter(simulator.predictions))
    assert simulator.requests["list"] == 3


def test_reading_stops_where_the_window_ends_even_if_the_filter_is_ignored(
    simulator: ReplicateSimulator, provider: ReplicateProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(250):
        simulator.handle(_same_order(simulator, order_for(provider, wish(seed=seed))))
    for number, each in enumerate(simulator.predictions.values()):
        each.accepted_at -= 500 if number < 150 else 0
    whole = simulator._list
    monkeypatch.setattr(simulator, "_list", lambda query: whole({k: v for k, v in query.items() if k == "cursor"}))
    old = order_for(provider, wish(seed=3), intent_at=time.time() - 130)
    assert provider.find(old) is None
    assert simulator.requests["list"] == 2


def test_a_list_too_long_to_read_is_no_answer(
    simulator: ReplicateSimulator, provider: ReplicateProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replicate_search, "MOST_PAGES", 1)
    for seed in range(101):
        simulator.handle(_same_order(simulator, order_for(provider, wish(seed=seed))))
    order = order_for(provider, wish(seed=999), intent_at=time.time() - 500)
    for each in simulator.predictions.values():
        each.accepted_at -= 400
    assert provider.find(order) is CannotAsk.NOT_YET


@pytest.mark.parametrize(
    ("fault", "wait"), [("list_error", None), ("list_close", None), ("list_garbage", None), ("list_rate_limited", 7)]
)
def test_a_list_that_cannot_be_had_is_no_answer(
    simulator: ReplicateSimulator, provider: ReplicateProvider, clock: Clock, fault: str, wait: float | None
) -> None:
    order = lost(provider, simulator, "accept_then_close")
    clock.ahead = 500
    simulator.faults.add(fault)
    with pytest.raises(Transient) as caught:
        provider.find(order)
    assert caught.value.retry_after == wait
    assert simulator.requests == {"submit": 1, "list": 1}


def test_what_is_remembered_of_absences_has_an_end(
    simulator: ReplicateSimulator, provider: ReplicateProvider, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vividflow.providers.absence.REMEMBERED", 2)
    orders = [order_for(provider, wish(seed=seed)) for seed in range(3)]
    assert {provider.find(order) for order in orders} == {CannotAsk.NOT_YET}
    clock.ahead = 61
    assert [provider.find(order) for order in reversed(orders)] == [None, None, CannotAsk.NOT_YET]
