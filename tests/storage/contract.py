"""What every storage promises. A storage's own test file subclasses `StorageContract` and says how to open one."""

from __future__ import annotations

import contextlib
import hashlib
import random
import threading
import time
from pathlib import Path

import pytest

from vividflow.storage.base import Storage, Stored

KEY = "users/u-1/a-1/original.mp4"
BODY = random.Random(3).randbytes(2_500_000)
SHA = hashlib.sha256(BODY).hexdigest()


def stored(storage: Storage, tmp_path: Path, key: str = KEY, body: bytes = BODY) -> Stored:
    """`body` put under `key`."""
    source = tmp_path / f"source-{threading.get_ident()}"
    source.write_bytes(body)
    return storage.put(key, source, mime="video/mp4", sha256=hashlib.sha256(body).hexdigest())


def read(storage: Storage, key: str = KEY, start: int = 0, length: int | None = None) -> bytes:
    """The bytes of a range, in one."""
    pieces = list(storage.open_range(key, start, length))
    assert all(0 < len(piece) <= 1024 * 1024 for piece in pieces)
    return b"".join(pieces)


class StorageContract:
    """Needs a fixture `storage` that opens an empty one."""

    def test_what_was_put_is_there_whole(self, storage: Storage, tmp_path: Path) -> None:
        there = stored(storage, tmp_path)
        assert (there.key, there.size, there.sha256) == (KEY, len(BODY), SHA)
        assert read(storage) == BODY
        looked = storage.stat(KEY)
        assert looked is not None
        assert (looked.key, looked.size, looked.sha256 or SHA) == (KEY, len(BODY), SHA)

    def test_the_source_stays_and_is_not_shared(self, storage: Storage, tmp_path: Path) -> None:
        source = tmp_path / "source"
        source.write_bytes(BODY)
        storage.put(KEY, source, mime="video/mp4", sha256=SHA)
        source.write_bytes(b"something else")
        assert read(storage) == BODY

    def test_an_empty_file_is_a_file(self, storage: Storage, tmp_path: Path) -> None:
        assert stored(storage, tmp_path, body=b"").size == 0
        assert read(storage) == b""

    @pytest.mark.parametrize(
        ("start", "length"),
        [
            *((0, None), (0, 0), (0, 1), (0, 10), (1, 10), (1024 * 1024 - 1, 2), (1024 * 1024, None), (2_499_999, 1)),
            *((2_499_999, None), (2_499_990, 100), (2_500_000, None), (2_500_000, 5), (3_000_000, 5), (7, 2_000_000)),
        ],
    )
    def test_a_range_is_that_part(self, storage: Storage, tmp_path: Path, start: int, length: int | None) -> None:
        stored(storage, tmp_path)
        assert read(storage, KEY, start, length) == BODY[start : None if length is None else start + length]

    def test_a_range_that_nobody_reads_to_its_end_holds_nothing(self, storage: Storage, tmp_path: Path) -> None:
        stored(storage, tmp_path)
        storage.open_range(KEY)
        piece = next(storage.open_range(KEY, 5))
        assert piece
        assert BODY[5:].startswith(piece)

    def test_the_same_again_counts_as_stored(self, storage: Storage, tmp_path: Path) -> None:
        assert stored(storage, tmp_path) == stored(storage, tmp_path)

    def test_nothing_is_ever_overwritten(self, storage: Storage, tmp_path: Path) -> None:
        stored(storage, tmp_path)
        with pytest.raises(FileExistsError):
            stored(storage, tmp_path, body=b"other")
        with pytest.raises(FileExistsError):
            stored(storage, tmp_path, body=bytes(len(BODY)))
        assert read(storage) == BODY

    def test_of_many_at_once_one_wins_whole(self, storage: Storage, tmp_path: Path) -> None:
        bodies = [bytes([n]) * 300_000 for n in range(6)]
        start, won = threading.Barrier(len(bodies)), []

        def race(body: bytes) -> None:
            start.wait(10)
            with contextlib.suppress(FileExistsError):
                won.append(stored(storage, tmp_path, body=body))

        threads = [threading.Thread(target=race, args=(body,)) for body in bodies]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert len(won) == 1
        assert hashlib.sha256(read(storage)).hexdigest() == won[0].sha256

    def test_what_is_not_there(self, storage: Storage) -> None:
        assert storage.stat(KEY) is None
        assert storage.local_path(KEY) is None
        with pytest.raises(FileNotFoundError):
            next(storage.open_range(KEY))
        storage.delete(KEY)

    def test_what_was_deleted_is_gone_and_may_come_again(self, storage: Storage, tmp_path: Path) -> None:
        stored(storage, tmp_path)
        stored(storage, tmp_path, key="users/u-1/a-1/poster.jpg", body=b"poster")
        storage.delete(KEY)
        storage.delete(KEY)
        assert storage.stat(KEY) is None
        assert read(storage, "users/u-1/a-1/poster.jpg") == b"poster"
        stored(storage, tmp_path, body=b"anew")
        assert read(storage) == b"anew"

    def test_a_source_that_is_not_what_was_promised_is_not_stored(self, storage: Storage, tmp_path: Path) -> None:
        source = tmp_path / "source"
        source.write_bytes(b"x")
        with pytest.raises(ValueError, match="SHA-256"):
            storage.put(KEY, source, mime="video/mp4", sha256=SHA)
        assert storage.stat(KEY) is None

    @pytest.mark.parametrize(
        "key",
        [
            *(
                "",
                "/",
                "/etc/passwd",
                "..",
                "../x",
                "users/../../x",
                "users/./x",
                "users//x",
                "users/",
                "users/.hidden",
            ),
            *(
                ".incoming/x",
                "users/x\n",
                "users\\x",
                "users/\x00",
                "users/ü",
                "users/a b",
                "C:x",
                "a" * 201,
                "a/" * 600,
            ),
        ],
    )
    def test_a_key_that_could_mean_something_else_is_refused(self, storage: Storage, tmp_path: Path, key: str) -> None:
        source = tmp_path / "source"
        source.write_bytes(BODY)
        with pytest.raises(ValueError, match="not a storage key"):
            storage.put(key, source, mime="video/mp4", sha256=SHA)
        for act in (storage.stat, storage.local_path, storage.delete, storage.open_range, storage.list):
            with pytest.raises(ValueError, match="not a storage key"):
                act(key)

    def test_a_listing_tells_all_below_a_folder_in_the_order_of_the_keys_bytes(
        self, storage: Storage, tmp_path: Path
    ) -> None:
        keys = ["users/a-b/1/x.jpg", "users/a/1/original.mp4", "users/a/1/p_960.jpg", "users/a/10/x.jpg", "users/aa/x"]
        assert keys == sorted(keys)
        for key in (*reversed(keys), "usersother/x", "other/x"):
            stored(storage, tmp_path, key, key.encode())
        told = list(storage.list("users"))
        assert [(each.key, each.size, each.sha256 or "") for each in told] == [
            (key, len(key), hashlib.sha256(key.encode()).hexdigest() if each.sha256 else "")
            for key, each in zip(keys, told, strict=True)
        ]
        assert all(abs(each.stored_at - time.time()) < 3600 for each in told)
        assert [each.key for each in storage.list("users/a")] == keys[1:4]
        assert list(storage.list("nobody")) == []

    def test_a_listing_that_nobody_reads_on_holds_nothing_up(self, storage: Storage, tmp_path: Path) -> None:
        stored(storage, tmp_path)
        listing = storage.list("users")
        assert next(listing).key == KEY
        storage.delete(KEY)
        assert list(storage.list("users")) == []

    def test_a_healthy_storage_passes_its_check_and_keeps_nothing(self, storage: Storage, tmp_path: Path) -> None:
        stored(storage, tmp_path)
        storage.check()
        storage.check()
        assert read(storage) == BODY
