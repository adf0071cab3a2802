"""The remaining commands: review, db upgrade, worker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask

import monitor
from tests.installation import a_job, a_user, settings_in
from vividflow.config import Settings
from vividflow.db.database import Database
from vividflow.db.migrate import current_revision, newest_revision
from vividflow.records import orders
from vividflow.timing import iso, monotonic
from web_app import create_app

Run = Callable[..., Result]
ROOT = Path(__file__).resolve().parents[2]


def test_a_review_lists_what_nobody_could_learn_one_a_line(flask: Run, db: Database) -> None:
    assert flask("review").stdout == ""
    user = a_user(db)
    a_job(db, user, state="failed", status="failed", due_at=None)
    job = a_job(db, user, state="needs_review", status="failed", due_at=None, quoted=420_000)
    with db.transaction() as connection:
        for n, moment in ((1, 1_700_000_000.0), (2, 1_800_000_000.0)):
            orders.insert(connection, _order(job.id, n, moment))
    done = flask("review")
    assert done.exit_code == 0
    (line,) = done.stdout.splitlines()
    told = [job.id, user.email, "wan2.2", "replicate", f"order-2-{job.id}", iso(1_800_000_000.0), "$0.42"]
    assert line.split("\t") == told


def test_the_database_is_brought_up_to_date_by_hand_too(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    done = create_app(settings).test_cli_runner().invoke(args=["db", "upgrade"])
    assert done.exit_code == 0, done.stderr
    opened = Database(settings.database)
    assert current_revision(opened) == newest_revision()
    opened.close()


def test_a_database_that_is_too_new_is_a_sentence(flask: Run, db: Database) -> None:
    with db.transaction() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    for arguments in (("review",), ("db", "upgrade"), ("create-key", "ada@example.com")):
        done = flask(*arguments)
        assert (done.exit_code, done.stdout) == (1, "")
        assert "newer Vivid Flow" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_database_that_does_not_answer_is_a_sentence_without_its_password(app: Flask, settings: Settings) -> None:
    (settings.data_dir / "jobs.db").write_bytes(b"no database" * 1000)
    done = app.test_cli_runner().invoke(args=["review"])
    assert (done.exit_code, done.stdout) == (1, "")
    assert "It did not work" in done.stderr


@pytest.mark.parametrize("command", [("web_app.py",), ("job_queue.py",), ("-m", "flask", "--app", "web_app", "review")])
def test_a_wrong_registry_refuses_the_start_with_every_complaint_and_touches_nothing(
    tmp_path: Path, command: tuple[str, ...]
) -> None:
    own = tmp_path / "own.toml"
    own.write_text('[[models]]\nid = "wan2.2"\nspeed = 3\n[[models]]\nid = "wan2.1"\nsuccessors = ["wan2.1"]\n')
    env = os.environ | {"DATA_DIR": str(tmp_path / "data"), "MODELS_FILE": str(own), "PORT": "0"}
    done = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "Traceback" not in done.stderr
    assert done.stderr.count("cannot start:") == 1
    assert "model wan2.2: unknown key 'speed'" in done.stderr
    assert "model wan2.1: successors: it cannot be its own successor" in done.stderr
    assert not (tmp_path / "data").exists()


def test_a_worker_alone_works_until_it_is_told_to_stop(settings: Settings) -> None:
    env = os.environ | {"DATA_DIR": str(settings.data_dir), "PASSWORD_MEMORY_KIB": "64"}
    process = subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "web_app", "worker"],
        cwd=ROOT,
        env=env,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    with process.stderr as said:
        try:
            end = monotonic() + 30
            while monitor.health(settings, only=["worker"]).exit_code:
                assert process.poll() is None
                assert monotonic() < end
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
        finally:
            process.kill()
            process.wait()
        assert "Traceback" not in said.read()
    assert monitor.health(settings, only=["worker"]).exit_code == 2


@pytest.mark.parametrize(
    "command",
    [
        "create-user",
        "create-key",
        "sign-in-link",
        "grant-credits",
        "review",
        "providers",
        "backup",
        "restore",
        "worker",
    ],
)
def test_every_command_explains_itself(flask: Run, command: str) -> None:
    done = flask(command, "--help")
    assert done.exit_code == 0
    assert done.stdout.startswith("Usage:")


def _order(job_id: str, n: int, moment: float) -> orders.OrderRow:
    return orders.OrderRow(
        id=f"order-{n}-{job_id}",
        job_id=job_id,
        n=n,
        provider="replicate",
        provider_model="wan",
        state=orders.REFUSED if n == 1 else orders.UNKNOWN,
        token=f"token-{n}-{job_id}",
        request={},
        request_hash="h",
        fence=1,
        quoted=420_000,
        intent_at=moment,
    )
