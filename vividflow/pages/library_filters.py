"""What of the library is looked at: read from the address, written back into the addresses of chips and menus."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from urllib.parse import urlencode

from vividflow.lifecycle.trash import KEPT_SECONDS
from vividflow.providers.registry import Registry
from vividflow.records.library import KINDS, SORTS, Wanted

ADDRESS = "/library"
LONGEST_QUERY, MOST_WORDS = 200, 8
SHAPES = {"landscape": "Landscape", "square": "Square", "portrait": "Portrait"}
DATES = {
    "today": "Today",
    "yesterday": "Yesterday",
    "week": "Last 7 days",
    "month": "Last 30 days",
    "year": "This year",
}
SORT_NAMES = {"newest": "Newest first", "oldest": "Oldest first", "name": "By name"}
KIND_NAMES = {"video": "Videos", "image": "Images"}
FLAGS = ("favourite", "trash")
_DAYS = {"today": (0, 1), "yesterday": (1, 1), "week": (6, 7), "month": (29, 30)}
# Shapes that models do not name here and that somebody's own server may.
_COMMON = ("16:9", "9:16", "1:1", "4:3", "3:4", "3:2", "2:3", "21:9", "9:21", "5:4", "4:5")


@dataclass(frozen=True, kw_only=True)
class Option:
    """One line of a menu, or a chip: a link that sets it, or takes it away where it is `on`."""

    name: str
    href: str
    on: bool
    key: str = ""


@dataclass(frozen=True, kw_only=True)
class Menu:
    """A chip with choices: its name, what is chosen now (None: nothing), the choices, and the link that takes it back."""

    name: str
    chosen: str | None
    options: tuple[Option, ...]
    clear: str


@dataclass(frozen=True, kw_only=True)
class Filters:
    """The filters of one page of the library, as plain text; what the address says wrongly is left out."""

    q: str = ""
    kind: str = ""
    favourite: str = ""
    model: str = ""
    shape: str = ""
    date: str = ""
    trash: str = ""
    sort: str = ""

    @property
    def given(self) -> dict[str, str]:
        """What differs from the plain library."""
        return {name: value for name in self.__dataclass_fields__ if (value := getattr(self, name))}

    @property
    def narrowed(self) -> bool:
        """Whether something is filtered out; the trash and an order are no filters."""
        return bool(self.given.keys() - {"trash", "sort"})

    def href(self, **changes: str) -> str:
        """The library with some filters changed; an empty value takes one away."""
        query = {name: value for name, value in (self.given | changes).items() if value}
        return f"{ADDRESS}?{urlencode(query)}" if query else ADDRESS

    def wanted(self, registry: Registry, zone: tzinfo, now: float) -> Wanted:
        """The same for the records; days are those of `zone`."""
        since, until = _span(self.date, zone, now)
        return Wanted(
            words=tuple(self.q.split()[:MOST_WORDS]),
            kind=self.kind or None,
            favourite=bool(self.favourite),
            model=self.model or None,
            shapes=_shapes(self.shape, registry),
            since=since,
            until=until,
            trashed_since=now - KEPT_SECONDS if self.trash else None,
            sort=self.sort or SORTS[0],
        )

    def words(self, title: str) -> str:
        """What is looked for, for the page that finds nothing; `title` is the model's."""
        said = [f"“{self.q}”"] if self.q else []
        said += [KIND_NAMES[self.kind]] if self.kind else []
        said += ["Favourites"] if self.favourite else []
        said += [title] if self.model else []
        said += [SHAPES[self.shape]] if self.shape else []
        said += [DATES[self.date]] if self.date else []
        return ", ".join(said)


def read(given: Mapping[str, str]) -> Filters:
    """The filters of a query."""
    found = {
        "q": " ".join(given.get("q", "").split())[:LONGEST_QUERY],
        "model": given.get("model", "")[:LONGEST_QUERY],
        "kind": _known(given, "kind", KINDS),
        "shape": _known(given, "shape", SHAPES),
        "date": _known(given, "date", DATES),
        "sort": _known(given, "sort", SORTS[1:]),
    }
    return Filters(**found, **{name: _known(given, name, ("1",)) for name in FLAGS})


def chips(filters: Filters) -> tuple[Option, ...]:
    """The chips that are on or off."""
    kinds = [_toggle(filters, "kind", key, name) for key, name in KIND_NAMES.items()]
    return (*kinds, _toggle(filters, "favourite", "1", "Favourites"))


def menus(filters: Filters, models: Mapping[str, str]) -> tuple[Menu, ...]:
    """The chips with choices; `models` are titles by id."""
    found = []
    for name, field, options in (("Model", "model", models), ("Shape", "shape", SHAPES), ("Date", "date", DATES)):
        value = getattr(filters, field)
        chosen = options.get(value, value) if value else None
        lines = tuple(
            Option(name=title, href=filters.href(**{field: key}), on=key == value) for key, title in options.items()
        )
        found.append(Menu(name=name, chosen=chosen, options=lines, clear=filters.href(**{field: ""})))
    return tuple(found)


def sorting(filters: Filters) -> Menu:
    """The menu of orders."""
    now = filters.sort or SORTS[0]
    lines = tuple(
        Option(name=name, href=filters.href(sort="" if key == SORTS[0] else key), on=key == now)
        for key, name in SORT_NAMES.items()
    )
    return Menu(name="Sort", chosen=SORT_NAMES[now], options=lines, clear=filters.href(sort=""))


def start_of(day: date, zone: tzinfo) -> float:
    """When a day begins, in seconds since 1970."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()


def _known(given: Mapping[str, str], name: str, known: Mapping[str, str] | tuple[str, ...]) -> str:
    value = given.get(name, "")
    return value if value in known else ""


def _toggle(filters: Filters, field: str, value: str, name: str) -> Option:
    on = getattr(filters, field) == value
    key = value if field == "kind" else field
    return Option(name=name, href=filters.href(**{field: "" if on else value}), on=on, key=key)


def _span(name: str, zone: tzinfo, now: float) -> tuple[float | None, float | None]:
    today = datetime.fromtimestamp(now, zone).date()
    if name == "year":
        return start_of(date(today.year, 1, 1), zone), None
    if name not in _DAYS:
        return None, None
    back, days = _DAYS[name]
    first = today - timedelta(days=back)
    return start_of(first, zone), start_of(first + timedelta(days=days), zone)


def _shapes(name: str, registry: Registry) -> tuple[str, ...]:
    if not name:
        return ()
    known = {*_COMMON, *(shape for model in registry.models for shape in model.limits.aspect_ratios)}
    return tuple(sorted(shape for shape in known if _lies(shape) == name))


def _lies(shape: str) -> str:
    wide, _, high = shape.partition(":")
    if not (wide.isdigit() and high.isdigit()) or wide == high:
        return "square"
    return "landscape" if int(wide) > int(high) else "portrait"
