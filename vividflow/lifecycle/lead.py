"""Who may work: on SQLite one process on a data folder, on PostgreSQL every process with a liveness lock of its own."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from vividflow.lifecycle.tools import Tools
from vividflow.records import due
from vividflow.timing import now

log = logging.getLogger(__name__)


class Lead:
    """The right to work, held as long as the process lives: a lock that the operating system or the server lets go of."""

    def __init__(self, tools: Tools, owner: int) -> None:
        self._tools = tools
        self._owner = owner
        self._file: Any = None
        self._liveness: Connection | None = None

    def take(self) -> bool:
        """Take it if it is free; a fresh leader on SQLite also frees what a dead one held."""
        if not self._tools.db.on_sqlite:
            self._liveness = self._locked()
            return self._liveness is not None
        folder = self._tools.settings.data_dir
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / "worker.lock").open("a")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        self._file = file
        self.touch()
        with self._tools.db.transaction() as connection:
            freed = due.set_free(connection, now())
        log.info("worker leads; %d jobs of a dead worker freed", freed)
        return True

    def touch(self) -> None:
        """Leave a sign of life: the lock file's mtime; on PostgreSQL the lock again, should its connection have broken."""
        if self._file is not None:
            os.utime(self._file.name)
        if self._liveness is None:
            return
        try:
            self._liveness.exec_driver_sql("SELECT 1")
        except DBAPIError as broken:
            log.warning("this worker shows on another connection that it lives: %s", broken.orig)
            if (fresh := self._locked()) is not None:
                self._liveness.close()
                self._liveness = fresh

    def free_the_dead(self) -> int:
        """Free what workers held that live no more, and every lease that has run out; how many jobs that were."""
        moment = now()
        with self._tools.db.reading() as connection:
            expired = due.any_expired(connection, moment)
            others = [] if self._tools.db.on_sqlite else [n for n in due.owners(connection) if n != self._owner]
        freed = 0
        if expired:
            with self._tools.db.transaction() as connection:
                freed += due.set_free(connection, moment, expired=True)
        for owner in others:
            freed += self._free_if_dead(owner)
        return freed

    def give_up(self) -> None:
        """Let another process lead."""
        if self._liveness is not None:
            with contextlib.suppress(DBAPIError):  # a broken connection holds nothing any more
                due.give_liveness(self._liveness, self._owner)
            self._liveness.close()
            self._liveness = None
        if self._file is not None:
            self._file.close()
            self._file = None

    def _locked(self) -> Connection | None:
        # Outside the pool: a pooled connection that is closed lives on, and the lock with it.
        connection = self._tools.db.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        connection.detach()
        if due.claim_liveness(connection, self._owner):
            return connection
        connection.close()
        return None

    def _free_if_dead(self, owner: int) -> int:
        with self._tools.db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if not due.claim_liveness(connection, owner):
                return 0
            try:
                freed = due.set_free(connection, now(), owner=owner)
                log.warning("worker %d is gone; %d jobs freed", owner, freed)
                return freed
            finally:
                due.give_liveness(connection, owner)
