"""How many wrong passwords an address may be given before it has to rest. Kept in memory, for known and unknown addresses alike."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict

from vividflow.timing import monotonic

TRIES = 5
REST_SECONDS = 300.0
MOST = 10_000


class Patience:
    """Counts wrong tries by address: after five within five minutes it rests for five minutes, whoever asks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wrong: OrderedDict[bytes, list[float]] = OrderedDict()

    def rest(self, email: str) -> float | None:
        """Seconds until this address may be tried again, None when it may be now."""
        with self._lock:
            tries = self._recent(_name(email))
        return None if len(tries) < TRIES else max(1.0, tries[-1] + REST_SECONDS - monotonic())

    def wrong(self, email: str) -> None:
        """One more wrong try."""
        name = _name(email)
        with self._lock:
            self._wrong[name] = [*self._recent(name), monotonic()]
            self._wrong.move_to_end(name)
            while len(self._wrong) > MOST:
                self._wrong.popitem(last=False)

    def forget(self, email: str) -> None:
        """It was the right one after all."""
        with self._lock:
            self._wrong.pop(_name(email), None)

    def reset(self) -> None:
        """Forget everybody."""
        with self._lock:
            self._wrong.clear()

    def _recent(self, name: bytes) -> list[float]:
        return [moment for moment in self._wrong.get(name, ()) if moment > monotonic() - REST_SECONDS]


def _name(email: str) -> bytes:
    return hashlib.sha256(email.strip().lower().encode("utf-8", "replace")).digest()
