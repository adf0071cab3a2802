"""The desk writes what gathers, together, and waits no longer than it is told."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from vividflow.lifecycle.desk import MOST_AT_ONCE, Desk


def test_without_patience_each_thing_is_written_at_once() -> None:
    written: list[list[int]] = []
    done = threading.Event()
    desk = Desk[int](_keep(written, done), patience=lambda: 0.0)
    desk.hand_in(1)
    assert done.wait(5)
    assert written == [[1]]
    desk.dismiss()


def test_with_patience_what_comes_meanwhile_shares_one_writing() -> None:
    written: list[list[int]] = []
    patience = [30.0]
    done = threading.Event()
    desk = Desk[int](_keep(written, done), patience=lambda: patience[0])
    for number in range(5):
        desk.hand_in(number)
    time.sleep(0.05)
    assert written == []
    patience[0] = 0.0  # nobody is to come any more
    assert done.wait(5)
    assert written == [[0, 1, 2, 3, 4]]
    desk.dismiss()


def test_a_full_pile_waits_for_nobody_and_order_is_kept() -> None:
    written: list[int] = []
    full = threading.Event()

    def write(pile: list[int]) -> None:
        written.extend(pile)
        full.set()

    desk = Desk[int](write, patience=lambda: 30.0)
    for number in range(MOST_AT_ONCE):
        desk.hand_in(number)
    assert full.wait(5)
    assert written == list(range(MOST_AT_ONCE))
    desk.dismiss()


def test_a_writing_that_breaks_does_not_end_the_desk() -> None:
    seen: list[int] = []
    done = threading.Event()

    def write(pile: list[int]) -> None:
        if 1 in pile:
            raise ValueError("broken")
        seen.extend(pile)
        done.set()

    desk = Desk[int](write, patience=lambda: 0.0)
    desk.hand_in(1)
    while desk.waiting:
        time.sleep(0.001)
    desk.hand_in(2)
    assert done.wait(5)
    assert seen == [2]
    desk.dismiss()


def _keep(written: list[list[int]], done: threading.Event) -> Callable[[list[int]], None]:
    def write(pile: list[int]) -> None:
        written.append(pile)
        done.set()

    return write
