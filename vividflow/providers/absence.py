"""When a vendor's "I have no such order" may be believed: a request that was cut off may still arrive."""

from __future__ import annotations

import threading

from vividflow import timing
from vividflow.providers.base import Order

CERTAIN_NO_SECONDS = 60.0
REMEMBERED = 10_000


class Absences:
    """Remembers when each order was first not there. A POST may be in the air for `submit_seconds`; `rest` is seconds."""

    def __init__(self, *, submit_seconds: float, rest: float) -> None:
        self._submit_seconds = submit_seconds
        self._rest = rest
        self._first: dict[str, float] = {}
        self._lock = threading.Lock()

    def long_enough(self, order: Order) -> bool:
        """Whether this absence is certain: the second one after a rest, or one after the POST's time-out and the rest.

        The second way is for a worker that did not make the first look (another process, a restart).
        """
        now = timing.monotonic()
        with self._lock:
            first = self._first.setdefault(order.id, now)
            while len(self._first) > REMEMBERED:
                del self._first[next(iter(self._first))]
        return now - first >= self._rest or timing.now() - order.intent_at >= self._submit_seconds + self._rest
