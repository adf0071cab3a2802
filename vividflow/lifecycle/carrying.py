"""Carrying up what waits on this machine for the bucket: in a thread of its own, so that no job waits for it."""

from __future__ import annotations

import logging
import threading

from vividflow.lifecycle.tools import Tools
from vividflow.storage.base import StorageFull, StorageGone
from vividflow.storage.waiting_room import WaitingRoom
from vividflow.timing import backoff, monotonic

log = logging.getLogger(__name__)

LOOK_SECONDS = 2.0
TIDY_SECONDS = 3600.0
_FIRST_PAUSE, _LONGEST_PAUSE = 2.0, 60.0


class Carrier:
    """One for each process that has a waiting room to look after; several on one folder take turns by its lock."""

    def __init__(self, tools: Tools) -> None:
        self._tools = tools
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        self._failures = 0
        self._not_before = 0.0
        self._tidy_at = monotonic() + TIDY_SECONDS

    def look(self) -> None:
        """Begin to carry if something waits and the pause after a failure is over; returns at once."""
        room = self._tools.storage
        if not isinstance(room, WaitingRoom) or self._stop.is_set() or self._busy or monotonic() < self._not_before:
            return
        if room.waiting().count or monotonic() >= self._tidy_at:
            self._thread = threading.Thread(target=self._carry, args=(room,), name="carrier", daemon=True)
            self._thread.start()

    def stop(self, seconds: float = 1.0) -> None:
        """Carry nothing more; what is on its way may be stored twice, as one."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(seconds)

    @property
    def _busy(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _carry(self, room: WaitingRoom) -> None:
        try:
            moved = room.carry_up(lambda: not self._stop.is_set())
            if moved:
                log.info("%d files that waited here went up", moved)
            if monotonic() >= self._tidy_at:
                self._tidy_at = monotonic() + TIDY_SECONDS
                room.bucket.sweep()
            self._failures = 0
            self._not_before = monotonic() + LOOK_SECONDS
        except (StorageGone, StorageFull) as away:
            self._failures += 1
            self._not_before = monotonic() + backoff(min(self._failures, 10), _FIRST_PAUSE, _LONGEST_PAUSE)
            log.warning("what waits here cannot go up yet: %s", away)
        except Exception:  # the files stay and are served; the next look tries again
            self._not_before = monotonic() + _LONGEST_PAUSE
            log.exception("carrying up what waits here stumbled")
