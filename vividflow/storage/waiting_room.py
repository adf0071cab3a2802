"""A folder on this machine before a bucket: what the bucket does not take now waits here, is served, and goes up later.

One name says everything about a waiting file (`DATA_DIR/outgoing/<type>@<subtype>/<key>`), so a kill leaves it there
whole or not at all, and going up twice stores it once. Whatever reads looks here first: a file leaves only when it is up.
"""

from __future__ import annotations

import fcntl
import hashlib
import heapq
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from vividflow.storage.base import Listed, Storage, StorageFull, StorageGone, Stored
from vividflow.storage.bucket import Bucket
from vividflow.storage.keys import checked_key
from vividflow.storage.local import LocalStorage
from vividflow.timing import monotonic

log = logging.getLogger(__name__)

AWAY_SECONDS = 15.0
"""For so long after three failed tries the next files go to the folder at once instead of waiting for three more each."""

_LOCK = ".lock"


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """How many files wait here, and since when the oldest does (seconds since 1970; None when none waits)."""

    count: int
    since: float | None


class WaitingRoom(Storage):
    """A bucket with a folder before it; keeps the contract of both."""

    def __init__(self, bucket: Bucket, root: Path) -> None:
        self.bucket = bucket
        self._root = root
        self._away_until = 0.0

    def put(self, key: str, source: Path, *, mime: str, sha256: str) -> Stored:
        """In the bucket, or synced to disk here when the bucket stays away; never neither.

        Raises `StorageFull` (no room here), `StorageGone` (the folder does not work), else as the contract says.
        """
        if self.local_path(key) is None and monotonic() >= self._away_until:
            try:
                return self.bucket.put(key, source, mime=mime, sha256=sha256)
            except (StorageGone, StorageFull) as away:
                self._away_until = monotonic() + AWAY_SECONDS
                log.warning("%s is away, files wait on this machine: %s", self.bucket.name, away)
        return self._shelf(mime).put(key, source, mime=mime, sha256=sha256)

    def open_range(self, key: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """From here while it waits, else from the bucket."""
        for shelf in self._shelves():
            with suppress(FileNotFoundError):
                return shelf.open_range(key, start, length)
        return self.bucket.open_range(key, start, length)

    def local_path(self, key: str) -> Path | None:
        """The file while it waits here."""
        checked_key(key)
        return next((path for shelf in self._shelves() if (path := shelf.local_path(key))), None)

    def stat(self, key: str) -> Stored | None:
        """What waits here, else what the bucket has."""
        checked_key(key)
        return next((there for shelf in self._shelves() if (there := shelf.stat(key))), None) or self.bucket.stat(key)

    def list(self, prefix: str) -> Iterator[Listed]:
        """Both together; what is in both, being on its way up, once."""
        here = [shelf.list(prefix) for shelf in self._shelves()]
        return _once_each(heapq.merge(*here, self.bucket.list(prefix), key=lambda one: one.key))

    def signed_url(self, key: str, *, expires_at: float, disposition: str) -> str | None:
        """The bucket's link; None while the file is not there yet."""
        if self.local_path(key) is not None:
            return None
        return self.bucket.signed_url(key, expires_at=expires_at, disposition=disposition)

    def gs_uri(self, key: str) -> str | None:
        """The bucket's address; None while the file is not there yet."""
        return None if self.local_path(key) is not None else self.bucket.gs_uri(key)

    def delete(self, key: str) -> None:
        """From both; what is on its way up just now is removed there too."""
        for shelf in self._shelves():
            shelf.delete(key)
        self.bucket.delete(key)

    def sweep(self) -> int:
        """The folder's half-written files; the bucket's are removed by `carry_up`, which may take its time."""
        return sum(shelf.sweep() for shelf in self._shelves())

    def check(self) -> None:
        """The bucket's check: the folder is on the disk of everything else."""
        self.bucket.check()

    def waiting(self) -> Waiting:
        """What waits here."""
        times = [moment for moment, _, _ in self._all_waiting()]
        return Waiting(count=len(times), since=min(times, default=None))

    def carry_up(self, keep_going: Callable[[], bool] = lambda: True) -> int:
        """Put what waits into the bucket, oldest first, and remove it here once the bucket is seen to have it.

        How many went up; 0 at once where another process is at it. Raises `StorageGone` or `StorageFull` as soon as the
        bucket does not take one; what is left waits on.
        """
        moved = 0
        with self._alone() as alone:
            for _, shelf, key in self._all_waiting() if alone else ():
                if not keep_going():
                    break
                moved += self._carry(shelf, key)
        if moved:
            self._away_until = 0.0
        return moved

    def close(self) -> None:
        """Give the bucket's connections back."""
        self.bucket.close()

    def _carry(self, shelf: LocalStorage, key: str) -> bool:
        file = shelf.local_path(key)
        if file is None:
            return False
        try:
            sha256, size = _hash(file), file.stat().st_size
            self.bucket.put(key, file, mime=shelf.root.name.replace("@", "/"), sha256=sha256)
            there = self.bucket.stat(key)
        except FileNotFoundError:  # deleted by its owner under our hands
            return False
        except FileExistsError:
            log.error("%s has another file under %s; ours stays here and is served from here", self.bucket.name, key)
            return False
        if shelf.local_path(key) is None:
            self.bucket.delete(key)  # its owner deleted it while it went up
            return False
        if there is None or there.size != size or there.sha256 not in (sha256, None):
            raise StorageGone(f"{self.bucket.name} took {key} and does not have it")
        shelf.delete(key)
        return True

    def _shelf(self, mime: str) -> LocalStorage:
        return LocalStorage(self._root / mime.replace("/", "@"))

    def _shelves(self) -> Sequence[LocalStorage]:
        try:
            return [LocalStorage(folder) for folder in self._root.iterdir() if "@" in folder.name]
        except FileNotFoundError:
            return []

    def _all_waiting(self) -> Sequence[tuple[float, LocalStorage, str]]:
        found: list[tuple[float, LocalStorage, str]] = []
        for shelf in self._shelves():
            for folder, below, files in os.walk(shelf.root):  # a folder that goes away meanwhile is passed over
                below[:] = [name for name in below if not name.startswith(".")]
                for file in (Path(folder) / name for name in files):
                    with suppress(FileNotFoundError):
                        found.append((file.stat().st_mtime, shelf, file.relative_to(shelf.root).as_posix()))
        return sorted(found, key=lambda each: (each[0], each[2]))

    @contextmanager
    def _alone(self) -> Iterator[bool]:
        if not self._root.is_dir():
            yield False
            return
        with (self._root / _LOCK).open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True


def _once_each(listing: Iterable[Listed]) -> Iterator[Listed]:
    told = None
    for each in listing:
        if each.key != told:
            told = each.key
            yield each


def _hash(file: Path) -> str:
    with file.open("rb") as data:
        return hashlib.file_digest(data, "sha256").hexdigest()
