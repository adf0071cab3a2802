"""The keys that act in the pages, as the dialog behind `?` and Settings list them."""

from __future__ import annotations

from collections.abc import Iterable

from vividflow.pages.navigation import Entry

Keys = tuple[tuple[tuple[str, ...], str], ...]

_ANYWHERE: Keys = (
    (("Ctrl", "Enter"), "Send the form, from any field (Cmd on a Mac)"),
    (("/",), "Search"),
    (("?",), "Show this list"),
)
_LIBRARY: Keys = (
    (("↑", "↓", "←", "→"), "Move"),
    (("Enter",), "Open"),
    (("x",), "Select, with Shift up to here"),
    (("f",), "Favourite"),
    (("d",), "Download"),
    (("r",), "Use settings"),
    (("Delete",), "Move to trash"),
    (("Esc",), "Clear the selection"),
)
_PLAYER: Keys = (
    (("Space",), "Play or pause"),
    (("←", "→"), "One second"),
    ((",", "."), "One frame"),
    (("l",), "Loop"),
    (("m",), "Mute"),
    (("f",), "Full screen"),
)


def key_groups(entries: Iterable[Entry]) -> tuple[tuple[str, Keys], ...]:
    """The keys by where they act, for the places that this installation has."""
    keyed = [each for each in entries if each.key]
    places: Keys = tuple((("g", each.key), f"Go to {each.name}") for each in keyed)
    library = any(each.path == "/library" for each in keyed)
    own = (("Library", _LIBRARY), ("Player", _PLAYER)) if library else ()
    return (("Anywhere", _ANYWHERE), ("Places: one after the other", places), *own)
