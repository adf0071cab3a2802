"""P8: requests to the provider for each finished job, and how soon a result is noticed; with looks alone and with callbacks.

The peer asks every five seconds, in the same minute and of a provider of its own. Time runs `SCALE` times as fast: a
generation of two minutes takes 30 s, and the peer asks every 1.25 s. Orders come at the 600 a minute that one account
may place; how long clips take is known from forty before. Media steps are replaced.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from statistics import median
from typing import Any

from sqlalchemy import select

from benchmarks.providers import RIVALS, running, state
from benchmarks.report import quantile, report
from benchmarks.stage import end_without_media, house, skip_to, table
from job_queue import Worker
from tests.simulators.replicate import TOKEN
from vividflow.errors import Problem
from vividflow.lifecycle import callbacks
from vividflow.lifecycle.orders import place
from vividflow.lifecycle.tools import Tools
from vividflow.lifecycle.wish import Wish
from vividflow.records import jobs, orders, usual_times
from vividflow.records.usual_times import Sort

JOBS = int(os.environ.get("JOBS", "200"))
GENERATION, SPREAD, A_SECOND, SCALE = 30.0, 0.2, 10.0, 4.0
LOOP_SECONDS = 5.0 / SCALE
LONGEST_SECONDS = 300.0


@dataclass(frozen=True, kw_only=True)
class Waited:
    """Requests a finished job (orders among them), seconds from ready to noticed, and requests a minute at their most."""

    requests: float
    notice: list[float]
    counts: dict[str, int]

    @property
    def told(self) -> str:
        """The figures in one line."""
        share = median(self.notice) / GENERATION
        return (
            f"{self.requests:.2f} requests, noticed {share:.1%} late (median), p99 {quantile(self.notice, 0.99):.2f} s"
        )


def main() -> None:
    """Looks alone beside the peer, then callbacks."""
    with _peer() as theirs:
        looks = _ours(called=False)
        loop = theirs()
    calls = _ours(called=True)
    late, loop_late = median(looks.notice), median(loop.notice)
    asked = looks.counts.get("poll", 0) + looks.counts.get("list", 0)
    seconds = (JOBS / A_SECOND) + GENERATION
    report(
        f"P8 {JOBS} jobs of {GENERATION:.0f} s ± {SPREAD:.0%}, {A_SECOND:.0f} orders/s, time × {SCALE:.0f}",
        [
            ("by expected finish", looks.told, None),
            ("of which", _split(looks), None),
            (f"a loop of {LOOP_SECONDS * SCALE:.0f} s", loop.told, None),
            ("with callbacks", calls.told, None),
            ("of which", _split(calls), None),
            ("requests a finished job (goal ≤ 4)", f"{looks.requests:.2f}", looks.requests <= 4),
            ("noticed, median (goal ≤ 5 %)", f"{late / GENERATION:.1%}", late <= 0.05 * GENERATION),
            ("with callbacks, p99 (goal < 0.5 s)", f"{quantile(calls.notice, 0.99):.2f} s", _soon(calls)),
            ("requests with callbacks (goal ≤ 4)", f"{calls.requests:.2f}", calls.requests <= 4),
            ("requests ÷ those of the loop", f"{looks.requests / loop.requests:.2f}×", looks.requests < loop.requests),
            ("late ÷ the loop's", f"{late / loop_late:.2f}×", None),
            ("questions a minute (limit 3,000)", f"{asked / seconds * 60:,.0f}", asked / seconds * 60 <= 3000),
        ],
    )


def _split(waited: Waited) -> str:
    return ", ".join(f"{count / JOBS:.2f} {name}" for name, count in sorted(waited.counts.items()))


def _soon(waited: Waited) -> bool:
    return quantile(waited.notice, 0.99) < 0.5


def _ours(*, called: bool) -> Waited:
    """One flight of ours, with an address that callbacks reach or with none."""
    with running(("replicate",), GENERATION, jitter=SPREAD) as urls, _address() as (public, listen):
        settings: dict[str, Any] = {
            "media_hands": 64,
            "public_url": public if called else "http://203.0.113.1",
            **RIVALS["replicate"].settings(urls["replicate"]),
        }
        with (
            house(**settings) as (tools, person),
            table("video", downloading=skip_to("finishing"), finishing=end_without_media),
        ):
            listen(tools)
            _teach(tools)
            worker = Worker(tools)
            worker.start()
            began = time.monotonic()
            for number in range(JOBS):
                time.sleep(max(0.0, began + number / A_SECOND - time.monotonic()))
                place(tools, person, Wish(prompt=f"clip {number}", **RIVALS["replicate"].wish))
            _until_over(tools)
            worker.stop(10)
            ready = _ready(urls["replicate"])
            with tools.db.reading() as connection:
                rows = connection.execute(
                    select(orders.orders.c.operation_id, jobs.jobs.c.provider_done_at)
                    .join(jobs.jobs, jobs.jobs.c.id == orders.orders.c.job_id)
                    .where(jobs.jobs.c.provider_done_at.is_not(None))
                ).all()
        counts = {name: count for name, count in state(urls["replicate"])["requests"].items() if name != "secret"}
    counts["list"] = counts.get("list", 0) - _pages(len(ready))
    notice = [max(0.0, at - ready[name]) for name, at in rows]
    assert len(notice) == JOBS, f"{len(notice)} of {JOBS} finished"
    return Waited(requests=sum(counts.values()) / JOBS, notice=notice, counts=counts)


def _teach(tools: Tools) -> None:
    sort = Sort("wan2.2", "replicate", 5.0, "480p")
    with tools.db.transaction() as connection:
        for _ in range(usual_times.KEPT):
            usual_times.add(connection, sort, GENERATION * random.uniform(1 - SPREAD, 1 + SPREAD))


def _until_over(tools: Tools) -> None:
    end = time.monotonic() + LONGEST_SECONDS
    while time.monotonic() < end:
        with tools.db.reading() as connection:
            if (
                connection.execute(select(jobs.jobs.c.id).where(jobs.jobs.c.due_at.is_not(None)).limit(1)).first()
                is None
            ):
                return
        time.sleep(0.25)


def _ready(url: str) -> dict[str, float]:
    """When each prediction ended, by the provider's clock, which is ours too."""
    found: dict[str, float] = {}
    following: str | None = f"{url}/v1/predictions"
    while following:
        request = urllib.request.Request(following, headers={"Authorization": f"Bearer {TOKEN}"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            page = json.loads(answer.read())
        found |= {each["id"]: datetime.fromisoformat(each["completed_at"]).timestamp() for each in page["results"]}
        following = page["next"]
    return found


def _pages(count: int) -> int:
    return max(1, -(-count // 100))


@contextmanager
def _address() -> Iterator[tuple[str, Any]]:
    """A bare address that takes callbacks in as ours does; `listen(tools)` says for whom."""
    known: list[Tools] = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            try:
                done = callbacks.receive(known[-1], "replicate", self.path.rpartition("/")[2], dict(self.headers), body)
                status = 204 if done else 404
            except Problem as problem:
                status = problem.status
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", known.append
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def _peer() -> Iterator[Any]:
    """The loop in a process of its own; calling what is yielded waits for its figures."""
    with running(("replicate",), GENERATION, jitter=SPREAD) as urls:
        words = [urls["replicate"], TOKEN, str(JOBS), str(A_SECOND), str(LOOP_SECONDS)]
        command = [sys.executable, "-m", "benchmarks.loop", *words]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

        def figures() -> Waited:
            told, _ = process.communicate(timeout=LONGEST_SECONDS)
            seen: dict[str, float] = json.loads(told)
            ready = _ready(urls["replicate"])
            counts = state(urls["replicate"])["requests"]
            counts["list"] = counts.get("list", 0) - _pages(len(ready))
            notice = [max(0.0, at - ready[name]) for name, at in seen.items()]
            return Waited(requests=sum(counts.values()) / JOBS, notice=notice, counts=counts)

        try:
            yield figures
        finally:
            process.terminate()
            process.wait(10)


if __name__ == "__main__":
    main()
