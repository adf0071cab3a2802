"""What a person has made, as the library shows it: searched, filtered, sorted, a page at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Text, and_, cast, func, literal, or_, select, tuple_, update

from vividflow.records.assets import Asset, assets
from vividflow.records.jobs import COMPLETED, PROCESSING, QUEUED, Job, from_row, jobs
from vividflow.records.renditions import Rendition, renditions

KINDS = ("video", "image")
SORTS = ("newest", "oldest", "name")
Posters = Mapping[str, list[Rendition]]
_c = jobs.c
_NAME = func.lower(func.coalesce(_c.title, _c.prompt, ""))
_SHAPE = func.coalesce(_c.params["aspect_ratio"].as_string(), "16:9")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is looked for. Each of `words` is in the prompt or the title, or is the seed; times are seconds since 1970.

    `shapes` are aspect ratios, none of them means any; `trashed_since` looks into the trash, at what was put there after
    that moment, instead of at what is under way or done.
    """

    words: tuple[str, ...] = ()
    kind: str | None = None
    favourite: bool = False
    model: str | None = None
    shapes: tuple[str, ...] = ()
    since: float | None = None
    until: float | None = None
    trashed_since: float | None = None
    sort: str = "newest"

    @property
    def moment(self) -> ColumnElement[float]:
        """The time that this view is in the order of."""
        return _c.created_at if self.trashed_since is None else _c.deleted_at


def page(
    connection: Connection, user_id: str, wanted: Wanted, *, limit: int, after: Job | None = None, skip: int = 0
) -> list[Job]:
    """Some of a person's items in the order wanted: from behind `after` where the order is one of time, else `skip` on."""
    rows = connection.execute(statement(user_id, wanted, limit=limit, after=after, skip=skip))
    return [from_row(row) for row in rows]


def statement(
    user_id: str, wanted: Wanted, *, limit: int, after: Job | None = None, skip: int = 0
) -> Select[tuple[Any, ...]]:
    """The query of a page."""
    chosen = select(jobs).where(*_conditions(user_id, wanted)).limit(limit)
    if wanted.sort == "name":
        return chosen.order_by(_NAME, _c.id).offset(skip)
    order, rising = (wanted.moment, _c.id), wanted.sort == "oldest"
    chosen = chosen.order_by(*(order if rising else (column.desc() for column in order)))
    if after is None:
        return chosen.offset(skip)
    moment = after.created_at if wanted.trashed_since is None else after.deleted_at
    place = tuple_(literal(moment), literal(after.id))
    return chosen.where(tuple_(*order) > place if rising else tuple_(*order) < place)


def count(connection: Connection, user_id: str, wanted: Wanted, most: int) -> int:
    """How many items there are; it stops counting at `most`."""
    some = select(literal(1)).select_from(jobs).where(*_conditions(user_id, wanted)).limit(most).subquery()
    return connection.execute(select(func.count()).select_from(some)).scalar_one()


def named(connection: Connection, user_id: str, wanted: Wanted, ids: Iterable[str]) -> list[Job]:
    """Those of the named items that are wanted, in no particular order."""
    conditions = [*_conditions(user_id, wanted), _c.id.in_(list(ids))]
    return [from_row(row) for row in connection.execute(select(jobs).where(*conditions))]


def models(connection: Connection, user_id: str, most: int = 60) -> list[str]:
    """The ids of the models that a person has used."""
    used = select(_c.model).where(_c.user_id == user_id, _c.model.is_not(None))
    return list(connection.execute(used.distinct().order_by(_c.model).limit(most)).scalars())


def files(connection: Connection, user_id: str, ids: Iterable[str]) -> Mapping[str, Asset]:
    """A person's assets with these ids, by id."""
    rows = connection.execute(select(assets).where(assets.c.user_id == user_id, assets.c.id.in_(list(ids))))
    return {row["id"]: Asset(**row) for row in rows.mappings()}


def posters(connection: Connection, asset_ids: Iterable[str]) -> Posters:
    """The renditions of assets, by the asset's id."""
    found: dict[str, list[Rendition]] = {}
    rows = connection.execute(select(renditions).where(renditions.c.asset_id.in_(list(asset_ids))))
    for row in rows.mappings():
        found.setdefault(row["asset_id"], []).append(Rendition(**row))
    return found


def _conditions(user_id: str, wanted: Wanted) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [_c.user_id == user_id, _c.kind.in_(KINDS)]
    if wanted.trashed_since is None:
        found += [_c.deleted_at.is_(None), _c.status.in_((QUEUED, PROCESSING, COMPLETED))]
    else:
        found += [_c.deleted_at.is_not(None), _c.deleted_at > wanted.trashed_since]
    if wanted.kind is not None:
        found.append(_c.kind == wanted.kind)
    if wanted.favourite:
        found.append(_c.favourite_at.is_not(None))
    if wanted.model is not None:
        found.append(_c.model == wanted.model)
    if wanted.shapes:
        found.append(_SHAPE.in_(wanted.shapes))
    if wanted.since is not None:
        found.append(wanted.moment >= wanted.since)
    if wanted.until is not None:
        found.append(wanted.moment < wanted.until)
    return found + [_said(word) for word in wanted.words]


def _said(word: str) -> ColumnElement[bool]:
    # SQLite folds the case of ASCII alone: of other letters the usual spellings are tried.
    spellings = {word} if word.isascii() else {word, word.lower(), word.upper(), word.capitalize()}
    places = [column.icontains(each, autoescape=True) for each in sorted(spellings) for column in (_c.prompt, _c.title)]
    if word.isascii() and word.isdigit():
        places.append(cast(_c.params["seed"].as_string(), Text) == word)
    return or_(*places)


def to_trash(connection: Connection, user_id: str, ids: Iterable[str], moment: float) -> int:
    """Put those of a person's named jobs that are over and not there yet into the trash; how many those were."""
    over = and_(_c.status.not_in((QUEUED, PROCESSING)), _c.deleted_at.is_(None))
    return connection.execute(update(jobs).where(*_own(user_id, ids), over).values(deleted_at=moment)).rowcount


def from_trash(connection: Connection, user_id: str, ids: Iterable[str], since: float, moment: float) -> int:
    """Take back at `moment` those of a person's named jobs that were put into the trash after `since`; how many."""
    there = update(jobs).where(*_own(user_id, ids), _c.deleted_at > since)
    return connection.execute(there.values(deleted_at=None, restored_at=moment)).rowcount


def trashed_at(connection: Connection, user_id: str, moment: float) -> list[str]:
    """The ids of what a person put into the trash in one go."""
    return list(connection.execute(select(_c.id).where(_c.user_id == user_id, _c.deleted_at == moment)).scalars())


def in_trash(connection: Connection, user_id: str, ids: Iterable[str] | None, most: int) -> list[Job]:
    """Some of a person's jobs in the trash: of the named ones, or (None) of those that `expire` made old."""
    which = (_c.deleted_at == 0.0,) if ids is None else (_c.deleted_at.is_not(None), _c.id.in_(list(ids)))
    conditions = (_c.user_id == user_id, _c.kind.in_(KINDS), *which)
    return [from_row(row) for row in connection.execute(select(jobs).where(*conditions).limit(most))]


def expire(connection: Connection, user_id: str) -> int:
    """Let all that a person has in the trash be as old as what is removed for good; how many jobs that were."""
    conditions = (_c.user_id == user_id, _c.deleted_at > 0, _c.kind.in_(KINDS))
    return connection.execute(update(jobs).where(*conditions).values(deleted_at=0.0)).rowcount


def _own(user_id: str, ids: Iterable[str]) -> tuple[ColumnElement[bool], ...]:
    return _c.user_id == user_id, _c.kind.in_(KINDS), _c.id.in_(list(ids))
