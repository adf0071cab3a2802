"""A look whether a storage works that never lasts longer than two seconds, whatever hangs."""

from __future__ import annotations

import threading
from collections.abc import Callable

from vividflow.storage.base import StorageFull, StorageGone
from vividflow.timing import monotonic

CHECK_SECONDS = 2.0


class Probe:
    """Runs `act` in a thread that is not waited for longer than 2 s; a good answer is kept for `kept_seconds`."""

    def __init__(self, act: Callable[[], None], what: str, *, kept_seconds: float = 0.0) -> None:
        self._act = act
        self._what = what
        self._kept = kept_seconds
        self._good_until = 0.0
        self._thread: threading.Thread | None = None

    def ask(self) -> None:
        """Nothing when it works. Raises `StorageGone` or `StorageFull`."""
        if monotonic() < self._good_until:
            return
        if self._thread and self._thread.is_alive():
            raise StorageGone(f"{self._what} has not answered the last probe yet")
        failures: list[Exception] = []

        def run() -> None:
            try:
                self._act()
            except (StorageFull, StorageGone) as failure:
                failures.append(failure)

        self._thread = threading.Thread(target=run, name="storage-probe", daemon=True)
        self._thread.start()
        self._thread.join(CHECK_SECONDS)
        if self._thread.is_alive():
            raise StorageGone(f"{self._what} took longer than {CHECK_SECONDS:.0f} s")
        if failures:
            raise failures[0]
        self._good_until = monotonic() + self._kept
