"""A zip file made while it is sent: stored, not compressed (videos are), its length known before its first byte.

Plain zip without data descriptors, which every unpacker reads: each file's checksum is reckoned just before the file is
sent. Sizes stay under the 4 GiB that this form can name.
"""

from __future__ import annotations

import struct
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from vividflow.storage.base import Storage

PIECE = 256 * 1024
MOST_BYTES = 4_000_000_000
MOST_FILES = 500
_LOCAL, _CENTRAL, _END = struct.Struct("<IHHHHHIIIHH"), struct.Struct("<IHHHHHHIIIHHHHHII"), struct.Struct("<IHHHHIIH")
_VERSION, _UTF8, _UNIX, _FILE_MODE = 20, 0x0800, 3 << 8, 0o100644 << 16
_FIRST_YEAR = 1980


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One file: its name in the zip, its key in the storage, its size in bytes, when it was made (seconds since 1970)."""

    name: str
    key: str
    size: int
    made_at: float


def length(entries: Sequence[Entry]) -> int:
    """How many bytes the whole zip has."""
    names = sum(len(entry.name.encode()) for entry in entries)
    return sum(entry.size for entry in entries) + len(entries) * (_LOCAL.size + _CENTRAL.size) + 2 * names + _END.size


def stream(storage: Storage, entries: Sequence[Entry], scratch: Path) -> Iterator[bytes]:
    """The bytes of the zip. Raises OSError or `StorageGone` where a file cannot be read as it was promised."""
    directory: list[bytes] = []
    offset = 0
    for entry in entries:
        name, when = entry.name.encode(), _when(entry.made_at)
        with _opened(storage, entry, scratch) as file:
            crc, size = 0, 0
            for piece in _pieces(file):
                crc, size = zlib.crc32(piece, crc), size + len(piece)
            if size != entry.size:
                raise OSError(f"{entry.key} has {size} bytes and should have {entry.size}")
            file.seek(0)
            facts = (_VERSION, _UTF8, 0, *when, crc, size, size, len(name), 0)
            yield _LOCAL.pack(0x04034B50, *facts) + name
            yield from _pieces(file)
        directory.append(_CENTRAL.pack(0x02014B50, _UNIX | _VERSION, *facts, 0, 0, 0, _FILE_MODE, offset) + name)
        offset += _LOCAL.size + len(name) + size
    whole = b"".join(directory)
    yield whole + _END.pack(0x06054B50, 0, 0, len(directory), len(directory), len(whole), offset, 0)


def _opened(storage: Storage, entry: Entry, scratch: Path) -> IO[bytes]:
    path = storage.local_path(entry.key)
    if path is not None:
        with suppress(FileNotFoundError):  # it has just gone up to the bucket
            return path.open("rb")
    return _fetched(storage.open_range(entry.key), scratch)


def _fetched(pieces: Iterable[bytes], scratch: Path) -> IO[bytes]:
    scratch.mkdir(parents=True, exist_ok=True)
    file = tempfile.TemporaryFile(dir=scratch)  # noqa: SIM115 - the caller closes it
    try:
        for piece in pieces:
            file.write(piece)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    while piece := file.read(PIECE):
        yield piece


def _when(moment: float) -> tuple[int, int]:
    then = datetime.fromtimestamp(moment, UTC)
    year = max(0, then.year - _FIRST_YEAR)
    return then.hour << 11 | then.minute << 5 | then.second // 2, year << 9 | then.month << 5 | then.day
