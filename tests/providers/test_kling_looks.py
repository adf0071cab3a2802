"""Looking at a task, asking for a lost one, and hearing callbacks that nobody signed."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.providers.conftest import Clock, Receiver
from tests.providers.contract import clip_by_kling as ordinary
from tests.providers.contract import kling_settings, order_for
from tests.providers.kling_orders import from_picture, lost, submitted
from tests.simulators.kling import KlingSimulator
from vividflow.errors import Permanent, Transient
from vividflow.providers.base import CancelOutcome, CannotAsk, Operation, OperationStatus
from vividflow.providers.kling import KlingProvider
from vividflow.providers.kling_runs import read_task

UNIT = Decimal("0.14")
NO_NEWS = (
    "error",
    "garbage",
    "deep",
    "close",
    "huge",
    "endless",
    "busy",
    "html_404",
    "other",
    "others_task",
    "code_200",
)


# ---- looks


def test_a_task_goes_through_its_words_to_its_film(kling_simulator: KlingSimulator, kling: KlingProvider) -> None:
    kling_simulator.generation_seconds = 100
    operation, order = submitted(kling)
    task = kling_simulator.tasks[operation.id]
    assert (operation.status, operation.progress) == (OperationStatus.RUNNING, None)
    task.accepted_at -= 50
    assert kling.poll(operation.id, order).status is OperationStatus.RUNNING
    task.accepted_at -= 60
    done = kling.poll(operation.id, order)
    assert (done.status, done.progress) == (OperationStatus.SUCCEEDED, 100)
    assert [output.url for output in done.outputs] == [f"{kling_simulator.url}/outputs/{operation.id}/out.mp4"]
    assert [output.headers for output in done.outputs] == [{}]
    assert done.cost_usd == pytest.approx(5 * 0.084)
    assert done.seconds == pytest.approx(100, abs=0.01)


def test_a_clip_from_a_picture_is_looked_for_where_it_was_ordered(
    kling_simulator: KlingSimulator, kling: KlingProvider
) -> None:
    operation, order = submitted(kling, from_picture())
    assert kling.poll(operation.id, order).status is OperationStatus.SUCCEEDED
    assert isinstance(kling.find(order), Operation)
    assert kling_simulator.requests == {"submit": 1, "poll": 1, "ask": 1}


@pytest.mark.parametrize(
    ("fate", "code", "charged"),
    [
        ("policy_failed", "content_policy", False),
        ("failed", "provider_failed", False),
        ("failed_charged", "provider_failed", True),
        ("no_output", "no_result", True),
    ],
)
def test_a_task_that_failed_says_why_in_our_words_and_whether_it_was_charged(
    kling_simulator: KlingSimulator, kling: KlingProvider, fate: str, code: str, charged: bool
) -> None:
    kling_simulator.faults.add(fate)
    operation, order = submitted(kling)
    ended = kling.poll(operation.id, order)
    assert (ended.status, ended.error_code, ended.charged) == (OperationStatus.FAILED, code, charged)
    assert "eyJ" not in (ended.error_message or "")
    assert "https" not in (ended.error_message or "")


@pytest.mark.parametrize("fate", ["unknown_status", "backwards", "over_hundred", "stuck"])
def test_words_that_are_new_or_go_backwards_are_running(
    kling_simulator: KlingSimulator, kling: KlingProvider, fate: str
) -> None:
    kling_simulator.generation_seconds = 60
    kling_simulator.faults.add(fate)
    operation, order = submitted(kling)
    for _ in range(3):
        seen = kling.poll(operation.id, order)
        assert (seen.status, seen.progress) == (OperationStatus.RUNNING, None)


@pytest.mark.parametrize("fault", NO_NEWS)
def test_a_look_without_a_proper_answer_is_no_news(
    kling_simulator: KlingSimulator, kling: KlingProvider, clock: Clock, fault: str
) -> None:
    operation, order = submitted(kling)
    clock.ahead = 3600
    kling_simulator.faults.add(f"poll_{fault}")
    with pytest.raises(Transient) as caught:
        kling.poll(operation.id, order)
    assert caught.value.retry_after == (7 if fault == "busy" else None)
    assert kling.poll(operation.id, order).status is OperationStatus.SUCCEEDED


def test_a_task_that_nobody_knows_is_lost_after_a_while_and_not_before(
    kling_simulator: KlingSimulator, kling: KlingProvider, clock: Clock
) -> None:
    operation, order = submitted(kling)
    kling_simulator.faults.add("poll_missing", times=2)
    with pytest.raises(Transient):
        kling.poll(operation.id, order)
    clock.ahead = 121
    with pytest.raises(Permanent) as caught:
        kling.poll(operation.id, order)
    assert caught.value.code == "operation_lost"


def test_there_is_no_cancel_and_nothing_is_asked_for_one(kling_simulator: KlingSimulator, kling: KlingProvider) -> None:
    operation, order = submitted(kling)
    assert kling.cancel(operation.id, order) is CancelOutcome.IMPOSSIBLE
    assert kling_simulator.requests == {"submit": 1}


# ---- what it cost


@pytest.mark.parametrize(
    ("said", "cost"),
    [("3.5", 0.49), (" 3 ", 0.42), (3, 0.42), (2.5, 0.35), ("0", None), (None, None), ("", None), ("many", None)]
    + [(bad, None) for bad in ("-1", "1e400", "nan", "inf", "1" * 50, True, [], {}, "100001")],
)
def test_units_become_dollars_and_nonsense_is_not_believed(said: Any, cost: float | None) -> None:
    task = {
        "task_id": "1",
        "task_status": "succeed",
        "final_unit_deduction": said,
        "task_result": {"videos": [{"url": "https://cdn.example/a.mp4"}]},
    }
    assert read_task(task, UNIT).cost_usd == (pytest.approx(cost) if cost is not None else None)
    assert read_task(task, None).cost_usd is None


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KEYS = (
    "task_status",
    "task_status_msg",
    "final_unit_deduction",
    "task_result",
    "created_at",
    "updated_at",
    "task_info",
)


@given(
    st.fixed_dictionaries({}, optional=dict.fromkeys(KEYS, VALUES)),
    st.sampled_from(["submitted", "processing", "succeed", "failed", None]),
)
def test_whatever_stands_in_a_task_it_is_read_without_a_fall(task: dict[str, Any], word: str | None) -> None:
    given_word = {"task_status": word} if word else {}
    found = read_task({"task_id": "1", **task, **given_word}, UNIT)
    assert found.status in OperationStatus
    assert found.status is not OperationStatus.SUCCEEDED or found.outputs
    assert found.cost_usd is None or 0 <= found.cost_usd <= 14_000


# ---- asking for a lost order


def test_an_order_that_never_arrived_is_a_certain_no_after_a_rest(
    kling_simulator: KlingSimulator, kling: KlingProvider, clock: Clock
) -> None:
    order = lost(kling, kling_simulator, "read_then_close")
    assert kling.find(order) is CannotAsk.NOT_YET
    clock.ahead = 59
    assert kling.find(order) is CannotAsk.NOT_YET
    clock.ahead = 61
    assert kling.find(order) is None


def test_another_process_believes_the_no_when_the_request_cannot_arrive_any_more(
    kling_simulator: KlingSimulator, kling: KlingProvider, clock: Clock
) -> None:
    order = order_for(kling, ordinary())
    clock.ahead = 119
    assert kling.find(order) is CannotAsk.NOT_YET
    clock.ahead = 121
    assert kling.find(order) is None


def test_a_rest_of_ones_own_may_be_set(kling_simulator: KlingSimulator, tmp_path: Path) -> None:
    provider = KlingProvider(kling_settings(kling_simulator.url, tmp_path), certain_no_seconds=0)
    assert provider.find(order_for(provider, ordinary())) is None
    provider.close()


@pytest.mark.parametrize("fault", [fault for fault in NO_NEWS if fault != "other"])
def test_a_question_without_a_proper_answer_is_neither_yes_nor_no(
    kling_simulator: KlingSimulator, kling: KlingProvider, clock: Clock, fault: str
) -> None:
    order = lost(kling, kling_simulator, "accept_then_close")
    clock.ahead = 3600
    kling_simulator.faults.add(f"ask_{fault}")
    with pytest.raises(Transient):
        kling.find(order)
    assert isinstance(kling.find(order), Operation)
    assert kling_simulator.paid == 1


def test_a_task_that_belongs_to_another_order_is_not_adopted(
    kling_simulator: KlingSimulator, kling: KlingProvider
) -> None:
    operation, order = submitted(kling)
    bound = order_for(kling, ordinary(), id=order.id, bound=frozenset({operation.id}))
    assert kling.find(bound) is CannotAsk.NOT_YET


def test_equal_orders_are_told_apart_by_their_numbers(kling_simulator: KlingSimulator, kling: KlingProvider) -> None:
    first = lost(kling, kling_simulator, "accept_then_close")
    second = lost(kling, kling_simulator, "accept_then_close")
    found = [kling.find(order) for order in (first, second)]
    ids = [operation.id for operation in found if isinstance(operation, Operation)]
    assert [kling_simulator.tasks[each].external_id for each in ids] == [first.id, second.id]


# ---- callbacks


def test_each_change_is_told_unsigned_under_the_orders_own_address(
    kling_simulator: KlingSimulator, kling: KlingProvider, receiver: Receiver
) -> None:
    operation, _ = submitted(kling, callback_url=f"{receiver.url}/api/callbacks/kling/tok-1")
    got = receiver.wait_for(2)
    assert {each.path for each in got} == {"/api/callbacks/kling/tok-1"}
    assert {kling.verify_callback(each.headers, each.body) for each in got} == {operation.id}
    assert not [name for each in got for name in each.headers if "signature" in name]


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"[]", b"{}", b"\xff\xfe", b'{"task_id": 7}', b'{"task_id": ""}', b"[" * 200_000),
        json.dumps({"task_id": "9" * 600}).encode(),
    ],
    ids=lambda body: body[:20],
)
def test_a_callback_that_speaks_of_no_task_is_none(kling: KlingProvider, body: bytes) -> None:
    assert kling.verify_callback({}, body) is None
