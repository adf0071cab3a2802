"""Reading one TOML table strictly: what is missing, wrong or unknown becomes a complaint, and all are told at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any


class Table:
    """A table being read at the place `where`. Each getter takes its key away; `done` complains of what is left."""

    def __init__(self, raw: object, where: str, complaints: list[str]) -> None:
        self.where = where
        self.complaints = complaints
        self._raw: dict[str, Any] = dict(raw) if isinstance(raw, dict) else {}
        if not isinstance(raw, dict):
            self.complain("must be a table")

    def complain(self, sentence: str) -> None:
        """Add a complaint about this table."""
        self.complaints.append(f"{self.where}: {sentence}")

    def has(self, key: str) -> bool:
        """Whether the key is there and was not read yet."""
        return key in self._raw

    def names(self) -> list[str]:
        """The keys that were not read yet."""
        return list(self._raw)

    def text(self, key: str, default: str | None = None) -> str:
        """A non-empty string; a complaint when it is missing and there is no default."""
        fits = "a string that is not empty"
        return self._one(key, default, fits, lambda v: isinstance(v, str) and v != "", needed=default is None) or ""

    def flag(self, key: str, default: bool) -> bool:
        """true or false."""
        return self._one(key, default, "true or false", lambda v: isinstance(v, bool))

    def number(self, key: str, default: float | None = None, *, least: float = 0) -> float | None:
        """A number of at least `least`, or the default."""
        value = self._one(key, default, f"a number of at least {least:g}", lambda v: _is_number(v) and v >= least)
        return None if value is None else float(value)

    def whole(self, key: str, default: int | None = None, *, least: int = 0) -> int | None:
        """A whole number of at least `least`, or the default."""
        return self._one(key, default, f"a whole number of at least {least}", lambda v: _is_whole(v) and v >= least)

    def money(self, key: str) -> Decimal:
        """An amount of US dollars, exact; a complaint when it is missing."""
        value = self._one(key, None, "an amount of US dollars", lambda v: _is_number(v) and v >= 0, needed=True)
        return Decimal(value or 0)

    def day(self, key: str, *, needed: bool = False) -> date | None:
        """A date such as 2026-11-21, or None."""
        return self._one(key, None, "a date such as 2026-11-21", lambda v: type(v) is date, needed=needed)

    def words(self, key: str) -> tuple[str, ...]:
        """A list of strings without repeats; empty when missing."""
        fits = "a list of different strings"
        found = self._one(key, [], fits, lambda v: _all(v, lambda x: isinstance(x, str) and x != ""))
        if len(set(found)) != len(found):
            self.complain(f"{key} must be {fits}")
        return tuple(found)

    def numbers(self, key: str, default: tuple[float, ...] = ()) -> tuple[float, ...]:
        """A rising list of numbers above zero."""
        fits = "a rising list of numbers above 0"
        found = self._one(key, list(default), fits, lambda v: _all(v, lambda x: _is_number(x) and x > 0))
        if sorted(set(found)) != list(found):
            self.complain(f"{key} must be {fits}")
        return tuple(float(x) for x in found)

    def span(self, key: str) -> tuple[float, float] | None:
        """A list of two numbers, the smaller first, or None."""
        found = self._one(
            key,
            None,
            "a list of two numbers, the smaller first",
            lambda v: _all(v, _is_number) and len(v) == 2 and v[0] <= v[1],
        )
        return (float(found[0]), float(found[1])) if found else None

    def tables(self, key: str) -> list[Table]:
        """A list of tables; empty when missing."""
        found = self._one(key, [], "a list of tables", lambda v: isinstance(v, list))
        return [Table(each, f"{self.where} {key}[{n}]", self.complaints) for n, each in enumerate(found)]

    def either(self, key: str) -> str | dict[str, str] | None:
        """A string, or a table of strings, or None."""
        return self._one(
            key,
            None,
            "a string or a table of strings",
            lambda v: all(isinstance(x, str) for x in (v.values() if isinstance(v, dict) else [v])),
        )

    def amounts(self, key: str) -> dict[str, float]:
        """A table of numbers of at least 0; empty when missing."""
        fits = "a table of numbers of at least 0"
        found = self._one(key, {}, fits, lambda v: isinstance(v, dict) and all(_is_amount(x) for x in v.values()))
        return {name: float(value) for name, value in found.items()}

    def lists(self, key: str) -> dict[str, tuple[str, ...]]:
        """A table of lists of strings; empty when missing."""
        fits = "a table of lists of strings"
        found = self._one(key, {}, fits, lambda v: isinstance(v, dict) and all(_are_words(x) for x in v.values()))
        return {name: tuple(words) for name, words in found.items()}

    def groups(self, key: str) -> tuple[tuple[str, ...], ...]:
        """A list of lists of strings; empty when missing."""
        found = self._one(key, [], "a list of lists of strings", lambda v: _all(v, _are_words))
        return tuple(tuple(group) for group in found)

    def table(self, key: str) -> Table:
        """A table inside this one; empty when missing."""
        return Table(self._raw.pop(key, {}), f"{self.where} {key}", self.complaints)

    def done(self) -> None:
        """Complain of every key that nobody asked for."""
        for key in self._raw:
            self.complain(f"unknown key {key!r}")

    def _one(self, key: str, default: Any, fits: str, check: Callable[[Any], bool], *, needed: bool = False) -> Any:
        if key not in self._raw:
            if needed:
                self.complain(f"{key} is missing; it must be {fits}")
            return default
        value = self._raw.pop(key)
        if not check(value):
            self.complain(f"{key} must be {fits}")
            return default
        return value


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return _is_whole(value) or (isinstance(value, Decimal) and value.is_finite())


def _is_amount(value: Any) -> bool:
    return _is_number(value) and value >= 0


def _are_words(value: Any) -> bool:
    return _all(value, lambda x: isinstance(x, str) and x != "")


def _all(value: object, check: Callable[[Any], bool]) -> bool:
    return isinstance(value, list) and all(check(each) for each in value)
