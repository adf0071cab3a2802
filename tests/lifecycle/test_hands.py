"""Hands: as many as allowed, one thing each, and none is lost to a mistake."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from vividflow.lifecycle import hands as module
from vividflow.lifecycle.hands import Hands


def _until(wanted: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not wanted():
        assert time.monotonic() < end
        time.sleep(0.001)


def test_what_no_hand_is_free_for_waits_and_is_done_in_order() -> None:
    hands = Hands("test", 1)
    go, done = threading.Event(), threading.Event()
    order: list[str] = []

    def first() -> None:
        go.wait(10)
        order.append("first")

    hands.give(first)
    hands.give(lambda: order.append("second"))
    hands.give(done.set)
    assert (hands.busy, hands.idle) == (3, -2)
    go.set()
    assert done.wait(10)
    assert order == ["first", "second"]
    _until(lambda: hands.idle == 1)
    hands.dismiss()


def test_a_hand_lives_on_after_a_mistake_and_says_that_it_is_free(caplog: pytest.LogCaptureFixture) -> None:
    freed: list[int] = []
    hands = Hands("test", 1, lambda: freed.append(hands.busy))
    done = threading.Event()

    def broken() -> None:
        raise ValueError("a mistake")

    hands.give(broken)
    hands.give(done.set)
    assert done.wait(10)
    _until(lambda: len(freed) == 2)
    assert freed == [1, 0]
    assert "a hand dropped its work" in caplog.text
    hands.dismiss()


@pytest.mark.parametrize("why", ["dismissed", "rested long enough"])
def test_hands_go_when_there_is_nothing_to_do_and_come_back(why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if why != "dismissed":
        monkeypatch.setattr(module, "REST_SECONDS", 0.01)
    hands = Hands(f"test {why}", 4)
    done = threading.Event()
    hands.give(done.set)
    assert done.wait(10)
    if why == "dismissed":
        hands.dismiss()
    _until(lambda: not any(each.name.startswith(f"test {why}-") for each in threading.enumerate()))
    again = threading.Event()
    hands.give(again.set)
    assert again.wait(10)
    hands.dismiss()
