"""Hands: a few daemon threads that do what they are given. They come when needed and go when there is nothing to do."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable

log = logging.getLogger(__name__)
REST_SECONDS = 30.0


class Hands:
    """At most `most` threads of one lane. `idle` is how many more things they could begin at once.

    `freed` is called each time one of them has become free.
    """

    def __init__(self, name: str, most: int, freed: Callable[[], None] = lambda: None) -> None:
        self._name = name
        self._most = most
        self._freed = freed
        self._given: deque[Callable[[], None]] = deque()
        self._changed = threading.Condition()
        self._threads = 0
        self._resting = 0
        self._rousing = False
        self._dismissed = False
        self.busy = 0

    @property
    def idle(self) -> int:
        """How many things can be given that will begin at once."""
        return self._most - self.busy

    def give(self, work: Callable[[], None]) -> None:
        """Have `work` done by the next free hand; it must not raise."""
        with self._changed:
            self.busy += 1
            self._given.append(work)
            self._rouse()

    def dismiss(self) -> None:
        """Send home those who rest, now and later."""
        with self._changed:
            self._dismissed = True
            self._changed.notify_all()

    def _rouse(self) -> None:
        # One hand at a time is roused, and rouses the next one if there is more: things that are done in microseconds
        # are then done by one hand, and not by sixty that fight for the interpreter.
        if not self._given or self._rousing:
            return
        if self._resting:
            self._rousing = True
            self._changed.notify()
        elif self._threads < self._most:
            self._rousing = True
            self._threads += 1
            threading.Thread(target=self._live, name=f"{self._name}-{self._threads}", daemon=True).start()

    def _live(self) -> None:
        with self._changed:
            self._rousing = False
        while work := self._next():
            try:
                work()
            except Exception:  # the thread must live; what broke is in the log and the lease runs out by itself
                log.exception("a hand dropped its work")
            with self._changed:
                self.busy -= 1
            self._freed()

    def _next(self) -> Callable[[], None] | None:
        with self._changed:
            while not self._given:
                self._resting += 1
                roused = not self._dismissed and self._changed.wait(REST_SECONDS)
                self._resting -= 1
                self._rousing = False
                if not roused and not self._given:
                    self._threads -= 1
                    return None
            work = self._given.popleft()
            self._rouse()
            return work
