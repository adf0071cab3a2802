"""Rows and objects side by side, both in the order of their keys, so that neither side is ever held as a whole."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

from vividflow.db.database import Database
from vividflow.records import stored_files
from vividflow.records.stored_files import StoredFile
from vividflow.storage.base import Listed

PAGE = 1000
FOLDER = "users"
"""Every key of ours begins with it."""

T = TypeVar("T")


def files(db: Database, after: str = "") -> Iterator[StoredFile]:
    """What the rows name, from behind a key on; a page at a time, each as it is then."""
    while True:
        with db.reading() as connection:
            page = stored_files.page(connection, after=after, limit=PAGE)
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1].key


def side_by_side(
    files: Iterable[StoredFile], objects: Iterable[Listed]
) -> Iterator[tuple[StoredFile | None, Listed | None]]:
    """Each key once, with its file, its object, or both."""
    rows, things = iter(files), iter(objects)
    file, thing = next(rows, None), next(things, None)
    while file is not None or thing is not None:
        if thing is None or (file is not None and file.key < thing.key):
            yield file, None
            file = next(rows, None)
        elif file is None or thing.key < file.key:
            yield None, thing
            thing = next(things, None)
        else:
            yield file, thing
            file, thing = next(rows, None), next(things, None)


def in_pages(many: Iterable[T], size: int) -> Iterator[list[T]]:
    """The same in lists of at most `size`."""
    rest = iter(many)
    while page := list(islice(rest, size)):
        yield page
