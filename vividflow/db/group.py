"""Group commit for SQLite: one connection, one writing transaction at a time, one fsync for all who were waiting.

Writers take turns on one connection inside one open transaction, each in a savepoint of its own. Whoever leaves and finds
nobody waiting commits for everybody; the others wait for that commit. Alone, a writer pays no hand-over; in a crowd the
fsync is shared (docs/adr/0003). `patience` lets a writer who is in no hurry wait for company.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine

MOST_MEMBERS = 512
UNDONE_SECONDS = 1.0


class _Group:
    """Those who share one commit."""

    def __init__(self) -> None:
        self.members = 0
        self.changes_before = 0
        self.over = threading.Event()
        self.failure: BaseException | None = None


class GroupCommit:
    """The one writer of a SQLite database within this process. `commits` counts what reached the disk."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._turn = threading.Lock()
        self._waiting = 0
        self._count = threading.Lock()
        self._connection: Connection | None = None
        self._raw: Any = None
        self._group: _Group | None = None
        self.commits = 0

    @contextmanager
    def transaction(self, patience: float = 0.0) -> Iterator[Connection]:
        """A writing transaction that is on disk when the block has been left without an error.

        `patience` is how many seconds the commit may wait for others to join. An error inside the block undoes the block
        alone; a failing commit is raised to all who shared it.
        """
        with self._count:
            self._waiting += 1
        self._turn.acquire()
        with self._count:
            self._waiting -= 1
        trouble: BaseException | None = None
        try:
            connection, group = self._join()
            try:
                yield connection
            except BaseException as error:  # noqa: BLE001 - raised again below, once nobody waits for our turn
                trouble = error
                self._leave_undone(group)
            else:
                self._raw.execute("RELEASE member")
                group.members += 1
                if not patience and (not self._waiting or group.members >= MOST_MEMBERS):
                    self._commit(group)
        finally:
            self._turn.release()
        if trouble is not None:
            # What made the block fail may be another member's row: whoever looks for it next must find it committed.
            group.over.wait(UNDONE_SECONDS)
            raise trouble
        self._see_through(group, patience)

    def close(self) -> None:
        """Commit what is open and give the connection back."""
        with self._turn:
            if self._group:
                self._commit(self._group)
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _join(self) -> tuple[Connection, _Group]:
        if self._connection is None:
            self._connection = self._engine.connect()
            self._raw = self._connection.connection.driver_connection
        if self._group is None:
            self._raw.execute("BEGIN IMMEDIATE")
            self._group = _Group()
            self._group.changes_before = self._raw.total_changes
        self._raw.execute("SAVEPOINT member")
        return self._connection, self._group

    def _leave_undone(self, group: _Group) -> None:
        if self._raw.in_transaction:
            self._raw.execute("ROLLBACK TO member")
            self._raw.execute("RELEASE member")
            if not self._waiting:
                self._commit(group)
        else:  # SQLite itself rolled the whole transaction back (disk full, I/O error)
            group.failure = OSError("the database undid the transaction")
            self._end(group)

    def _see_through(self, group: _Group, patience: float) -> None:
        # Someone who waited for a turn commits for us; if all of them failed to (or patience is over) we do it ourselves.
        while not group.over.wait(patience or 1.0):
            with self._turn:
                if not group.over.is_set():
                    self._commit(group)
        if group.failure is not None:
            raise group.failure

    def _commit(self, group: _Group) -> None:
        wrote = group.members > 0 and self._raw.total_changes != group.changes_before
        try:
            self._raw.execute("COMMIT")
            self.commits += wrote
        except Exception as error:  # noqa: BLE001 - every member must learn of it; raised again in each member's own thread
            group.failure = error
            if self._raw.in_transaction:
                self._raw.execute("ROLLBACK")
        finally:
            self._end(group)

    def _end(self, group: _Group) -> None:
        self._group = None
        group.over.set()
