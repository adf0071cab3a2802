"""Many of a person's things at once: into the trash, out of it, away for good."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from vividflow.lifecycle.tools import Tools
from vividflow.lifecycle.trash import KEPT_SECONDS, drop, forget
from vividflow.records import library
from vividflow.records.users import User
from vividflow.timing import now

MOST = 1000
# Each batch is a transaction, and everybody else's writes wait for it.
BATCH = 50
EMPTIED_AT_ONCE = 500


@dataclass(frozen=True, kw_only=True)
class Trashed:
    """How many things went into the trash, and when: by that moment all of them can be taken back together."""

    count: int
    moment: float


def remove(tools: Tools, user: User, ids: Sequence[str]) -> Trashed:
    """Put those of one's own named jobs that are over into the trash; whatever else is named is passed over."""
    moment = now()
    with tools.db.transaction() as connection:
        count = library.to_trash(connection, user.id, ids[:MOST], moment)
    return Trashed(count=count, moment=moment)


def restore(tools: Tools, user: User, ids: Sequence[str]) -> int:
    """Take one's own named jobs back from the trash; how many were there."""
    taken = now()
    with tools.db.transaction() as connection:
        return library.from_trash(connection, user.id, ids[:MOST], taken - KEPT_SECONDS, taken)


def undo(tools: Tools, user: User, moment: float) -> int:
    """Take back what one put into the trash together at `moment`; how many that were."""
    taken = now()
    with tools.db.transaction() as connection:
        ids = library.trashed_at(connection, user.id, moment)
        return library.from_trash(connection, user.id, ids, taken - KEPT_SECONDS, taken)


def purge(tools: Tools, user: User, ids: Sequence[str]) -> int:
    """Remove those of one's own named jobs that are in the trash, with their files, for good; how many that were."""
    wanted = ids[:MOST]
    return sum(_purge(tools, user, wanted[start : start + BATCH]) for start in range(0, len(wanted), BATCH))


def empty(tools: Tools, user: User) -> int:
    """Empty one's own trash for good; how many jobs that were.

    Nothing in it can be seen or taken back from now on. A very full one is removed in part now, the rest at the next tidying.
    """
    with tools.db.transaction() as connection:
        count = library.expire(connection, user.id)
    for _ in range(EMPTIED_AT_ONCE // BATCH):
        if not _purge(tools, user, None):
            break
    return count


def _purge(tools: Tools, user: User, ids: Sequence[str] | None) -> int:
    with tools.db.transaction() as connection:
        found = library.in_trash(connection, user.id, ids, BATCH)
        keys = [key for job in found for key in forget(connection, job)]
    drop(tools, keys)
    return len(found)
