"""Files in a folder on this machine: a file is under its key whole and synced to disk, or not there at all."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import io
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vividflow.storage.base import Listed, Storage, StorageFull, StorageGone, Stored
from vividflow.storage.keys import checked_key, is_key
from vividflow.storage.probe import Probe

PIECE = 1024 * 1024

_INCOMING = ".incoming"
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})


class LocalStorage(Storage):
    """The storage behind `file://`. Half-written files lie in `.incoming`, in the same file system, until linked."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._incoming = root / _INCOMING
        self._probe = Probe(self._write_probe, "the storage folder")

    def put(self, key: str, source: Path, *, mime: str, sha256: str) -> Stored:
        """Copied, synced, read back and compared, then linked create-only, every folder on the way synced too.

        Raises as the contract says, and `ValueError` when `source` is not what `sha256` promises.
        """
        place = self._place(key)
        with source.open("rb") as content, _told():
            if place.exists():
                return self._settled(key, place, sha256)
            with self._temporary() as written:
                shutil.copyfileobj(content, written, PIECE)
                written.flush()
                os.fsync(written.fileno())
                written.seek(0)
                if hashlib.file_digest(written, "sha256").hexdigest() != sha256:
                    raise self._unlike(content, sha256)
                size = os.fstat(written.fileno()).st_size
                try:
                    self._publish(Path(written.name), place)
                except FileExistsError:
                    return self._settled(key, place, sha256)
            return Stored(key=key, size=size, sha256=sha256)

    def open_range(self, key: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """Open at once, so that a missing file is told here and not in the middle of an answer."""
        with _told():
            file = self._place(key).open("rb", buffering=0)
        return _Pieces(file, start, length)

    def local_path(self, key: str) -> Path | None:
        """The file itself."""
        place = self._place(key)
        return place if place.is_file() else None

    def stat(self, key: str) -> Stored | None:
        """Size alone: a hash would mean reading it all."""
        with _told():
            try:
                return Stored(key=key, size=self._place(key).stat().st_size, sha256=None)
            except (FileNotFoundError, NotADirectoryError):
                return None

    def list(self, prefix: str) -> Iterator[Listed]:
        """The files, a folder at a time: no more than the names of one folder on each level are held."""
        place = self._place(prefix)
        return _walk(place, f"{prefix}/") if place.is_dir() else iter(())

    def signed_url(self, key: str, *, expires_at: float, disposition: str) -> str | None:
        """None: a folder cannot sign; `vividflow.storage.signed_links` does, with the installation's secret."""
        return None

    def delete(self, key: str) -> None:
        """The file, and the folders that it leaves empty."""
        place = self._place(key)
        with _told():
            place.unlink(missing_ok=True)
            for folder in list(place.relative_to(self.root).parents)[:-1]:
                try:
                    (self.root / folder).rmdir()
                except OSError:
                    break

    def check(self) -> None:
        """A probe file written, synced, read and removed by a thread that is not waited for longer than 2 s."""
        self._probe.ask()

    def sweep(self) -> int:
        """Make the folder if it is missing and remove what a killed process left half-written; how many files.

        A file that a living process is writing is locked by it and stays.
        """
        removed = 0
        with _told():
            self._make(self._incoming)
            for left in self._incoming.iterdir():
                try:
                    with left.open("rb") as file:
                        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                        left.unlink()
                except (BlockingIOError, FileNotFoundError):
                    continue
                removed += 1
        return removed

    def _place(self, key: str) -> Path:
        return self.root / checked_key(key)

    def _make(self, folder: Path) -> None:
        # `parents=True` gives the folders on the way everybody's rights.
        self.root.mkdir(mode=0o750, parents=True, exist_ok=True)
        for each in [*reversed(folder.relative_to(self.root).parents), folder.relative_to(self.root)]:
            (self.root / each).mkdir(mode=0o750, exist_ok=True)

    @contextmanager
    def _temporary(self) -> Iterator[io.BufferedRandom]:
        self._make(self._incoming)
        path = self._incoming / uuid.uuid4().hex
        with open(path, "xb+", opener=lambda name, flags: os.open(name, flags, 0o640)) as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX)
                yield file
            finally:
                path.unlink(missing_ok=True)

    def _publish(self, written: Path, place: Path) -> None:
        for _ in range(3):
            try:
                self._make(place.parent)
                os.link(written, place)
            except FileNotFoundError:
                # A delete next door removed a folder between two of the acts above.
                continue
            except OSError as error:
                if error.errno not in _NO_LINKS or place.exists():
                    raise
                # Some mounted file systems know no hard links; there the check and the move are two acts.
                os.rename(written, place)
            self._sync_folders(place)
            return
        raise StorageGone("the storage folder loses what is written into it")

    def _settled(self, key: str, place: Path, sha256: str) -> Stored:
        with place.open("rb") as there:
            if hashlib.file_digest(there, "sha256").hexdigest() != sha256:
                raise FileExistsError(errno.EEXIST, "another file is stored under this key", key)
            # Whoever put it may have died between the link and this.
            self._sync_folders(place)
            return Stored(key=key, size=os.fstat(there.fileno()).st_size, sha256=sha256)

    def _sync_folders(self, place: Path) -> None:
        for folder in place.relative_to(self.root).parents:
            handle = os.open(self.root / folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

    def _unlike(self, content: io.BufferedReader, sha256: str) -> Exception:
        content.seek(0)
        if hashlib.file_digest(content, "sha256").hexdigest() == sha256:
            return StorageGone("what was read back is not what was written")
        return ValueError("the file is not the one that its SHA-256 promises")

    def _write_probe(self) -> None:
        token = uuid.uuid4().bytes
        with _told():
            if not self.root.is_dir():
                raise StorageGone("the storage folder does not exist")
            with self._temporary() as probe:
                probe.write(token)
                probe.flush()
                os.fsync(probe.fileno())
                probe.seek(0)
                if probe.read() != token:
                    raise StorageGone("what was read back is not what was written")


class _Pieces(Iterator[bytes]):
    """A part of a file in pieces; closes it at the end, on `close()`, or when nobody wants it any more."""

    def __init__(self, file: io.FileIO, start: int, length: int | None) -> None:
        self._file = file
        self._left = length
        file.seek(start)

    def __next__(self) -> bytes:
        wanted = PIECE if self._left is None else min(PIECE, self._left)
        with _told():
            piece = self._file.read(wanted) if wanted and not self._file.closed else b""
        if not piece:
            self.close()
            raise StopIteration
        if self._left is not None:
            self._left -= len(piece)
        return piece

    def close(self) -> None:
        self._file.close()

    def __del__(self) -> None:
        self.close()


def _walk(folder: Path, before: str) -> Iterator[Listed]:
    with _told():
        try:
            found = sorted(entry.name + "/" * entry.is_dir() for entry in os.scandir(folder))
        except FileNotFoundError:  # its last file was deleted just now
            return
    for name in found:
        if name.endswith("/"):  # with the slash that stands in the keys: `a-b/…` comes before `a/…`
            yield from _walk(folder / name[:-1], before + name)
        elif is_key(before + name):
            with _told():
                try:
                    facts = (folder / name).stat()
                except FileNotFoundError:
                    continue
            yield Listed(key=before + name, size=facts.st_size, sha256=None, stored_at=facts.st_mtime)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, FileExistsError):
        raise
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise StorageFull("there is no room left in the storage folder") from error
        raise StorageGone(f"the storage folder refuses to work: {os.strerror(error.errno or errno.EIO)}") from error
