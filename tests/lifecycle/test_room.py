"""The room for pictures: so many in all, so many for each person, and the rest is sent away soon."""

from __future__ import annotations

import threading
import time

import pytest

from vividflow.errors import Problem
from vividflow.lifecycle import room as rooms
from vividflow.lifecycle.room import Room


def test_a_place_is_free_again_afterwards() -> None:
    room = Room(places=1, each=1, patience=0)
    for _ in range(3):
        with room.place("ada"):
            pass
    with pytest.raises(ZeroDivisionError), room.place("ada"):
        raise ZeroDivisionError
    with room.place("ada"):
        pass


def test_who_finds_no_place_is_told_when_to_come_again() -> None:
    room = Room(places=2, each=1, patience=0)
    with room.place("ada"), pytest.raises(Problem) as refused, room.place("ada"):
        raise AssertionError
    assert (refused.value.status, refused.value.code, refused.value.retry_after) == (503, "busy", 2)
    with room.place("ada"), room.place("ben"), pytest.raises(Problem), room.place("cy"):
        raise AssertionError


def test_while_somebody_is_slow_nobody_more_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    room = Room(places=1, each=1, patience=3600)
    monkeypatch.setattr(rooms, "WAITING_WHILE_SLOW", 0)
    monkeypatch.setattr(rooms, "SLOW_SECONDS", -1.0)
    with room.place("ada"), pytest.raises(Problem), room.place("ben"):
        raise AssertionError


def test_who_waits_gets_the_place_that_becomes_free() -> None:
    room, entered = Room(places=1, each=1, patience=30), threading.Event()

    def come() -> None:
        with room.place("ben"):
            entered.set()

    waiting = threading.Thread(target=come)
    with room.place("ada"):
        waiting.start()
        while not room._waiting:
            time.sleep(0.001)
        assert not entered.is_set()
    waiting.join(10)
    assert entered.is_set()


def test_patience_has_an_end() -> None:
    room = Room(places=1, each=1, patience=0.01)
    with room.place("ada"), pytest.raises(Problem) as refused, room.place("ben"):
        raise AssertionError
    assert refused.value.code == "busy"
