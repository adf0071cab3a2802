"""The answer that carries a stored file: conditional, ranged, and never read before its first wanted byte.

Flask's `send_file` reads from byte 0 for every range under gunicorn (performance.md, finding 7); a file that is already
seeked goes out by sendfile.
"""

from __future__ import annotations

import io
import os
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from urllib.parse import quote
from wsgiref.types import WSGIEnvironment

from flask import Response, request
from werkzeug.http import http_date, parse_date, parse_etags
from werkzeug.utils import get_content_type
from werkzeug.wsgi import wrap_file

from vividflow.api.byte_range import Span, Unsatisfiable, read_range
from vividflow.errors import Problem
from vividflow.storage.base import Storage, StorageGone

PIECE = 64 * 1024
_OF_THE_FILE = {"Content-Type", "Last-Modified"}
REASONS = {200: "OK", 206: "Partial Content", 304: "Not Modified", 416: "Range Not Satisfiable"}


@dataclass(frozen=True, kw_only=True, slots=True)
class StoredFile:
    """What is sent. `size` (bytes), `sha256` (hex: the ETag) and `mime` are the row's; `filename` may be any text.

    `created_at` is seconds since 1970, `max_age` the seconds for which a browser may keep it.
    """

    key: str
    size: int
    sha256: str
    mime: str
    filename: str
    disposition: Literal["inline", "attachment"] = "inline"
    created_at: float | None = None
    max_age: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class MediaAnswer:
    """200, 206, 304 or 416, without a framework; `body` is None where there is none to send."""

    status: int
    headers: dict[str, str]
    body: Iterable[bytes] | None = None


def media_answer(environ: WSGIEnvironment, storage: Storage, file: StoredFile) -> MediaAnswer:
    """What a GET or HEAD request gets of `file`; the right to see it was checked before.

    Raises `Problem` 503 when the storage is gone or does not hold what the row promises.
    """
    etag = f'"{file.sha256}"'
    modified = datetime.fromtimestamp(int(file.created_at), UTC) if file.created_at is not None else None
    headers = {
        "Content-Type": get_content_type(file.mime, "utf-8"),
        "Accept-Ranges": "bytes",
        "Cache-Control": f"private, max-age={max(0, int(file.max_age))}",
        "Content-Disposition": content_disposition(file.disposition, file.filename),
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cross-Origin-Resource-Policy": "same-origin",
        "ETag": etag,
        "X-Content-Type-Options": "nosniff",
    }
    if modified:
        headers["Last-Modified"] = http_date(modified)
    if _unchanged(environ, etag, modified):
        return MediaAnswer(status=304, headers={name: headers[name] for name in headers.keys() - _OF_THE_FILE})
    try:
        span = read_range(environ.get("HTTP_RANGE"), file.size) if _may_range(environ, etag, modified) else None
    except Unsatisfiable:
        headers |= {"Content-Range": f"bytes */{file.size}", "Content-Length": "0"}
        return MediaAnswer(status=416, headers=headers)
    if span:
        headers["Content-Range"] = f"bytes {span.start}-{span.start + span.length - 1}/{file.size}"
    wanted = span or Span(start=0, length=file.size)
    headers["Content-Length"] = str(wanted.length)
    head = environ["REQUEST_METHOD"] == "HEAD"
    body = None if head else _body(environ, storage, file, wanted)
    return MediaAnswer(status=206 if span else 200, headers=headers, body=body)


def send_file(storage: Storage, file: StoredFile) -> Response:
    """The same for the present Flask request. Raises `Problem` 503."""
    found = media_answer(request.environ, storage, file)
    answer = Response(found.body, found.status, found.headers)
    answer.direct_passthrough = found.body is not None
    return answer


def content_disposition(disposition: str, filename: str) -> str:
    """The header in both spellings: plain ASCII for old clients, `filename*` with the real name (RFC 6266)."""
    real = re.sub(r"[\x00-\x1f\x7f/\\]+", "_", filename).strip() or "file"
    plain = re.sub(r"[^A-Za-z0-9._ -]+", "_", real)
    return f"{disposition}; filename=\"{plain}\"; filename*=UTF-8''{quote(real, safe='', errors='replace')}"


def _unchanged(environ: WSGIEnvironment, etag: str, modified: datetime | None) -> bool:
    if "HTTP_IF_NONE_MATCH" in environ:
        return parse_etags(environ["HTTP_IF_NONE_MATCH"]).contains_weak(etag.strip('"'))
    since = parse_date(environ.get("HTTP_IF_MODIFIED_SINCE"))
    return bool(modified and since and modified <= since)


def _may_range(environ: WSGIEnvironment, etag: str, modified: datetime | None) -> bool:
    if environ["REQUEST_METHOD"] != "GET":
        return False
    condition = environ.get("HTTP_IF_RANGE")
    if condition is None:
        return True
    if condition.strip().startswith(('"', "W/")):
        return condition.strip() == etag
    return modified is not None and parse_date(condition) == modified


def _body(environ: WSGIEnvironment, storage: Storage, file: StoredFile, span: Span) -> Iterable[bytes]:
    try:
        path = storage.local_path(file.key)
        if path is not None:
            with suppress(FileNotFoundError):  # it has just gone up to the bucket
                return _from_disk(environ, path, span, file.size)
        return storage.open_range(file.key, span.start, span.length)
    except (OSError, StorageGone) as error:
        raise Problem(503, "storage_gone", "The file cannot be read just now; try again.", retry_after=30) from error


def _from_disk(environ: WSGIEnvironment, path: Path, span: Span, size: int) -> Iterable[bytes]:
    file = _Slice(path, span)
    if os.fstat(file.fileno()).st_size != size:
        file.close()
        raise OSError("the stored file has another size than its row says")
    return wrap_file(environ, file, PIECE)


class _Slice(io.FileIO):
    """A file that is already at its first wanted byte (where sendfile begins) and ends after the last one."""

    def __init__(self, path: Path, span: Span) -> None:
        super().__init__(path, "r")
        self.seek(span.start)
        self._left = span.length

    def read(self, size: int | None = -1) -> bytes:
        """At most `size` bytes of what is left."""
        wanted = self._left if size is None or size < 0 else min(size, self._left)
        piece = super().read(wanted) or b""
        self._left -= len(piece)
        return piece
