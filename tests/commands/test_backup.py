"""A backup of a database in use is whole; a restore loses nothing that was there and orders nothing twice."""

from __future__ import annotations

import fcntl
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask

from tests.databases import fresh
from tests.installation import a_job, a_user
from tests.lifecycle.stage import Stage, make_stage
from tests.simulators.clips import clip
from tests.simulators.replicate import ReplicateSimulator
from vividflow.commands.backup import _make_ready
from vividflow.config import Settings
from vividflow.db import backup as copies
from vividflow.db.database import Database, Watch
from vividflow.lifecycle.restored import ask_first
from vividflow.lifecycle.tools import Ears, Tools
from vividflow.records import jobs, orders, users
from vividflow.timing import now

Run = Callable[..., Result]


def people(file: Path) -> int:
    opened = Database(f"sqlite:///{file}")
    try:
        with opened.reading() as connection:
            return users.count(connection)
    finally:
        opened.close()


def test_a_backup_taken_while_others_write_is_whole_and_private(flask: Run, db: Database, tmp_path: Path) -> None:
    user = a_user(db)
    over = threading.Event()

    def write() -> None:
        while not over.is_set():
            a_job(db, user, prompt="x" * 2000)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        done = flask("backup", str(tmp_path / "copy.db"))
    finally:
        over.set()
        writer.join()
    assert done.exit_code == 0, done.stderr
    copies.check_whole(tmp_path / "copy.db")
    assert (tmp_path / "copy.db").stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".")] == []


def test_a_backup_never_writes_over_a_file(flask: Run, tmp_path: Path) -> None:
    (tmp_path / "copy.db").write_text("mine")
    done = flask("backup", str(tmp_path / "copy.db"))
    assert done.exit_code == 1
    assert "exists already" in done.stderr
    assert (tmp_path / "copy.db").read_text() == "mine"


def test_a_restore_brings_back_what_was_and_keeps_what_is(
    flask: Run, db: Database, settings: Settings, tmp_path: Path
) -> None:
    a_user(db, "first@example.com")
    assert flask("backup", str(tmp_path / "copy.db")).exit_code == 0
    a_user(db, "second@example.com")
    db.close()
    done = flask("restore", str(tmp_path / "copy.db"))
    assert done.exit_code == 0, done.stderr
    database = settings.data_dir / "jobs.db"
    (former,) = settings.data_dir.glob("jobs.db.before-restore-*")
    assert (people(database), people(former)) == (1, 2)
    assert people(tmp_path / "copy.db") == 1


@pytest.mark.parametrize("holder", ["worker", "server"])
def test_nothing_is_restored_under_somebody_who_works(
    flask: Run, db: Database, settings: Settings, tmp_path: Path, holder: str
) -> None:
    a_user(db)
    assert flask("backup", str(tmp_path / "copy.db")).exit_code == 0
    a_user(db, "second@example.com")
    if holder == "worker":
        db.close()
        with (settings.data_dir / "worker.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            done = flask("restore", str(tmp_path / "copy.db"))
    else:
        done = flask("restore", str(tmp_path / "copy.db"))
    assert done.exit_code == 1
    assert "Stop it first" in done.stderr
    assert people(settings.data_dir / "jobs.db") == 2
    assert list(settings.data_dir.glob("*before-restore*")) == []


@pytest.mark.parametrize("content", [None, b"", b"this is no database" * 300, b"SQLite format 3\x00" + bytes(4080)])
def test_what_is_no_backup_changes_nothing(
    flask: Run, db: Database, settings: Settings, tmp_path: Path, content: bytes | None
) -> None:
    a_user(db)
    db.close()
    before = (settings.data_dir / "jobs.db").read_bytes()
    if content is not None:
        (tmp_path / "copy.db").write_bytes(content)
    done = flask("restore", str(tmp_path / "copy.db"))
    assert done.exit_code == 1
    assert "Traceback" not in done.stderr
    assert (settings.data_dir / "jobs.db").read_bytes() == before


def test_a_cut_backup_is_not_taken(flask: Run, db: Database, settings: Settings, tmp_path: Path) -> None:
    user = a_user(db)
    for _ in range(50):
        a_job(db, user, prompt="x" * 3000)
    assert flask("backup", str(tmp_path / "copy.db")).exit_code == 0
    db.close()
    whole = (tmp_path / "copy.db").read_bytes()
    (tmp_path / "copy.db").write_bytes(whole[: len(whole) // 2])
    assert flask("restore", str(tmp_path / "copy.db")).exit_code == 1
    assert list(settings.data_dir.glob("*before-restore*")) == []


def test_without_a_database_there_is_nothing_to_back_up(flask: Run, settings: Settings, tmp_path: Path) -> None:
    (settings.data_dir / "jobs.db").unlink()
    done = flask("backup", str(tmp_path / "copy.db"))
    assert done.exit_code == 1
    assert not (tmp_path / "copy.db").exists()


def test_postgresql_is_left_to_its_own_program(app: Flask, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tools: Tools = app.extensions["vividflow"].tools
    elsewhere = Database("postgresql://nobody@127.0.0.1:9/none")
    monkeypatch.setattr(app.extensions["vividflow"], "tools", _with_db(tools, elsewhere))
    for command, program in (("backup", "pg_dump"), ("restore", "pg_restore")):
        done = app.test_cli_runner().invoke(args=[command, str(tmp_path / "copy.db")])
        assert done.exit_code == 1
        assert program in done.stderr


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """A SQLite file: only that is backed up here."""
    return fresh("sqlite", tmp_path)


@pytest.fixture
def simulator() -> Iterator[ReplicateSimulator]:
    server = ReplicateSimulator(movie=clip(), generation_seconds=0.1).start()
    yield server
    server.stop()


@pytest.mark.parametrize("ordered_since", [True, False])
def test_what_may_have_been_ordered_after_the_backup_is_asked_for_and_never_paid_twice(
    tools_for: Callable[..., Tools], simulator: ReplicateSimulator, tmp_path: Path, ordered_since: bool
) -> None:
    stage = make_stage(tools_for, simulator)
    job_id = stage.place()
    copies.copy_out(tmp_path / "jobs.db", tmp_path / "copy.db")
    if ordered_since:
        with stage.worker():
            stage.until(job_id)
    _close_line(stage)
    assert simulator.paid == ordered_since

    restored = make_stage(lambda **_: _with_db(stage.tools, Database(f"sqlite:///{tmp_path / 'copy.db'}")), simulator)
    assert _make_ready(stage.tools, tmp_path / "copy.db") == 1
    assert (restored.job(job_id).state, restored.job(job_id).status) == ("reconciling", "processing")
    assert [order.state for order in restored.orders(job_id)] == [orders.UNKNOWN]
    with restored.worker():
        assert restored.until(job_id).status == "completed"
    assert simulator.paid == 1
    _close_line(restored)
    restored.tools.ears.watch.close()
    restored.tools.db.close()


def test_only_what_a_paid_provider_may_have_been_asked_for_is_asked_about(
    tools_for: Callable[..., Tools], simulator: ReplicateSimulator
) -> None:
    stage = make_stage(tools_for, simulator)
    long_ago = now() - 2 * stage.tools.settings.queue_deadline_seconds
    free, unwanted, overdue = stage.place(model="local"), stage.place(), stage.place()
    with stage.tools.db.transaction() as connection:
        jobs.ask_to_cancel(connection, unwanted, now())
        connection.exec_driver_sql("UPDATE jobs SET created_at = ? WHERE id = ?", (long_ago, overdue))
    assert ask_first(stage.tools) == 0
    assert {stage.job(each).state for each in (free, unwanted, overdue)} == {"queued"}
    assert [stage.orders(each) for each in (free, unwanted, overdue)] == [[], [], []]
    _close_line(stage)


def _close_line(stage: Stage) -> None:
    stage.tools.provider("replicate").close()  # pyright: ignore[reportAttributeAccessIssue]


def _with_db(tools: Tools, db: Database) -> Tools:
    return replace(tools, db=db, ears=Ears(watch=Watch(db)))
