"""The storage from the command line: what is printed where, how it ends, and what is told to do next."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from tests.installation import a_user
from tests.storage.shelves import aged, put, shelve, shelved
from vividflow.config import Settings
from vividflow.db.database import Database
from vividflow.lifecycle import relocating
from vividflow.storage.local import LocalStorage

Flask = Callable[..., Result]


@pytest.fixture
def media(settings: Settings) -> LocalStorage:
    storage = LocalStorage(settings.data_dir / "media")
    storage.sweep()
    return storage


def files(root: Path) -> dict[str, bytes]:
    return {str(each.relative_to(root)): each.read_bytes() for each in root.rglob("*") if each.is_file()}


def mark(settings: Settings) -> Path:
    (found,) = (settings.data_dir / "moves").glob("*.json")
    return found


def test_verify_prints_a_line_for_each_finding_and_ends_with_1_for_a_loss(
    flask: Flask, db: Database, media: LocalStorage, tmp_path: Path
) -> None:
    held = sorted(shelved(db, media, tmp_path, a_user(db).id, 2))
    put(media, tmp_path, "users/x/y/z.mp4", b"nobody's")
    aged(media.root, "users/x/y/z.mp4")
    done = flask("storage", "verify", "--deep")
    assert (done.exit_code, done.stdout) == (0, "foreign\tusers/x/y/z.mp4\t8 bytes that no row names\n")
    assert done.stderr == "5 files looked at: 0 missing, 1 foreign, 0 damaged.\n"
    (media.root / held[0]).unlink()
    done = flask("storage", "verify", "--remove-foreign")
    assert done.exit_code == 1
    assert done.stdout.splitlines()[0].startswith(f"missing\t{held[0]}\t")
    assert "Removed 1 foreign." in done.stderr
    assert media.stat("users/x/y/z.mp4") is None
    assert sorted(files(media.root)) == held[1:]


def test_a_storage_that_is_not_there_is_no_loss_of_everything(flask: Flask, db: Database) -> None:
    shelve(db, a_user(db).id, b"film")
    done = flask("storage", "verify")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "does not exist" in done.stderr


def test_a_move_copies_all_that_rows_name_and_says_what_comes_next(
    flask: Flask, db: Database, media: LocalStorage, tmp_path: Path
) -> None:
    user = a_user(db)
    held = shelved(db, media, tmp_path, user.id, 3)
    put(media, tmp_path, "users/x/y/z.mp4", b"nobody's")
    before, target = files(media.root), tmp_path / "new"
    done = flask("storage", "move", f"file://{target}")
    assert (done.exit_code, done.stdout) == (0, ""), done.stderr
    assert "Copied 6 files" in done.stderr
    assert f"STORAGE_URL=file://{target}" in done.stderr
    assert files(target) == held
    assert files(media.root) == before
    held |= shelved(db, media, tmp_path, user.id, 1)
    again = flask("storage", "move", f"file://{target}")
    assert "Copied 2 files" in again.stderr
    assert files(target) == held


def test_what_came_late_is_brought_after_the_change(
    flask: Flask, db: Database, media: LocalStorage, tmp_path: Path
) -> None:
    old = LocalStorage(tmp_path / "old")
    held = shelved(db, old, tmp_path, a_user(db).id, 1)
    done = flask("storage", "move", f"file://{media.root}", "--from", f"file://{old.root}")
    assert done.exit_code == 0, done.stderr
    assert files(media.root) == held
    assert flask("storage", "verify").exit_code == 0


def test_a_file_that_cannot_be_moved_is_named_and_the_others_go(
    flask: Flask, db: Database, media: LocalStorage, settings: Settings, tmp_path: Path
) -> None:
    user, target = a_user(db), LocalStorage(tmp_path / "new")
    held = shelved(db, media, tmp_path, user.id, 3)
    gone, spoilt, taken, cut = sorted(held)[:4]
    (media.root / gone).unlink()
    (media.root / spoilt).write_bytes(bytes(len(held[spoilt])))
    put(target, tmp_path, taken, bytes(len(held[taken])))
    put(target, tmp_path, cut, b"c")
    for _ in range(2):  # said each time, until it is mended
        done = flask("storage", "move", f"file://{target.root}")
        assert done.exit_code == 1
        said = dict(line.split("\t") for line in done.stdout.splitlines())
        assert sorted(said) == [gone, spoilt, taken, cut]
        assert "source does not have it" in said[gone]
        assert "SHA-256 differs" in said[spoilt]
        assert "another file" in said[taken]
        assert "1 bytes" in said[cut]
    assert (target.root / taken).read_bytes() == bytes(len(held[taken]))
    assert len(files(target.root)) == 4
    for key in (gone, spoilt):
        (media.root / key).write_bytes(held[key])
    for key in (taken, cut):
        (target.root / key).unlink()
    assert flask("storage", "move", f"file://{target.root}").exit_code == 0
    assert files(target.root) == held
    assert json.loads(mark(settings).read_text()) == {"round": 2, "after": "", "spoilt": False}


def test_a_move_goes_on_behind_its_mark_and_proves_the_page_that_was_broken(
    flask: Flask, db: Database, media: LocalStorage, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relocating, "PAGE", 2)
    held = shelved(db, media, tmp_path, a_user(db).id, 4)
    target, keys = tmp_path / "new", sorted(held)
    assert flask("storage", "move", f"file://{target}").exit_code == 0
    before = {"round": 1, "after": keys[1], "spoilt": False}
    mark(settings).write_text(json.dumps(before))
    (target / keys[0]).write_bytes(bytes(len(held[keys[0]])))  # behind the mark: `storage verify --deep` finds it
    assert flask("storage", "move", f"file://{target}").exit_code == 0
    mark(settings).write_text(json.dumps(before))
    (target / keys[2]).write_bytes(bytes(len(held[keys[2]])))
    done = flask("storage", "move", f"file://{target}")
    assert (done.exit_code, done.stdout) == (1, f"{keys[2]}\tthe destination has another file under this key\n")


@pytest.mark.parametrize("url", ["ftp://x", "file://relative", "gs://", "here"])
def test_an_address_that_is_none_is_refused(flask: Flask, media: LocalStorage, url: str) -> None:
    done = flask("storage", "move", url)
    assert done.exit_code == 1
    assert "Traceback" not in done.stderr


def test_a_move_to_where_it_is_is_refused(flask: Flask, settings: Settings) -> None:
    done = flask("storage", "move", f"{settings.storage}/")
    assert (done.exit_code, "already" in done.stderr) == (1, True)
