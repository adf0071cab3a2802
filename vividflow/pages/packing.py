"""A page's modules as one file: asked for once, and packed better together. The files stay what is written and read.

What packing understands is what our modules use: imports of names from files beside them, and functions, classes and constants that
are exported where they are declared. Anything else is a mistake that the tests find.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable

_IMPORT = re.compile(r'^import (?:\{([^}]*)\} from )?"\./([^"]+)";\n', re.M)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const) (\w+))", re.M)
_NOTE = re.compile(r"^\s*//.*\n", re.M)


def imports_of(name: str, text: str) -> list[str]:
    """The files that a module asks for, as paths within the folder."""
    return [posixpath.join(posixpath.dirname(name), each) for _, each in _IMPORT.findall(text)]


def in_order(entries: tuple[str, ...], read: Callable[[str], str]) -> list[str]:
    """The modules that `entries` need and they themselves, each behind those it asks for. Raises `ValueError` for a circle."""
    done: list[str] = []

    def visit(name: str, above: tuple[str, ...]) -> None:
        if name in above:
            raise ValueError(f"{' → '.join([*above, name])} is a circle of modules.")
        if name not in done:
            for each in imports_of(name, read(name)):
                visit(each, (*above, name))
            done.append(name)

    for entry in entries:
        visit(entry, ())
    return done


def packed(entries: tuple[str, ...], read: Callable[[str], str]) -> str:
    """One module that does what `entries` do, in their order."""
    order = in_order(entries, read)
    place = {name: f"$m{number}" for number, name in enumerate(order)}
    return "".join(_wrapped(name, read(name), place) for name in order)


def _wrapped(name: str, text: str, place: dict[str, str]) -> str:
    asked = imports_of(name, text)
    taken = [
        f"const {{ {names.strip().replace(' as ', ': ')} }} = {place[path]};\n"
        for (names, _), path in zip(_IMPORT.findall(text), asked, strict=True)
        if names.strip()
    ]
    given = _EXPORT.findall(text)
    body = _NOTE.sub("", _EXPORT.sub("", _IMPORT.sub("", text)))
    left = re.search(r"^(?:import|export)\b.*", body, re.M)
    if left:
        raise ValueError(f"{name}: {left[0]!r} is more than packing understands.")
    return f"const {place[name]} = (() => {{\n{''.join(taken)}{body}return {{ {', '.join(given)} }};\n}})();\n"
