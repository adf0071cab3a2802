"""Several slow questions at once, and no waiting for those that never answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TypeVar

from vividflow import timing

Answer = TypeVar("Answer")


def all_within(seconds: float, calls: Mapping[str, Callable[[], Answer]]) -> dict[str, Answer]:
    """The answers of all calls by name; whoever takes longer than `seconds` is missing, and left behind in its thread."""
    answers: dict[str, Answer] = {}

    def ask(name: str, call: Callable[[], Answer]) -> None:
        answers[name] = call()

    threads = [threading.Thread(target=ask, args=each, name=f"ask-{each[0]}", daemon=True) for each in calls.items()]
    for thread in threads:
        thread.start()
    end = timing.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, end - timing.monotonic()))
    return dict(answers)
