"""Files in pieces: on after a break, once for equal pieces, whole or refused; foreign ones are not there."""

from __future__ import annotations

import errno
import hashlib
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from tests.api.desk import Desk, form_of, png
from vividflow.errors import Problem
from vividflow.lifecycle import library, moderation, pieces, trash
from vividflow.lifecycle.moderation import Look
from vividflow.records import uploads
from vividflow.timing import new_id, now

UPLOADS = "/api/v1/uploads"
IMAGES = "/api/v1/images"
MEMBERS = {"upload_id", "name", "size", "received", "chunk_bytes", "image_id", "expires_at"}
HALF = 500


def begun(desk: Desk, data: bytes, *, key: str | None = None, **more: Any) -> str:
    """The id of an upload that was announced."""
    answer = desk.post(UPLOADS, key=key, json={"name": "photo.png", "size": len(data)} | more)
    assert answer.status_code == 201, answer.text
    return answer.get_json()["upload_id"]


def put(desk: Desk, upload: str, data: bytes, first: int, last: int, *, key: str | None = None) -> TestResponse:
    """Send the bytes from `first` up to `last`."""
    headers = {"X-API-Key": key or desk.key, "Content-Range": f"bytes {first}-{last - 1}/{len(data)}"}
    return desk.client.put(f"{UPLOADS}/{upload}", headers=headers, data=data[first:last])


def folders(desk: Desk) -> list[Path]:
    """Where pieces lie."""
    return [*(desk.settings.data_dir / "uploads").glob("*")]


def test_pieces_in_order_become_the_picture_that_the_whole_file_would(desk: Desk) -> None:
    data = png()
    answer = desk.post(
        UPLOADS, json={"name": "photo.png", "size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
    )
    begun_as = answer.get_json()
    assert answer.status_code == 201
    assert set(begun_as) == MEMBERS
    assert (begun_as["received"], begun_as["chunk_bytes"], begun_as["image_id"]) == (0, 8 * 1024 * 1024, None)
    upload = begun_as["upload_id"]

    first = put(desk, upload, data, 0, HALF)
    assert (first.status_code, first.get_json()["received"]) == (200, HALF)
    assert desk.get(f"{UPLOADS}/{upload}").get_json()["received"] == HALF
    last = put(desk, upload, data, HALF, len(data))

    body = last.get_json()
    assert (last.status_code, body["received"]) == (201, len(data))
    assert desk.get(f"{IMAGES}/{body['image_id']}").get_json() == {k: v for k, v in body.items() if k != "received"}
    assert body["sha256"] == hashlib.sha256(data).hexdigest()
    assert desk.get(f"{UPLOADS}/{upload}").get_json()["image_id"] == body["image_id"]
    assert (folders(desk), desk.scratch()) == ([], [])
    again = desk.post(IMAGES, **form_of({}, {"image": data}))
    assert (again.status_code, again.get_json()["id"]) == (200, body["id"])


def test_an_offset_instead_of_a_range_will_do(desk: Desk) -> None:
    data = png()
    upload = begun(desk, data)
    headers = {"X-API-Key": desk.key, "Upload-Offset": "0"}
    assert desk.client.put(f"{UPLOADS}/{upload}", headers=headers, data=data[:9]).get_json()["received"] == 9
    headers["Upload-Offset"] = "9"
    assert desk.client.put(f"{UPLOADS}/{upload}", headers=headers, data=data[9:]).status_code == 201


def test_a_piece_that_is_here_already_changes_nothing(desk: Desk) -> None:
    data = png()
    upload = begun(desk, data)
    for _ in range(2):
        assert put(desk, upload, data, 0, HALF).get_json()["received"] == HALF
    other = bytes(len(data))
    assert put(desk, upload, other, 10, 20).get_json()["received"] == HALF
    done = put(desk, upload, data, HALF, len(data)).get_json()
    lost = put(desk, upload, data, HALF, len(data))
    assert (lost.status_code, lost.get_json()["id"]) == (200, done["id"])
    asked = desk.post(f"{UPLOADS}/{upload}/complete")
    assert (asked.status_code, asked.get_json()["id"]) == (200, done["id"])


@pytest.mark.parametrize(("first", "last"), [(HALF + 1, HALF + 9), (HALF - 1, HALF + 9), (600, 900)])
def test_a_piece_out_of_place_is_told_where_to_go_on(desk: Desk, first: int, last: int) -> None:
    data = png()
    upload = begun(desk, data)
    put(desk, upload, data, 0, HALF)
    answer = put(desk, upload, data, first, last)
    told = answer.get_json()
    assert (answer.status_code, told["code"], told["received"]) == (409, "upload_offset", HALF)
    assert put(desk, upload, data, HALF, len(data)).status_code == 201


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Content-Range": "bytes 0-8/10"},
        {"Content-Range": "bytes 8-0/{size}"},
        {"Content-Range": "bytes 0-9/{size}"},
        {"Content-Range": "bytes 0-7/{size}"},
        {"Content-Range": "bytes=0-8"},
        {"Content-Range": "items 0-8/{size}"},
        {"Content-Range": "bytes ٠-٨/*"},
        {"Content-Range": "bytes 0-8/*", "Upload-Offset": "-1", "Content-Length": "0"},
        {"Upload-Offset": "-1"},
        {"Upload-Offset": "1e3"},
        {"Upload-Offset": "999999999999"},
    ],
)
def test_a_range_that_cannot_be_is_refused_in_words(desk: Desk, headers: dict[str, str]) -> None:
    data = png()
    upload = begun(desk, data)
    given = {name: value.format(size=len(data)).encode("utf-8").decode("latin-1") for name, value in headers.items()}
    body = b"" if "Content-Length" in headers else data[:9]
    answer = desk.client.put(f"{UPLOADS}/{upload}", headers={"X-API-Key": desk.key} | given, data=body)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "invalid_content_range")
    assert desk.get(f"{UPLOADS}/{upload}").get_json()["received"] == 0
    assert desk.scratch() == []


def test_a_piece_beyond_the_announced_end_or_over_its_size_is_refused(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = png()
    upload = begun(desk, data)
    headers = {"X-API-Key": desk.key, "Upload-Offset": "1"}
    assert desk.client.put(f"{UPLOADS}/{upload}", headers=headers, data=data).status_code == 422
    monkeypatch.setattr("vividflow.api.chunks.PIECE_BYTES", 100)
    answer = put(desk, upload, data, 0, 101)
    assert (answer.status_code, answer.get_json()["code"]) == (413, "body_too_large")
    assert put(desk, upload, data, 0, 100).status_code == 200


def test_a_piece_that_breaks_off_is_as_if_it_had_never_come(desk: Desk) -> None:
    data = png()
    upload = begun(desk, data)
    headers = {"X-API-Key": desk.key, "Content-Range": f"bytes 0-499/{len(data)}"}
    cut = {"CONTENT_LENGTH": "500"}
    answer = desk.client.put(f"{UPLOADS}/{upload}", headers=headers, data=data[:400], environ_overrides=cut)
    assert answer.status_code == 400
    assert desk.get(f"{UPLOADS}/{upload}").get_json()["received"] == 0
    assert put(desk, upload, data, 0, len(data)).status_code == 201


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"size": 5}, 422, "missing_field"),
        ({"name": "a.png"}, 422, "missing_field"),
        ({"name": "", "size": 5}, 422, "invalid_name"),
        ({"name": "x" * 256, "size": 5}, 422, "invalid_name"),
        ({"name": 7, "size": 5}, 422, "invalid_name"),
        ({"name": "a.png", "size": 0}, 422, "invalid_size"),
        ({"name": "a.png", "size": -1}, 422, "invalid_size"),
        ({"name": "a.png", "size": None}, 422, "invalid_size"),
        ({"name": "a.png", "size": "many"}, 422, "invalid_size"),
        ({"name": "a.png", "size": 10_485_761}, 413, "image_file_too_large"),
        ({"name": "a.weird", "size": 2**53}, 413, "image_file_too_large"),
        ({"name": "a.png", "size": 5, "sha256": "5"}, 422, "invalid_sha256"),
        ({"name": "a.png", "size": 5, "sha256": 5}, 422, "invalid_sha256"),
        ({"name": "a.png", "size": 5, "path": "/etc/passwd"}, 422, "unknown_field"),
    ],
)
def test_what_cannot_become_a_picture_is_refused_before_it_is_sent(
    desk: Desk, body: dict[str, Any], status: int, code: str
) -> None:
    answer = desk.post(UPLOADS, json=body)
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)
    assert folders(desk) == []


@pytest.mark.parametrize("name", ["../../etc/passwd", "a\x00b\n.png", "\u202egnp.exe", "\ud800.png", "🦆" * 200])
def test_a_name_is_for_people_and_never_a_path(desk: Desk, name: str) -> None:
    data = png()
    upload = begun(desk, data, name=name)
    (folder,) = folders(desk)
    assert folder.name == upload
    assert folder.stat().st_mode & 0o077 == 0
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in folder.iterdir())
    shown = desk.get(f"{UPLOADS}/{upload}").get_json()["name"]
    assert len(shown) == len(name)
    assert not set("\x00\n\ud800") & set(shown)
    assert put(desk, upload, data, 0, len(data)).status_code == 201


@pytest.mark.parametrize("which", ["foreign", "unknown", "odd"])
def test_a_foreign_upload_is_not_there(desk: Desk, which: str) -> None:
    _, key = desk.someone()
    data = png()
    mine = begun(desk, data)
    put(desk, mine, data, 0, HALF)
    name = {"foreign": mine, "unknown": new_id(), "odd": "x"}[which]
    for answer in (
        desk.get(f"{UPLOADS}/{name}", key=key),
        put(desk, name, data, HALF, len(data), key=key),
        desk.post(f"{UPLOADS}/{name}/complete", key=key),
        desk.delete(f"{UPLOADS}/{name}", key=key),
    ):
        assert (answer.status_code, answer.get_json()["code"]) == (404, "upload_not_found")
    assert put(desk, mine, data, HALF, len(data)).status_code == 201


def test_nobody_begins_or_sends_without_a_key(desk: Desk) -> None:
    upload = begun(desk, png())
    assert desk.client.post(UPLOADS, json={"name": "a.png", "size": 5}).status_code == 401
    assert desk.client.put(f"{UPLOADS}/{upload}", data=b"x", headers={"Upload-Offset": "0"}).status_code == 401


def test_what_is_no_picture_is_refused_with_its_reason_and_forgotten(desk: Desk) -> None:
    data = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>" * 20
    upload = begun(desk, data, name="photo.png")
    put(desk, upload, data, 0, HALF)
    answer = put(desk, upload, data, HALF, len(data))
    assert (answer.status_code, answer.get_json()["code"]) == (422, "not_an_image")
    assert desk.get(f"{UPLOADS}/{upload}").status_code == 404
    assert (folders(desk), desk.scratch(), desk.get(IMAGES).get_json()["data"]) == ([], [], [])


def test_a_hostile_file_is_judged_whole_however_it_was_cut(desk: Desk) -> None:
    whole = png(1, 1)
    bomb = whole[:16] + (60_000).to_bytes(4, "big") * 2 + whole[24:]  # claims 60,000 px a side
    upload = begun(desk, bomb)
    for at in range(0, len(bomb) - 1, 10):
        assert put(desk, upload, bomb, at, min(at + 10, len(bomb) - 1)).status_code == 200
    assert put(desk, upload, bomb, len(bomb) - 1, len(bomb)).status_code == 422
    assert folders(desk) == []


def test_a_file_other_than_announced_is_refused(desk: Desk) -> None:
    data = png()
    upload = begun(desk, data, sha256="AB" * 32)
    answer = put(desk, upload, data, 0, len(data))
    assert (answer.status_code, answer.get_json()["code"]) == (422, "upload_damaged")
    assert folders(desk) == []


def test_a_check_that_refuses_ends_the_upload_and_one_that_is_away_keeps_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = png()
    upload, away = (
        begun(desk, data),
        [Problem(503, "moderation_unavailable", "Away."), Problem(422, "image_refused", "No.")],
    )

    def judge(_tools: Any, _look: Look, *, param: str) -> Any:
        raise away.pop(0)

    monkeypatch.setattr(moderation, "judge", judge)
    assert put(desk, upload, data, 0, len(data)).status_code == 503
    assert desk.get(f"{UPLOADS}/{upload}").get_json()["received"] == len(data)
    assert desk.post(f"{UPLOADS}/{upload}/complete").get_json()["code"] == "image_refused"
    assert desk.get(f"{UPLOADS}/{upload}").status_code == 404


def test_completing_too_early_says_what_is_missing(desk: Desk) -> None:
    data = png()
    upload = begun(desk, data)
    put(desk, upload, data, 0, HALF)
    answer = desk.post(f"{UPLOADS}/{upload}/complete")
    told = answer.get_json()
    assert (answer.status_code, told["code"], told["received"]) == (409, "upload_incomplete", HALF)


def test_a_key_begins_one_upload(desk: Desk) -> None:
    body, headers = {"name": "a.png", "size": 5}, {"Idempotency-Key": "one"}
    first, again = (desk.post(UPLOADS, json=body, headers=dict(headers)) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.get_json() == again.get_json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert len(folders(desk)) == 1
    other = desk.post(UPLOADS, json=body | {"size": 6}, headers=dict(headers))
    assert other.get_json()["code"] == "idempotency_key_reused"


def test_only_the_beginning_counts_as_an_upload(desk_for: Any) -> None:
    desk = desk_for(limit_uploads="2/minute")
    data = png()
    upload = begun(desk, data)
    for at in range(0, 100, 10):
        assert put(desk, upload, data, at, at + 10).status_code == 200
    begun(desk, data)
    assert desk.post(UPLOADS, json={"name": "a.png", "size": 5}).status_code == 429


def test_nobody_leaves_uploads_open_without_end(desk_for: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = desk_for(limit_uploads="off")
    monkeypatch.setattr(pieces, "MOST_UNFINISHED", 2)
    data = png()
    first, _ = begun(desk, data), begun(desk, data)
    refused = desk.post(UPLOADS, json={"name": "a.png", "size": 5})
    assert (refused.status_code, refused.get_json()["code"]) == (409, "too_many_uploads")
    assert len(folders(desk)) == 2
    begun(desk, data, key=desk.someone()[1])
    assert desk.delete(f"{UPLOADS}/{first}").status_code == 204
    assert put(desk, begun(desk, data), data, 0, len(data)).status_code == 201
    begun(desk, data)


def test_given_up_is_gone_and_its_picture_stays(desk: Desk) -> None:
    data = png()
    upload = begun(desk, data)
    put(desk, upload, data, 0, HALF)
    assert desk.delete(f"{UPLOADS}/{upload}").status_code == 204
    assert folders(desk) == []
    assert put(desk, upload, data, HALF, len(data)).status_code == 404
    done = begun(desk, data)
    image = put(desk, done, data, 0, len(data)).get_json()["id"]
    assert desk.delete(f"{UPLOADS}/{done}").status_code == 204
    assert desk.get(f"{IMAGES}/{image}").status_code == 200


def test_two_writers_of_a_piece_write_it_once(desk: Desk) -> None:
    data = png(700, 700)
    upload, start, answers = begun(desk, data), threading.Barrier(4), []

    def send() -> None:
        client = desk.app.test_client()
        headers = {"X-API-Key": desk.key, "Content-Range": f"bytes 0-{len(data) - 1}/{len(data)}"}
        start.wait()
        answers.append(client.put(f"{UPLOADS}/{upload}", headers=headers, data=data))

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]
    assert len({answer.get_json()["id"] for answer in answers}) == 1
    assert len(desk.get(IMAGES).get_json()["data"]) == 1


@pytest.mark.parametrize("where", ["spool", "file"])
def test_a_full_disk_loses_that_piece_alone(desk: Desk, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    data = png()
    upload = begun(desk, data)
    put(desk, upload, data, 0, HALF)

    def full(*_: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        if where == "spool":
            patched.setattr("vividflow.api.uploads.Incoming.write", full)
        else:
            patched.setattr(os, "pwrite", full)
        answer = put(desk, upload, data, HALF, len(data))
        assert (answer.status_code, answer.get_json()["code"]) == (507, "disk_full")
    assert desk.get(f"{UPLOADS}/{upload}").get_json()["received"] == HALF
    assert (folders(desk)[0] / "data").stat().st_size == HALF
    assert put(desk, upload, data, HALF, len(data)).status_code == 201


def test_no_room_for_the_beginning_leaves_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("vividflow.lifecycle.piece_file.os.fsync", full)
    answer = desk.post(UPLOADS, json={"name": "a.png", "size": 5})
    assert (answer.status_code, answer.get_json()["code"]) == (507, "disk_full")
    assert folders(desk) == []


def test_a_kill_after_the_bytes_and_before_the_row_costs_that_piece(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = png()
    upload = begun(desk, data)
    put(desk, upload, data, 0, 100)

    class Killed(BaseException):
        """The process ends here."""

    def kill(*_: Any) -> bool:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(uploads, "advance", kill)
        with pytest.raises(Killed):
            pieces.add(desk.tools, desk.user.id, upload, offset=100, length=300, piece=_piece(desk, bytes(300)))
    assert desk.get(f"{UPLOADS}/{upload}").get_json()["received"] == 100
    assert put(desk, upload, data, 100, 200).get_json()["received"] == 200
    assert put(desk, upload, data, 200, len(data)).status_code == 201


def test_a_kill_after_the_picture_was_kept_makes_no_second_one(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    data = png()
    upload = begun(desk, data)

    def kill(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(uploads, "change", kill)
        with pytest.raises(KeyboardInterrupt):
            pieces.add(desk.tools, desk.user.id, upload, offset=0, length=len(data), piece=_piece(desk, data))
    answer = desk.post(f"{UPLOADS}/{upload}/complete")
    assert answer.status_code == 200
    assert [each["id"] for each in desk.get(IMAGES).get_json()["data"]] == [answer.get_json()["id"]]
    assert folders(desk) == []


def test_a_picture_that_was_put_away_since_is_not_there(desk: Desk) -> None:
    data = png()
    upload = begun(desk, data)
    image = put(desk, upload, data, 0, len(data)).get_json()["id"]
    library.remove(desk.tools, desk.user.id, image)
    assert desk.post(f"{UPLOADS}/{upload}/complete").get_json()["code"] == "image_not_found"
    trash.empty(desk.tools, now() + 31 * 86400)
    assert desk.post(f"{UPLOADS}/{upload}/complete").status_code == 404


def _piece(desk: Desk, data: bytes) -> Path:
    path = desk.settings.data_dir / "piece"
    path.write_bytes(data)
    return path
