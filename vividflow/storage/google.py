"""Google's object store as anybody's: the client with its credentials, and reading any gs:// object we may see.

google-cloud-storage repeats by itself whatever it can; here it never does (`retry=None`), so that our own tries count.
"""

from __future__ import annotations

import http
import json
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from vividflow.config import Settings
from vividflow.errors import LeaseLost
from vividflow.storage.base import StorageFull, StorageGone, StorageRefused
from vividflow.timing import monotonic

if TYPE_CHECKING:
    from google.cloud import storage

PIECE = 1024 * 1024
TIMEOUT = (5.0, 30.0)
"""Seconds to connect, and between two bytes of an answer."""
ONCE: dict[str, Any] = {"timeout": TIMEOUT, "retry": None}
"""How every call of the library is made."""

UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, RecursionError)
_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
_LEASE_EVERY = 1.0


class ObjectTooLarge(Exception):
    """The object has more bytes than the caller takes."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """One object: size in bytes, CRC32C in base64 as Google writes it, seconds since 1970."""

    uri: str
    size: int
    mime: str
    generation: int | None
    crc32c: str | None
    updated_at: float


class GoogleObjects:
    """Any gs:// object that the credentials may read, in our own bucket or not. Opens nothing until it is used."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._opened: storage.Client | None = None

    def list(self, prefix: str, limit: int = 100) -> list[Found]:
        """At most `limit` objects whose address begins with `prefix` (gs://bucket/path), in order of name.

        Raises `StorageGone`, `FileNotFoundError` (no such bucket), `PermissionError`.
        """
        bucket, name = split_uri(prefix)
        with google_told(prefix):
            blobs = self._client().list_blobs(bucket, prefix=name, max_results=limit, **ONCE)
            return [_found(blob) for blob in blobs]

    def fetch(
        self,
        uri: str,
        sink: Path,
        *,
        max_bytes: int,
        total_seconds: float,
        keep_going: Callable[[], bool] = lambda: True,
    ) -> Found:
        """Stream one object into `sink` (made or emptied; removed again on every failure) and compare its CRC32C.

        `keep_going` is asked about once a second; False becomes `LeaseLost`. Raises `FileNotFoundError`,
        `PermissionError`, `StorageGone` (also for a broken or too slow stream), `ObjectTooLarge`, `OSError` from writing.
        """
        bucket, name = split_uri(uri)
        ends = monotonic() + total_seconds
        with google_told(uri):
            blob = self._client().bucket(bucket).get_blob(name, **ONCE)
        if blob is None:
            raise FileNotFoundError(f"there is no {uri}")
        found = _found(blob)
        if found.size > max_bytes:
            raise ObjectTooLarge(f"{uri} has {found.size} bytes; {max_bytes} are taken")
        pieces = ObjectBytes(self._client(), uri, generation=found.generation)
        try:
            with sink.open("wb") as file:
                _pour(pieces, file.write, found, ends, keep_going)
        except BaseException:
            sink.unlink(missing_ok=True)
            raise
        finally:
            pieces.close()
        return found

    def _client(self) -> storage.Client:
        if self._opened is None:
            self._opened = google_client(self._settings)
        return self._opened


def google_client(settings: Settings) -> storage.Client:
    """A client with a ready token, a credentials file, nobody's name (an emulator) or the machine's own credentials.

    In this order: GOOGLE_OAUTH_ACCESS_TOKEN, GOOGLE_APPLICATION_CREDENTIALS, STORAGE_EMULATOR_HOST, and only then what
    google-auth finds, which may ask the metadata host. Raises `StorageGone` where it finds nothing.
    """
    from google.cloud import storage

    with google_told("Google Cloud Storage"):
        credentials, project = _credentials(settings)
        client = storage.Client(
            project=settings.google_cloud_project or project or None,
            credentials=credentials,
            client_options={"api_endpoint": settings.storage_emulator_host} if settings.storage_emulator_host else None,
        )
    # Else it asks for the bucket's own data in a thread of its own, which few credentials may read.
    client._bucket_metadata_cache = None  # pyright: ignore[reportAttributeAccessIssue]
    return client


def _credentials(settings: Settings) -> tuple[Any, str | None]:
    import google.auth
    from google.auth.credentials import AnonymousCredentials
    from google.oauth2.credentials import Credentials

    if settings.google_oauth_access_token:
        return Credentials(settings.google_oauth_access_token.get_secret_value()), None
    if settings.google_application_credentials:
        return credentials_from_file(settings.google_application_credentials)
    if settings.storage_emulator_host:
        return AnonymousCredentials(), None
    return google.auth.default(scopes=_SCOPES)


def credentials_from_file(path: Path) -> tuple[Any, str | None]:
    """What the file that GOOGLE_APPLICATION_CREDENTIALS names holds: credentials, and the project if it tells one.

    Raises `StorageRefused` for a file that cannot be read, `google.auth.exceptions.GoogleAuthError` for one of no use.
    """
    import google.auth
    from google.oauth2.service_account import Credentials

    try:
        about = json.loads(path.read_text(encoding="utf-8"))
        if about["type"] == "service_account":
            return Credentials.from_service_account_info(about, scopes=_SCOPES), about.get("project_id")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StorageRefused(f"GOOGLE_APPLICATION_CREDENTIALS cannot be used ({type(error).__name__})") from error
    with warnings.catch_warnings():  # it warns of files from strangers; this one the operator named
        warnings.simplefilter("ignore", DeprecationWarning)
        return google.auth.load_credentials_from_file(str(path), scopes=_SCOPES)


def split_uri(uri: str) -> tuple[str, str]:
    """Bucket and name of `gs://bucket/name`; the name may be empty. Raises `ValueError` for anything else."""
    bucket, _, name = uri.removeprefix("gs://").partition("/")
    if not uri.startswith("gs://") or not bucket:
        raise ValueError("an object's address is gs://bucket/name")
    return bucket, name


class ObjectBytes(Iterator[bytes]):
    """The bytes of a gs:// object from `start`, as they come, in pieces of at most 1 MiB; the request is made at once.

    `generation` pins the version; a start behind the end gives nothing. Raises `FileNotFoundError`, `PermissionError`,
    `StorageGone`, here and at each piece.
    """

    def __init__(
        self,
        client: storage.Client,
        uri: str,
        start: int = 0,
        length: int | None = None,
        *,
        generation: int | None = None,
    ) -> None:
        bucket, name = split_uri(uri)
        self._uri = uri
        self._left = length
        # Stored bytes as they are: without this Google unpacks what was stored compressed, and the checksum differs.
        headers = {"Accept-Encoding": "gzip"}
        if start or length is not None:
            headers["Range"] = f"bytes={start}-{'' if length is None else start + length - 1}"
        params = {"alt": "media"} | ({"generation": str(generation)} if generation else {})
        address = f"{client.api_endpoint}/download/storage/v1/b/{quote(bucket, safe='')}/o/{quote(name, safe='')}"
        with google_told(uri):
            self._answer = client._http.get(address, params=params, headers=headers, stream=True, timeout=TIMEOUT)
        self._expected = _length(self._answer.headers.get("Content-Length"))
        self._over = self._answer.status_code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE
        if self._over:
            self.close()
        elif self._answer.status_code not in (http.HTTPStatus.OK, http.HTTPStatus.PARTIAL_CONTENT):
            self.close()
            raise _judged(self._answer.status_code, uri)
        elif start and self._answer.status_code == http.HTTPStatus.OK:
            self.close()
            raise StorageGone(f"{uri} was asked for a part and gave the whole")

    def __next__(self) -> bytes:
        if self._over:
            raise StopIteration
        with google_told(self._uri):
            piece = self._answer.raw.read1(PIECE, decode_content=False)
        if self._expected is not None:
            self._expected -= len(piece)
        if piece:
            return piece
        self._over = True
        self.close()
        if self._expected:
            raise StorageGone(f"{self._uri} broke off")
        raise StopIteration

    def close(self) -> None:
        """Give the connection up; harmless twice."""
        self._answer.close()

    def __del__(self) -> None:
        if hasattr(self, "_answer"):
            self.close()


@contextmanager
def google_told(what: str) -> Iterator[None]:
    """What Google's libraries and the network throw, in our words and without a credential."""
    from google.api_core.exceptions import GoogleAPICallError
    from google.auth.exceptions import GoogleAuthError
    from google.cloud.storage.exceptions import DataCorruption
    from requests.exceptions import RequestException
    from urllib3.exceptions import HTTPError

    try:
        yield
    except GoogleAPICallError as error:
        raise _judged(int(error.code or 0), what) from error
    except GoogleAuthError as error:
        raise StorageRefused(f"no usable Google credentials ({type(error).__name__})") from error
    except DataCorruption as error:
        raise StorageGone(f"what arrived as {what} is not what was sent") from error
    except (RequestException, HTTPError) as error:
        raise StorageGone(f"{what} cannot be reached ({type(error).__name__})") from error
    except UNREADABLE as error:  # the library made its objects of an answer that is none
        raise StorageGone(f"what was answered of {what} cannot be read ({type(error).__name__})") from error


def _judged(status: int, what: str) -> Exception:
    match status:
        case 401 | 403:
            return PermissionError(f"Google does not let these credentials use {what} (HTTP {status})")
        case 404:
            return FileNotFoundError(f"there is no {what}")
        case 412:
            return FileExistsError(f"there is already {what}")
        case 507:
            return StorageFull(f"Google has no room for {what}")
        case 408 | 429:
            return StorageGone(f"Google asks to wait (HTTP {status}) with {what}")
        case _ if 400 <= status < 500:
            return StorageRefused(f"Google refuses {what} (HTTP {status})")
        case _:
            return StorageGone(f"Google answered HTTP {status} for {what}")


def _pour(
    pieces: Iterator[bytes],
    write: Callable[[bytes], object],
    found: Found,
    ends: float,
    keep_going: Callable[[], bool],
) -> None:
    import base64

    import google_crc32c

    checksum, size, asked = google_crc32c.Checksum(), 0, monotonic()
    for piece in pieces:
        size += len(piece)
        if size > found.size:
            break
        checksum.update(piece)
        write(piece)
        if monotonic() > ends:
            raise StorageGone(f"{found.uri} takes too long")
        if monotonic() - asked >= _LEASE_EVERY:
            asked = monotonic()
            if keep_going() is False:
                raise LeaseLost
    same = found.crc32c is None or base64.b64encode(checksum.digest()).decode() == found.crc32c
    if size != found.size or not same:
        raise StorageGone(f"what came of {found.uri} is not what Google says it holds")


def _found(blob: storage.Blob) -> Found:
    return Found(
        uri=f"gs://{blob.bucket.name}/{blob.name}",
        size=int(blob.size or 0),
        mime=blob.content_type or "application/octet-stream",
        generation=int(blob.generation) if blob.generation else None,
        crc32c=blob.crc32c or None,
        updated_at=blob.updated.timestamp() if blob.updated else 0.0,
    )


def _length(header: str | None) -> int | None:
    return int(header) if header and header.isdigit() else None
