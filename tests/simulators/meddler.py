"""Stands in front of any simulator and spoils what it is asked or answers, by phase: the same for every vendor."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Hashable
from typing import Any

from tests.simulators.server import Reply, Request

Phase = Callable[[Request], str | None]
Handle = Callable[[Request], Reply]


class Meeting:
    """One request on its way: `number` counts those of its phase and key, `others` are good answers to other keys."""

    def __init__(self, simulator: Any, request: Request, number: int, others: list[Reply], handle: Handle) -> None:
        self.simulator = simulator
        self.request = request
        self.number = number
        self.others = others
        self._handle = handle
        self._answer: Reply | None = None

    def answer(self) -> Reply:
        """The simulator's own answer. With it the request is handled, and so perhaps paid; once, however often it is wanted."""
        if self._answer is None:
            self._answer = self._handle(self.request)
        return self._answer


How = Callable[[Meeting], Reply]


class Meddler:
    """Replaces `simulator.handle`. `key` tells requests of one phase apart that belong to different jobs."""

    def __init__(self, simulator: Any, phase_of: Phase, key: Callable[[str, Request], Hashable]) -> None:
        self._simulator = simulator
        self._handle: Handle = simulator.handle
        self._phase_of, self._key = phase_of, key
        self._spoiled: dict[str, tuple[How, int | None]] = {}
        self._met: Counter[Hashable] = Counter()
        self._answers: dict[tuple[str, Hashable], Reply] = {}
        self._lock = threading.Lock()
        simulator.handle = self

    def spoil(self, phase: str, how: How, times: int | None = 1) -> None:
        """From now on the first `times` requests of a phase (None: all) are answered by `how`, for each key."""
        self._spoiled[phase] = (how, times)

    def __call__(self, request: Request) -> Reply:
        phase = self._phase_of(request)
        if phase is None:
            return self._handle(request)
        key = (phase, self._key(phase, request))
        with self._lock:
            self._met[key] += 1
            number = self._met[key]
            others = [reply for (of, whose), reply in self._answers.items() if of == phase and (of, whose) != key]
        meeting = Meeting(self._simulator, request, number, others, self._handle)
        how, times = self._spoiled.get(phase, (None, 0))
        if how is not None and (times is None or number <= times):
            return how(meeting)
        answer = meeting.answer()
        with self._lock:
            self._answers[key] = answer
        return answer
