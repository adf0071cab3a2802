"""What waits here for a bucket: never lost, served all the while, and up there once it answers again."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from tests.simulators.buckets import BucketSimulator, GoogleBucket
from tests.storage.contract import BODY, KEY, read, stored
from vividflow.storage.base import StorageFull, StorageGone
from vividflow.storage.bucket import Bucket
from vividflow.storage.local import LocalStorage
from vividflow.storage.waiting_room import WaitingRoom

OTHER = "users/u-1/a-1/poster.jpg"
ENDS = 4_000_000_000


class Killed(BaseException):
    """As if the process ended here."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "outgoing"


@pytest.fixture
def room(bucket: Bucket, root: Path, quick: list[float]) -> WaitingRoom:
    return WaitingRoom(bucket, root)


def _up(simulator: BucketSimulator) -> dict[str, bytes]:
    return {name.partition("/")[2]: held.body for name, held in simulator.held.items()}


def _files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def test_while_the_bucket_answers_nothing_waits(
    room: WaitingRoom, simulator: BucketSimulator, tmp_path: Path, root: Path
) -> None:
    stored(room, tmp_path)
    assert _up(simulator) == {KEY: BODY}
    assert room.waiting().count == 0
    assert not root.exists()
    assert room.carry_up() == 0


def test_a_file_that_waits_is_served_from_here_without_asking_the_bucket(
    room: WaitingRoom, simulator: BucketSimulator, tmp_path: Path
) -> None:
    simulator.away = True
    assert stored(room, tmp_path).size == len(BODY)
    assert simulator.asked == {"upload": 3}
    path = room.local_path(KEY)
    assert path is not None
    assert path.read_bytes() == BODY == read(room)
    assert read(room, start=7, length=9) == BODY[7:16]
    there = room.stat(KEY)
    assert there is not None
    assert there.size == len(BODY)
    assert room.signed_url(KEY, expires_at=ENDS, disposition="inline") is None
    assert room.gs_uri(KEY) is None
    assert simulator.asked == {"upload": 3}
    assert (room.waiting().count, room.waiting().since) == (1, path.stat().st_mtime)


def test_the_next_files_do_not_wait_for_three_tries_each(
    room: WaitingRoom, simulator: BucketSimulator, tmp_path: Path
) -> None:
    simulator.away = True
    stored(room, tmp_path)
    stored(room, tmp_path, key=OTHER, body=b"poster")
    assert simulator.asked == {"upload": 3}
    room._away_until = 0.0
    stored(room, tmp_path, key="users/u-1/a-2/original.mp4")
    assert simulator.asked == {"upload": 6}


def test_what_waits_goes_up_oldest_first_and_leaves(
    room: WaitingRoom, simulator: BucketSimulator, tmp_path: Path, root: Path
) -> None:
    simulator.away = True
    keys = [f"users/u-1/a-{n}/original.mp4" for n in range(4)]
    for age, key in enumerate(keys):
        stored(room, tmp_path, key=key, body=BODY + key.encode())
        path = room.local_path(key)
        assert path is not None
        os.utime(path, (1000 - age, 1000 - age))
    with pytest.raises(StorageGone):
        room.carry_up()
    assert room.waiting().count == 4
    assert room.waiting().since == 997
    simulator.away = False
    simulator.faults["upload"].add("refuse", times=2)
    assert room.carry_up() == 4
    assert [name.partition("/")[2] for name in simulator.held] == keys[::-1]
    assert _up(simulator) == {key: BODY + key.encode() for key in keys}
    assert {held.mime for held in simulator.held.values()} == {"video/mp4"}
    assert _files(root) == [".lock"]
    assert room.local_path(keys[0]) is None
    assert read(room, keys[0]) == BODY + keys[0].encode()


def test_a_large_file_goes_up_in_pieces(room: WaitingRoom, simulator: BucketSimulator, tmp_path: Path) -> None:
    large = bytes(range(256)) * 40_000
    simulator.away = True
    stored(room, tmp_path, body=large)
    simulator.away = False
    assert room.carry_up() == 1
    assert _up(simulator) == {KEY: large}


@pytest.mark.parametrize("where", ["before", "sent", "seen", "removed"])
def test_a_kill_at_any_point_of_carrying_loses_nothing_and_stores_once(
    room: WaitingRoom,
    bucket: Bucket,
    simulator: BucketSimulator,
    tmp_path: Path,
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
) -> None:
    simulator.away = True
    stored(room, tmp_path)
    stored(room, tmp_path, key=OTHER, body=b"poster")
    simulator.away = False
    place, name, after = {
        "before": (bucket, "put", False),
        "sent": (bucket, "put", True),
        "seen": (bucket, "stat", True),
        "removed": (LocalStorage, "delete", True),
    }[where]
    real = getattr(place, name)

    def dies(*given: object, **named: object) -> object:
        if after:
            real(*given, **named)
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(place, name, dies)
        with pytest.raises(Killed):
            room.carry_up()
    for key, body in ((KEY, BODY), (OTHER, b"poster")):
        assert read(room, key) == body
    again = WaitingRoom(bucket, root)
    again.sweep()
    assert again.carry_up() == (1 if where == "removed" else 2)
    assert _up(simulator) == {KEY: BODY, OTHER: b"poster"}
    assert again.waiting().count == 0


def test_a_kill_while_a_file_is_written_here_leaves_none_and_the_same_again_counts(
    room: WaitingRoom,
    bucket: Bucket,
    simulator: BucketSimulator,
    tmp_path: Path,
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    simulator.away = True

    def dies(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(LocalStorage, "_publish", dies)
        with pytest.raises(Killed):
            stored(room, tmp_path)
    assert room.waiting().count == 0
    again = WaitingRoom(bucket, root)
    assert stored(again, tmp_path) == stored(again, tmp_path)
    with pytest.raises(FileExistsError):
        stored(again, tmp_path, body=b"other")
    assert again.waiting().count == 1
    simulator.away = False
    again._away_until = 0.0
    stored(again, tmp_path)  # what waits is not sent past itself
    assert _up(simulator) == {}
    assert again.carry_up() == 1


def test_an_upload_whose_answer_was_lost_is_stored_once(
    room: WaitingRoom, simulator: BucketSimulator, tmp_path: Path
) -> None:
    simulator.faults["upload"].add("lost", times=1)
    simulator.faults["look"].add("refuse", times=None)
    stored(room, tmp_path)
    simulator.faults["look"].clear()
    assert room.waiting().count == 1
    assert room.carry_up() == 1
    assert _up(simulator) == {KEY: BODY}


@pytest.mark.parametrize("when", ["before it is read", "while it goes up", "when it is up"])
def test_a_file_that_is_deleted_is_gone_from_both(
    room: WaitingRoom,
    bucket: Bucket,
    simulator: BucketSimulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    when: str,
) -> None:
    simulator.away = True
    stored(room, tmp_path)
    simulator.away = False
    real = bucket.put

    def deleted_meanwhile(key: str, source: Path, **named: str) -> object:
        copy = tmp_path / "as-it-was-read"
        copy.write_bytes(source.read_bytes())
        if when != "when it is up":
            room.delete(KEY)
        done = real(key, source if when == "before it is read" else copy, **named)  # type: ignore[arg-type]
        room.delete(KEY) if when == "when it is up" else None
        return done

    with monkeypatch.context() as patch:
        patch.setattr(bucket, "put", deleted_meanwhile)
        assert room.carry_up() == 0
    assert _up(simulator) == {}
    assert room.stat(KEY) is None
    assert room.waiting().count == 0


def test_another_file_under_the_key_keeps_ours_here(
    room: WaitingRoom, simulator: BucketSimulator, tmp_path: Path
) -> None:
    simulator.away = True
    stored(room, tmp_path)
    stored(room, tmp_path, key=OTHER, body=b"poster")
    simulator.away = False
    stored(room.bucket, tmp_path, body=b"somebody else's")
    assert room.carry_up() == 1
    assert read(room) == BODY
    assert room.waiting().count == 1


def test_a_full_bucket_lets_them_wait_and_a_full_disk_is_told(
    room: WaitingRoom, simulator: BucketSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulator.faults["upload"].add("refuse", times=None, status=507)
    stored(room, tmp_path)
    assert room.waiting().count == 1
    with pytest.raises(StorageFull):
        room.carry_up()

    def full(*_: object, **__: object) -> object:
        raise StorageFull("no room")

    monkeypatch.setattr(LocalStorage, "put", full)
    with pytest.raises(StorageFull):
        stored(room, tmp_path, key=OTHER)


def test_only_one_process_carries_at_a_time(
    room: WaitingRoom, simulator: BucketSimulator, tmp_path: Path, root: Path
) -> None:
    simulator.away = True
    stored(room, tmp_path)
    simulator.away = False
    with (root / ".lock").open("a") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        assert room.carry_up() == 0
    assert room.carry_up(lambda: False) == 0
    assert room.carry_up() == 1


def test_the_bucket_signs_once_the_file_is_there(
    room: WaitingRoom, simulator: BucketSimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room.bucket, "signed_url", lambda key, **_: f"https://bucket/{key}")
    simulator.away = True
    stored(room, tmp_path)
    assert room.signed_url(KEY, expires_at=ENDS, disposition="inline") is None
    simulator.away = False
    room.carry_up()
    assert room.signed_url(KEY, expires_at=ENDS, disposition="inline") == f"https://bucket/{KEY}"
    assert isinstance(simulator, GoogleBucket) or simulator.asked["look"]
