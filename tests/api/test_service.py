"""The service addresses: up, ready, how things are, and figures for those who may see them."""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families

import monitor
from tests.installation import a_job, a_user, an_asset, migrated, settings_in
from vividflow.api import service
from vividflow.config import Settings
from vividflow.db.database import Database
from vividflow.records import api_keys
from vividflow.records.users import User
from vividflow.timing import now
from web_app import create_app

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path, replicate_api_token="r8_canary0123456789", replicate_base_url="http://127.0.0.1:9")


@pytest.fixture
def db(settings: Settings) -> Iterator[Database]:
    opened = migrated(settings)
    (settings.data_dir / "media").mkdir()
    yield opened
    opened.close()


@pytest.fixture
def client(settings: Settings, db: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[FlaskClient]:
    """A client of an app that nobody started; every look is a fresh one."""
    monkeypatch.setattr(service, "READY_KEPT_SECONDS", 0.0)
    monkeypatch.setattr(service, "SERVICES_KEPT_SECONDS", 0.0)
    monkeypatch.setattr(service, "FIGURES_KEPT_SECONDS", 0.0)
    app = create_app(settings)
    yield app.test_client()
    house = app.extensions["vividflow"]
    house.tools.provider("replicate").close()
    house.close()


@pytest.fixture
def working(settings: Settings, db: Database) -> Iterator[None]:
    with (settings.data_dir / "worker.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def key_of(db: Database, user: User) -> dict[str, str]:
    key, bare = api_keys.mint(user.id, "test", now())
    with db.transaction() as connection:
        api_keys.insert(connection, key)
    return {"X-API-Key": bare}


def test_the_process_is_up_whatever_else_is_not(client: FlaskClient, settings: Settings) -> None:
    shutil.rmtree(settings.data_dir)
    answer = client.get("/healthz")
    assert (answer.status_code, answer.get_json()["status"]) == (200, "ok")


def test_it_is_ready_when_database_storage_and_worker_answer(client: FlaskClient, working: None) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 200, answer.text
    assert answer.get_json()["checks"] == {"database": "ok", "storage": "ok", "worker": "ok"}


def test_without_a_worker_it_is_not_ready_and_says_why(client: FlaskClient) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.mimetype == "application/problem+json"
    told = answer.get_json()
    assert (told["code"], told["checks"]["worker"]) == ("not_ready", "down")
    assert "No worker runs" in told["detail"]
    assert int(answer.headers["Retry-After"]) > 0


def test_without_its_storage_it_is_not_ready(
    client: FlaskClient, working: None, settings: Settings, db: Database
) -> None:
    an_asset(db, a_user(db))
    shutil.rmtree(settings.data_dir / "media")
    answer = client.get("/readyz")
    assert (answer.status_code, answer.get_json()["checks"]["storage"]) == (503, "down")
    assert str(settings.data_dir) not in answer.text


def test_each_dependency_is_told_to_anybody_without_paths_or_secrets(client: FlaskClient, settings: Settings) -> None:
    answer = client.get("/health/services")
    assert answer.status_code == 200
    told = answer.get_json()
    assert told["status"] == "down"
    assert set(told["services"]) == set(monitor.CHECKS)
    assert told["services"]["providers"]["providers"]["replicate"]["state"] == "degraded"
    assert str(settings.data_dir) not in answer.text
    assert "canary" not in answer.text


def test_looking_is_shared_by_all_who_ask_soon_after(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[object] = []
    look = monitor.health
    monkeypatch.setattr(monitor, "health", lambda *a, **k: (looks.append(1), look(*a, **k))[1])
    monkeypatch.setattr(service, "READY_KEPT_SECONDS", 60.0)
    assert {client.get("/readyz").status_code for _ in range(5)} == {503}
    assert len(looks) == 1


def test_figures_are_for_this_machine_in_prometheus_own_format(client: FlaskClient, db: Database) -> None:
    user = a_user(db)
    a_job(db, user, due_at=now() - 10)
    times = {"started_at": now(), "generating_at": now(), "provider_done_at": now(), "finished_at": now()}
    a_job(db, user, status="completed", due_at=None, model='odd"name', **times)
    answer = client.get("/metrics")
    assert (answer.status_code, answer.mimetype) == (200, "text/plain")
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    jobs = {sample.labels["status"]: sample.value for sample in families["vividflow_jobs"].samples}
    assert jobs == {"queued": 1, "processing": 0, "completed": 1, "failed": 0, "cancelled": 0}
    assert families["vividflow_oldest_due_seconds"].samples[0].value == pytest.approx(10, abs=5)
    states = {sample.labels["check"]: sample.value for sample in families["vividflow_check_state"].samples}
    assert (states["database"], states["worker"]) == (0, 2)
    ended = families["vividflow_jobs_ended"].samples
    assert [s.value for s in ended if s.labels == {"model": 'odd"name', "status": "completed", "window": "1h"}] == [1]
    assert families["vividflow_database_commits"].type == "counter"
    assert "process_resident_memory_bytes" in families
    assert "canary" not in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"Forwarded": "for=127.0.0.1"},
        {"X-Forwarded-For": "127.0.0.1"},
        {"X-Forwarded-Proto": "https"},
        {"X-Forwarded-Host": "localhost"},
    ],
)
def test_a_forwarded_request_gets_no_figures(client: FlaskClient, headers: dict[str, str]) -> None:
    assert client.get("/metrics", headers=headers).status_code == 404


@pytest.mark.parametrize(
    ("peer", "status"), [("127.0.0.9", 200), ("::1", 200), ("10.0.0.7", 404), ("::ffff:10.0.0.7", 404)]
)
def test_figures_are_only_for_peers_on_this_machine(client: FlaskClient, peer: str, status: int) -> None:
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": peer}).status_code == status


def test_a_key_decides_before_the_place_does(client: FlaskClient, db: Database) -> None:
    admin, other = a_user(db, "admin@example.com", role="admin"), a_user(db)
    far = {"REMOTE_ADDR": "10.0.0.7"}
    assert client.get("/metrics", headers=key_of(db, admin), environ_base=far).status_code == 200
    assert client.get("/metrics", headers=key_of(db, other), environ_base=far).status_code == 403
    assert client.get("/metrics", headers=key_of(db, other)).status_code == 403
    assert client.get("/metrics", headers={"X-API-Key": "vf_wrong"}, environ_base=far).status_code == 401


def test_the_server_carries_nothing_of_it_until_it_is_asked_for() -> None:
    code = (
        "import sys, web_app; print(sorted({'prometheus_client', 'rich', 'alembic', 'av', 'PIL'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.stdout == "[]\n", done.stderr
