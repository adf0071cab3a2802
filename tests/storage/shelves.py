"""Files in a storage with their rows, for tests of what holds one against the other."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from vividflow.db.database import Database
from vividflow.records import assets, renditions
from vividflow.records.assets import Asset
from vividflow.records.renditions import Rendition
from vividflow.records.stored_files import StoredFile
from vividflow.storage.base import Storage
from vividflow.timing import new_id, now

HOURS_AGO = 7200.0


def sha(body: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(body).hexdigest()


def put(storage: Storage, folder: Path, key: str, body: bytes, mime: str = "video/mp4") -> None:
    """A file in the storage, without a row."""
    source = folder / f"source-{new_id()}"
    source.write_bytes(body)
    storage.put(key, source, mime=mime, sha256=sha(body))
    source.unlink()


def aged(root: Path, key: str, seconds: float = HOURS_AGO) -> None:
    """Make a file of a storage folder look as if it had been stored that long ago."""
    os.utime(root / key, (now() - seconds, now() - seconds))


def shelve(db: Database, user_id: str, body: bytes, poster: bytes | None = None) -> list[tuple[StoredFile, bytes]]:
    """Rows of a video, and of its poster, whose files the caller puts."""
    asset_id, moment = new_id(), now()
    film = StoredFile(
        key=f"users/{user_id}/{asset_id}/original.mp4", size=len(body), sha256=sha(body), mime="video/mp4"
    )
    made = [(film, body)]
    with db.transaction() as connection:
        assets.insert(
            connection,
            Asset(
                id=asset_id,
                user_id=user_id,
                kind="video",
                storage_key=film.key,
                mime=film.mime,
                size=film.size,
                sha256=film.sha256,
                created_at=moment,
            ),
        )
        if poster is not None:
            key = f"users/{user_id}/{asset_id}/poster_480.webp"
            small = StoredFile(key=key, size=len(poster), sha256=sha(poster), mime="image/webp")
            made.append((small, poster))
            row = Rendition(
                id=new_id(),
                asset_id=asset_id,
                name="poster_480",
                storage_key=key,
                mime=small.mime,
                size=small.size,
                sha256=small.sha256,
                created_at=moment,
            )
            renditions.insert(connection, row)
    return made


def shelved(db: Database, storage: Storage, folder: Path, user_id: str, count: int) -> dict[str, bytes]:
    """That many videos with posters, rows and files; the bytes by key."""
    held: dict[str, bytes] = {}
    for number in range(count):
        for file, body in shelve(db, user_id, f"film {number} {new_id()}".encode(), f"poster {number}".encode()):
            put(storage, folder, file.key, body, file.mime)
            held[file.key] = body
    return held
