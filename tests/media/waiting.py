"""Waiting for other processes: for one to end, for one to appear."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable
from pathlib import Path


def ended(pid: int, seconds: float = 10.0) -> bool:
    """Whether the process has ended within `seconds`; it may still be unburied."""
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        poll = select.poll()
        poll.register(watched, select.POLLIN)
        return bool(poll.poll(seconds * 1000))
    finally:
        os.close(watched)


def children(pid: int) -> list[tuple[int, str]]:
    """Process ids and command lines of the living children of `pid`, whichever thread started them."""
    found: list[tuple[int, str]] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            try:
                found.append((int(child), Path(f"/proc/{child}/cmdline").read_text().replace("\0", " ")))
            except OSError:
                continue
    return found


def until(true: Callable[[], object], seconds: float = 20.0) -> None:
    """Waits for something that tells nobody when it happens; an assertion fails when it does not."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.01)
