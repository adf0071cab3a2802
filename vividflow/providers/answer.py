"""What a request to a vendor can come to: a whole answer, certainly nothing sent, or no answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


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
        """The body as a JSON object; empty when it is none, or nested beyond all reading."""
        try:
            parsed = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return parsed if isinstance(parsed, dict) else {}
