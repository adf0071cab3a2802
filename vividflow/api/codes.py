"""Every code a refusal may carry, with its title and what to do about it: the table of codes.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_name("codes.toml")


@dataclass(frozen=True, kw_only=True)
class Code:
    """A short title, and a sentence or two on what it means and what to do."""

    title: str
    text: str


@cache
def codes() -> Mapping[str, Code]:
    """The whole table, in the order of the file."""
    with _FILE.open("rb") as file:
        return {code: Code(**entry) for code, entry in tomllib.load(file).items()}


def title_of(code: str) -> str:
    """The short title of a code; made from the code itself when the table does not have it."""
    known = codes().get(code)
    return known.title if known else code.replace("_", " ").capitalize()
