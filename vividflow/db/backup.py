"""A copy of a SQLite database while it is in use, and putting a copy in the place of a database that nobody uses."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from vividflow.db.engine import sqlite_driver
from vividflow.timing import new_id, now


class InUse(Exception):
    """A server or a worker has the database open."""


class NotABackup(Exception):
    """The file is no whole SQLite database."""


def copy_out(database: Path, target: Path) -> int:
    """Write a whole, consistent copy to `target`, readable by its owner alone; its size in bytes.

    Writers go on meanwhile. Raises `FileExistsError` when something is there already, `OSError` or the driver's error.
    """
    if target.exists():
        raise FileExistsError(f"{target} exists already; nothing was written.")
    with _beside(target) as fresh:
        _create(fresh).close()
        with closing(_open(database, "ro")) as connection:
            connection.execute("VACUUM INTO ?", (str(fresh),))
        check_whole(fresh)
        _sync(fresh)
        os.link(fresh, target)  # create-only: never over a file that appeared meanwhile
    _sync(target.parent)
    return target.stat().st_size


def check_whole(file: Path) -> None:
    """Read the copy through. Raises `NotABackup`, `FileNotFoundError`."""
    if not file.is_file():
        raise FileNotFoundError(f"There is no file {file}.")
    driver: Any = sqlite_driver()
    try:
        with closing(_open(file, "ro&immutable=1")) as connection:
            found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
            tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    except driver.DatabaseError as error:
        raise NotABackup(f"{file} is no whole SQLite database: {error}.") from None
    if found != "ok":
        raise NotABackup(f"{file} is damaged: {found}.")
    if not {"alembic_version", "jobs"} <= tables:
        raise NotABackup(f"{file} is a database, but not one of Vivid Flow.")


@contextmanager
def put_in_place(copy: Path, database: Path) -> Iterator[Path]:
    """A copy of `copy` beside `database`, to be made ready in the block; left without an error it takes the place.

    The former database stays as `….before-restore-<time>`. To be used while holding the worker's lock. Raises `InUse`
    when any process has the database open.
    """
    if database.exists():
        _close_down(database)
    with _beside(database) as fresh:
        with copy.open("rb") as source, _create(fresh) as out:
            shutil.copyfileobj(source, out)
        if database.exists():
            shutil.copymode(database, fresh)
        yield fresh
        check_whole(fresh)
        _sync(fresh)
        if database.exists():
            _close_down(database)
            os.link(database, database.with_name(f"{database.name}.before-restore-{_stamp()}"))
        os.replace(fresh, database)
    _sync(database.parent)


@contextmanager
def nobody_works(data_dir: Path) -> Iterator[None]:
    """Keep every worker from beginning while the block runs. Raises `InUse` when one works already."""
    with (data_dir / "worker.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InUse(
                "A server or worker is running on this data folder. Stop it first; nothing was changed."
            ) from None
        yield


def _close_down(database: Path) -> None:
    # Leaving WAL mode needs the file for oneself, and takes what the log still holds into the file.
    driver: Any = sqlite_driver()
    in_use = InUse("A process has the database open. Stop it first; nothing was changed.")
    with closing(_open(database, "rw")) as connection:
        try:
            mode = connection.execute("PRAGMA journal_mode=DELETE").fetchone()[0]
        except driver.OperationalError as error:
            if "locked" in str(error) or "busy" in str(error):
                raise in_use from None
            raise
        except driver.DatabaseError:
            return  # a damaged database is what one restores over; it is kept beside as it is
    if mode != "delete":
        raise in_use


@contextmanager
def _beside(file: Path) -> Iterator[Path]:
    fresh = file.with_name(f".{file.name}.{new_id()}")
    try:
        yield fresh
    finally:
        fresh.unlink(missing_ok=True)


def _stamp() -> str:
    return f"{datetime.fromtimestamp(now(), UTC):%Y%m%dT%H%M%S%fZ}"


def _create(file: Path) -> IO[bytes]:
    return open(file, "xb", opener=lambda name, flags: os.open(name, flags, 0o600))


def _open(file: Path, mode: str) -> Any:
    return sqlite_driver().connect(
        f"{file.absolute().as_uri()}?mode={mode}", uri=True, timeout=5.0, isolation_level=None
    )


def _sync(place: Path) -> None:
    handle = os.open(place, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
