"""What the buckets of Google and Amazon have in common: create-only uploads that are tried three times, and a probe."""

from __future__ import annotations

import base64
import hashlib
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from vividflow.storage.base import Listed, Storage, StorageGone, Stored
from vividflow.storage.keys import checked_key, is_key
from vividflow.storage.probe import Probe
from vividflow.storage.tries import three_times

PIECE = 1024 * 1024
RESUMABLE_OVER = 8 * 1024 * 1024
PROBES = "vividflow-probe"
PROBE_LEFT_SECONDS = 86400.0
_CHECK_KEPT_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class Source:
    """A file that is what its SHA-256 (hex) promises; CRC32C and MD5 in base64, as the services write them."""

    path: Path
    mime: str
    size: int
    sha256: str
    crc32c: str
    md5: str


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page of a listing, and what the next one is asked for with (None: it was the last)."""

    objects: Sequence[Listed]
    after: str | None


class Bucket(Storage):
    """The rest of the contract is each service's own. `name` says in words what is away when it is away."""

    def __init__(self, name: str, prefix: str) -> None:
        self.name = name
        self._prefix = f"{checked_key(prefix)}/" if prefix else ""
        self._probe_key = f"{PROBES}/{uuid.uuid4().hex}"
        self._probe = Probe(self._try_out, name, kept_seconds=_CHECK_KEPT_SECONDS)

    def put(self, key: str, source: Path, *, mime: str, sha256: str) -> Stored:
        """Sent at most three times; an object that is there already is compared and never replaced.

        Raises as the contract says, and `ValueError` when `source` is not what `sha256` promises.
        """
        checked_key(key)
        measured = _measured(source, mime, sha256)
        try:
            three_times(lambda: self._upload(key, measured))
        except FileExistsError:
            three_times(lambda: self._compare(key, measured))
        return Stored(key=key, size=measured.size, sha256=sha256)

    def local_path(self, key: str) -> Path | None:
        """None: the bytes lie elsewhere."""
        checked_key(key)
        return None

    def list(self, prefix: str) -> Iterator[Listed]:
        """Page by page, each asked for three times at most."""
        return self._listed(f"{self._object(prefix)}/")

    def check(self) -> None:
        """A small object written, read and removed within 2 s; a good answer counts for ten seconds."""
        self._probe.ask()

    def close(self) -> None:
        """Give the connections back."""
        raise NotImplementedError

    def _upload(self, key: str, source: Source) -> None:
        """One try. Raises `FileExistsError` when the key is taken, else as `put`."""
        raise NotImplementedError

    def _page(self, prefix: str, after: str | None) -> Page:
        """Some objects (with their whole names) below a prefix, from behind what the last page named. One request."""
        raise NotImplementedError

    def _try_out(self) -> None:
        """Write, read and remove `_probe_key`."""
        raise NotImplementedError

    def _listed(self, prefix: str) -> Iterator[Listed]:
        after = None
        while True:
            page = three_times(lambda token=after: self._page(prefix, token))
            for each in sorted(page.objects, key=lambda one: one.key):
                key = each.key.removeprefix(self._prefix)
                if is_key(key):
                    yield replace(each, key=key)
            if page.after is None:
                return
            after = page.after

    def _compare(self, key: str, source: Source) -> None:
        there = self.stat(key)
        if there is None:
            raise StorageGone(f"{self.name} says that {key} is there and is not")
        sha256 = there.sha256 or self._hash(key)
        if sha256 != source.sha256:
            raise FileExistsError("another file is stored under this key")

    def _hash(self, key: str) -> str:
        """For an object that somebody else put there, without our note."""
        digest = hashlib.sha256()
        for piece in self.open_range(key):
            digest.update(piece)
        return digest.hexdigest()

    def _object(self, key: str) -> str:
        return self._prefix + checked_key(key)


def _measured(path: Path, mime: str, sha256: str) -> Source:
    import google_crc32c

    crc, md5, sha, size = google_crc32c.Checksum(), hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            crc.update(piece)
            md5.update(piece)
            sha.update(piece)
            size += len(piece)
    if sha.hexdigest() != sha256:
        raise ValueError("the file is not the one that its SHA-256 promises")
    return Source(path=path, mime=mime, size=size, sha256=sha256, crc32c=_text(crc.digest()), md5=_text(md5.digest()))


def _text(digest: bytes) -> str:
    return base64.b64encode(digest).decode()
