"""What becomes of what a step raises: patience, giving up, and never a dead worker."""

from __future__ import annotations

import errno
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.people import make_user
from vividflow.errors import LeaseLost, Outcome, Permanent, Refused, Transient
from vividflow.lifecycle import kinds
from vividflow.lifecycle.answers import Advance, Answer, Wait
from vividflow.lifecycle.run import run_step
from vividflow.lifecycle.states import FAILED, PROCESSING, State
from vividflow.lifecycle.tools import Tools
from vividflow.records.jobs import Job


@pytest.fixture
def trial(monkeypatch: pytest.MonkeyPatch) -> Callable[[Exception], Job]:
    """A job of a kind whose only step raises what it is told to."""

    def make(raised: Exception) -> Job:
        def step(_job: Job, _tools: Tools) -> Answer:
            raise raised

        table = {
            "trying": State(status=PROCESSING, stage="trying", step=step, tries=3, next=frozenset({"failed"})),
            "failed": State(status=FAILED, stage="failed"),
        }
        monkeypatch.setitem(kinds.KINDS, "trial", table)
        return Job(
            id="j", user_id="u", kind="trial", state="trying", status="processing", stage="trying", lane="calls",
            created_at=0.0, updated_at=0.0,
        )  # fmt: skip

    return make


@pytest.mark.parametrize(
    "raised", [OSError(5, "Input/output error"), RuntimeError("a mistake of ours"), Transient("x", "Busy.")]
)
def test_trouble_is_borne_a_few_times_and_then_given_up(
    trial: Callable[[Exception], Job], tools: Tools, raised: Exception
) -> None:
    first = run_step(trial(raised), tools)
    assert isinstance(first, Wait)
    assert first.failed
    last = run_step(replace(trial(raised), failures=2), tools)
    assert isinstance(last, Advance)
    assert (last.to, last.changes["charged"]) == ("failed", False)
    assert last.changes["error_message"]


def test_a_mere_later_uses_up_no_patience(trial: Callable[[Exception], Job], tools: Tools) -> None:
    later = run_step(replace(trial(Transient("x", "Later.", retry_after=7, counts=False)), failures=2), tools)
    assert later == Wait(seconds=7, failed=False, changes={"note": "Later."})


@pytest.mark.parametrize(
    "raised", [Permanent("p", "No.", charged=True), Refused("r", "Refused."), Outcome("o", "Odd.")]
)
def test_what_is_final_is_given_up_at_once(trial: Callable[[Exception], Job], tools: Tools, raised: Outcome) -> None:
    answer = run_step(trial(raised), tools)
    assert isinstance(answer, Advance)
    assert (answer.to, answer.changes["error_code"]) == ("failed", raised.code)
    assert answer.changes["charged"] is (raised.code == "p")


def test_a_lost_lease_is_not_an_answer(trial: Callable[[Exception], Job], tools: Tools) -> None:
    make_user(tools)
    with pytest.raises(LeaseLost):
        run_step(trial(LeaseLost()), tools)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_called_by_its_name(trial: Callable[[Exception], Job], tools: Tools, number: int) -> None:
    full = run_step(trial(OSError(number, "full")), tools)
    assert isinstance(full, Wait)
    assert full.changes["note"] == "There is no room left on this machine; the job goes on when there is."
