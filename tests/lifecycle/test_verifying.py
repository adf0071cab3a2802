"""The storage held against the rows: each kind of fault is named, what is being stored or deleted just now is none."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lifecycle.stage import Stage
from tests.people import make_user
from tests.simulators.buckets import CREDENTIALS, AmazonBucket, settings_of
from tests.storage.shelves import aged, put, sha, shelve, shelved
from vividflow.lifecycle import side_by_side as sides
from vividflow.lifecycle.side_by_side import side_by_side
from vividflow.lifecycle.storing import asset_id_of
from vividflow.lifecycle.tools import Tools
from vividflow.lifecycle.verifying import delete_foreign, verify
from vividflow.records import assets, orders, stored_files
from vividflow.records.stored_files import StoredFile
from vividflow.records.users import User
from vividflow.storage.base import Listed
from vividflow.storage.local import LocalStorage


def found(tools: Tools, *, deep: bool = False) -> list[tuple[str, str]]:
    return [(str(each.fault), each.key) for each in verify(tools, deep=deep)]


@pytest.fixture
def root(tools: Tools) -> Path:
    tools.storage.sweep()
    return tools.settings.data_dir / "media"


def test_a_storage_that_is_as_the_rows_say_gives_no_finding(
    tools: Tools, user: User, root: Path, tmp_path: Path
) -> None:
    shelved(tools.db, tools.storage, tmp_path, user.id, 3)
    looked: list[int] = []
    assert list(verify(tools, deep=True, seen=looked.append)) == []
    assert looked == [6]


def test_what_is_missing_damaged_and_foreign_is_named(tools: Tools, user: User, root: Path, tmp_path: Path) -> None:
    held = sorted(shelved(tools.db, tools.storage, tmp_path, user.id, 3))
    (root / held[0]).unlink()
    (root / held[2]).write_bytes(b"cut")
    swapped = root / held[4]
    swapped.write_bytes(bytes(swapped.stat().st_size))
    for key in ("users/a/b/old.mp4", "users/a/b/young.mp4"):
        put(tools.storage, tmp_path, key, b"x")
    aged(root, "users/a/b/old.mp4")
    (root / "elsewhere").mkdir()
    (root / "elsewhere" / "x").write_bytes(b"x")
    quick = {("missing", held[0]), ("damaged", held[2]), ("foreign", "users/a/b/old.mp4")}
    assert set(found(tools)) == quick  # a folder keeps no hashes
    assert set(found(tools, deep=True)) == quick | {("damaged", held[4])}


def test_pages_and_kinds_of_rows_make_no_gap(
    tools: Tools, user: User, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sides, "PAGE", 2)
    held = shelved(tools.db, tools.storage, tmp_path, user.id, 5)
    assert [file.key for file in sides.files(tools.db)] == sorted(held)
    assert [file.key for file in sides.files(tools.db, sorted(held)[3])] == sorted(held)[4:]
    assert found(tools) == []
    with tools.db.reading() as connection:
        assert stored_files.count(connection) == 10
        assert stored_files.used(connection, user.id) == sum(len(body) for body in held.values())
        assert stored_files.used(connection, "nobody") == 0


def test_what_a_finishing_order_has_stored_is_never_foreign(stage: Stage, tmp_path: Path) -> None:
    tools, job = stage.tools, stage.begin()
    (order,) = stage.orders(job.id)
    key = f"users/{stage.user.id}/{asset_id_of(order.id)}/original.mp4"
    put(tools.storage, tmp_path, key, b"paid for")
    aged(tools.settings.data_dir / "media", key)
    assert found(tools) == []
    assert not delete_foreign(tools, key)
    stage.change_order(job.id, state=orders.REFUSED)
    assert found(tools) == [("foreign", key)]
    assert delete_foreign(tools, key)
    assert not delete_foreign(tools, key)
    assert tools.storage.stat(key) is None


class Busy(LocalStorage):
    """Somebody works while it is listed, after the rows were read and before the first name is told."""

    def __init__(self, root: Path, meanwhile: Callable[[], None]) -> None:
        super().__init__(root)
        self._meanwhile = meanwhile

    def list(self, prefix: str) -> Iterator[Listed]:
        listed = [*super().list(prefix)]
        self._meanwhile()
        yield from listed


def test_what_goes_or_comes_while_it_is_looked_at_is_no_finding(
    tools: Tools, user: User, root: Path, tmp_path: Path
) -> None:
    ((gone, _),) = shelve(tools.db, user.id, b"film")
    ((late, body),) = shelve(tools.db, user.id, b"another film")
    assert set(found(tools)) == {("missing", gone.key), ("missing", late.key)}

    def meanwhile() -> None:
        with tools.db.transaction() as connection:
            asset = assets.by_storage_key(connection, gone.key)
            assert asset is not None
            assets.delete(connection, asset.id)
        put(LocalStorage(root), tmp_path, late.key, body)

    tools._built["storage"] = Busy(root, meanwhile)
    assert found(tools) == []


def test_a_bucket_s_own_note_of_the_hash_is_compared_without_reading(
    tools_for: Callable[..., Tools], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    server = AmazonBucket().start()
    tools = tools_for(**settings_of(server))
    try:
        user = make_user(tools)
        held = shelved(tools.db, tools.storage, tmp_path, user.id, 2)
        key = sorted(held)[1]
        server.held[f"ours/{key}"].metadata["sha256"] = sha(b"another")
        reads = server.asked["read"]
        assert found(tools) == [("damaged", key)]
        assert server.asked["read"] == reads
        assert found(tools, deep=True) == []  # the bytes are right, the note is not
    finally:
        tools.storage.close()
        server.stop()


def test_two_ordered_sides_meet_key_by_key() -> None:
    def file(key: str) -> StoredFile:
        return StoredFile(key=key, size=1, sha256="", mime="")

    def thing(key: str) -> Listed:
        return Listed(key=key, size=1, sha256=None, stored_at=0)

    pairs = side_by_side([file("a"), file("c"), file("d")], [thing("b"), thing("c"), thing("e")])
    assert [(one and one.key, other and other.key) for one, other in pairs] == [
        ("a", None),
        (None, "b"),
        ("c", "c"),
        ("d", None),
        (None, "e"),
    ]


def test_keys_come_in_the_order_of_their_bytes_whatever_the_database_speaks(tools: Tools, user: User) -> None:
    odd = [f"users/{user.id}/{name}/original.mp4" for name in ("A", "a-b", "a", "aB", "ab", str(uuid.UUID(int=1)))]
    with tools.db.transaction() as connection:
        for key in odd:
            row = assets.Asset(
                id=key, user_id=user.id, kind="video", storage_key=key, mime="", size=1, sha256="", created_at=0.0
            )
            assets.insert(connection, row)
    assert [each.key for each in sides.files(tools.db)] == sorted(odd)
