"""The table of storages: what a STORAGE_URL begins with, who opens it, and where its own signed links lead to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from vividflow.config import Settings
from vividflow.errors import Complaints
from vividflow.storage.base import Storage


def open_storage(settings: Settings) -> Storage:
    """The storage that STORAGE_URL names; nothing is touched yet. Raises `Complaints` for an address none can open."""
    return _row(settings).open(settings)


def open_bare(settings: Settings) -> Storage:
    """The same without the folder that waits before a bucket: what it says is stored is stored there. Raises `Complaints`."""
    from vividflow.storage.waiting_room import WaitingRoom

    storage = open_storage(settings)
    return storage.bucket if isinstance(storage, WaitingRoom) else storage


def link_origin(settings: Settings) -> str:
    """scheme://host of signed links of the storage; empty for a folder, whose files we serve, and for a wrong address."""
    try:
        return _row(settings).origin(settings)
    except (Complaints, ValueError):
        return ""


@dataclass(frozen=True, kw_only=True)
class StorageKind:
    """One row of the table."""

    open: Callable[[Settings], Storage]
    origin: Callable[[Settings], str]


def _row(settings: Settings) -> StorageKind:
    url = settings.storage
    scheme, separator, _ = url.partition("://")
    row = STORAGES.get(scheme)
    if not separator or row is None:
        known = ", ".join(f"{name}://" for name in STORAGES)
        raise Complaints([f"STORAGE_URL: must begin with one of {known}, not {url.partition(':')[0]}:"])
    return row


def _folder(settings: Settings) -> Storage:
    from vividflow.storage.local import LocalStorage

    path = Path(settings.storage.removeprefix("file://"))
    if not path.is_absolute():
        raise Complaints(["STORAGE_URL: a folder is written file:///absolute/path"])
    return LocalStorage(path)


def _google(settings: Settings) -> Storage:
    from vividflow.storage.gcs import GcsStorage
    from vividflow.storage.waiting_room import WaitingRoom

    try:
        return WaitingRoom(GcsStorage(settings), settings.outgoing)
    except ValueError:
        raise Complaints(["STORAGE_URL: a bucket of Google is written gs://bucket or gs://bucket/prefix"]) from None


def _google_origin(settings: Settings) -> str:
    from vividflow.storage.gcs import link_origin

    return link_origin(settings)


def _amazon(settings: Settings) -> Storage:
    from vividflow.storage.s3 import S3Storage
    from vividflow.storage.waiting_room import WaitingRoom

    try:
        return WaitingRoom(S3Storage(settings), settings.outgoing)
    except ValueError:
        raise Complaints(["STORAGE_URL: a bucket of S3 is written s3://bucket or s3://bucket/prefix"]) from None


def _amazon_origin(settings: Settings) -> str:
    from vividflow.storage.s3_links import link_origin

    return link_origin(settings)


STORAGES: Mapping[str, StorageKind] = {
    "file": StorageKind(open=_folder, origin=lambda _: ""),
    "gs": StorageKind(open=_google, origin=_google_origin),
    "s3": StorageKind(open=_amazon, origin=_amazon_origin),
}
