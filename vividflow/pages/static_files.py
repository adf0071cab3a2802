"""Styles, scripts and icons: one address for each content of the folder, so a browser may keep them for a year."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from functools import cache
from pathlib import Path

from flask import Response, abort, request

from vividflow.pages import packing

FOLDER = Path(__file__).resolve().parents[2] / "static"
YEAR = "public, max-age=31536000, immutable"
TEXT = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml", ".txt": "text/plain"}
COMMON = "app.js"
PACKED = "packed/"
# Below this, packing costs more than it saves.
WORTH_PACKING = 1024


@cache
def version() -> str:
    """A short hash over all files: it is part of their address, and of what modules import from each other."""
    whole = hashlib.sha256()
    for name in names():
        whole.update(name.encode() + b"\0" + hashlib.sha256((FOLDER / name).read_bytes()).digest())
    return whole.hexdigest()[:12]


@cache
def names() -> tuple[str, ...]:
    """The files there are, as paths within the folder."""
    return tuple(sorted(path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file()))


def script(entry: str) -> str:
    """Where a page's script is served: `entry` and all it imports, behind what every signed-in page runs, as one file."""
    return address(f"{PACKED}{entry}")


def entries_of(entry: str) -> tuple[str, ...]:
    """What the script of a page is made of: a screen's own module comes behind the common one."""
    return (COMMON, entry) if entry.startswith("js/") else (entry,)


def address(name: str) -> str:
    """Where a file of the folder is served. Raises `KeyError` for one that is not there: a mistake in a template."""
    if not _there(name):
        raise KeyError(name)
    return f"/static/v-{version()}/{name}"


def serve(held: str, name: str) -> Response:
    """A file; an address of another version is answered too, but not to be kept."""
    if not _there(name):
        abort(404)
    packed = "gzip" in request.headers.get("Accept-Encoding", "")
    body, mime, is_packed = _content(name, packed)
    answer = Response(body, content_type=mime)
    answer.headers["Cache-Control"] = YEAR if held == version() else "no-cache"
    answer.headers["Vary"] = "Accept-Encoding"
    if is_packed:
        answer.headers["Content-Encoding"] = "gzip"
    return answer


@cache
def content(name: str) -> bytes:
    """The bytes behind a name: of a file, or of a script made of several."""
    if not name.startswith(PACKED):
        return (FOLDER / name).read_bytes()
    return packing.packed(entries_of(name.removeprefix(PACKED)), _text).encode()


def _text(name: str) -> str:
    return (FOLDER / name).read_text(encoding="utf-8")


def _there(name: str) -> bool:
    bare = name.removeprefix(PACKED)
    return bare in names() and (bare == name or bare.endswith(".js"))


@cache
def _content(name: str, packed: bool) -> tuple[bytes, str, bool]:
    body = content(name)
    text = TEXT.get(Path(name).suffix)
    mime = f"{text}; charset=utf-8" if text else mimetypes.guess_type(name)[0] or "application/octet-stream"
    if packed and text and len(body) >= WORTH_PACKING:
        return gzip.compress(body, 9, mtime=0), mime, True
    return body, mime, False
