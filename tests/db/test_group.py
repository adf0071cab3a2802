"""Group commit: many writers, one fsync, and no one's mistake is another's."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
from sqlalchemy import text

from tests import databases
from vividflow.db.database import Database, Watch


@pytest.fixture
def sqlite(tmp_path: Path) -> Database:
    database = Database(databases.fresh("sqlite", tmp_path))
    with database.transaction() as connection:
        connection.execute(text("CREATE TABLE things (n INTEGER PRIMARY KEY)"))
    return database


def _numbers(database: Database) -> list[int]:
    with database.reading() as connection:
        return list(connection.execute(text("SELECT n FROM things ORDER BY n")).scalars())


def _insert(database: Database, number: int, patience: float = 0.0) -> None:
    with database.transaction(patience) as connection:
        connection.execute(text("INSERT INTO things VALUES (:n)"), {"n": number})


def test_what_a_block_wrote_is_there_when_it_was_left(sqlite: Database) -> None:
    _insert(sqlite, 1)
    assert _numbers(sqlite) == [1]


def test_a_block_that_raises_is_undone_alone(sqlite: Database) -> None:
    def change_of_mind() -> None:
        with sqlite.transaction() as connection:
            connection.execute(text("INSERT INTO things VALUES (1)"))
            raise RuntimeError("not this one")

    with pytest.raises(RuntimeError):
        change_of_mind()
    _insert(sqlite, 2)
    assert _numbers(sqlite) == [2]


def test_a_crowd_shares_commits_and_loses_nothing(sqlite: Database) -> None:
    before = sqlite.commits
    failed: list[int] = []

    def write(number: int) -> None:
        try:
            with sqlite.transaction(0.02) as connection:
                connection.execute(text("INSERT INTO things VALUES (:n)"), {"n": number})
                if number % 10 == 0:
                    raise ValueError("every tenth changes its mind")
        except ValueError:
            failed.append(number)

    threads = [threading.Thread(target=write, args=(n,)) for n in range(200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(failed) == list(range(0, 200, 10))
    assert _numbers(sqlite) == [n for n in range(200) if n % 10]
    assert sqlite.commits - before < 100


def test_a_patient_writer_is_taken_along_by_a_hasty_one(sqlite: Database) -> None:
    before = sqlite.commits
    patient = threading.Thread(target=_insert, args=(sqlite, 1, 30.0))
    patient.start()
    while not sqlite._group._group:  # type: ignore[union-attr]
        pass
    while sqlite._group._group and not sqlite._group._group.members:  # type: ignore[union-attr]
        pass
    _insert(sqlite, 2)
    patient.join(5)
    assert not patient.is_alive()
    assert sqlite.commits - before == 1


def test_a_commit_that_fails_is_told_to_everyone_who_shared_it(sqlite: Database) -> None:
    with sqlite.transaction() as connection:
        connection.execute(text("CREATE TABLE kids (n INTEGER REFERENCES things(n) DEFERRABLE INITIALLY DEFERRED)"))
    told: list[str] = []

    def write(statement: str) -> None:
        try:
            with sqlite.transaction(0.3) as connection:
                connection.execute(text(statement))
        except Exception as error:  # noqa: BLE001 - which one it is, is the driver's affair
            told.append(type(error).__name__)

    threads = [
        threading.Thread(target=write, args=(words,))
        for words in ("INSERT INTO things VALUES (7)", "INSERT INTO kids VALUES (99)")
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 2
    assert _numbers(sqlite) == []
    _insert(sqlite, 8)
    assert _numbers(sqlite) == [8]


def test_the_sqlite_in_use_carries_the_wal_fix() -> None:
    from vividflow.db.engine import sqlite_version

    version, fixed = sqlite_version()
    assert fixed, version


def test_a_watch_notices_another_process_s_commit(database_url: str) -> None:
    here, there = Database(database_url), Database(database_url)
    watch = Watch(here)
    assert not watch.wait(0.05)
    noticed = threading.Event()

    def wait() -> None:
        if watch.wait(5):
            noticed.set()

    waiting = threading.Thread(target=wait)
    waiting.start()
    with there.transaction() as connection:
        if there.on_sqlite:
            connection.execute(text("CREATE TABLE other (n INTEGER)"))
        else:
            connection.exec_driver_sql("NOTIFY jobs")
    waiting.join(5)
    assert noticed.is_set()
    watch.close()
    here.close()
    there.close()


def test_a_watch_hears_a_nudge_at_once(database: Database) -> None:
    watch = Watch(database)
    watch.nudge()
    assert watch.wait(0)
    assert not watch.wait(0.01)
    watch.close()
