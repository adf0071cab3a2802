"""The storage contract: where finished files live. Local, GCS and S3 each keep it in a file of their own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, kw_only=True)
class Stored:
    """What the storage holds under a key: size in bytes and SHA-256 in hex (None where the storage does not know it)."""

    key: str
    size: int
    sha256: str | None


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One object of a listing: size in bytes, SHA-256 in hex where the listing tells it, seconds since 1970."""

    key: str
    size: int
    sha256: str | None
    stored_at: float


class StorageGone(Exception):
    """The storage cannot be reached or refuses to work just now; the caller keeps its local copy and tries later."""


class StorageRefused(StorageGone):
    """It answers and says no (credentials, no such bucket): asking again at once changes nothing, an operator does."""


class StorageFull(Exception):
    """There is no room left (ENOSPC, quota)."""


class Storage(Protocol):
    """Keys are ours: `users/<user>/<asset>/<name>.<ext>`; never anything a user typed."""

    def put(self, key: str, source: Path, *, mime: str, sha256: str) -> Stored:
        """Store the file create-only and durably; an equal object already there counts as stored.

        Raises `StorageGone`, `StorageFull`, `FileExistsError` (other content under that key).
        """
        ...

    def open_range(self, key: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """The bytes from `start`, in pieces of at most 1 MiB. Raises `FileNotFoundError`, `StorageGone`."""
        ...

    def local_path(self, key: str) -> Path | None:
        """The file behind the key if it lies on this machine, else None."""
        ...

    def stat(self, key: str) -> Stored | None:
        """What is there, or None. Raises `StorageGone`."""
        ...

    def list(self, prefix: str) -> Iterator[Listed]:
        """What is stored below a folder (`users`), in order of the keys' bytes, read page by page as it is asked for.

        Names that are no keys of ours are passed over. What comes or goes meanwhile may be told of or not. Raises
        `StorageGone`, at any moment.
        """
        ...

    def signed_url(self, key: str, *, expires_at: float, disposition: str) -> str | None:
        """A link that works without a key until `expires_at`, or None where the storage cannot sign."""
        ...

    def gs_uri(self, key: str) -> str | None:
        """The object's own address in Google Cloud Storage, or None where it does not lie there."""
        return None

    def delete(self, key: str) -> None:
        """Remove it; nothing there is fine. Raises `StorageGone`."""
        ...

    def sweep(self) -> int:
        """Make ready for work and remove what a dead process left half-written; how many such names there were."""
        ...

    def check(self) -> None:
        """Write, read and remove a probe. Raises `StorageGone` or `StorageFull`. Takes at most 2 s."""
        ...

    def close(self) -> None:
        """Give back what connections there are."""
