"""A bucket of Google Cloud Storage: `gs://bucket/prefix`."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import quote

from vividflow.config import Settings
from vividflow.storage.base import Listed, StorageGone, StorageRefused, Stored
from vividflow.storage.bucket import PROBE_LEFT_SECONDS, PROBES, RESUMABLE_OVER, Bucket, Page, Source
from vividflow.storage.google import ONCE, ObjectBytes, google_client, google_told, split_uri
from vividflow.storage.google_signing import CannotSign, signing_of
from vividflow.storage.keys import shown_as
from vividflow.timing import now

if TYPE_CHECKING:
    from google.cloud import storage

    from vividflow.storage.v4 import Signing

HOST = "https://storage.googleapis.com"


class GcsStorage(Bucket):
    """The storage behind `gs://`, through google-cloud-storage; its own repeating is off."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._bucket, prefix = split_uri(settings.storage)
        super().__init__("Google Cloud Storage", prefix.strip("/"))

    def open_range(self, key: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """One request, made at once, so that a missing object is told here and not in the middle of an answer."""
        uri = self.gs_uri(key)
        if length == 0:
            return iter(())
        with _told(uri):
            return ObjectBytes(self._client, uri, start, length)

    def stat(self, key: str) -> Stored | None:
        """Size, and the SHA-256 that was noted when we put it."""
        name = self._object(key)
        with _told(name):
            blob = self._client.bucket(self._bucket).get_blob(name, **ONCE)
        if blob is None:
            return None
        return Stored(key=key, size=int(blob.size or 0), sha256=(blob.metadata or {}).get("sha256"))

    def gs_uri(self, key: str) -> str:
        """Its address in the bucket."""
        return f"gs://{self._bucket}/{self._object(key)}"

    def signed_url(self, key: str, *, expires_at: float, disposition: str) -> str | None:
        """A V4 link; the same for the same arguments. None without a key to sign with, and while IAM does not sign."""
        shown, mime = shown_as(key, disposition)
        address = f"{link_origin(self._settings)}/{self._bucket}/{quote(self._object(key))}"
        params = {"response-content-disposition": shown, "response-content-type": mime}
        try:
            return self._signing and self._signing.link(address, expires_at=expires_at, params=params)
        except (CannotSign, StorageGone):
            return None

    def delete(self, key: str) -> None:
        """One request; nothing there is fine."""
        self._remove(self._object(key))

    def sweep(self) -> int:
        """Probes that a killed process left more than a day ago; Google ends broken uploads by itself after a week."""
        old, left = now() - PROBE_LEFT_SECONDS, 0
        with _told(PROBES):
            for blob in self._client.list_blobs(self._bucket, prefix=f"{self._prefix}{PROBES}/", **ONCE):
                if blob.updated and blob.updated.timestamp() < old:
                    self._remove(blob.name)
                    left += 1
        return left

    def close(self) -> None:
        """Give the connections back."""
        if "_client" in self.__dict__:
            self._client.close()

    @cached_property
    def _client(self) -> storage.Client:
        return google_client(self._settings)

    @cached_property
    def _signing(self) -> Signing | None:
        return signing_of(self._client)

    def _page(self, prefix: str, after: str | None) -> Page:
        with self._in_bucket(prefix):
            answer = self._client.list_blobs(self._bucket, prefix=prefix, page_token=after, **ONCE)
            found = [
                Listed(
                    key=blob.name,
                    size=int(blob.size or 0),
                    sha256=(blob.metadata or {}).get("sha256"),
                    stored_at=blob.updated.timestamp() if blob.updated else now(),
                )
                for blob in next(answer.pages, ())
            ]
        return Page(objects=found, after=answer.next_page_token)

    def _upload(self, key: str, source: Source) -> None:
        name, large = self._object(key), source.size > RESUMABLE_OVER
        blob = self._client.bucket(self._bucket).blob(name, chunk_size=RESUMABLE_OVER if large else None)
        blob.metadata = {"sha256": source.sha256}
        with source.path.open("rb") as file, self._in_bucket(name):
            blob.upload_from_file(
                file,
                size=source.size,
                content_type=source.mime,
                if_generation_match=0,
                checksum="crc32c",
                **ONCE,
            )
        if (blob.crc32c or source.crc32c) != source.crc32c or int(blob.size or 0) != source.size:
            self._remove(name)
            raise StorageGone("what Google stored is not what was sent")

    def _remove(self, name: str) -> None:
        with suppress(FileNotFoundError), _told(name):
            self._client.bucket(self._bucket).blob(name).delete(**ONCE)

    def _try_out(self) -> None:
        name, token = self._prefix + self._probe_key, uuid.uuid4().bytes
        with self._in_bucket(name):
            self._client.bucket(self._bucket).blob(name).upload_from_string(token, **ONCE)
            read = b"".join(ObjectBytes(self._client, f"gs://{self._bucket}/{name}"))
        self._remove(name)
        if read != token:
            raise StorageGone("what was read back is not what was written")

    @contextmanager
    def _in_bucket(self, name: str) -> Iterator[None]:
        try:
            with _told(name):
                yield
        except FileNotFoundError as missing:
            raise StorageRefused(f"there is no bucket {self._bucket}") from missing


def link_origin(settings: Settings) -> str:
    """Where signed links of a bucket lead to, as scheme://host."""
    return settings.storage_emulator_host or HOST


@contextmanager
def _told(what: str) -> Iterator[None]:
    try:
        with google_told(what):
            yield
    except PermissionError as refused:
        raise StorageRefused(str(refused)) from refused
