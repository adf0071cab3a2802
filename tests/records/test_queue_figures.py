"""The queue in figures says the same on both databases."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import monitor
from tests.installation import a_job, a_user, an_asset
from vividflow.config import Settings
from vividflow.db.database import Database
from vividflow.records import due
from vividflow.records.queue_figures import in_review, live_workers, model_figures, newest_file, queue_figures
from vividflow.timing import now


def test_an_empty_queue_is_all_zeros(database: Database) -> None:
    with database.reading() as connection:
        figures = queue_figures(connection, now())
        assert model_figures(connection, 0.0) == {}
        assert in_review(connection) == []
    assert set(figures.by_status.values()) == {0}
    assert (figures.oldest_due_seconds, figures.stuck) == (None, 0)


def test_counts_ages_and_leases(database: Database) -> None:
    user, moment = a_user(database), now()
    a_job(database, user, due_at=moment - 40)
    a_job(database, user, kind="delivery", due_at=moment - 10)
    a_job(database, user, status="processing", lease_owner=3, lease_until=moment - 30, due_at=moment - 30)
    a_job(database, user, status="failed", state="needs_review", due_at=None)
    with database.reading() as connection:
        figures = queue_figures(connection, moment)
        (found,) = in_review(connection)
    assert figures.by_status == {"queued": 1, "processing": 1, "completed": 0, "failed": 1, "cancelled": 0}
    assert figures.deliveries["queued"] == 1
    assert (figures.oldest_due_seconds, figures.stuck) == (pytest.approx(40, abs=0.1), 1)
    assert (found.email, found.order_id) == (user.email, None)


def test_hidden_work_counts_neither_as_a_person_s_job_nor_as_a_message(database: Database) -> None:
    a_job(database, a_user(database), kind="late", status="processing")
    with database.reading() as connection:
        figures = queue_figures(connection, now())
    assert set(figures.by_status.values()) | set(figures.deliveries.values()) == {0}


def test_the_file_that_was_stored_last_is_the_one_to_look_at(database: Database) -> None:
    user = a_user(database)
    with database.reading() as connection:
        assert newest_file(connection) is None
    an_asset(database, user, created_at=1.0)
    newest = an_asset(database, user, created_at=2.0)
    an_asset(database, user, created_at=3.0, deleted_at=4.0)
    with database.reading() as connection:
        assert newest_file(connection) == newest.storage_key


def test_averages_are_of_completed_jobs_alone(database: Database) -> None:
    user, moment = a_user(database), now()
    for status, took in (("completed", 10.0), ("completed", 20.0), ("failed", 500.0)):
        times = {"created_at": moment - took, "started_at": moment - took, "finished_at": moment}
        a_job(database, user, status=status, due_at=None, **times)
    with database.reading() as connection:
        row = model_figures(connection, moment - 60)["wan2.2"]
    assert (row.completed, row.failed, row.success_rate) == (2, 1, pytest.approx(0.6667))
    assert row.total_seconds == pytest.approx(15)
    assert row.generation_seconds is None


def test_on_postgresql_a_worker_is_alive_as_long_as_it_holds_its_lock(
    database: Database, settings_for: Callable[..., Settings], tmp_path: Path
) -> None:
    if database.on_sqlite:
        with pytest.raises(Exception, match="pg_locks"), database.reading() as connection:
            live_workers(connection)
        return
    settings = settings_for(database_url=database.address)
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as held:
        assert due.claim_liveness(held, 4711)
        found = monitor.health(settings, only=["worker", "database", "queue"])
        assert (found.exit_code, found.as_dict()["worker"]["workers"]) == (0, 1)
        due.give_liveness(held, 4711)
        found = monitor.health(settings, db=database, only=["worker"])
        assert (found.exit_code, found.as_dict()["worker"]["alive"]) == (2, False)
    assert not settings.data_dir.exists()
