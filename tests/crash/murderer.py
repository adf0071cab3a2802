"""Kills our server at the worst moments of an order, before any simulated vendor."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.crash.provider import HalfAndKill, Last
from tests.paid_vendors import SUBMIT, PaidVendor
from tests.simulators.meddler import Meddler, Meeting
from tests.simulators.server import Close, Reply

CALLBACK_WITHIN_SECONDS = 10.0
# A callback is written down within some milliseconds: over many kills they fall on both sides of the commit.
MOST_DELAY_SECONDS = 0.02


class Murderer:
    """`arm` chooses the moment; at the next such moment `kill` is called once, and `struck` is set.

    `read_unaccepted`: the order was read and not taken. `accepted_unanswered`: taken, no answer. `half_answer`.
    `answer_sent`: all of it, not yet committed. `callback`: the answer is held back, and the vendor's callback comes first.
    `before_store`: the film is here and not yet stored.
    """

    def __init__(self, vendor: PaidVendor, simulator: Any, kill: Callable[[], None], scratch: Path) -> None:
        self.struck = threading.Event()
        self._simulator, self._kill, self._scratch = simulator, kill, scratch
        self._moment: str | None = None
        self._aim = threading.Lock()
        numbers = itertools.count()
        meddler = Meddler(simulator, vendor.phase, lambda _phase, _request: next(numbers))
        meddler.spoil(SUBMIT, self._at_submit, times=None)
        self.moments = ["read_unaccepted", "accepted_unanswered", "half_answer", "answer_sent", "before_store"]
        if vendor.calls_back:
            self.moments.insert(4, "callback")

    def arm(self, moment: str) -> None:
        """Kill at the next such moment."""
        self.struck.clear()
        with self._aim:
            self._moment = moment
        if moment == "before_store":
            threading.Thread(target=self._watch, daemon=True).start()

    def _at_submit(self, meeting: Meeting) -> Reply:
        with self._aim:
            moment = None if self._moment == "before_store" else self._moment
            self._moment = self._moment if moment is None else None
        if moment is None:
            return meeting.answer()
        if moment == "read_unaccepted":
            self._strike()
            return Close()
        begun = self._simulator.webhooks.counts["attempts"] if moment == "callback" else 0
        answer = meeting.answer()
        match moment:
            case "half_answer":
                return HalfAndKill(status=answer.status, body=answer.body, headers=answer.headers, kill=self._strike)
            case "answer_sent":
                return Last(status=answer.status, body=answer.body, headers=answer.headers, kill=self._strike)
            case "callback":
                end = time.monotonic() + CALLBACK_WITHIN_SECONDS
                while self._simulator.webhooks.counts["attempts"] == begun and time.monotonic() < end:
                    time.sleep(0.001)
                time.sleep(random.uniform(0, MOST_DELAY_SECONDS))
        self._strike()
        return Close()

    def _watch(self) -> None:
        """Between download and store nothing is asked of anybody: the file itself tells."""
        known = set(self._scratch.glob("*.ready"))
        while not self.struck.is_set():
            if set(self._scratch.glob("*.ready")) - known:
                with self._aim:
                    self._moment = None
                return self._strike()
            time.sleep(0.002)
        return None

    def _strike(self) -> None:
        self._kill()
        self.struck.set()
