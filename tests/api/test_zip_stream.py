"""A zip that is made while it is sent: what Python's own reader makes of it, its length, and files that are not as told."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from vividflow.api.zip_stream import Entry, length, stream

MADE_AT = 1_780_000_000.0


class Shelf:
    """A storage of files on this machine, or (`away`) of bytes that come from elsewhere."""

    def __init__(self, folder: Path, *, away: bool = False) -> None:
        self._folder = folder
        self._away = away
        self.asked: list[str] = []

    def keep(self, name: str, content: bytes, size: int | None = None) -> Entry:
        (self._folder / name).write_bytes(content)
        return Entry(name=f"{name}.mp4", key=name, size=len(content) if size is None else size, made_at=MADE_AT)

    def local_path(self, key: str) -> Path | None:
        return None if self._away else self._folder / key

    def open_range(self, key: str, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        self.asked.append(key)
        content = (self._folder / f"{key}").read_bytes()
        yield content[:3]
        yield content[3:]


def pack(shelf: Shelf, entries: list[Entry], scratch: Path) -> bytes:
    return b"".join(stream(shelf, entries, scratch))  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("away", [False, True])
def test_a_zip_holds_each_file_as_it_is(tmp_path: Path, away: bool) -> None:
    shelf = Shelf(tmp_path, away=away)
    contents = {"Leuchtturm 灯台": b"x" * 700_000, "empty": b"", "two": b"two"}
    entries = [shelf.keep(name, content) for name, content in contents.items()]
    whole = pack(shelf, entries, tmp_path / "scratch")
    assert len(whole) == length(entries)
    with zipfile.ZipFile(io.BytesIO(whole)) as read:
        assert read.testzip() is None
        assert {name: read.read(f"{name}.mp4") for name in contents} == contents
        assert {each.compress_type for each in read.infolist()} == {zipfile.ZIP_STORED}
        assert {each.flag_bits for each in read.infolist()} == {0x800}
        assert {each.date_time for each in read.infolist()} == {(2026, 5, 28, 20, 26, 40)}
    assert len(shelf.asked) == (3 if away else 0)
    assert not list((tmp_path / "scratch").glob("*"))


def test_no_file_is_a_zip_too(tmp_path: Path) -> None:
    whole = pack(Shelf(tmp_path), [], tmp_path)
    assert len(whole) == length([])
    assert zipfile.ZipFile(io.BytesIO(whole)).namelist() == []


def test_a_file_that_has_another_size_breaks_it_off_before_its_head(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    entries = [shelf.keep("one", b"1"), shelf.keep("two", b"22", size=3)]
    got = bytearray()
    pieces = stream(shelf, entries, tmp_path)  # pyright: ignore[reportArgumentType]

    def take_all() -> None:
        for piece in pieces:
            got.extend(piece)

    with pytest.raises(OSError, match="two has 2 bytes and should have 3"):
        take_all()
    assert got.count(b"PK\x03\x04") == 1


def test_a_file_that_has_just_gone_up_is_fetched_from_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Shelf(tmp_path)
    entry = shelf.keep("one", b"1234")
    monkeypatch.setattr(shelf, "local_path", lambda _key: tmp_path / "moved")
    whole = pack(shelf, [entry], tmp_path / "scratch")
    assert zipfile.ZipFile(io.BytesIO(whole)).read("one.mp4") == b"1234"
    assert shelf.asked == ["one"]


def test_a_fetch_that_breaks_leaves_nothing_in_scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Shelf(tmp_path, away=True)
    entry = shelf.keep("one", b"1234")

    def broken(_key: str) -> Iterator[bytes]:
        yield b"12"
        raise OSError("the bucket is away")

    monkeypatch.setattr(shelf, "open_range", broken)
    with pytest.raises(OSError, match="away"):
        pack(shelf, [entry], tmp_path / "scratch")
    assert not list((tmp_path / "scratch").glob("*"))


def test_times_before_zips_existed_are_the_first_there_is(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    entry = shelf.keep("one", b"1")
    old = Entry(name="old.mp4", key=entry.key, size=1, made_at=0.0)
    read = zipfile.ZipFile(io.BytesIO(pack(shelf, [old], tmp_path)))
    assert read.infolist()[0].date_time[:3] == (1980, 1, 1)
