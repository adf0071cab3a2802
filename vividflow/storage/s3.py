"""A bucket of Amazon S3 or of anything that speaks it: `s3://bucket/prefix`, elsewhere with AWS_ENDPOINT_URL_S3."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import Any
from urllib.parse import quote

from vividflow.config import Settings
from vividflow.storage.base import Listed, StorageFull, StorageGone, StorageRefused, Stored
from vividflow.storage.bucket import PIECE, PROBE_LEFT_SECONDS, PROBES, RESUMABLE_OVER, Bucket, Page, Source
from vividflow.storage.keys import shown_as
from vividflow.storage.s3_links import by_path, link_origin, signing_of, split_address
from vividflow.timing import now

_MEANS: Mapping[str, type[Exception]] = {
    "PreconditionFailed": FileExistsError,
    "412": FileExistsError,
    "NoSuchKey": FileNotFoundError,
    "NotFound": FileNotFoundError,
    "404": FileNotFoundError,
    "NoSuchUpload": StorageGone,
    "ConditionalRequestConflict": StorageGone,  # somebody writes the same key at this moment
    "RequestTimeout": StorageGone,
    "RequestTimeTooSkewed": StorageGone,
    "BadDigest": StorageGone,
    "QuotaExceeded": StorageFull,
    "XMinioStorageFull": StorageFull,
    "InsufficientStorage": StorageFull,
    "507": StorageFull,
}
_ASK_AGAIN = frozenset({408, 409, 429})


class S3Storage(Bucket):
    """The storage behind `s3://`, through boto3; its own repeating is off."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._bucket, prefix = split_address(settings.storage)
        super().__init__("the S3 bucket", prefix)

    def open_range(self, key: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        """One request, made at once, so that a missing object is told here and not in the middle of an answer."""
        name = self._object(key)
        if length == 0:
            return iter(())
        part = {"Range": f"bytes={start}-{'' if length is None else start + length - 1}"} if start or length else {}
        try:
            with _told(key):
                answer = self._client.get_object(Bucket=self._bucket, Key=name, **part)
        except _PastTheEnd:
            return iter(())
        return _Pieces(key, answer["Body"])

    def stat(self, key: str) -> Stored | None:
        """Size, and the SHA-256 that was noted when we put it."""
        name = self._object(key)
        try:
            with _told(key):
                head = self._client.head_object(Bucket=self._bucket, Key=name)
        except FileNotFoundError:
            return None
        return Stored(key=key, size=head["ContentLength"], sha256=head["Metadata"].get("sha256"))

    def signed_url(self, key: str, *, expires_at: float, disposition: str) -> str | None:
        """A SigV4 link; the same for the same arguments. None without credentials, or where they end before the link."""
        shown, mime = shown_as(key, disposition)
        name = quote(self._object(key))
        path = f"/{self._bucket}/{name}" if by_path(self._settings) else f"/{name}"
        try:
            with _told("credentials"):
                signing = signing_of(self._session.get_credentials(), self._settings.aws_region, expires_at)
        except StorageGone:
            return None
        params = {"response-content-disposition": shown, "response-content-type": mime}
        return signing and signing.link(link_origin(self._settings) + path, expires_at=expires_at, params=params)

    def delete(self, key: str) -> None:
        """One request; nothing there is fine."""
        self._remove(self._object(key))

    def sweep(self) -> int:
        """Probes and broken uploads that a killed process left more than a day ago."""
        old, left = now() - PROBE_LEFT_SECONDS, 0
        where = {"Bucket": self._bucket, "Prefix": self._prefix}
        with _told(PROBES):
            probes = self._client.list_objects_v2(Bucket=self._bucket, Prefix=f"{self._prefix}{PROBES}/")
            for probe in probes.get("Contents", ()):
                if probe["LastModified"].timestamp() < old:
                    self._remove(probe["Key"])
                    left += 1
            for upload in self._client.list_multipart_uploads(**where).get("Uploads", ()):
                if upload["Initiated"].timestamp() < old:
                    self._abort(upload["Key"], upload["UploadId"])
                    left += 1
        return left

    def close(self) -> None:
        """Give the connections back."""
        if "_client" in self.__dict__:
            self._client.close()

    @cached_property
    def _session(self) -> Any:
        from boto3.session import Session

        settings = self._settings
        secret, token = settings.aws_secret_access_key, settings.aws_session_token
        return Session(  # what is None here is looked for in the usual places
            aws_access_key_id=settings.aws_access_key_id or None,
            aws_secret_access_key=secret and secret.get_secret_value(),
            aws_session_token=token and token.get_secret_value(),
        )

    @cached_property
    def _client(self) -> Any:
        from botocore.config import Config

        return self._session.client(
            "s3",
            region_name=self._settings.aws_region,
            endpoint_url=self._settings.aws_endpoint_url_s3 or None,
            config=Config(
                signature_version="s3v4",
                retries={"total_max_attempts": 1, "mode": "standard"},
                connect_timeout=5,
                read_timeout=30,
                max_pool_connections=32,
                s3={"addressing_style": "path" if by_path(self._settings) else "virtual"},
                # Some that speak S3 refuse the newer checksums; Content-MD5 is older than all of them.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )

    def _page(self, prefix: str, after: str | None) -> Page:
        where = {"Bucket": self._bucket, "Prefix": prefix} | ({"ContinuationToken": after} if after else {})
        with self._in_bucket(prefix):
            answer = self._client.list_objects_v2(**where)
        found = [
            Listed(key=each["Key"], size=each["Size"], sha256=None, stored_at=each["LastModified"].timestamp())
            for each in answer.get("Contents", ())
        ]
        return Page(objects=found, after=answer.get("NextContinuationToken"))

    def _upload(self, key: str, source: Source) -> None:
        name = self._object(key)
        about = {"ContentType": source.mime, "Metadata": {"sha256": source.sha256}}
        with self._in_bucket(name):
            if source.size > RESUMABLE_OVER:
                self._upload_parts(name, source, about)
            else:
                answer = self._client.put_object(
                    Bucket=self._bucket,
                    Key=name,
                    Body=source.path.read_bytes(),
                    ContentMD5=source.md5,
                    IfNoneMatch="*",
                    **about,
                )
                if not _same_sum(answer, source.md5):
                    self._remove(name)  # the name must not be kept by wrong bytes
                    raise StorageGone("what the bucket stored is not what was sent")

    def _upload_parts(self, name: str, source: Source, about: Mapping[str, Any]) -> None:
        upload = self._client.create_multipart_upload(Bucket=self._bucket, Key=name, **about)["UploadId"]
        where = {"Bucket": self._bucket, "Key": name, "UploadId": upload}
        try:
            parts: list[dict[str, Any]] = []
            with source.path.open("rb") as file:
                while piece := file.read(RESUMABLE_OVER):
                    md5 = base64.b64encode(hashlib.md5(piece, usedforsecurity=False).digest()).decode()
                    number = len(parts) + 1
                    answer = self._client.upload_part(**where, PartNumber=number, Body=piece, ContentMD5=md5)
                    if not _same_sum(answer, md5):
                        raise StorageGone("what the bucket stored is not what was sent")
                    parts.append({"PartNumber": number, "ETag": answer["ETag"]})
            self._client.complete_multipart_upload(**where, MultipartUpload={"Parts": parts}, IfNoneMatch="*")
        except BaseException:
            self._abort(name, upload)
            raise

    def _abort(self, name: str, upload: str) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            self._client.abort_multipart_upload(Bucket=self._bucket, Key=name, UploadId=upload)
        except (BotoCoreError, ClientError):
            return  # the sweep finds it

    def _remove(self, name: str) -> None:
        with _told(name):
            self._client.delete_object(Bucket=self._bucket, Key=name)

    def _try_out(self) -> None:
        name, token = self._prefix + self._probe_key, uuid.uuid4().bytes
        with self._in_bucket(name):
            self._client.put_object(Bucket=self._bucket, Key=name, Body=token)
            read = self._client.get_object(Bucket=self._bucket, Key=name)["Body"].read()
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


class _Pieces(Iterator[bytes]):
    """The body of an answer in pieces; gives the connection up at the end, on `close()`, or when nobody wants it."""

    def __init__(self, key: str, body: Any) -> None:
        self._key = key
        self._body = body

    def __next__(self) -> bytes:
        with _told(self._key):
            piece = self._body.read(PIECE)
        if piece:
            return piece
        self.close()
        raise StopIteration

    def close(self) -> None:
        self._body.close()

    def __del__(self) -> None:
        self.close()


def _same_sum(answer: Mapping[str, Any], md5: str) -> bool:
    """Whether the ETag agrees: it is the MD5 of what was stored, unless a key of KMS or of our own encrypts it."""
    etag = answer.get("ETag", "").strip('"')
    encrypted = answer.get("ServerSideEncryption", "AES256") != "AES256" or "SSECustomerAlgorithm" in answer
    if encrypted or not re.fullmatch(r"[0-9a-f]{32}", etag):
        return True
    return binascii.unhexlify(etag) == base64.b64decode(md5)


class _PastTheEnd(Exception):
    """The range begins behind the last byte."""


@contextmanager
def _told(what: str) -> Iterator[None]:
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, PartialCredentialsError

    try:
        yield
    except ClientError as error:
        raise _judged(error.response, what) from error
    except (NoCredentialsError, PartialCredentialsError) as error:
        raise StorageRefused("no credentials for S3 were found") from error
    except BotoCoreError as error:
        raise StorageGone(f"the S3 bucket cannot be reached ({type(error).__name__})") from error


def _judged(response: Any, what: str) -> Exception:
    code = str(response.get("Error", {}).get("Code", ""))
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code == "InvalidRange" or status == 416:
        return _PastTheEnd()
    if meaning := _MEANS.get(code) or _MEANS.get(str(status) if code != "NoSuchBucket" else ""):
        return meaning(f"S3 answered {code} for {what}")
    plain_no = 300 <= status < 500 and status not in _ASK_AGAIN
    return (StorageRefused if plain_no else StorageGone)(f"S3 answered {code} (HTTP {status}) for {what}")
