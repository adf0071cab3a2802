"""Three jobs with one vendor that misbehaves in one way, to their ends: what was paid, how each ended, what was lost."""

from __future__ import annotations

import hashlib
import logging
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from tests.lifecycle.door import Door
from tests.lifecycle.stage import FAST, Stage
from tests.paid_vendors import FETCH, FIND, LOOK, PAID_VENDORS, SUBMIT, Asked, PaidVendor
from tests.people import make_user
from tests.simulators.clips import clip
from tests.simulators.meddler import How, Meddler
from tests.simulators.server import Request
from vividflow.lifecycle.tools import Tools
from vividflow.records import assets, job_events
from vividflow.records.jobs import Job

COMPLETED, REVIEW = "completed", "needs_review"
JOBS = 3
WITHIN_SECONDS = 60.0
CERTAIN_NO_SECONDS = 0.5
SOON = 0.1

QUICK: dict[str, Any] = {
    "vividflow.lifecycle.submit.backoff": lambda *_: SOON,
    "vividflow.lifecycle.reconcile.backoff": lambda *_: SOON,
    "vividflow.lifecycle.look.backoff": lambda *_: SOON,
    "vividflow.lifecycle.fetch.backoff": lambda *_: SOON,
    "vividflow.lifecycle.fetch.MOST_BYTES": 8 * 1024**2,
    "vividflow.lifecycle.finish.FETCH_AGAIN_AFTER": (0.05, 0.05, 0.05),
    "vividflow.lifecycle.breaker.PAUSE_SECONDS": 0.05,
    "vividflow.lifecycle.standing.REFRESH_SECONDS": 0.05,
    "vividflow.providers.outcomes.SOME_RETRY_AFTER_SECONDS": SOON,
    "vividflow.providers.outcomes.MOST_RETRY_AFTER_SECONDS": SOON,
    "vividflow.providers.outcomes.PAUSED_RETRY_SECONDS": SOON,
    "vividflow.providers.replicate.KEY_REFUSED_SECONDS": SOON,
    "vividflow.providers.gemini.KEY_REFUSED_SECONDS": SOON,
    "vividflow.providers.openai_place.KEY_REFUSED_SECONDS": SOON,
    "vividflow.providers.vertex_outcomes.KEY_REFUSED_SECONDS": SOON,
}
# Patience is short only where its end is what the cell is about: a busy machine must not change how the others end.
SHORT: dict[str, dict[str, Any]] = {
    REVIEW: {"vividflow.lifecycle.reconcile.PATIENCE_SECONDS": 1.5},
    "result_lost": {"vividflow.lifecycle.fetch.MISSING_SECONDS": 0.5},
    "hangs": {
        f"vividflow.providers.{module}.SUBMIT_SECONDS": 1.0
        for module in ("replicate", "gemini", "kling", "openai_place", "vertex_line")
    },
}
DEADLINE_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One vendor, one fault, and how each of the three jobs must end: its class, and how often it is paid.

    `spoiled` are phases and how the first `times` requests of each job there are answered; `own` are faults of the
    simulator itself, with their values. `before`: one job ends well before the fault begins.
    """

    vendor: str
    phase: str
    fault: str
    end: str = COMPLETED
    paid: int = 1
    spoiled: Mapping[str, How] = field(default_factory=dict)
    times: int | None = 1
    own: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    before: bool = False

    def __str__(self) -> str:
        return f"{self.vendor} {self.phase}: {self.fault}"


@dataclass(frozen=True, kw_only=True)
class Row:
    """What became of a cell. `wrong` are sentences: what must not be, whatever the cell is about."""

    ends: tuple[str, ...]
    paid: tuple[int, ...]
    lost: int
    wrong: tuple[str, ...]
    states: list[str]
    seconds: float

    def as_expected(self, cell: Cell) -> bool:
        """Whether all three jobs ended as the cell says, were paid as it says, and nothing is wrong."""
        return (set(self.ends), set(self.paid), self.lost, self.wrong) == ({cell.end}, {cell.paid}, 0, ())


def run(cell: Cell, tools_for: Callable[..., Tools]) -> Row:
    """The three jobs of a cell, with patience of seconds where it is minutes."""
    vendor = PAID_VENDORS[cell.vendor]
    values = QUICK | {
        name: value
        for key, more in SHORT.items()
        if key in (cell.end, cell.fault.split()[-1])
        for name, value in more.items()
    }
    with ExitStack() as stack:
        for name, value in values.items():
            stack.enter_context(patch(name, value))
        simulator = vendor.simulator(movie=clip(), generation_seconds=0.0)
        stack.callback(simulator.stop)
        meddler = Meddler(simulator, vendor.phase, _whose)
        stage = _stage(vendor, simulator.start(), stack, cell, tools_for)
        broken = _Broken()
        logging.getLogger().addHandler(broken)
        stack.callback(logging.getLogger().removeHandler, broken)
        begun = time.monotonic()
        with stage.worker():
            if cell.before:
                stage.until(stage.place(prompt="a lighthouse before", **vendor.wish))
            for phase, how in cell.spoiled.items():
                meddler.spoil(phase, how, JOBS if phase == FIND and cell.times == 1 else cell.times)
            for name, more in cell.own:
                simulator.faults.add(name, **({"times": JOBS} | dict(more)))
            ids = [stage.place(prompt=f"a lighthouse, take {number}", **vendor.wish) for number in range(JOBS)]
            jobs = [_ended(stage, job_id) for job_id in ids]
        return _row(vendor, simulator, stage, jobs, broken, time.monotonic() - begun)


def _whose(phase: str, request: Request) -> object:
    """Requests of one job have one key: a prompt when it is ordered, an address (and Vertex's operation) afterwards."""
    take = re.search(rb"take \d", request.body)
    if phase == SUBMIT:
        return take[0] if take else b""
    return request.path, request.body if phase == LOOK else b""


def _stage(vendor: PaidVendor, simulator: Any, stack: ExitStack, cell: Cell, tools_for: Callable[..., Tools]) -> Stage:
    given: dict[str, Any] = {"media_hands": 2, "public_url": "http://video.example.com", **vendor.settings(simulator)}
    door = None
    if vendor.asked is Asked.CALLBACK:
        door = Door().start()
        stack.callback(door.stop)
        given["public_url"] = door.url
    if cell.end == "deadline_exceeded":
        given["job_deadline_seconds"] = DEADLINE_SECONDS
    tools = tools_for(**FAST | given)
    if door:
        door.tools = tools
    if vendor.asked is Asked.YES_AND_NO:
        adapter = type(tools.provider(vendor.name))
        tools._built[f"provider:{vendor.name}"] = adapter(tools.settings, certain_no_seconds=CERTAIN_NO_SECONDS)  # type: ignore[call-arg]
    return Stage(tools=tools, user=make_user(tools), simulator=simulator)


def _ended(stage: Stage, job_id: str) -> Job:
    try:
        return stage.until(job_id, seconds=WITHIN_SECONDS)
    except AssertionError:
        return stage.job(job_id)


def _row(vendor: PaidVendor, simulator: Any, stage: Stage, jobs: list[Job], broken: _Broken, seconds: float) -> Row:
    paid, films = vendor.paid(simulator), vendor.films(simulator)
    total, held, _ = stage.books()
    lost = [job for job in jobs if not job.over]
    wrong = [f"broke {count} times: {each}" for each, count in Counter(broken.told).items()]
    if not lost and (total or held):
        wrong.append(f"books: {total} in all, {held} held")
    for job in jobs:
        wrong += _mistakes(stage, job, films)
    return Row(
        ends=tuple(
            COMPLETED if job.status == COMPLETED else REVIEW if job.state == REVIEW else str(job.error_code)
            for job in jobs
        ),
        paid=tuple(paid[job.prompt or ""] for job in jobs),
        lost=len(lost),
        wrong=tuple(wrong),
        states=stage.states(jobs[0].id),
        seconds=seconds,
    )


def _mistakes(stage: Stage, job: Job, films: set[str]) -> list[str]:
    """What a strange answer may have written: a film that is not the vendor's, progress that falls or ends too early."""
    with stage.tools.db.reading() as connection:
        events = [event.data for event in job_events.of_job(connection, job.id)]
        asset = assets.of_job(connection, job.id) if job.status == COMPLETED else None
    found = []
    if job.status == COMPLETED:
        stored = b"".join(stage.tools.storage.open_range(asset.storage_key)) if asset else b""
        if hashlib.sha256(stored).hexdigest() not in films:
            found.append("what is stored is not what the vendor served")
    seen = [event["progress"] or 0 for event in events]
    if seen != sorted(seen) or any(
        not 0 <= each < 100 for each, event in zip(seen, events, strict=True) if event["status"] != COMPLETED
    ):
        found.append(f"progress went {seen}")
    if vendor_words := [event["note"] for event in events if "<html" in str(event["note"])]:
        found.append(f"a vendor's page was told: {vendor_words}")
    return found


class _Broken(logging.Handler):
    """Every error that was logged with its cause: a step that broke is our mistake, however well it was borne."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info and (cause := record.exc_info[1]):
            self.told.append(f"{record.getMessage()} ({type(cause).__name__}: {str(cause)[:120]})")


def paid_in_all(rows: list[Row]) -> Counter[int]:
    """How many jobs were paid how often."""
    return Counter(each for row in rows for each in row.paid)


__all__ = ["COMPLETED", "FETCH", "FIND", "LOOK", "REVIEW", "SUBMIT", "Cell", "Row", "paid_in_all", "run"]
