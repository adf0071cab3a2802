"""A library on its way to another storage: every file that a row names, once, proved by its bytes where it arrived.

Rounds go through the keys in order (docs/adr/0021). The first proves by reading whatever is there; later ones take what came
meanwhile and trust what is there, but for the page that a kill may have broken.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from vividflow.db.database import Database
from vividflow.lifecycle.move_mark import Mark, MoveFolder
from vividflow.lifecycle.side_by_side import FOLDER, files, in_pages, side_by_side
from vividflow.lifecycle.verifying import hash_of
from vividflow.records import stored_files
from vividflow.records.stored_files import StoredFile
from vividflow.storage.base import Listed, Storage, StorageGone

HANDS = 8
PAGE = 64
MOST_ROUNDS = 5
"""A server that stores faster than this copies is not waited for: the operator stops it and moves once more."""


@dataclass(kw_only=True)
class Tally:
    """What was done so far in this run: files (and their bytes) copied, files that were there, files in trouble."""

    copied: int = 0
    size: int = 0
    there: int = 0
    troubled: int = 0
    round: int = 1


class _Trouble(Exception):
    """One file cannot be moved. `spoilt`: because of what lies at the destination."""

    def __init__(self, words: str, *, spoilt: bool = False) -> None:
        super().__init__(words)
        self.spoilt = spoilt


class Relocation:
    """One move. `progress` hears after each page how far it is, `trouble` of a key and what is wrong, once for each key."""

    def __init__(
        self,
        *,
        db: Database,
        source: Storage,
        target: Storage,
        folder: MoveFolder,
        progress: Callable[[Tally], None],
        trouble: Callable[[str, str], None],
    ) -> None:
        self._db, self._source, self._target, self._folder = db, source, target, folder
        self._progress, self._trouble = progress, trouble
        self._told: set[str] = set()
        self.tally = Tally()

    def run(self) -> Tally:
        """Copy until a round finds nothing new. Nothing is deleted anywhere.

        Killed at any moment, it goes on from there the next time. Raises `StorageGone`, `StorageFull`, `OSError`.
        """
        self._target.sweep()
        self._target.check()
        mark = self._folder.read()
        if mark.spoilt:
            mark = Mark()
        first = mark.round
        for number in range(first, first + MOST_ROUNDS):
            before, whole = self.tally.copied, not mark.after
            mark = self._round(replace(mark, round=number), doubted=number == first)
            mark = replace(mark, round=2, after="")
            self._folder.keep(mark)
            if number > 1 and whole and self.tally.copied == before:
                break
        if mark.spoilt:  # the next run reads everything again
            self._folder.forget()
        return self.tally

    def _round(self, mark: Mark, *, doubted: bool) -> Mark:
        """Go through the keys behind the mark. `doubted`: a kill may have broken the first page, so it is proved again."""
        self.tally.round = mark.round
        after = mark.after
        there = (each for each in self._target.list(FOLDER) if each.key > after)
        pairs = side_by_side(files(self._db, after), there)
        wanted = ((file, thing) for file, thing in pairs if file is not None)
        with ThreadPoolExecutor(HANDS, "move") as hands:
            for page in in_pages(wanted, PAGE):
                prove = doubted or mark.round == 1
                if prove or any(thing is None for _, thing in page):
                    self._folder.keep(mark)  # before anything is put
                done = list(hands.map(lambda pair, prove=prove: self._done(*pair, prove=prove), page))
                spoilt = [self._booked(file, trouble) for (file, _), trouble in zip(page, done, strict=True)]
                mark = replace(mark, after=page[-1][0].key, spoilt=mark.spoilt or any(spoilt))
                doubted = False
                self._progress(self.tally)
        return mark

    def _done(self, file: StoredFile, thing: Listed | None, *, prove: bool) -> int | _Trouble | None:
        """How many bytes were copied; None for what was there, or is wanted no more."""
        try:
            if thing is not None and thing.size != file.size:
                raise _Trouble(f"the destination has {thing.size} bytes under this key, not {file.size}", spoilt=True)
            copied = thing is None and self._copied(file)
            if (copied or (thing is not None and prove)) and self._arrived(file) != file.sha256:
                raise _Trouble("the destination has another file under this key", spoilt=True)
            return file.size if copied else None
        except _Trouble as trouble:
            with self._db.reading() as connection:  # what was deleted for good meanwhile is no trouble
                return trouble if stored_files.by_key(connection, file.key) == file else None

    def _copied(self, file: StoredFile) -> bool:
        part = self._folder.parts / uuid.uuid4().hex
        try:
            try:
                self._put(file, part)
            except FileNotFoundError:
                self._put(file, part)  # it may have waited here for its bucket, and have gone up just now
        except FileNotFoundError:
            raise _Trouble("the source does not have it") from None
        except ValueError:
            raise _Trouble("what the source has is not what the row says (its SHA-256 differs)") from None
        except FileExistsError:
            raise _Trouble("the destination has another file under this key", spoilt=True) from None
        finally:
            part.unlink(missing_ok=True)
        return True

    def _put(self, file: StoredFile, part: Path) -> None:
        self._target.put(file.key, self._at_hand(file.key, part), mime=file.mime, sha256=file.sha256)

    def _at_hand(self, key: str, part: Path) -> Path:
        here = self._source.local_path(key)
        if here is not None:
            return here
        with part.open("wb") as out:
            out.writelines(self._source.open_range(key))
        return part

    def _arrived(self, file: StoredFile) -> str:
        try:
            return hash_of(self._target, file.key)
        except FileNotFoundError as gone:
            raise StorageGone(f"the destination took {file.key} and does not have it") from gone

    def _booked(self, file: StoredFile, done: int | _Trouble | None) -> bool:
        if isinstance(done, _Trouble):
            if file.key not in self._told:
                self._told.add(file.key)
                self.tally.troubled += 1
                self._trouble(file.key, str(done))
            return done.spoilt
        if done is None:
            self.tally.there += self.tally.round == 1
        else:
            self.tally.copied += 1
            self.tally.size += done
        return False
