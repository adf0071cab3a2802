"""The grammar of LOCAL_FAULTS, and who meets which fault how often."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from vividflow.errors import Complaints
from vividflow.providers.faults import Fault, FaultName, Faults


def test_nothing_given_draws_nothing() -> None:
    assert Faults.parse("").draw("a") is None
    assert Faults.parse(" ; ").draw("a") is None


@pytest.mark.parametrize("name", FaultName)
def test_every_name_is_understood_and_is_certain_by_default(name: FaultName) -> None:
    drawn = Faults.parse(name).draw("a")
    assert drawn is not None
    assert drawn.name is name


def test_keys_and_spaces_are_read() -> None:
    faults = Faults.parse(" late : p = 1 , seconds = 2.5 ; corrupt:times=1")
    assert faults.draw("a") == Fault(name=FaultName.LATE, seconds=2.5)


def test_waits_have_defaults() -> None:
    assert Faults.parse("rate_limit").draw("a") == Fault(name=FaultName.RATE_LIMIT, seconds=1)
    assert Faults.parse("late").draw("a") == Fault(name=FaultName.LATE, seconds=10)


def test_all_mistakes_are_told_at_once_with_the_variable() -> None:
    with pytest.raises(Complaints) as caught:
        Faults.parse(
            "explode; late:p=2; stall:times=1.5; corrupt:seconds=soon; content:q=1; late:p=1,p=1; late:seconds=-1"
        )
    told = caught.value.complaints
    assert len(told) == 7
    assert all(each.startswith("LOCAL_FAULTS: ") for each in told)
    assert "there are accept_lost, rate_limit, stall, late, corrupt, content" in told[0]


def test_times_ends_a_fault_and_the_next_rule_follows() -> None:
    faults = Faults.parse("content:times=2;stall:times=1")
    names = [drawn.name if (drawn := faults.draw(str(number))) else None for number in range(4)]
    assert names == ["content", "content", "stall", None]


def test_an_order_keeps_what_it_drew() -> None:
    faults = Faults.parse("stall:times=1")
    assert faults.draw("a") == faults.draw("a") == Fault(name=FaultName.STALL)
    assert faults.draw("b") is None
    assert faults.draw("b") is None


def test_a_rate_limit_is_drawn_anew_at_each_try_until_times_is_over() -> None:
    faults = Faults.parse("rate_limit:times=2;corrupt")
    names = [drawn.name if (drawn := faults.draw("a")) else None for _ in range(4)]
    assert names == ["rate_limit", "rate_limit", "corrupt", "corrupt"]


def test_for_one_job_a_rate_limit_ends_by_itself() -> None:
    faults = Faults.parse("rate_limit", for_one_job=True)
    assert faults.draw("a") is not None
    assert faults.draw("a") is None


def test_p_is_a_share_and_the_same_order_meets_the_same_fate_everywhere() -> None:
    one, other = Faults.parse("content:p=0.3"), Faults.parse("content:p=0.3")
    orders = [f"order-{number}" for number in range(2000)]
    drawn = [one.draw(each) for each in orders]
    assert drawn == [other.draw(each) for each in orders]
    assert 500 < sum(each is not None for each in drawn) < 700
    assert Faults.parse("content:p=0").draw("a") is None


def test_threads_never_draw_more_than_times() -> None:
    faults = Faults.parse("content:times=50")
    with ThreadPoolExecutor(8) as hands:
        drawn = list(hands.map(faults.draw, [f"order-{number}" for number in range(400)]))
    assert sum(each is not None for each in drawn) == 50


def test_what_is_remembered_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vividflow.providers.faults.REMEMBERED_ORDERS", 10)
    faults = Faults.parse("stall:times=1")
    assert [faults.draw(str(number)) is not None for number in range(20)] == [True] + [False] * 19
    assert faults.draw("0") is None
