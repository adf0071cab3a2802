"""What a request to a vendor can come to: a whole answer, certainly nothing sent, or no answer. And values read with doubt."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# Longer ids than any vendor's: what is longer, or cannot be printed, is no id that could be kept and asked for.
LONGEST_ID = 512


class NeverSent(Exception):
    """There was no connection: the request certainly did not arrive."""


class NoAnswer(Exception):
    """The request may have arrived, but no whole answer came back in time."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A whole answer: HTTP status, headers (any case), body."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = field(default=b"", repr=False)

    @property
    def good(self) -> bool:
        """Whether it is a 2xx."""
        return 200 <= self.status < 300

    def object(self) -> dict[str, Any]:
        """The body as a JSON object; empty when it is none, however deeply it is nested."""
        try:
            parsed = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return parsed if isinstance(parsed, dict) else {}


def id_of(value: object) -> str:
    """`value` as a vendor's id of a run, or "" when it is none that a row and an address could hold."""
    return value if isinstance(value, str) and len(value) <= LONGEST_ID and value.isprintable() else ""


def number_of(value: object) -> float | None:
    """`value` as a number, or None when it is none, not finite, or of more digits than a float has room for."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None
