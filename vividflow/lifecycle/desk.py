"""The desk: one thread that writes down what many hands hand in. What gathers while it writes is written together."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from vividflow.timing import monotonic

log = logging.getLogger(__name__)
REST_SECONDS = 30.0
MOST_AT_ONCE = 256
# While it waits it looks this often whether anybody is still to come.
GLANCE_SECONDS = 0.01

T = TypeVar("T")


class Desk(Generic[T]):
    """Calls `write` with all that was handed in, in order; its thread comes when needed and goes when there is nothing.

    Before it writes it waits as long as `patience` says (seconds), so that many share one commit.
    """

    def __init__(self, write: Callable[[list[T]], None], *, patience: Callable[[], float]) -> None:
        self._write = write
        self._patience = patience
        self._changed = threading.Condition()
        self._pile: list[T] = []
        self._since = 0.0
        self._alive = False
        self._dismissed = False
        self.waiting = 0

    def hand_in(self, item: T) -> None:
        """Leave `item` to be written."""
        with self._changed:
            self._since = self._since if self._pile else monotonic()
            self._pile.append(item)
            self.waiting += 1
            if not self._alive:
                self._alive = True
                threading.Thread(target=self._live, name="desk", daemon=True).start()
            elif len(self._pile) in (1, MOST_AT_ONCE):
                self._changed.notify()

    def dismiss(self) -> None:
        """Send the thread home when there is nothing to write, now and later."""
        with self._changed:
            self._dismissed = True
            self._changed.notify()

    def _live(self) -> None:
        while pile := self._next():
            try:
                self._write(pile)
            except Exception:  # the thread must live; what was not written is done again when its lease has run out
                log.exception("the desk dropped its work")
            with self._changed:
                self.waiting -= len(pile)

    def _next(self) -> list[T]:
        with self._changed:
            self._changed.wait_for(lambda: self._pile or self._dismissed, REST_SECONDS)
            if not self._pile:
                self._alive = False
                return []
            while not self._dismissed and len(self._pile) < MOST_AT_ONCE:
                if (left := self._since + self._patience() - monotonic()) <= 0:
                    break
                self._changed.wait(min(left, GLANCE_SECONDS))
            pile, self._pile = self._pile[:MOST_AT_ONCE], self._pile[MOST_AT_ONCE:]
            return pile
