"""The rounds: leases in our hands are held on to, and what nobody will ever do is given up, free of charge."""

from __future__ import annotations

import pytest

from job_queue import JobQueue
from tests.lifecycle.stage import Stage
from vividflow.lifecycle import rounds
from vividflow.lifecycle.carrying import Carrier
from vividflow.lifecycle.held import Held
from vividflow.lifecycle.lead import Lead
from vividflow.lifecycle.rounds import Rounds
from vividflow.records import due
from vividflow.timing import now


@pytest.fixture
def lead(stage: Stage) -> Lead:
    return Lead(stage.tools, 0)


def _rounds(stage: Stage, lead: Lead, held: Held) -> Rounds:
    return Rounds(stage.tools, 0, lead, held, Carrier(stage.tools), stage.queue().give_up, stage.queue().divert)


def test_a_lease_in_hand_is_renewed_and_a_lost_one_is_noticed(stage: Stage, lead: Lead) -> None:
    stage.place()
    stage.place()
    kept, lost = JobQueue(stage.tools, 0).claim_starts(2)[0]
    held = Held()
    held.take([kept, lost])
    stage.change(kept.id, lease_until=now() + 1)
    stage.change(lost.id, fence=lost.fence + 1)
    _rounds(stage, lead, held).make()
    until = stage.job(kept.id).lease_until or 0
    assert until > now() + stage.tools.settings.lease_seconds - 5
    assert stage.job(kept.id).due_at == until
    assert (held.has_lost(kept.id), held.has_lost(lost.id)) == (False, True)


def test_each_round_is_made_when_its_time_has_come(stage: Stage, lead: Lead, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr(rounds, "monotonic", lambda: clock[0])
    touched: list[float] = []
    monkeypatch.setattr(lead, "touch", lambda: touched.append(clock[0]))
    made = _rounds(stage, lead, Held())
    for moment in (1000.0, 1001.0, 1004.9, 1005.0, 1020.0):
        clock[0] = moment
        made.make()
    assert touched == [1000.0, 1005.0, 1020.0]


def test_what_brought_workers_down_or_waited_too_long_fails_free(stage: Stage, lead: Lead) -> None:
    poison, old, fine = stage.begin().id, stage.place(), stage.place()
    with stage.tools.db.transaction() as connection:
        due.set_free(connection, now())
    stage.change(poison, crashes=due.CRASHES_TO_FAIL)
    stage.change(old, created_at=now() - stage.tools.settings.queue_deadline_seconds - 1)
    _rounds(stage, lead, Held()).make()
    codes = {name: (stage.job(name).error_code, stage.job(name).charged) for name in (poison, old, fine)}
    assert codes[poison] == ("crashed_three_times", False)
    assert codes[old] == ("queue_deadline_exceeded", False)
    assert codes[fine] == (None, None)
    assert stage.books()[1] == stage.job(fine).quoted
