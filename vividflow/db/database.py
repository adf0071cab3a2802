"""`Database`: short reads and writing transactions, the same words for SQLite and PostgreSQL."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from sqlalchemy import Connection

from vividflow.db.engine import make_engine, sqlite_file
from vividflow.db.group import GroupCommit

log = logging.getLogger(__name__)


class Database:
    """One installation's database. Opening it makes no file before the first use."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.engine = make_engine(address)
        self.on_sqlite = self.engine.dialect.name == "sqlite"
        self._group = GroupCommit(self.engine) if self.on_sqlite else None
        self._commits = 0
        self._local = threading.local()

    def transaction(self, patience: float = 0.0) -> AbstractContextManager[Connection]:
        """A writing transaction: durable once the block is left, undone when the block raises.

        Never call the outside world inside. `patience` (seconds) lets the commit wait for others to share it with.
        """
        return self._group.transaction(patience) if self._group else self._plain()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection for a few short reads, of which each sees the newest commit."""
        with self.engine.connect() as connection:
            yield connection

    @property
    def commits(self) -> int:
        """How many commits this process has made."""
        return self._group.commits if self._group else self._commits

    def close(self) -> None:
        """Commit what is open and close every connection."""
        if self._group:
            self._group.close()
        self.engine.dispose()

    def version(self) -> str:
        """The database's own name and version, for people."""
        with self.reading() as connection:
            if self.on_sqlite:
                return "SQLite " + str(connection.exec_driver_sql("SELECT sqlite_version()").scalar_one())
            return "PostgreSQL " + str(connection.exec_driver_sql("SHOW server_version").scalar_one())

    def make_folder(self) -> None:
        """Make the folder of a SQLite file."""
        file = sqlite_file(self.address)
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)

    @contextmanager
    def _plain(self) -> Iterator[Connection]:
        with self.engine.begin() as connection:
            yield connection
        self._commits += 1


class Watch:
    """Notices that rows changed, in this process or another: waits for a nudge without polling the tables.

    SQLite: `PRAGMA data_version` on a connection of its own. PostgreSQL: LISTEN on the channel `jobs`.
    """

    def __init__(self, database: Database, every: float = 0.025) -> None:
        self._database = database
        self._every = every
        self._here = threading.Event()
        self._connection: Any = None
        self._seen: int | None = None

    def nudge(self) -> None:
        """Something changed in this process."""
        self._here.set()

    def wait(self, seconds: float, stop: threading.Event | None = None) -> bool:
        """Wait at most `seconds` for a change; True when there was one (or `stop` was set)."""
        end = time.monotonic() + seconds
        while True:
            if self._here.is_set() or (stop is not None and stop.is_set()):
                self._here.clear()
                self._elsewhere(0)
                return True
            left = end - time.monotonic()
            if left <= 0:
                return False
            if self._elsewhere(min(self._every, left)):
                return True

    def close(self) -> None:
        """Give the connection back."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _elsewhere(self, seconds: float) -> bool:
        try:
            return self._data_version(seconds) if self._database.on_sqlite else self._notified(seconds)
        except Exception:  # a lost connection is only a lost hint: say so, and connect anew next time
            log.warning("watching the database failed", exc_info=True)
            self.close()
            self._here.wait(seconds)
            return False

    def _data_version(self, seconds: float) -> bool:
        if seconds:
            self._here.wait(seconds)
        if self._connection is None:
            self._connection = self._database.engine.connect()
        raw = self._connection.connection.driver_connection
        version = raw.execute("PRAGMA data_version").fetchone()[0]
        changed = self._seen is not None and version != self._seen
        self._seen = version
        return changed or self._here.is_set()

    def _notified(self, seconds: float) -> bool:
        if self._connection is None:
            self._connection = self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            self._connection.exec_driver_sql("LISTEN jobs")
        raw = self._connection.connection.driver_connection
        for _ in raw.notifies(timeout=seconds, stop_after=1):
            return True
        return False
