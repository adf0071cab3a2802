"""The library: everything a person made or is making, found again, marked, put away and taken back."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from flask import Response, request
from sqlalchemy import Connection

from vividflow.api.values import is_id
from vividflow.lifecycle.tools import Tools
from vividflow.pages import session
from vividflow.pages.library_filters import Filters, chips, menus, read, sorting, start_of
from vividflow.pages.library_tiles import Day, Tile, counted, days, tiles
from vividflow.pages.shell import house, render, zone
from vividflow.records import jobs, library
from vividflow.records.library import Wanted
from vividflow.records.users import User
from vividflow.timing import now

PER_PAGE = 60
# Coming back to a long list shows it as long as it was, up to this many pages.
MOST_PAGES = 20
MOST_NAMED = 100
MOST_COUNTED = 1000


def show() -> Response:
    """The items that `?q=` and the filters want: `?page=2` alone, or with `?pages=3` all up to the third."""
    user, tools, filters, moment = session.signed_in(), house().tools, read(request.args), now()
    wanted = filters.wanted(tools.registry, zone(), moment)
    with tools.db.reading() as connection:
        shown = _shown(tools, connection, user, wanted, filters, moment)
        used = library.models(connection, user.id)
    titles = {each: model.title if (model := tools.registry.model(each)) else each for each in used}
    return render(
        "library/page.html",
        filters=filters,
        chips=chips(filters),
        menus=menus(filters, titles),
        sorting=sorting(filters),
        looked_for=filters.words(titles.get(filters.model, filters.model)),
        **shown,
    )


def some() -> Response:
    """The tiles named in `?ids=` that the filters want, as they stand now: what the script puts in place of older ones."""
    user, tools, moment = session.signed_in(), house().tools, now()
    ids = [part for part in request.args.get("ids", "").split(",") if is_id(part)][:MOST_NAMED]
    wanted = read(request.args).wanted(tools.registry, zone(), moment)
    with tools.db.reading() as connection:
        found = tiles(tools, connection, library.named(connection, user.id, wanted, ids), moment)
    return render("library/tiles.html", days=days(found, zone(), moment), trash=wanted.trashed_since is not None)


def _shown(
    tools: Tools, connection: Connection, user: User, wanted: Wanted, filters: Filters, moment: float
) -> dict[str, Any]:
    page = _number("page")
    pages = 1 if page > 1 else min(_number("pages"), MOST_PAGES)
    limit = PER_PAGE * pages
    given = request.args.get("after", "")
    after = jobs.own(connection, user.id, given) if page > 1 and is_id(given) else None
    skip = PER_PAGE * (page - 1)
    found = library.page(connection, user.id, wanted, limit=limit + 1, after=after, skip=skip)
    more = len(found) > limit
    seen = tiles(tools, connection, found[:limit], moment)
    last = page if page > 1 else pages
    count = library.count(connection, user.id, wanted, MOST_COUNTED + 1) if filters.narrowed or filters.trash else None
    return {
        "days": _days(connection, user, wanted, seen, moment, before=page > 1, more=more),
        "more": _more(filters, last + 1, seen[-1].job.id) if more else None,
        "earlier": filters.href() if page > 1 else None,
        "found": None if count is None else f"{MOST_COUNTED:,}+" if count > MOST_COUNTED else f"{count:,}",
        "one": count == 1,
    }


def _days(
    connection: Connection, user: User, wanted: Wanted, seen: list[Tile], moment: float, *, before: bool, more: bool
) -> list[Day]:
    if wanted.sort == "name" or wanted.trashed_since is not None:
        return [Day(key="", name="", count="", tiles=tuple(seen))] if seen else []
    found = days(seen, zone(), moment)
    # Only the first and the last day of a page can have items on other pages.
    for place in {*([0] if before and found else []), *([len(found) - 1] if more else [])}:
        day = found[place]
        count = library.count(connection, user.id, _within(wanted, date.fromisoformat(day.key)), MOST_COUNTED)
        found[place] = replace(day, count=counted(day.tiles, count))
    return found


def _within(wanted: Wanted, day: date) -> Wanted:
    start, end = start_of(day, zone()), start_of(day + timedelta(days=1), zone())
    return replace(wanted, since=max(start, wanted.since or start), until=min(end, wanted.until or end))


def _more(filters: Filters, page: int, after: str) -> str:
    return filters.href(page=str(page), after=after)


def _number(name: str) -> int:
    given = request.args.get(name, "1")
    return max(1, int(given)) if given.isascii() and given.isdigit() and len(given) <= 4 else 1
