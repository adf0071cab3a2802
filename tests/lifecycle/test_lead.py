"""Who may work, and what becomes of the jobs of a worker that is gone."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Connection, text

from job_queue import JobQueue
from tests.lifecycle.stage import Stage
from vividflow.lifecycle.lead import Lead
from vividflow.lifecycle.tools import Tools
from vividflow.records import due
from vividflow.timing import monotonic, now


@pytest.fixture
def held(stage: Stage) -> Stage:
    """Two jobs in the hands of worker 7."""
    stage.place()
    stage.place()
    assert len(JobQueue(stage.tools, 7).claim_starts(2)[0]) == 2
    return stage


@pytest.fixture
def lead_of(stage: Stage) -> Iterator[Callable[[int], Lead]]:
    """Makes the lead of a worker; whatever is held at the end is let go."""
    made: list[Lead] = []

    def make(owner: int) -> Lead:
        made.append(Lead(stage.tools, owner))
        return made[-1]

    yield make
    for lead in made:
        lead.give_up()


LeadOf = Callable[[int], Lead]


def _held_by(tools: Tools) -> list[int]:
    with tools.db.reading() as connection:
        return due.owners(connection)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_on_sqlite_one_leads_and_the_next_frees_what_it_held(held: Stage, lead_of: LeadOf) -> None:
    first, second = lead_of(8), lead_of(9)
    assert first.take()
    assert _held_by(held.tools) == []  # worker 7 was dead, or the lock had not been free
    assert not second.take()
    first.give_up()
    assert second.take()
    second.give_up()
    second.give_up()  # nothing more to let go of


def test_a_leader_leaves_a_sign_of_life(stage: Stage, lead_of: LeadOf) -> None:
    tools, lead = stage.tools, lead_of(1)
    lead.touch()  # who does not lead leaves none
    assert lead.take()
    lock = tools.settings.data_dir / "worker.lock"
    if tools.db.on_sqlite:
        os.utime(lock, (1.0, 1.0))
    lead.touch()
    assert lock.stat().st_mtime > now() - 60 if tools.db.on_sqlite else not lock.exists()


def test_a_lease_that_ran_out_is_freed_and_one_that_runs_is_not(stage: Stage, lead_of: LeadOf) -> None:
    lead = lead_of(7)
    assert lead.take()
    stage.place()
    stage.place()
    over, running = JobQueue(stage.tools, 7).claim_starts(2)[0]
    assert lead.free_the_dead() == 0
    stage.change(over.id, lease_until=now() - 1)
    assert lead.free_the_dead() == 1
    assert (stage.job(over.id).lease_owner, stage.job(over.id).fence) == (None, over.fence + 1)
    assert stage.job(running.id).lease_owner == 7


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_on_postgresql_the_jobs_of_a_worker_are_freed_when_its_connection_is_gone(held: Stage, lead_of: LeadOf) -> None:
    worker, other = lead_of(7), lead_of(8)
    assert worker.take()
    assert other.take()
    assert not lead_of(7).take()  # the lock of worker 7 is taken
    assert other.free_the_dead() == 0
    assert _held_by(held.tools) == [7]
    worker.give_up()
    assert other.free_the_dead() == 2
    assert _held_by(held.tools) == []
    assert worker.take()  # the check gave the lock back


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_on_postgresql_a_worker_whose_connection_broke_shows_that_it_lives_before_others_take_its_jobs(
    held: Stage, lead_of: LeadOf, caplog: pytest.LogCaptureFixture
) -> None:
    worker, other = lead_of(7), lead_of(8)
    assert worker.take()
    assert other.take()
    with held.tools.db.transaction() as connection:
        _break_the_connection_of_7(connection)
    worker.touch()
    assert "another connection" in caplog.text
    assert other.free_the_dead() == 0
    assert _held_by(held.tools) == [7]
    worker.touch()  # and all is well again
    worker.give_up()
    assert other.free_the_dead() == 2


def test_who_lets_go_of_a_broken_connection_is_through_with_it(held: Stage, lead_of: LeadOf) -> None:
    worker = lead_of(7)
    assert worker.take()
    if not held.tools.db.on_sqlite:
        with held.tools.db.transaction() as connection:
            _break_the_connection_of_7(connection)
    worker.give_up()
    assert lead_of(7).take()


def _break_the_connection_of_7(connection: Connection) -> None:
    """What a restart of the server or a firewall does; back when the server has noticed."""
    locks = "FROM pg_locks WHERE locktype = 'advisory' AND classid = :ours AND objid = 7"
    connection.execute(text(f"SELECT pg_terminate_backend(pid) {locks}"), {"ours": due.ADVISORY_WORKER})
    end = monotonic() + 10
    while connection.execute(text(f"SELECT count(*) {locks}"), {"ours": due.ADVISORY_WORKER}).scalar_one():
        assert monotonic() < end
        connection.execute(text("SELECT pg_sleep(0.01)"))
