from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.storage.contract import BODY, KEY, SHA, StorageContract, read, stored
from vividflow.config import Settings
from vividflow.errors import Complaints
from vividflow.storage import local
from vividflow.storage import probe as probing
from vividflow.storage.base import StorageFull, StorageGone
from vividflow.storage.catalog import STORAGES, open_storage
from vividflow.storage.local import LocalStorage


@pytest.fixture
def storage(tmp_path: Path) -> LocalStorage:
    opened = LocalStorage(tmp_path / "media")
    opened.sweep()
    return opened


def _files(storage: LocalStorage) -> set[str]:
    return {str(path.relative_to(storage.root)) for path in storage.root.rglob("*") if path.is_file()}


def _failing(code: int) -> Callable[..., Any]:
    def fail(*_: object, **__: object) -> Any:
        raise OSError(code, os.strerror(code))

    return fail


class TestLocal(StorageContract):
    """The contract, on a folder."""


def test_opening_touches_nothing(tmp_path: Path) -> None:
    settings = Settings.from_environment(None, storage_url=f"file://{tmp_path}/media")
    opened = open_storage(settings)
    assert isinstance(opened, LocalStorage)
    assert opened.stat(KEY) is None
    assert opened.local_path(KEY) is None
    assert not (tmp_path / "media").exists()


@pytest.mark.parametrize("path", ["/srv/media", "/srv/with space", "/srv/100%25/ü#x?y"])
def test_a_file_address_is_taken_as_it_is_written(path: str) -> None:
    opened = open_storage(Settings.from_environment(None, storage_url=f"file://{path}"))
    assert isinstance(opened, LocalStorage)
    assert opened.root == Path(path)


@pytest.mark.parametrize("url", ["ftp://x/y", "media", "/srv/media", "file:/x", "://", "File:///x"])
def test_an_address_nobody_can_open_says_which_are_known(url: str) -> None:
    with pytest.raises(Complaints) as error:
        open_storage(Settings.from_environment(None, storage_url=url))
    assert all(f"{scheme}://" in error.value.complaints[0] for scheme in STORAGES)


@pytest.mark.parametrize("url", ["file://relative/x", "file://", "file://~/media"])
def test_a_folder_must_be_absolute(url: str) -> None:
    with pytest.raises(Complaints, match="file:///absolute/path"):
        open_storage(Settings.from_environment(None, storage_url=url))


def test_everything_is_synced_before_it_counts(
    storage: LocalStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    acts: list[str] = []
    real_sync, real_link = os.fsync, os.link

    def sync(handle: int) -> None:
        acts.append("sync " + os.path.relpath(os.readlink(f"/proc/self/fd/{handle}"), storage.root).split("/")[-1])
        real_sync(handle)

    def link(*paths: Path) -> None:
        acts.append("link")
        real_link(*paths)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(os, "link", link)
    stored(storage, tmp_path)
    assert acts[1:] == ["link", "sync a-1", "sync u-1", "sync users", "sync ."]
    assert acts[0].startswith("sync ")
    acts.clear()
    stored(storage, tmp_path)
    assert acts == ["sync a-1", "sync u-1", "sync users", "sync ."]


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (errno.ENOSPC, StorageFull),
        (errno.EDQUOT, StorageFull),
        (errno.EIO, StorageGone),
        (errno.EROFS, StorageGone),
        (errno.EACCES, StorageGone),
        (errno.ESTALE, StorageGone),
    ],
)
@pytest.mark.parametrize("act", ["fsync", "link", "mkdir"])
def test_a_put_that_fails_leaves_nothing(
    storage: LocalStorage,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    act: str,
    code: int,
    expected: type[Exception],
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(os, act, _failing(code))
        with pytest.raises(expected):
            stored(storage, tmp_path)
    assert _files(storage) == set()
    stored(storage, tmp_path)
    assert read(storage) == BODY


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_disk_that_fills_up_while_writing_is_told(
    storage: LocalStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.open
    monkeypatch.setattr(os, "open", lambda path, flags, *mode: real("/dev/full", flags & ~(os.O_CREAT | os.O_EXCL)))
    with pytest.raises(StorageFull):
        stored(storage, tmp_path)
    with pytest.raises(StorageFull):
        storage.check()


def test_bytes_that_change_on_the_way_to_the_disk_are_not_stored(
    storage: LocalStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bent(source: Any, sink: Any, _: int) -> None:
        sink.write(source.read()[:-1] + b"?")

    monkeypatch.setattr(local.shutil, "copyfileobj", bent)
    with pytest.raises(StorageGone, match="read back"):
        stored(storage, tmp_path)
    assert _files(storage) == set()


@pytest.mark.parametrize("code", [errno.EPERM, errno.EOPNOTSUPP])
def test_a_file_system_without_hard_links_serves_too(
    storage: LocalStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    monkeypatch.setattr(os, "link", _failing(code))
    stored(storage, tmp_path)
    stored(storage, tmp_path)
    with pytest.raises(FileExistsError):
        stored(storage, tmp_path, body=b"other")
    assert read(storage) == BODY
    assert _files(storage) == {KEY}


def test_a_delete_next_door_does_not_disturb_a_put(
    storage: LocalStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, disturbed = os.link, []

    def link(*paths: Path) -> None:
        if not disturbed:
            disturbed.append(True)
            storage.delete("users/u-1/a-1/other.mp4")
        real(*paths)

    monkeypatch.setattr(os, "link", link)
    stored(storage, tmp_path)
    assert disturbed
    assert read(storage) == BODY


def test_a_delete_takes_empty_folders_along_and_no_others(storage: LocalStorage, tmp_path: Path) -> None:
    stored(storage, tmp_path, key="users/u-1/a-1/x.mp4", body=b"1")
    stored(storage, tmp_path, key="users/u-1/a-2/x.mp4", body=b"2")
    storage.delete("users/u-1/a-1/x.mp4")
    assert not (storage.root / "users/u-1/a-1").exists()
    assert (storage.root / "users/u-1").is_dir()
    storage.delete("users/u-1/a-2/x.mp4")
    assert not (storage.root / "users").exists()
    assert storage.root.is_dir()


def test_a_sweep_takes_what_a_killed_process_left_and_not_what_is_being_written(
    storage: LocalStorage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    half = storage.root / ".incoming" / "0123"
    half.write_bytes(b"half")
    swept: list[int] = []
    real = local.shutil.copyfileobj

    def copy(*args: Any) -> None:
        real(*args)
        swept.append(LocalStorage(storage.root).sweep())

    monkeypatch.setattr(local.shutil, "copyfileobj", copy)
    stored(storage, tmp_path)
    assert swept == [1]
    assert not half.exists()
    assert _files(storage) == {KEY}
    assert storage.sweep() == 0


def test_nobody_else_on_the_machine_reads_the_files(storage: LocalStorage, tmp_path: Path) -> None:
    stored(storage, tmp_path)
    for path in storage.root.rglob("*"):
        assert path.stat().st_mode & 0o007 == 0


def test_the_path_behind_a_key_is_for_those_who_send_it(storage: LocalStorage, tmp_path: Path) -> None:
    stored(storage, tmp_path)
    path = storage.local_path(KEY)
    assert path is not None
    assert path.read_bytes() == BODY
    assert storage.local_path("users/u-1") is None
    assert storage.signed_url(KEY, expires_at=time.time() + 60, disposition="inline") is None


def test_a_folder_in_the_way_is_not_a_stored_file(storage: LocalStorage, tmp_path: Path) -> None:
    stored(storage, tmp_path, key="users/u-1", body=b"a file where a folder should be")
    assert storage.stat(KEY) is None
    with pytest.raises((StorageGone, FileExistsError)):
        stored(storage, tmp_path)
    with pytest.raises((StorageGone, FileNotFoundError)):
        storage.open_range(KEY)


def test_a_check_misses_a_folder_that_is_gone(tmp_path: Path) -> None:
    with pytest.raises(StorageGone, match="does not exist"):
        LocalStorage(tmp_path / "unmounted").check()
    assert not (tmp_path / "unmounted").exists()


def test_a_check_does_not_wait_for_a_disk_that_hangs(storage: LocalStorage, monkeypatch: pytest.MonkeyPatch) -> None:
    release, real = threading.Event(), os.fsync
    monkeypatch.setattr(probing, "CHECK_SECONDS", 0.1)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: release.wait(10) and real(handle))
        with pytest.raises(StorageGone, match="longer"):
            storage.check()
        with pytest.raises(StorageGone, match="last probe"):
            storage.check()
        release.set()
        probe = storage._probe._thread
        assert probe is not None
        probe.join(10)
    monkeypatch.setattr(probing, "CHECK_SECONDS", 5)
    storage.check()
    assert _files(storage) == set()


def test_the_promised_hash_is_asked_before_anything_counts_as_equal(storage: LocalStorage, tmp_path: Path) -> None:
    stored(storage, tmp_path)
    (storage.root / KEY).write_bytes(bytes(len(BODY)))
    source = tmp_path / "source"
    source.write_bytes(BODY)
    with pytest.raises(FileExistsError):
        storage.put(KEY, source, mime="video/mp4", sha256=SHA)
