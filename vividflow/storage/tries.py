"""How often an upload is tried: three times, with a pause that doubles. The libraries' own repeating is switched off."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from vividflow.storage.base import StorageGone, StorageRefused
from vividflow.timing import backoff

TRIES = 3
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 8.0

T = TypeVar("T")


def three_times(act: Callable[[], T]) -> T:
    """What `act` gives; `StorageGone` is tried again until the third time, a plain refusal never."""
    for failures in range(1, TRIES):
        try:
            return act()
        except StorageRefused:
            raise
        except StorageGone:
            time.sleep(backoff(failures, FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS))
    return act()
