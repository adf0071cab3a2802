"""Whose turn it is, asked once for many claims: ranking all who wait costs too much to do it for each free hand."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from sqlalchemy import Connection

from vividflow.records import due
from vividflow.timing import monotonic

AHEAD = 500
HELD_SECONDS = 0.1


class Turns:
    """Those who wait to start, ranked by provider. A ranking is used up, or over, after a tenth of a second.

    Whoever comes later in that time, while others wait, is seen with the next one.
    """

    def __init__(self) -> None:
        self._until = 0.0
        self._lines: dict[str | None, deque[str]] = {}
        self._cut: list[deque[str]] = []

    @property
    def over(self) -> bool:
        """Whether it is time to rank anew."""
        used_up = not any(self._lines.values()) or not all(self._cut)
        return used_up or monotonic() >= self._until

    @property
    def more(self) -> bool:
        """Whether somebody is known to wait, or may."""
        return any(self._lines.values()) or bool(self._cut)

    def rank(
        self,
        connection: Connection,
        moment: float,
        cap: int | None,
        most: int = AHEAD,
        shut: Callable[[str], bool] = lambda _: False,
    ) -> None:
        """Ask who waits, the first `most` on each provider (None: no provider needed); `cap` as in `due.fair_turn`.

        Whoever waits for a provider that is `shut` is not ranked.
        """
        waiting = [each for each in due.waiting_providers(connection, moment) if each is None or not shut(each)]
        self._lines = {each: deque(due.fair_turn(connection, each, moment, most, cap)) for each in waiting}
        self._cut = [line for line in self._lines.values() if len(line) == most]
        self._until = monotonic() + HELD_SECONDS

    def providers(self) -> list[str | None]:
        """The providers that somebody waits for."""
        return [provider for provider, line in self._lines.items() if line]

    def next(self, provider: str | None, count: int) -> list[str]:
        """Ids of the next `count` on a provider, or of as many as there are."""
        line = self._lines[provider]
        return [line.popleft() for _ in range(min(count, len(line)))]
