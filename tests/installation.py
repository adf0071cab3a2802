"""An installation on disk for a test: settings of its own, and a database that was brought up to date once and then copied."""

from __future__ import annotations

import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from vividflow.config import Settings
from vividflow.db.database import Database
from vividflow.db.migrate import ensure_schema
from vividflow.records import assets, jobs, ledger, users
from vividflow.records.assets import Asset
from vividflow.records.jobs import Job
from vividflow.records.users import User
from vividflow.timing import new_id, now


def settings_in(folder: Path, **more: Any) -> Settings:
    """Settings that look at nothing but their arguments; cheap passwords."""
    values: dict[str, Any] = {"data_dir": folder / "data", "password_memory_kib": 64, "log_format": "json"}
    return Settings(_env_file=None, **(values | more))  # pyright: ignore[reportCallIssue]


def migrated(settings: Settings) -> Database:
    """The database of `settings`, up to date, open; its folder is made."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(_template(), settings.data_dir / "jobs.db")
    return Database(settings.database)


def a_user(db: Database, email: str = "ada@example.com", **more: Any) -> User:
    """An account that is kept, with a balance of nothing."""
    values: dict[str, Any] = {
        "id": new_id(),
        "email": email,
        "name": "Ada",
        "password_hash": None,
        "role": "user",
        "time_zone": "UTC",
        "theme": "system",
        "webhook_secret": "whsec_dGVzdA==",
        "created_at": now(),
    }
    user = User(**(values | more))
    with db.transaction() as connection:
        users.insert(connection, user)
        ledger.open_account(connection, user.id)
    return user


def a_job(db: Database, user: User, **more: Any) -> Job:
    """A row of work as the test wants it; queued and due unless told otherwise."""
    moment = now()
    values: dict[str, Any] = {
        "id": new_id(),
        "user_id": user.id,
        "kind": "video",
        "state": "queued",
        "status": "queued",
        "stage": "queued",
        "lane": "loop",
        "created_at": moment,
        "updated_at": moment,
        "model": "wan2.2",
        "provider": "replicate",
        "due_at": moment,
    }
    job = Job(**(values | more))
    with db.transaction() as connection:
        jobs.insert(connection, job)
    return job


def an_asset(db: Database, user: User, **more: Any) -> Asset:
    """A row that says a file was stored; there is no file."""
    values: dict[str, Any] = {
        "id": new_id(),
        "user_id": user.id,
        "kind": "video",
        "storage_key": f"users/{user.id}/{new_id()}/original.mp4",
        "mime": "video/mp4",
        "size": 1,
        "sha256": "00",
        "created_at": now(),
    }
    asset = Asset(**(values | more))
    with db.transaction() as connection:
        assets.insert(connection, asset)
    return asset


@cache
def _template() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="vividflow-template-"))
    db = Database(f"sqlite:///{folder / 'jobs.db'}")
    ensure_schema(db, folder)
    db.close()
    return folder / "jobs.db"
