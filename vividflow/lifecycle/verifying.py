"""The storage held against the rows: what is missing, what nobody knows of, what is damaged."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum

from vividflow.lifecycle.side_by_side import FOLDER, PAGE, files, in_pages, side_by_side
from vividflow.lifecycle.storing import asset_id_of
from vividflow.lifecycle.tools import Tools
from vividflow.records import orders, stored_files
from vividflow.records.stored_files import StoredFile
from vividflow.storage.base import Listed, Storage
from vividflow.timing import now

HANDS = 8
YOUNG_SECONDS = 3600.0
"""A file is stored before its row is written: so young an object may still get one."""


class Fault(StrEnum):
    """What can be wrong with one key."""

    MISSING = "missing"
    FOREIGN = "foreign"
    DAMAGED = "damaged"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that is wrong, and in words how."""

    fault: Fault
    key: str
    words: str


def verify(tools: Tools, *, deep: bool = False, seen: Callable[[int], None] = lambda _: None) -> Iterator[Finding]:
    """Everything that is wrong, in the order of the keys; `seen` is told how many more keys were looked at.

    `deep` reads every byte; else a SHA-256 is compared where the storage noted it. Each finding was looked at again just
    before it is told, so that what comes and goes meanwhile is none. Raises `StorageGone`.
    """
    storage = tools.storage
    pairs = side_by_side(files(tools.db), storage.list(FOLDER))
    with ThreadPoolExecutor(HANDS, "verify") as hands:
        for page in in_pages(pairs, PAGE):
            yield from filter(None, hands.map(lambda pair: _judged(tools, *pair, deep=deep), page))
            seen(len(page))


def delete_foreign(tools: Tools, key: str) -> bool:
    """Delete an object if it is foreign still; whether it was. Raises `StorageGone`."""
    there = tools.storage.stat(key) is not None and _nobodys(tools, key)
    if there:
        tools.storage.delete(key)
    return there


def hash_of(storage: Storage, key: str) -> str:
    """The SHA-256 (hex) of what is stored under a key, read to its end. Raises `FileNotFoundError`, `StorageGone`."""
    digest = hashlib.sha256()
    for piece in storage.open_range(key):
        digest.update(piece)
    return digest.hexdigest()


def _judged(tools: Tools, file: StoredFile | None, thing: Listed | None, *, deep: bool) -> Finding | None:
    if file is None:
        if thing is None or thing.stored_at > now() - YOUNG_SECONDS or not _nobodys(tools, thing.key):
            return None
        return Finding(fault=Fault.FOREIGN, key=thing.key, words=f"{thing.size} bytes that no row names")
    if thing is None and tools.storage.stat(file.key) is None:
        fault, words = Fault.MISSING, f"{file.size} bytes should be there"
    elif words := _damage(tools.storage, file, thing, deep=deep):
        fault = Fault.DAMAGED
    else:
        return None
    with tools.db.reading() as connection:  # what was deleted for good meanwhile is neither
        still = stored_files.by_key(connection, file.key) == file
    return Finding(fault=fault, key=file.key, words=words) if still else None


def _damage(storage: Storage, file: StoredFile, thing: Listed | None, *, deep: bool) -> str | None:
    size, sha256 = (thing.size, thing.sha256) if thing is not None else (file.size, None)
    if size != file.size:
        return f"has {size} bytes and should have {file.size}"
    with suppress(FileNotFoundError):
        if deep:
            sha256 = hash_of(storage, file.key)
        elif sha256 is None and (noted := storage.stat(file.key)) is not None:
            sha256 = noted.sha256
    return None if sha256 in (None, file.sha256) else f"has the SHA-256 {sha256} and should have {file.sha256}"


def _nobodys(tools: Tools, key: str) -> bool:
    """Whether no row names it and none will: what an order stores gets its rows in the transaction that ends the order."""
    _, user_id, asset_id, *_ = [*key.split("/"), "", ""]
    with tools.db.reading() as connection:
        if any(asset_id_of(each) == asset_id for each in orders.not_over(connection, user_id)):
            return False
        return stored_files.by_key(connection, key) is None  # asked last: the order may have ended in between
