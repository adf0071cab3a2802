"""Engines for the two databases, with the manners of docs/architecture.md section 7."""

from __future__ import annotations

import importlib
import sqlite3
from pathlib import Path
from types import ModuleType
from typing import Any

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.pool import QueuePool

# The first SQLite that carries the fix of the WAL-reset bug (sqlite.org/wal.html#walresetbug).
WAL_FIXED = (3, 51, 3)
BUSY_SECONDS = 5.0
READERS = 96


def sqlite_driver() -> ModuleType:
    """The DB-API module for SQLite: the wheel that links a newer SQLite where there is one, else the standard library."""
    try:
        return importlib.import_module("pysqlite3")
    except ImportError:
        return sqlite3


def sqlite_version() -> tuple[str, bool]:
    """The version of SQLite in use, and whether it carries the WAL-reset fix."""
    driver: Any = sqlite_driver()
    return driver.sqlite_version, tuple(driver.sqlite_version_info) >= WAL_FIXED


def make_engine(address: str) -> Engine:
    """An engine for `address` (`sqlite:///…` or `postgresql://…`); opens nothing yet."""
    url = make_url(address)
    if url.get_backend_name() == "sqlite":
        engine = create_engine(
            url,
            module=sqlite_driver(),
            isolation_level="AUTOCOMMIT",
            poolclass=QueuePool,
            pool_size=16,
            max_overflow=READERS,
            connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False, "cached_statements": 256},
        )
        event.listen(engine, "connect", _sqlite_manners)
        return engine
    url = url.set(drivername="postgresql+psycopg")
    options = "-c statement_timeout=15000 -c lock_timeout=5000 -c idle_in_transaction_session_timeout=15000"
    return create_engine(
        url,
        pool_size=16,
        max_overflow=READERS,
        pool_pre_ping=True,
        connect_args={"options": options, "connect_timeout": 5},
    )


def sqlite_file(address: str) -> Path | None:
    """The file behind a SQLite address, or None for another database."""
    url = make_url(address)
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        return None
    return Path(url.database)


def _sqlite_manners(connection: Any, _record: object) -> None:
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "mmap_size=0",
        "temp_store=MEMORY",
        "cache_size=-8000",
        "journal_size_limit=67108864",
    ):
        connection.execute(f"PRAGMA {pragma}").fetchall()
