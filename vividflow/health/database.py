"""The database and the queue in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from vividflow import timing
from vividflow.config import Settings
from vividflow.db.database import Database
from vividflow.db.engine import sqlite_file, sqlite_version
from vividflow.db.migrate import current_revision, newest_revision
from vividflow.health.findings import Finding, Site, State, span
from vividflow.health.machine import file_system
from vividflow.records.queue_figures import model_figures, queue_figures

WAL_ALARM_BYTES = 64 * 2**20
QUICK_CHECK_BYTES = 64 * 2**20
LONG_WAIT_SECONDS = 120.0
LONG_QUEUE_JOBS = 1000
NETWORK_FILE_SYSTEMS = ("nfs", "cifs", "smb", "fuse.sshfs", "9p", "ceph", "glusterfs")


def open_for_reading(settings: Settings) -> Database | None:
    """The database as a mere reader who makes no file; None when SQLite's file is not there yet."""
    file = sqlite_file(settings.database)
    if file is None:
        return Database(settings.database)
    if not file.exists():
        return None
    # A reader of a database that nobody has open would leave -wal and -shm behind, unless it takes the file as unchanging.
    how = "mode=ro" if _wal(file).exists() else "immutable=1"
    return Database(f"sqlite:///file:{quote(str(file.absolute()))}?{how}&uri=true")


def check_database(site: Site) -> Finding:
    """Does it answer, is it whole, is it up to date, is the library a good one."""
    if site.db is None:
        facts: dict[str, Any] = {"file": str(sqlite_file(site.settings.database))}
        return State.DOWN, "There is no database yet; the server makes it when it starts.", facts
    facts = {"version": site.db.version(), "revision": current_revision(site.db)}
    worries = list(_worries(site, site.db, facts)) if site.db.on_sqlite else []
    if facts.get("quick_check", "ok") != "ok":
        return State.DOWN, "The database file is damaged: stop the server and restore a backup.", facts
    if facts["revision"] != newest_revision():
        return State.DOWN, "The database is not at this version: run `flask --app web_app db upgrade`.", facts
    return State.DEGRADED if worries else State.OK, " ".join(worries) or f"{facts['version']} answers.", facts


def check_queue(site: Site) -> Finding:
    """Counts, waiting, stuck leases, and how the models did."""
    if site.db is None:
        return State.OK, "Nothing was ever queued.", {}
    now = timing.now()
    with site.db.reading() as connection:
        figures = queue_figures(connection, now)
        spans = {"1h": model_figures(connection, now - 3600), "24h": model_figures(connection, now - 86400)}
    models = {name: {each: rows[name] for each, rows in spans.items() if name in rows} for name in spans["24h"]}
    facts = {"figures": figures, "models": models}
    waiting, running = figures.by_status["queued"], figures.by_status["processing"]
    if figures.stuck:
        return State.DEGRADED, f"{figures.stuck} leases are past their end and nobody freed them.", facts
    if (figures.oldest_due_seconds or 0) > LONG_WAIT_SECONDS:
        return (
            State.DEGRADED,
            f"Work has been due for {span(figures.oldest_due_seconds)}: it waits for a free hand.",
            facts,
        )
    if waiting >= LONG_QUEUE_JOBS:
        return State.DEGRADED, f"The queue is long: {waiting} jobs wait.", facts
    return State.OK, f"{waiting} waiting, {running} under way.", facts


def _worries(site: Site, db: Database, facts: dict[str, Any]) -> Iterator[str]:
    version, fixed = sqlite_version()
    facts["wal_fix"] = fixed
    if not fixed:
        yield f"SQLite {version} has a bug that can damage a busy database: use 3.51.3 or newer (pysqlite3)."
    file = sqlite_file(site.settings.database)
    if file is None:
        return
    wal = _wal(file)
    facts["bytes"] = file.stat().st_size
    facts["wal_bytes"] = wal.stat().st_size if wal.exists() else 0
    if facts["wal_bytes"] > WAL_ALARM_BYTES:
        yield "The write-ahead log is over 64 MB: somebody has been reading for very long."
    facts["file_system"] = file_system(file)
    if facts["file_system"].startswith(NETWORK_FILE_SYSTEMS):
        yield "The database lies on a network file system, where SQLite is not safe."
    if site.deep and facts["bytes"] <= QUICK_CHECK_BYTES:
        with db.reading() as connection:
            facts["quick_check"] = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()


def _wal(file: Path) -> Path:
    return file.with_name(file.name + "-wal")
