"""Files on their way in: written to scratch, counted and hashed while they are read, gone when the request is over."""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from vividflow.errors import Problem
from vividflow.timing import new_id, now

FOLDER = "uploads"
ABANDONED_SECONDS = 3600.0


@dataclass(frozen=True, kw_only=True)
class Upload:
    """One file that came with a request: where it lies in scratch, its bytes and their SHA-256 in hex.

    `name` is what the sender calls it, for people. Of one that was counted on beyond its limit only the beginning is there.
    """

    path: Path
    size: int
    sha256: str
    name: str = ""


class Incoming:
    """A scratch file being written. `most` is the largest size taken, `code` and `sentence` what is said above it.

    With `counting` nothing is said: what is too much is counted and thrown away, so that other files of a form still come.
    """

    def __init__(
        self,
        scratch: Path,
        *,
        field_name: str,
        most: int,
        code: str,
        sentence: str,
        name: str = "",
        counting: bool = False,
    ) -> None:
        folder = scratch / FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        self.path = folder / new_id()
        self._field = field_name
        self._most = most
        self._name = name
        self._counting = counting
        self._refusal = (code, sentence)
        self._size = 0
        self._hash = hashlib.sha256()
        self._file: BinaryIO = self.path.open("xb")

    def write(self, data: bytes) -> None:
        """Take the next bytes. Raises `Problem` 413 when it becomes too large."""
        self._size += len(data)
        if self._size > self._most and self._counting:
            return
        if self._size > self._most:
            code, sentence = self._refusal
            raise Problem(413, code, sentence, param=self._field)
        self._hash.update(data)
        self._file.write(data)

    def done(self) -> Upload:
        """Everything has arrived."""
        self._file.close()
        return Upload(path=self.path, size=self._size, sha256=self._hash.hexdigest(), name=self._name)

    def close(self) -> None:
        """Remove the file, whatever became of it."""
        self._file.close()
        self.path.unlink(missing_ok=True)


@dataclass
class Scratch:
    """The scratch files of one request."""

    folder: Path
    files: list[Incoming] = field(default_factory=list)

    def receive(
        self, field_name: str, *, most: int, code: str, sentence: str, name: str = "", counting: bool = False
    ) -> Incoming:
        """A new scratch file for a field."""
        incoming = Incoming(
            self.folder,
            field_name=field_name,
            most=most,
            code=code,
            sentence=sentence,
            name=name,
            counting=counting,
        )
        self.files.append(incoming)
        return incoming

    def close(self) -> None:
        """Remove all of them."""
        for incoming in self.files:
            incoming.close()


def sweep(scratch: Path) -> int:
    """Remove files of requests that a crash cut off (older than an hour: another server may share the folder)."""
    gone = 0
    for path in (scratch / FOLDER).glob("*"):
        try:
            if path.stat().st_mtime < now() - ABANDONED_SECONDS:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
                gone += 1
        except FileNotFoundError:
            continue
    return gone
