"""Pieces on both databases: one writer, nothing lost that was told as received, nothing kept that nobody wants."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.api.desk import png
from vividflow.errors import Problem
from vividflow.lifecycle import housekeeping, library, pieces
from vividflow.lifecycle.asset_kinds import IMAGE, KINDS, kind_of
from vividflow.lifecycle.orders import Once
from vividflow.lifecycle.piece_file import PieceFile
from vividflow.lifecycle.tools import Tools
from vividflow.records import uploads
from vividflow.records.users import User
from vividflow.timing import new_id, now

DATA = png()
HALF = 500


def begun(tools: Tools, user: User, **more: Any) -> str:
    """The id of an upload of `DATA`."""
    return pieces.begin(tools, user.id, **({"name": "a.png", "size": len(DATA)} | more))[1]["upload_id"]


def add(tools: Tools, user: User, upload: str, first: int, last: int, data: bytes = DATA) -> tuple[int, dict[str, Any]]:
    """Send the bytes from `first` up to `last`."""
    tools.settings.data_dir.mkdir(parents=True, exist_ok=True)
    piece = tools.settings.data_dir / new_id()
    piece.write_bytes(data[first:last])
    try:
        return pieces.add(tools, user.id, upload, offset=first, length=last - first, piece=piece)
    finally:
        piece.unlink()


def folder(tools: Tools, upload: str) -> Path:
    """Where its pieces lie."""
    return tools.settings.data_dir / "uploads" / upload


def test_pieces_become_a_picture(tools: Tools, user: User) -> None:
    upload = begun(tools, user)
    assert add(tools, user, upload, 0, HALF)[1]["received"] == HALF
    status, body = add(tools, user, upload, HALF, len(DATA))
    assert status == 201
    assert [each["id"] for each in library.page(tools, user.id, limit=9)[0]] == [body["id"]]
    assert pieces.complete(tools, user.id, upload)[0] == 200
    assert not folder(tools, upload).exists()


def test_of_writers_with_different_bytes_one_wins_each_place(tools: Tools, user: User) -> None:
    upload, start, refused = begun(tools, user, size=4000), threading.Barrier(4), list[tuple[int, str]]()

    def send(number: int) -> None:
        start.wait()
        try:
            add(tools, user, upload, 0, 1000 + number, bytes([number]) * 2000)
        except Problem as problem:
            refused.append((number, problem.code))

    threads = [threading.Thread(target=send, args=(number,)) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    received = pieces.find(tools, user.id, upload).received
    written = (folder(tools, upload) / "data").read_bytes()
    assert written == bytes([received - 1000]) * received
    assert received - 1000 not in dict(refused)
    assert set(dict(refused).values()) <= {"upload_offset"}


def test_a_writer_elsewhere_that_was_faster_is_told(tools: Tools, user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    upload, real = begun(tools, user), uploads.advance

    def overtaken(connection: Any, seen: Any, received: int, moment: float) -> bool:
        assert real(connection, seen, 7, moment)
        return real(connection, seen, received, moment)

    monkeypatch.setattr(uploads, "advance", overtaken)
    with pytest.raises(Problem) as told:
        add(tools, user, upload, 0, HALF)
    assert (told.value.status, told.value.code, told.value.extra) == (409, "upload_offset", {"received": 7})


@pytest.mark.parametrize("loss", ["folder", "tail"])
def test_bytes_that_are_lost_are_not_made_up(tools: Tools, user: User, loss: str) -> None:
    upload = begun(tools, user)
    add(tools, user, upload, 0, HALF)
    if loss == "folder":
        PieceFile(tools.settings.data_dir, upload).remove()
    else:
        os.truncate(folder(tools, upload) / "data", 10)
    with pytest.raises(Problem) as gone:
        add(tools, user, upload, HALF, len(DATA))
    assert (gone.value.status, gone.value.code) == (404, "upload_not_found")
    assert not folder(tools, upload).exists()
    with pytest.raises(Problem):
        pieces.find(tools, user.id, upload)


def test_a_whole_file_that_is_lost_or_cut_is_no_picture(tools: Tools, user: User) -> None:
    for loss, code in (("folder", "upload_not_found"), ("tail", "upload_damaged")):
        upload = begun(tools, user)
        add(tools, user, upload, 0, HALF)
        with tools.db.transaction() as connection:
            uploads.change(connection, upload, received=len(DATA))
        if loss == "folder":
            PieceFile(tools.settings.data_dir, upload).remove()
        with pytest.raises(Problem) as refused:
            pieces.complete(tools, user.id, upload)
        assert refused.value.code == code
        with pytest.raises(Problem):
            pieces.find(tools, user.id, upload)


def test_who_comes_when_it_was_just_finished_gets_the_picture(
    tools: Tools, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = begun(tools, user)
    add(tools, user, upload, 0, HALF)
    real, made = pieces.find, list[str]()

    def late(tools: Tools, user_id: str, upload_id: str) -> Any:
        seen = real(tools, user_id, upload_id)
        if not made:
            made.append("")
            made[0] = add(tools, user, upload, HALF, len(DATA))[1]["id"]
        return seen

    monkeypatch.setattr(pieces, "find", late)
    status, body = add(tools, user, upload, HALF, len(DATA))
    assert (status, body["id"]) == (200, made[0])


def test_who_waited_for_the_lock_finds_what_the_other_did(
    tools: Tools, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload = begun(tools, user)
    add(tools, user, upload, 0, HALF)
    real, before = PieceFile.alone, list[dict[str, Any]]()

    def waited(self: PieceFile) -> Any:
        held = real(self)
        if not before:
            before.append({})
            opened = os.open(self.data, os.O_RDWR)  # as the one who waits has it
            before[0] = add(tools, user, upload, HALF, len(DATA))[1]
            os.close(opened)
            self.data.parent.mkdir()
            self.data.write_bytes(DATA)
        return held

    monkeypatch.setattr(PieceFile, "alone", waited)
    assert pieces.add(tools, user.id, upload, offset=HALF, length=len(DATA) - HALF, piece=Path("none"))[0] == 200
    monkeypatch.setattr(PieceFile, "alone", real)

    other = begun(tools, user, size=len(DATA))
    with tools.db.transaction() as connection:
        uploads.change(connection, other, received=len(DATA))
    (folder(tools, other) / "data").write_bytes(DATA)
    before.clear()

    def completed(self: PieceFile) -> Any:
        if not before:
            before.append({})
            pieces.complete(tools, user.id, other)
            self.make(None)
        return real(self)

    monkeypatch.setattr(PieceFile, "alone", completed)
    assert pieces.complete(tools, user.id, other)[0] == 200


def test_a_key_that_two_use_at_once_begins_one_upload(
    tools: Tools, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = Once(address="/api/v1/uploads", key="k", fingerprint="f")
    real, first = pieces.replay, list[str]()

    def blind(tools: Tools, user_id: str, once: Once) -> Any:
        if not first:
            first.append("")
            first[0] = begun(tools, user, once=once)
            return None
        return real(tools, user_id, once)

    monkeypatch.setattr(pieces, "replay", blind)
    assert begun(tools, user, once=once) == first[0]
    assert len([*(tools.settings.data_dir / "uploads").iterdir()]) == 1


def test_what_the_database_refuses_leaves_no_folder(tools: Tools) -> None:
    with pytest.raises(Exception, match=r"(?i)foreign key"):
        pieces.begin(tools, new_id(), name="a.png", size=5)
    assert [*(tools.settings.data_dir / "uploads").iterdir()] == []


def test_the_hourly_round_forgets_what_nobody_goes_on_with(tools: Tools, user: User) -> None:
    old, fresh = begun(tools, user), begun(tools, user)
    add(tools, user, old, 0, HALF)
    stray, young = folder(tools, new_id()), folder(tools, new_id())
    for each in (stray, young):
        each.mkdir()
    for each in (stray, folder(tools, fresh), folder(tools, old)):
        os.utime(each, (now() - 90_000, now() - 90_000))
    with tools.db.transaction() as connection:
        uploads.change(connection, old, updated_at=now() - 86_401)
    housekeeping.tidy(tools)
    assert {each.name for each in (tools.settings.data_dir / "uploads").iterdir()} == {fresh, young.name}
    assert pieces.find(tools, user.id, fresh).received == 0
    with pytest.raises(Problem):
        pieces.find(tools, user.id, old)


def test_where_nothing_was_ever_sent_nothing_is_forgotten(tools: Tools) -> None:
    assert pieces.forget_old(tools, now()) == 0


def test_the_kind_follows_the_name_and_no_ending_is_of_two_kinds() -> None:
    assert kind_of("a.b.JPEG") is IMAGE
    assert kind_of("nothing") is IMAGE
    endings = [ending for kind in KINDS for each in kind.types.values() for ending in each]
    assert len(endings) == len(set(endings))
