"""Reading a body, whatever its content type, into fields and files; reading a query; refusing what cannot be read."""

from __future__ import annotations

import errno
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import IO, Any
from urllib.parse import parse_qsl

from flask import Request
from werkzeug.exceptions import ClientDisconnected
from werkzeug.http import parse_options_header
from werkzeug.wsgi import get_input_stream

from vividflow.api.multipart import Pair, read_multipart
from vividflow.api.uploads import Incoming, Scratch, Upload
from vividflow.errors import FieldError, Problem
from vividflow.lifecycle.asset_kinds import IMAGE

JSON_BYTES = 1024 * 1024
MULTIPART_BYTES = IMAGE.most_bytes * 2 + JSON_BYTES  # a first and a last picture, and a megabyte for the rest
MOST_FIELDS = 200
BLOCK = 64 * 1024
BODY_TOO_LARGE = "The body is larger than 1 MiB (1,048,576 bytes)."
FORM_TOO_LARGE = "The form is larger than two pictures of 10 MB and 1 MiB of fields."
BROKEN_OFF = "The body ended before it was complete."
TYPES = "application/json, application/x-www-form-urlencoded or multipart/form-data"


@dataclass(frozen=True, kw_only=True)
class Parsed:
    """What came: `fields` by name, `files` by name, and what is wrong already (fields sent twice)."""

    fields: dict[str, Any] = field(default_factory=dict)
    files: dict[str, Upload] = field(default_factory=dict)
    errors: tuple[FieldError, ...] = ()


def read_body(
    request: Request,
    scratch: Scratch,
    *,
    multipart: bool = True,
    lists: frozenset[str] = frozenset(),
    aliases: dict[str, str] | None = None,
) -> Parsed:
    """The body of a POST. `lists` are fields that a form may send several times, `aliases` older names of fields.

    Raises `Problem` 400 (not what the content type says), 413 (too large) or 415 (another content type).
    """
    kind, options = parse_options_header(request.headers.get("Content-Type", ""))
    kind = kind.lower()
    if kind == "multipart/form-data" and multipart:
        stream = _stream(request, MULTIPART_BYTES, FORM_TOO_LARGE)
        return _gather(
            _while_connected(lambda: read_multipart(stream, _boundary(options), scratch)), lists, aliases or {}
        )
    data = read_all(request, JSON_BYTES, BODY_TOO_LARGE)
    charset = options.get("charset", "utf-8").lower()
    if charset not in ("utf-8", "utf8", "us-ascii"):
        raise Problem(415, "unsupported_media_type", f"Send {TYPES} in UTF-8, not in {charset[:40]!r}.")
    if not data.strip():
        return Parsed()
    if kind == "application/json" or (kind.startswith("application/") and kind.endswith("+json")):
        return _from_json(data, aliases or {})
    if kind == "application/x-www-form-urlencoded":
        return _gather(_form(data), lists, aliases or {})
    what = f"not {kind[:80]!r}" if kind else "and say so in Content-Type"
    raise Problem(415, "unsupported_media_type", f"Send {TYPES}, {what}.")


def read_files(request: Request, scratch: Scratch, *, most: int) -> list[Pair]:
    """A form of `most` bytes with files, in the order they came; a name may come more than once.

    A file that is too large is among them, with its size. Raises `Problem` as `read_body` does.
    """
    kind, options = parse_options_header(request.headers.get("Content-Type", ""))
    if kind.lower() != "multipart/form-data":
        raise Problem(415, "unsupported_media_type", "Send the files as multipart/form-data.")
    stream = _stream(request, most, f"All files together may have {most / 1e6:,.0f} MB. Send fewer at once.")
    boundary = _boundary(options)
    return _while_connected(lambda: read_multipart(stream, boundary, scratch, counting=True))


def read_query(request: Request) -> dict[str, str]:
    """The query parameters. Raises `Problem` 400 when they are not UTF-8 and 422 for one that is given twice."""
    raw = request.environ.get("QUERY_STRING", "")
    if not raw:
        return {}
    pairs = _form(raw.encode("latin-1"), "malformed_request", "The query is not UTF-8 text.")
    fields: dict[str, str] = {}
    for name, value in pairs:
        if name in fields:
            sentence = f"{shown(name)} was given twice. Give it once."
            raise Problem(422, "duplicate_field", sentence, param=shown(name))
        fields[name] = str(value)
    return fields


def _boundary(options: dict[str, str]) -> str:
    boundary = options.get("boundary", "")
    if not boundary or len(boundary) > 200 or not boundary.isascii():
        raise Problem(400, "malformed_form", "The Content-Type names no usable boundary.")
    return boundary


def read_all(request: Request, most: int, sentence: str) -> bytes:
    """The whole body as bytes. Raises `Problem` 413 with `sentence` above `most` bytes, 400 when it breaks off."""
    data = _while_connected(_stream(request, most, sentence).read)
    if len(data) > most:
        raise Problem(413, "body_too_large", sentence)
    if len(data) < (request.content_length or 0):
        raise Problem(400, "malformed_request", BROKEN_OFF)
    return data


def receive(request: Request, into: Incoming, *, most: int, sentence: str) -> Upload:
    """The whole body into a scratch file. Raises `Problem` 413 above `most` bytes, 400 when it breaks off."""
    stream = _stream(request, most, sentence)
    while data := _while_connected(lambda: stream.read(BLOCK)):
        into.write(data)
    upload = into.done()
    if upload.size < (request.content_length or 0):
        raise Problem(400, "malformed_request", BROKEN_OFF)
    return upload


def _stream(request: Request, most: int, sentence: str) -> IO[bytes]:
    if (request.content_length or 0) > most:
        raise Problem(413, "body_too_large", sentence)
    # One byte more: the library's reader stops at its limit without a word.
    return get_input_stream(request.environ, max_content_length=most + 1)


def _while_connected(read: Any) -> Any:
    try:
        return read()
    except (ClientDisconnected, OSError) as error:
        # The server reports a broken chunk or a cut connection as an OSError without a number, or with these.
        if isinstance(error, OSError) and error.errno not in (None, errno.ECONNRESET, errno.EPIPE, errno.ETIMEDOUT):
            raise
        raise Problem(400, "malformed_request", BROKEN_OFF) from error


def _from_json(data: bytes, aliases: dict[str, str]) -> Parsed:
    twice: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(items)
        if len(found) != len(items):
            names = [name for name, _ in items]
            twice.extend({name for name in names if names.count(name) > 1})
        return found

    try:
        value = json.loads(data.decode("utf-8-sig"), object_pairs_hook=pairs, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        where = f" at character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        raise Problem(400, "malformed_json", f"The body is not well-formed JSON{where}.") from error
    if not isinstance(value, dict):
        raise Problem(422, "not_an_object", 'The JSON body must be an object, such as {"prompt": "…"}.')
    fields: dict[str, Any] = {}
    for name, content in value.items():
        own = aliases.get(name) or name
        if own in fields:
            twice.append(own)
        fields[own] = content
    return Parsed(fields=fields, errors=tuple(_twice(name) for name in dict.fromkeys(twice)))


def _no_constant(word: str) -> float:
    raise ValueError(f"{word} is not JSON")


def _form(
    data: bytes, code: str = "malformed_form", sentence: str = "The form is not UTF-8 text."
) -> list[tuple[str, str | Upload]]:
    try:
        text = data.decode("utf-8")
        found = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
        return [(name, value) for name, value in found]
    except UnicodeDecodeError as error:
        raise Problem(400, code, sentence) from error
    except ValueError as error:
        raise Problem(400, code, f"At most {MOST_FIELDS} fields are taken.") from error


def _gather(pairs: Iterable[tuple[str, str | Upload]], lists: frozenset[str], aliases: dict[str, str]) -> Parsed:
    fields: dict[str, Any] = {}
    files: dict[str, Upload] = {}
    twice: list[str] = []
    for name, value in pairs:
        own = aliases.get(name, name)
        if own in lists and isinstance(value, str):
            fields.setdefault(own, []).append(value)
        elif own in fields or own in files:
            twice.append(own)
        elif isinstance(value, Upload):
            files[own] = value
        else:
            fields[own] = value
    return Parsed(fields=fields, files=files, errors=tuple(_twice(name) for name in dict.fromkeys(twice)))


def _twice(name: str) -> FieldError:
    return FieldError(param=shown(name), code="duplicate_field", detail=f"{shown(name)} was sent twice. Send it once.")


def shown(name: str) -> str:
    """A field name of the caller's as it may be echoed: short, and without anything unprintable."""
    return "".join(c if c.isprintable() else "?" for c in name[:100])
