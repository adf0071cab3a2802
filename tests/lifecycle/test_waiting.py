"""When to look: by what this installation knows, then by the vendor's steps, and seldom where the vendor calls."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.lifecycle.test_usual import SORT, _generating, _took
from vividflow.lifecycle import usual, waiting
from vividflow.lifecycle.tools import Tools
from vividflow.lifecycle.waiting import first_look, next_look
from vividflow.providers.base import Operation, OperationStatus

HISTORY = [float(n) for n in range(81, 121)]
NOW = 100.0


@pytest.fixture
def tools(tools_for: Callable[..., Tools], monkeypatch: pytest.MonkeyPatch) -> Tools:
    """Tools with a clock that stands at 100 and no chance in it."""
    monkeypatch.setattr(waiting, "now", lambda: NOW)
    monkeypatch.setattr(usual, "_known", {})
    monkeypatch.setattr(random, "uniform", lambda low, high: (low + high) / 2)
    return tools_for(poll_max_seconds=30)


def test_without_a_history_the_usual_time_and_the_vendors_steps_count(tools: Tools) -> None:
    assert first_look(_generating(usual_seconds=70.0), tools) == 70.0
    assert first_look(_generating(usual_seconds=None), tools) == 10.0
    assert [next_look(_generating(looks=n), tools) for n in range(6)] == [2, 5, 10, 20, 30, 30]


def test_each_look_comes_when_a_third_of_those_that_took_longer_were_ready(tools: Tools) -> None:
    _took(tools, *random.sample(HISTORY, len(HISTORY)), sort=SORT._replace(provider="gemini"))
    gemini = _generating(usual_seconds=1.0, provider="gemini")
    assert first_look(gemini, tools) == 93.0  # the 13th of 40
    assert next_look(gemini.but(generating_at=NOW - 93, looks=1), tools) == 9.0  # the 9th of the 27 above
    assert next_look(gemini.but(generating_at=NOW - 115, looks=4), tools) == pytest.approx(0.03 * 101)


def test_where_a_list_answers_for_many_looks_fall_on_common_ticks(tools: Tools) -> None:
    _took(tools, *HISTORY)
    assert first_look(_generating(provider_model="owner/name"), tools) == 92.0  # every two seconds
    assert next_look(_generating(generating_at=NOW - 93.7, provider_model="owner/name"), tools) == 8.0


def test_a_look_that_shared_its_request_is_followed_by_a_closer_one(tools: Tools) -> None:
    _took(tools, *HISTORY)
    looked = _generating(generating_at=NOW - 93, provider_model="owner/name")
    seen = Operation(id="op", status=OperationStatus.RUNNING)
    assert next_look(looked, tools) == 8.0  # till the 9th of the 27 above, on a tick
    assert next_look(looked, replace(tools, seen={"op": seen})) == 4.0  # till the 5th of them


def test_past_all_history_each_look_comes_a_tenth_of_the_time_later(tools: Tools) -> None:
    _took(tools, *HISTORY)
    waits = [next_look(_generating(generating_at=NOW - past, looks=5), tools) for past in (119, 200, 900)]
    assert waits == [12.0, 20.0, 30.0]


def test_a_vendor_that_called_about_the_order_is_hardly_asked(tools: Tools) -> None:
    called = _generating(nudged_at=95.0, generating_at=NOW - 20)
    assert next_look(called.but(usual_seconds=70.0), tools) == pytest.approx(70 * 1.25 - 20)
    _took(tools, *HISTORY)
    usual._known.clear()
    assert next_look(called, tools) == pytest.approx(120 * 1.25 - 20)
    assert next_look(called.but(generating_at=NOW - 400), tools) == 30
    before = called.but(nudged_at=50.0)  # about an order that is over
    assert next_look(before, tools) < 100


def test_an_operators_word_comes_before_the_history(tools: Tools) -> None:
    _took(tools, *HISTORY)
    given = tools.settings.model_copy(update={"poll_first_seconds": 7.0})
    object.__setattr__(tools, "settings", given)
    assert first_look(_generating(), tools) == 7.0
    assert next_look(_generating(looks=1), tools) == 5.0


def test_what_is_made_here_is_begun_at_once(tools: Tools) -> None:
    _took(tools, *[50.0] * 9, sort=SORT._replace(provider="local"))
    assert first_look(_generating(provider="local"), tools) == 0.0
