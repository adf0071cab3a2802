"""Many generations in flight in one process, against a provider with 150 ms of latency; media steps that do nothing."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from benchmarks.providers import RIVALS, running, state
from benchmarks.report import quantile
from benchmarks.stage import end_without_media, house, skip_to, table, unlimited
from job_queue import Worker
from vividflow.lifecycle.orders import place
from vividflow.lifecycle.tools import Tools
from vividflow.lifecycle.wish import Wish
from vividflow.records import jobs
from vividflow.timing import now


@dataclass(frozen=True, kw_only=True)
class Flight:
    """What was seen: seconds for all, most in flight, lateness of looks (s), share of a core, memory (MB), payments."""

    seconds: float
    peak: int
    lateness_p99: float
    cpu: float
    memory: float
    paid: int
    paid_twice: int
    requests_a_job: float


def fly(
    count: int,
    generation: float,
    *,
    submits_per_second: float = 10_000,
    hands: int = 256,
    providers: tuple[str, ...] = ("replicate",),
) -> Flight:
    """Place `count` jobs that take `generation` seconds each (give or take a fifth) and wait for the end of all.

    The jobs are dealt to the providers in turn, and so are the submits a second.
    """
    share = submits_per_second / len(providers)
    with running(providers, generation) as urls, unlimited(share, providers) as models:
        settings: dict[str, Any] = {
            "models_file": models,
            "calls_hands": hands,
            "media_hands": 64,  # what does nothing may be done by many
            "poll_first_seconds": generation,
            "public_url": "http://203.0.113.1",
        }
        for name, url in urls.items():
            settings |= RIVALS[name].settings(url)
        with (
            house(**settings) as (tools, person),
            table("video", downloading=skip_to("finishing"), finishing=end_without_media),
        ):
            for number in range(count):
                wish = RIVALS[providers[number % len(providers)]].wish
                place(tools, person, Wish(prompt=f"clip {number}", **wish))
            worker, watch = Worker(tools), _Watch(tools)
            began, spent = time.monotonic(), time.process_time()
            worker.start()
            watch.start()
            while _left(tools):
                time.sleep(0.25)
            seconds, used = time.monotonic() - began, time.process_time() - spent
            memory, peak = watch.memory, watch.peak
            watch.stop()
            worker.stop(10)
        states = [state(url) for url in urls.values()]
    return Flight(
        seconds=seconds,
        peak=peak,
        lateness_p99=quantile(watch.late, 0.99),
        cpu=used / seconds,
        memory=memory,
        paid=sum(each["paid"] for each in states),
        paid_twice=sum(each["paid_twice"] for each in states),
        requests_a_job=sum(sum(each["requests"].values()) for each in states) / count,
    )


class _Watch(threading.Thread):
    """Looks every 100 ms how long the look that is most overdue has been waiting."""

    def __init__(self, tools: Tools) -> None:
        super().__init__(daemon=True)
        self._tools = tools
        self._over = threading.Event()
        self.late: list[float] = [0.0]
        self.memory = 0.0
        self.peak = 0

    def run(self) -> None:
        column = jobs.jobs.c
        oldest = select(func.min(column.due_at)).where(
            column.lane == "calls",
            column.due_at.is_not(None),
            column.state == "generating",
            column.lease_owner.is_(None),
        )
        flying = select(func.count()).where(column.state == "generating")
        rounds = 0
        while not self._over.wait(0.1):
            rounds += 1
            with self._tools.db.reading() as connection:
                at = connection.execute(oldest).scalar()
                if rounds % 10 == 0:
                    self.peak = max(self.peak, connection.execute(flying).scalar_one())
            self.late.append(max(0.0, now() - at) if at else 0.0)
            for line in Path("/proc/self/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    self.memory = max(self.memory, int(line.split()[1]) / 1024)

    def stop(self) -> None:
        """End it."""
        self._over.set()
        self.join(2)


def _left(tools: Tools) -> int:
    with tools.db.reading() as connection:
        return connection.execute(select(func.count()).where(jobs.jobs.c.due_at.is_not(None))).scalar_one()
