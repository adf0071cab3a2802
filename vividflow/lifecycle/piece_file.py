"""Where the pieces of one upload lie until it is whole: a folder named by our id, never by what a person called the file."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

FOLDER = "uploads"
BLOCK = 1024 * 1024


class PieceFile:
    """The bytes of an upload so far, and the SHA-256 that it was announced with."""

    def __init__(self, data_dir: Path, upload_id: str) -> None:
        self._folder = data_dir / FOLDER / upload_id
        self.data = self._folder / "data"
        self._promise = self._folder / "sha256"

    def make(self, sha256: str | None) -> None:
        """An empty file that outlives a power cut. Raises `OSError`."""
        self._folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder.mkdir(mode=0o700)
        for path, content in ((self.data, b""), (self._promise, (sha256 or "").encode())):
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        for folder in (self._folder, self._folder.parent):
            _keep_names(folder)

    @contextmanager
    def alone(self) -> Iterator[int]:
        """The open file, held against every other writer on this machine. Raises `FileNotFoundError`."""
        descriptor = os.open(self.data, os.O_RDWR)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield descriptor
        finally:
            os.close(descriptor)

    def whole(self) -> bool:
        """Whether what is here is what was announced; true where nothing was."""
        promised = self._promise.read_text()
        if not promised:
            return True
        with self.data.open("rb") as data:
            return hashlib.file_digest(data, "sha256").hexdigest() == promised

    def remove(self) -> None:
        """Leave nothing."""
        shutil.rmtree(self._folder, ignore_errors=True)


def write(descriptor: int, offset: int, source: Path) -> None:
    """Put the bytes of `source` at `offset`, where the file ends then, and have them on disk. Raises `OSError`."""
    at = offset
    try:
        with source.open("rb") as piece:
            while block := piece.read(BLOCK):
                while block:
                    written = os.pwrite(descriptor, block, at)
                    at, block = at + written, block[written:]
        os.ftruncate(descriptor, at)
        os.fsync(descriptor)
    except OSError:
        with suppress(OSError):  # give back what a full disk did take
            os.ftruncate(descriptor, offset)
        raise


def left_behind(data_dir: Path, before: float) -> list[str]:
    """The ids of folders that nobody has written into since `before`."""
    folder = data_dir / FOLDER
    names: list[str] = []
    for path in folder.iterdir() if folder.is_dir() else ():
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < before:
                names.append(path.name)
    return names


def _keep_names(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
