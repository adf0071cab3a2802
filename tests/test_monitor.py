"""monitor.py judges what is there, tells it by its exit code, and changes nothing by looking."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import monitor
from tests.installation import a_job, a_user, an_asset, migrated, settings_in
from vividflow.config import Settings
from vividflow.db.database import Database
from vividflow.health import database as database_health
from vividflow.health import machine
from vividflow.health.findings import State
from vividflow.health.machine import is_held
from vividflow.records import dead_routes, jobs, pauses
from vividflow.storage.base import StorageFull, StorageGone
from vividflow.timing import now

ROOT = Path(__file__).resolve().parents[1]
KEYS = "status version queue oldest_due_seconds stuck models database storage providers registry costs disk environment worker"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


@pytest.fixture
def db(settings: Settings) -> Iterator[Database]:
    """A database as a server has it open, and a storage folder."""
    opened = migrated(settings)
    (settings.data_dir / "media").mkdir()
    yield opened
    opened.close()


@pytest.fixture
def working(settings: Settings, db: Database) -> Iterator[Path]:
    """The lock of a worker that is alive."""
    with (settings.data_dir / "worker.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield Path(lock.name)


def state_of(found: monitor.Health, name: str) -> State:
    check = found.check(name)
    assert check is not None
    return check.state


def words(found: monitor.Health, name: str) -> str:
    check = found.check(name)
    assert check is not None
    return check.sentence


def names_in(folder: Path) -> list[tuple[str, int]]:
    return sorted((str(each.relative_to(folder)), each.stat().st_size) for each in folder.rglob("*"))


def run(settings: Settings, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if name.startswith(("PATH", "HOME", "COVERAGE"))}
    return subprocess.run(
        [sys.executable, str(ROOT / "monitor.py"), *arguments],
        cwd=settings.data_dir.parent,
        env=env | {"DATA_DIR": str(settings.data_dir)} | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


# ---- the whole


def test_where_nothing_exists_it_says_so_and_makes_nothing(settings: Settings, tmp_path: Path) -> None:
    found = monitor.health(settings, deep=True)
    assert found.exit_code == 2
    assert [check.name for check in found.checks if check.state is State.DOWN] == ["database", "storage", "worker"]
    assert found.as_dict()["queue"] == dict.fromkeys(("queued", "processing", "completed", "failed", "cancelled"), 0)
    assert list(tmp_path.iterdir()) == []


def test_looking_leaves_a_resting_data_folder_as_it_is(settings: Settings, db: Database) -> None:
    with db.reading() as connection:
        connection.exec_driver_sql("SELECT 1")
    db.close()
    before = names_in(settings.data_dir)
    assert state_of(monitor.health(settings, only=["database", "queue"], deep=True), "database") is State.OK
    assert names_in(settings.data_dir) == before


def test_what_a_killed_server_left_in_the_log_is_read_too(settings: Settings, db: Database) -> None:
    a_job(db, a_user(db))
    assert (settings.data_dir / "jobs.db-wal").stat().st_size > 0
    found = monitor.health(settings, only=["queue"])
    assert found.figures.by_status["queued"] == 1


def test_all_is_well(settings: Settings, working: Path, db: Database) -> None:
    found = monitor.health(settings, deep=True)
    assert (found.status, found.exit_code) == ("healthy", 0)


def test_the_command_line_prints_one_object_with_exactly_these_members(settings: Settings, working: Path) -> None:
    done = run(settings, "--json", REPLICATE_API_TOKEN="")
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout)
    assert list(told) == KEYS.split()
    assert (told["status"], told["stuck"], told["oldest_due_seconds"]) == ("healthy", 0, None)
    assert told["worker"]["alive"] is True
    assert told["environment"]["set"] == ["DATA_DIR"]
    assert "REPLICATE_API_TOKEN" in told["environment"]["missing"]
    assert done.stderr == ""


def test_the_tables_show_every_part_and_no_secret(settings: Settings, db: Database) -> None:
    user = a_user(db)
    a_job(db, user)
    a_job(db, user, status="completed", state="completed", due_at=None, finished_at=now(), started_at=now())
    canary = "r8_canary0123456789"
    done = run(settings, REPLICATE_API_TOKEN=canary, REPLICATE_BASE_URL="http://127.0.0.1:9", SECRET_KEY="canary-key")
    assert done.returncode == 2
    for part in ("down", "No worker runs", "wan2.2", "replicate", "deliveries", "REPLICATE_API_TOKEN", "SECRET_KEY"):
        assert part in done.stdout
    assert "canary" not in done.stdout + done.stderr


def test_it_can_be_asked_from_python(settings: Settings, working: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from monitor import print_queue_stats; print_queue_stats()"],
        cwd=ROOT,
        env=os.environ | {"DATA_DIR": str(settings.data_dir)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "stuck leases" in done.stdout


def test_watching_goes_on_until_it_is_interrupted(settings: Settings, db: Database) -> None:
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "monitor.py"), "--json", "--watch", "0.2"],
        cwd=settings.data_dir,
        env=os.environ | {"DATA_DIR": str(settings.data_dir)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process.stdout as out:
        seen = [json.loads(out.readline())["status"] for _ in range(2)]
        process.send_signal(signal.SIGINT)
        assert process.wait(30) in (2, -signal.SIGINT, 130)
    assert seen == ["down", "down"]


def test_settings_that_cannot_be_read_are_named_without_their_value(settings: Settings) -> None:
    done = run(settings, "--json", PORT="canary")
    assert done.returncode == 2
    told = json.loads(done.stdout)
    assert list(told) == KEYS.split()
    assert "PORT" in told["environment"]["message"]
    assert "canary" not in done.stdout


def test_a_check_that_hangs_is_down_and_holds_nobody_up(
    settings: Settings, working: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(monitor, "PATIENCE_SECONDS", 0.3)
    release = threading.Event()
    began = time.monotonic()
    slow = SimpleNamespace(check=lambda: release.wait(30))
    found = monitor.health(settings, storage=lambda: slow, only=["storage", "worker"])  # pyright: ignore[reportArgumentType]
    release.set()
    assert time.monotonic() - began < 5
    assert state_of(found, "storage") is State.DOWN
    assert state_of(found, "worker") is State.OK


# ---- database


def test_an_older_schema_is_down(settings: Settings, db: Database) -> None:
    with db.transaction() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
    found = monitor.health(settings, db=db, only=["database"])
    assert state_of(found, "database") is State.DOWN
    assert "db upgrade" in words(found, "database")


def test_a_damaged_file_is_down(settings: Settings, db: Database) -> None:
    user = a_user(db)
    for _ in range(40):
        a_job(db, user, prompt="x" * 3000)
    db.close()
    with (settings.data_dir / "jobs.db").open("r+b") as file:
        file.seek(100_000)
        file.write(os.urandom(60_000))
    assert state_of(monitor.health(settings, only=["database"], deep=True), "database") is State.DOWN


def test_what_is_no_database_is_down(settings: Settings) -> None:
    settings.data_dir.mkdir()
    (settings.data_dir / "jobs.db").write_text("not a database at all" * 100)
    found = monitor.health(settings)
    assert state_of(found, "database") is State.DOWN
    assert state_of(found, "queue") is State.DOWN


def test_a_log_that_only_grows_raises_an_alarm(
    settings: Settings, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_user(db)
    monkeypatch.setattr(database_health, "WAL_ALARM_BYTES", 1000)
    found = monitor.health(settings, only=["database"])
    assert state_of(found, "database") is State.DEGRADED
    assert "write-ahead log" in words(found, "database")


def test_an_sqlite_with_the_bug_and_a_network_folder_are_warned_of(
    settings: Settings, db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_health, "sqlite_version", lambda: ("3.40.1", False))
    monkeypatch.setattr(database_health, "file_system", lambda _: "nfs4")
    found = monitor.health(settings, only=["database"])
    assert state_of(found, "database") is State.DEGRADED
    assert "3.40.1" in words(found, "database")
    assert "network file system" in words(found, "database")


def test_a_server_that_cannot_be_reached_is_down_and_its_password_stays_unsaid(tmp_path: Path) -> None:
    settings = settings_in(tmp_path, database_url="postgresql://vivid:canary-pw@127.0.0.1:9/vivid")
    found = monitor.health(settings, only=["database", "queue", "worker"])
    assert {check.state for check in found.checks} == {State.DOWN}
    assert "canary-pw" not in json.dumps(found.as_dict())


def test_an_address_of_no_database_is_down_and_nothing_breaks(tmp_path: Path) -> None:
    found = monitor.health(settings_in(tmp_path, database_url="nonsense:canary"))
    assert state_of(found, "database") is State.DOWN
    assert "canary" not in words(found, "database")


# ---- queue


def test_jobs_are_counted_as_people_see_them_and_messages_apart(settings: Settings, db: Database) -> None:
    user = a_user(db)
    for status in ("queued", "queued", "processing", "completed", "failed", "cancelled"):
        a_job(db, user, status=status, due_at=None)
    a_job(db, user, status="completed", due_at=None, deleted_at=now())
    a_job(db, user, kind="delivery", status="queued", due_at=None)
    a_job(db, user, kind="late", status="processing", due_at=None)
    figures = monitor.health(settings, db=db, only=["queue"]).figures
    assert figures.by_status == {"queued": 2, "processing": 1, "completed": 1, "failed": 1, "cancelled": 1}
    assert figures.deliveries["queued"] == 1
    assert sum(figures.deliveries.values()) == 1


def test_leases_past_their_end_are_stuck_but_not_at_once(settings: Settings, db: Database) -> None:
    user = a_user(db)
    held: dict[str, Any] = {"status": "processing", "state": "generating", "lane": "calls", "lease_owner": 7}
    a_job(db, user, **held, lease_until=now() - 1, due_at=now() - 1)
    a_job(db, user, **held, lease_until=now() + 60, due_at=now() + 60)
    assert monitor.health(settings, db=db, only=["queue"]).figures.stuck == 0
    a_job(db, user, **held, lease_until=now() - 60, due_at=now() - 60)
    found = monitor.health(settings, db=db, only=["queue"])
    assert (found.figures.stuck, found.exit_code) == (1, 1)


def test_work_that_nobody_begins_is_told_by_its_age(settings: Settings, db: Database) -> None:
    user = a_user(db)
    a_job(db, user, due_at=now() + 600)
    found = monitor.health(settings, db=db, only=["queue"])
    assert (found.figures.oldest_due_seconds, found.exit_code) == (None, 0)
    a_job(db, user, due_at=now() - 30)
    found = monitor.health(settings, db=db, only=["queue"])
    assert found.figures.oldest_due_seconds == pytest.approx(30, abs=5)
    assert found.exit_code == 0
    a_job(db, user, due_at=now() - 600)
    found = monitor.health(settings, db=db, only=["queue"])
    assert found.exit_code == 1
    assert "10 min" in words(found, "queue")


def test_a_long_queue_is_degraded(settings: Settings, db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_health, "LONG_QUEUE_JOBS", 3)
    user = a_user(db)
    for expected in (0, 0, 1):
        a_job(db, user)
        assert monitor.health(settings, db=db, only=["queue"]).exit_code == expected


def test_models_are_told_by_success_and_time_for_an_hour_and_a_day(settings: Settings, db: Database) -> None:
    user, moment = a_user(db), now()

    def ended(ago: float, status: str = "completed", **more: Any) -> None:
        end = moment - ago
        times = {
            "created_at": end - 100,
            "started_at": end - 90,
            "generating_at": end - 80,
            "provider_done_at": end - 20,
            "finished_at": end,
        }
        a_job(db, user, **({"status": status, "due_at": None} | times | more))

    ended(60)
    ended(60, "failed")
    ended(60, "cancelled")
    ended(7200, created_at=moment - 7200 - 300)
    ended(7200, model="local")
    ended(90_000, model="kling3")
    ended(60, kind="late")
    models = monitor.health(settings, db=db, only=["queue"]).models
    assert set(models) == {"wan2.2", "local"}
    hour, day = models["wan2.2"]["1h"], models["wan2.2"]["24h"]
    assert (hour.completed, hour.failed, hour.cancelled, hour.success_rate) == (1, 1, 1, 0.5)
    times = (hour.queue_seconds, hour.generation_seconds, hour.processing_seconds, hour.total_seconds)
    assert times == pytest.approx((10, 60, 20, 100), abs=0.1)
    assert (day.completed, day.success_rate) == (2, pytest.approx(2 / 3, abs=0.001))
    assert day.total_seconds == pytest.approx(200, abs=0.1)
    assert set(models["local"]) == {"24h"}


# ---- worker


def test_without_a_worker_it_is_down(settings: Settings, db: Database) -> None:
    (settings.data_dir / "worker.lock").touch()
    found = monitor.health(settings, only=["worker"])
    assert state_of(found, "worker") is State.DOWN
    assert "No worker runs" in words(found, "worker")


@pytest.mark.parametrize("touched", [-45.0, 45.0])
def test_a_worker_that_does_not_move_is_stuck_whatever_the_clock_did(
    settings: Settings, working: Path, touched: float
) -> None:
    os.utime(working, (now() + touched, now() + touched))
    found = monitor.health(settings, only=["worker"])
    assert state_of(found, "worker") is State.DOWN
    assert "stuck" in words(found, "worker")


def test_asking_for_the_lock_does_not_keep_it(tmp_path: Path) -> None:
    lock = tmp_path / "worker.lock"
    assert not is_held(lock)
    assert not lock.exists()
    lock.touch()
    assert not is_held(lock)
    with lock.open("a") as mine:
        fcntl.flock(mine, fcntl.LOCK_EX | fcntl.LOCK_NB)
        assert is_held(lock)
    assert not is_held(lock)


# ---- storage


def test_a_storage_folder_that_went_away_is_down_and_is_not_made_again(
    settings: Settings, working: Path, db: Database
) -> None:
    shutil.rmtree(settings.data_dir / "media")
    assert "first file" in words(monitor.health(settings), "storage")
    an_asset(db, a_user(db))
    found = monitor.health(settings)
    assert (found.exit_code, state_of(found, "storage")) == (2, State.DOWN)
    assert not (settings.data_dir / "media").exists()


def test_a_storage_that_was_emptied_is_noticed(settings: Settings, working: Path, db: Database) -> None:
    asset = an_asset(db, a_user(db))
    assert state_of(monitor.health(settings, deep=True), "storage") is State.DEGRADED
    file = settings.data_dir / "media" / asset.storage_key
    file.parent.mkdir(parents=True)
    file.write_bytes(b"x")
    assert state_of(monitor.health(settings, deep=True), "storage") is State.OK


@pytest.mark.parametrize("trouble", [StorageGone("it refuses vf_aaa_bbb"), StorageFull("no room")])
def test_a_storage_that_does_not_work_is_down_with_the_reason(
    settings: Settings, db: Database, trouble: Exception
) -> None:
    def check() -> None:
        raise trouble

    broken: Any = SimpleNamespace(check=check)
    found = monitor.health(settings, storage=lambda: broken, only=["storage"])
    assert state_of(found, "storage") is State.DOWN
    assert "vf_aaa" not in words(found, "storage")


def test_before_the_first_start_a_folder_that_is_there_gets_no_probe(tmp_path: Path) -> None:
    folder = tmp_path / "videos"
    folder.mkdir()
    settings = settings_in(tmp_path, video_storage_path=str(folder))
    assert state_of(monitor.health(settings, only=["storage"]), "storage") is State.OK
    assert list(folder.iterdir()) == []


# ---- providers


def test_a_provider_is_reached_or_not(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        settings = settings_in(tmp_path, replicate_api_token="r8_x", replicate_base_url=address)
        found = monitor.health(settings, only=["providers"])
        assert found.exit_code == 0
    found = monitor.health(settings, only=["providers"])
    assert found.exit_code == 1
    told = found.as_dict()["providers"]
    assert told["replicate"]["state"] == "degraded"
    assert told["local"] == {"state": "ok", "message": "Ready.", "configured": True}


def test_a_provider_without_a_key_is_no_fault_and_names_the_variable(settings: Settings) -> None:
    found = monitor.health(settings, only=["providers"])
    assert found.exit_code == 0
    told = found.as_dict()["providers"]["replicate"]
    assert told["configured"] is False
    assert "REPLICATE_API_TOKEN" in told["message"]


def test_a_pause_is_told_with_its_reason(settings: Settings, db: Database) -> None:
    with db.transaction() as connection:
        pauses.pause(
            connection,
            pauses.Pause(provider="local", reason="The key was refused.", since=now(), until=now() + 60),
        )
    found = monitor.health(settings, db=db, only=["providers"])
    assert found.exit_code == 1
    assert "The key was refused." in found.as_dict()["providers"]["local"]["message"]


def test_a_model_that_is_no_longer_offered_is_told_and_makes_nothing_worse(settings: Settings, db: Database) -> None:
    dead = dead_routes.DeadRoute(account="local#1", provider_model="old-paint", reason="Gone.", since=now())
    with db.transaction() as connection:
        dead_routes.bury(connection, dead)
    found = monitor.health(settings, db=db, only=["providers"])
    assert found.exit_code == 0
    assert found.as_dict()["providers"]["local"]["message"] == "Ready. No longer offered: old-paint."


def test_a_pause_without_an_end_says_that_somebody_has_to_act(settings: Settings, db: Database) -> None:
    with db.transaction() as connection:
        pauses.pause(connection, pauses.Pause(provider="local", reason="Resting.", since=now()))
    told = monitor.health(settings, db=db, only=["providers"]).as_dict()["providers"]["local"]
    assert told["message"] == "Paused until somebody resumes it: Resting."


# ---- machine


@pytest.mark.parametrize(
    ("free", "total", "state"),
    [
        (400e6, 250e9, State.DOWN),
        (4e9, 20e9, State.DEGRADED),
        (20e9, 250e9, State.DEGRADED),
        (60e9, 2e12, State.OK),
        (40e9, 250e9, State.OK),
    ],
)
def test_room_on_the_disk(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, free: float, total: float, state: State
) -> None:
    usage = SimpleNamespace(free=int(free), total=int(total))
    monkeypatch.setattr(machine, "shutil", SimpleNamespace(disk_usage=lambda _: usage))
    assert state_of(monitor.health(settings, only=["disk"]), "disk") is state


@pytest.mark.parametrize(
    ("public", "state", "callbacks"),
    [
        ("", State.OK, False),
        ("http://localhost:8000", State.OK, False),
        ("http://[::1]:8000", State.OK, False),
        ("https://studio.example.com", State.OK, True),
        ("http://studio.example.com", State.DEGRADED, False),
        ("http://192.168.1.5:8000", State.DEGRADED, False),
    ],
)
def test_plain_http_beyond_this_machine_is_warned_of_and_polling_is_said(
    tmp_path: Path, public: str, state: State, callbacks: bool
) -> None:
    found = monitor.health(settings_in(tmp_path, public_url=public), only=["environment"])
    check = found.check("environment")
    assert check is not None
    assert (check.state, check.facts["callbacks"]) == (state, callbacks)
    assert ("polled" in check.sentence) == (state is State.OK and not callbacks)


def test_hidden_kinds_have_no_models(settings: Settings, db: Database) -> None:
    assert "delivery" in jobs.HIDDEN_KINDS
    a_job(db, a_user(db), kind="delivery", status="completed", finished_at=now(), due_at=None)
    assert monitor.health(settings, db=db, only=["queue"]).models == {}


def test_a_model_about_to_be_shut_down_is_a_finding_where_it_can_be_used(tmp_path: Path) -> None:
    day = (datetime.now(UTC) + timedelta(days=10)).date()
    own = tmp_path / "own.toml"
    own.write_text(f'[[models]]\nid = "wan2.1"\nshutdown_date = {day}\nsuccessors = ["wan2.2"]\n')
    for key, state in ((None, State.OK), ("r8_x", State.DEGRADED)):
        settings = settings_in(tmp_path, models_file=own, replicate_api_token=key)
        check = monitor.health(settings, only=["registry"]).check("registry")
        assert check is not None
        assert check.state is state
    assert f"Wan 2.1 is shut down on {day}. Use wan2.2" in check.sentence
    assert monitor.health(settings, only=["registry"]).as_dict()["registry"]["ending"].keys() == {"wan2.1"}


def test_a_registry_file_with_mistakes_is_a_finding(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text("surprise = 1\n")
    check = monitor.health(settings_in(tmp_path, models_file=own), only=["registry"]).check("registry")
    assert check is not None
    assert (check.state, "unknown key 'surprise'" in check.sentence) == (State.DEGRADED, True)
