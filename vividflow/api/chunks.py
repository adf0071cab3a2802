"""Files that come in pieces: beginning, sending a piece, going on after a break, giving up."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from flask import Request

from vividflow.api.address import Call
from vividflow.api.bodies import UploadBegin
from vividflow.api.reading import receive
from vividflow.api.uploads import Scratch
from vividflow.api.values import is_id
from vividflow.errors import Problem
from vividflow.lifecycle import pieces
from vividflow.lifecycle.pieces import PIECE_BYTES

TOO_LARGE = f"A piece may have {PIECE_BYTES:,} bytes. Send smaller ones."
HOW = "Say which bytes these are: Content-Range: bytes 0-8388607/9100000, or Upload-Offset: 0."
_RANGE = re.compile(r"bytes ([0-9]{1,15})-([0-9]{1,15})/([0-9]{1,15}|\*)", re.ASCII).fullmatch
_OFFSET = re.compile(r"[0-9]{1,15}", re.ASCII).fullmatch


def begin(call: Call) -> tuple[int, Mapping[str, Any]]:
    """Announce a file: 201 and where its pieces go."""
    user, body = call.caller.user, call.body
    assert isinstance(body, UploadBegin)
    with call.house.running.alone(user.id, call.once):
        return pieces.begin(
            call.house.tools, user.id, name=body.name, size=body.size, sha256=body.sha256, once=call.once
        )


def show(call: Call) -> tuple[int, Mapping[str, Any]]:
    """How much of it is here."""
    return 200, pieces.upload_object(pieces.find(call.house.tools, call.caller.user.id, _id(call)))


def add(call: Call) -> tuple[int, Mapping[str, Any]]:
    """A piece; the last one makes the picture."""
    tools, user_id, upload_id = call.house.tools, call.caller.user.id, _id(call)
    size = pieces.find(tools, user_id, upload_id).size  # before anything is read for nobody
    offset, length = _place(call.request, size)
    scratch = Scratch(call.house.settings.scratch)
    try:
        incoming = scratch.receive("body", most=PIECE_BYTES, code="body_too_large", sentence=TOO_LARGE)
        with tools.room.place(user_id):
            piece = receive(call.request, incoming, most=PIECE_BYTES, sentence=TOO_LARGE)
        if piece.size == 0 or (length is not None and piece.size != length):
            detail = f"The body has {piece.size:,} bytes, and its Content-Range tells of {length or 'some'}."
            raise Problem(422, "invalid_content_range", detail, param="Content-Range")
        return pieces.add(tools, user_id, upload_id, offset=offset, length=piece.size, piece=piece.path)
    finally:
        scratch.close()


def complete(call: Call) -> tuple[int, Mapping[str, Any]]:
    """The picture of an upload whose last answer was lost."""
    return pieces.complete(call.house.tools, call.caller.user.id, _id(call))


def give_up(call: Call) -> tuple[int, Mapping[str, Any]]:
    """Nobody will go on with it."""
    pieces.give_up(call.house.tools, call.caller.user.id, _id(call))
    return 204, {}


def _place(request: Request, size: int) -> tuple[int, int | None]:
    """The offset of a piece, and its length where the headers tell it. Raises `Problem` 422."""
    given, bare = request.headers.get("Content-Range"), request.headers.get("Upload-Offset")
    if given is None and bare is not None and _OFFSET(bare.strip()):
        return int(bare), None
    found = _RANGE((given or "").strip())
    if found is None:
        raise Problem(422, "invalid_content_range", HOW, param="Content-Range")
    first, last = int(found[1]), int(found[2])
    if last < first or found[3] not in ("*", str(size)):
        detail = f"The file was announced with {size:,} bytes, and a range ends where it begins or later. {HOW}"
        raise Problem(422, "invalid_content_range", detail, param="Content-Range")
    return first, last - first + 1


def _id(call: Call) -> str:
    if not is_id(call.ids["upload_id"]):
        raise pieces.missing()
    return call.ids["upload_id"]
