"""Bringing a database up to date. Alembic runs in a process of its own, and only when there is something to do."""

from __future__ import annotations

import fcntl
import logging
import os
import re
import subprocess
import sys
from pathlib import Path

from sqlalchemy import inspect

from vividflow.db.database import Database

log = logging.getLogger(__name__)
ROOT = Path(__file__).resolve().parents[2]
MIGRATIONS = ROOT / "migrations"


class SchemaOutOfDate(Exception):
    """The database's schema is older or newer than this code, and nobody asked for it to be changed."""


def newest_revision() -> str:
    """The revision that this code wants: the one no other revision file follows."""
    revisions: dict[str, str | None] = {}
    for file in (MIGRATIONS / "versions").glob("*.py"):
        text = file.read_text(encoding="utf-8")
        own = re.search(r'^revision(?:: str)? = "(\w+)"', text, re.MULTILINE)
        down = re.search(r'^down_revision(?:: [^=]+)? = (?:"(\w+)"|None)', text, re.MULTILINE)
        if own and down:
            revisions[own.group(1)] = down.group(1)
    (newest,) = set(revisions) - set(revisions.values())
    return newest


def current_revision(database: Database) -> str | None:
    """The revision the database is at, or None when it is empty."""
    with database.reading() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()


def ensure_schema(database: Database, data_dir: Path) -> None:
    """Bring a SQLite database up to date (under `migrate.lock`); only check a PostgreSQL one.

    Raises `SchemaOutOfDate` when a PostgreSQL schema is not this code's, or when any schema is newer than this code.
    """
    if not database.on_sqlite:
        if current_revision(database) != newest_revision():
            raise SchemaOutOfDate("The database needs `flask --app web_app db upgrade`.")
        return
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    database.make_folder()
    if _at_newest(database):
        return
    with (data_dir / "migrate.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _at_newest(database):
            upgrade(database.address)


def upgrade(address: str) -> None:
    """Run all outstanding migrations against `address`, in a process of its own. Raises `RuntimeError` with its last words."""
    done = subprocess.run(
        [sys.executable, "-m", "alembic", "-c", str(ROOT / "migrations" / "alembic.ini"), "upgrade", "head"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": address},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"The migration failed: {done.stderr.strip().splitlines()[-1] if done.stderr else '?'}")
    log.info("database brought up to date")


def _at_newest(database: Database) -> bool:
    revision = current_revision(database)
    newest = newest_revision()
    if revision is not None and revision != newest and not any((MIGRATIONS / "versions").glob(f"{revision}*.py")):
        raise SchemaOutOfDate("The database was made by a newer Vivid Flow.")
    return revision == newest
