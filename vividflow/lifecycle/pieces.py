"""Uploads that arrive in pieces: a line that breaks, or a server that is killed, costs one piece at most."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy.exc import IntegrityError

from vividflow.errors import Problem
from vividflow.lifecycle import library, quota
from vividflow.lifecycle.asset_kinds import kind_of
from vividflow.lifecycle.orders import Once, replay, reply_of
from vividflow.lifecycle.piece_file import PieceFile, left_behind, write
from vividflow.lifecycle.tools import Tools
from vividflow.records import idempotency, uploads
from vividflow.records.uploads import Upload
from vividflow.timing import iso, new_id, now

PIECE_BYTES = 8 * 1024 * 1024
KEPT_SECONDS = 86400.0
MOST_UNFINISHED = 50
Answer = tuple[int, dict[str, Any]]


def begin(
    tools: Tools, user_id: str, *, name: str, size: int, sha256: str | None = None, once: Once | None = None
) -> Answer:
    """Make room for a file of `size` bytes: 201 and the upload. `sha256` (hex) is held against what arrives.

    Raises `Problem` 413 (larger than its kind may be, or than there is room for), 409 too_many_uploads, 422 idempotency_key_reused.
    """
    if once is not None and (known := replay(tools, user_id, once)) is not None:
        return known
    kind = kind_of(name)
    if size > kind.most_bytes:
        raise Problem(413, kind.too_large_code, kind.too_large, param="size")
    with tools.db.reading() as connection:
        quota.check_upload(connection, tools.settings, user_id, size)
    moment = now()
    upload = Upload(id=new_id(), user_id=user_id, name=name, size=size, created_at=moment, updated_at=moment)
    body, file = upload_object(upload), _file(tools, upload.id)
    kept = False
    try:
        file.make(sha256)
        with tools.db.transaction() as connection:
            if len(uploads.unfinished(connection, user_id)) >= MOST_UNFINISHED:
                detail = f"You have {MOST_UNFINISHED} unfinished uploads. Finish one, or give one up."
                raise Problem(409, "too_many_uploads", detail)
            uploads.insert(connection, upload)
            if once is not None:
                idempotency.insert(connection, reply_of(user_id, once, 201, body, moment))
        kept = True
    except IntegrityError:
        if once is not None and (known := replay(tools, user_id, once)) is not None:
            return known
        raise
    finally:
        if not kept:
            file.remove()
    return 201, body


def find(tools: Tools, user_id: str, upload_id: str) -> Upload:
    """A person's own upload as it stands. Raises `Problem` 404."""
    with tools.db.reading() as connection:
        found = uploads.own(connection, user_id, upload_id)
    if found is None:
        raise missing()
    return found


def add(tools: Tools, user_id: str, upload_id: str, *, offset: int, length: int, piece: Path) -> Answer:
    """Put a piece (`length` bytes at `piece`) at `offset`: 200 and how far it is, or with the last piece what `complete` answers.

    What is told as received is on disk. A piece that is here already changes nothing and is no mistake. Raises `Problem`
    404, 409 upload_offset (it does not begin where the last one ended), 422, and what `complete` raises.
    """
    upload = find(tools, user_id, upload_id)
    if offset + length > upload.size:
        detail = f"The file was announced with {upload.size:,} bytes; this piece would end at byte {offset + length:,}."
        raise Problem(422, "invalid_content_range", detail, param="Content-Range")
    if upload.asset_id is None and offset + length > upload.received:
        upload = _written(tools, upload, offset, length, piece)
    if upload.received < upload.size:
        return 200, upload_object(upload)
    status, body = complete(tools, user_id, upload_id)
    return status, body | {"received": upload.size}


def complete(tools: Tools, user_id: str, upload_id: str) -> Answer:
    """Make a picture of a file that is whole, by the library's own way in: 201, or 200 when it was there already.

    Raises `Problem` 404, 409 upload_incomplete, 503 and 507 (ask again later), and 422, after which the upload is gone.
    """
    upload, file = find(tools, user_id, upload_id), _file(tools, upload_id)
    if upload.asset_id is None and upload.received < upload.size:
        detail = f"{upload.received:,} of {upload.size:,} bytes are here. Send the rest first."
        raise Problem(409, "upload_incomplete", detail, extra={"received": upload.received})
    if upload.asset_id is None:
        try:
            with file.alone():
                return _taken_in(tools, find(tools, user_id, upload_id), file)
        except FileNotFoundError:
            upload = _finished_meanwhile(tools, upload)
    return 200, _picture(tools, upload)


def give_up(tools: Tools, user_id: str, upload_id: str) -> None:
    """Forget an upload and its bytes; a picture that was made of it stays. Raises `Problem` 404."""
    with tools.db.transaction() as connection:
        done = uploads.forget(connection, user_id, upload_id)
    if not done:
        raise missing()
    _file(tools, upload_id).remove()


def forget_old(tools: Tools, moment: float) -> int:
    """Forget what nobody went on with for a day, and bytes that no upload owns; how many that were."""
    before = moment - KEPT_SECONDS
    with tools.db.transaction() as connection:
        gone = uploads.forget_before(connection, before)
    stray = left_behind(tools.settings.data_dir, before)
    if stray:
        with tools.db.reading() as connection:
            gone = [*{*gone, *(set(stray) - uploads.known(connection, stray))}]
    for upload_id in gone:
        _file(tools, upload_id).remove()
    return len(gone)


def upload_object(upload: Upload) -> dict[str, Any]:
    """An upload as the API shows it; `expires_at` moves on with each piece."""
    return {
        "upload_id": upload.id,
        "name": upload.name,
        "size": upload.size,
        "received": upload.received,
        "chunk_bytes": PIECE_BYTES,
        "image_id": upload.asset_id,
        "expires_at": iso(upload.updated_at + KEPT_SECONDS),
    }


def missing() -> Problem:
    """The answer for an upload that is not there (any more), or not yours: the same in every way."""
    return Problem(404, "upload_not_found", "There is no upload with this id. Begin again.")


def _written(tools: Tools, seen: Upload, offset: int, length: int, piece: Path) -> Upload:
    try:
        with _file(tools, seen.id).alone() as held:
            upload = find(tools, seen.user_id, seen.id)  # as it is now that nobody else writes
            if upload.asset_id is not None or offset + length <= upload.received:
                return upload
            if offset != upload.received:
                raise _wrong_place(upload.received)
            if os.fstat(held).st_size < upload.received:  # the bytes are lost, whatever the row says
                raise FileNotFoundError(seen.id)
            write(held, offset, piece)
            moment = now()
            with tools.db.transaction() as connection:
                on = uploads.advance(connection, upload, offset + length, moment)
            if not on:  # a writer on another machine was faster, or it was given up
                raise _wrong_place(find(tools, seen.user_id, seen.id).received)
            return replace(upload, received=offset + length, updated_at=moment)
    except FileNotFoundError:
        return _finished_meanwhile(tools, seen)


def _taken_in(tools: Tools, upload: Upload, file: PieceFile) -> Answer:
    if upload.asset_id is not None:
        return 200, _picture(tools, upload)
    try:
        if file.data.stat().st_size != upload.size or not file.whole():
            detail = "What arrived is not the file that was announced: its SHA-256 or its size differs. Begin again."
            raise Problem(422, "upload_damaged", detail, param="sha256")
        status, body = library.keep(tools, upload.user_id, file.data)
    except Problem as refused:
        if refused.status == 422:  # the same bytes would be refused again
            give_up(tools, upload.user_id, upload.id)
        raise
    with tools.db.transaction() as connection:
        uploads.change(connection, upload.id, asset_id=body["id"], updated_at=now())
    file.remove()
    return status, body


def _finished_meanwhile(tools: Tools, seen: Upload) -> Upload:
    """The upload when its bytes are gone because it became a picture. Raises `Problem` 404 when they are simply gone."""
    upload = find(tools, seen.user_id, seen.id)
    if upload.asset_id is None:
        give_up(tools, seen.user_id, seen.id)
        raise missing()
    return upload


def _picture(tools: Tools, upload: Upload) -> dict[str, Any]:
    with tools.db.reading() as connection:
        return library.image_object(tools, library.own(connection, upload.user_id, upload.asset_id or ""))


def _wrong_place(received: int) -> Problem:
    detail = f"{received:,} bytes are here. Go on from there."
    return Problem(409, "upload_offset", detail, param="Content-Range", extra={"received": received})


def _file(tools: Tools, upload_id: str) -> PieceFile:
    return PieceFile(tools.settings.data_dir, upload_id)
