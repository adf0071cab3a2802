"""P5: from a submit on an idle house to the provider's first byte of the request; also after a rest."""

from __future__ import annotations

import os
import time

from benchmarks.report import quantile, report
from benchmarks.stage import house
from job_queue import Worker
from tests.simulators.clips import clip
from tests.simulators.replicate import TOKEN, ReplicateSimulator
from tests.simulators.server import Reply, Request
from vividflow.lifecycle.orders import place
from vividflow.lifecycle.tools import Tools
from vividflow.lifecycle.wish import Wish
from vividflow.records.users import User

TIMES = 60
REST_SECONDS = float(os.environ.get("REST_SECONDS", "60"))


class Listening(ReplicateSimulator):
    """Writes down when a submit arrives."""

    arrived: float = 0.0

    def handle(self, request: Request) -> Reply:
        if request.method == "POST" and request.path.endswith("/predictions"):
            self.arrived = time.perf_counter()
        return super().handle(request)


def _once(tools: Tools, person: User, simulator: Listening) -> float:
    simulator.arrived = 0.0
    began = time.perf_counter()
    place(tools, person, Wish(prompt="a lighthouse", model="wan2.2", resolution="480p"))
    while not simulator.arrived:
        time.sleep(0.0002)
    return 1000 * (simulator.arrived - began)


def main() -> None:
    """Single submits a little apart, then three after a rest."""
    simulator = Listening(movie=clip(0.5), generation_seconds=3600)
    simulator.start()
    settings = {"replicate_api_token": TOKEN, "replicate_base_url": simulator.url, "poll_first_seconds": 3000}
    with house(**settings) as (tools, person):
        worker = Worker(tools)
        worker.start()
        time.sleep(1.5)
        for _ in range(5):
            _once(tools, person, simulator)
        taken = []
        for _ in range(TIMES):
            time.sleep(0.15)
            taken.append(_once(tools, person, simulator))
        time.sleep(REST_SECONDS)
        rested = _once(tools, person, simulator)
        worker.stop(5)
    simulator.stop()
    p50, p99 = quantile(taken, 0.5), quantile(taken, 0.99)
    report(
        "P5 submit → provider called",
        [
            (f"p50 of {TIMES} (goal ≤ 5 ms)", f"{p50:.1f} ms", p50 <= 5),
            ("p99 (goal ≤ 25 ms)", f"{p99:.1f} ms", p99 <= 25),
            (f"after {REST_SECONDS:.0f} s of quiet (goal ≤ 25 ms)", f"{rested:.1f} ms", rested <= 25),
        ],
    )


if __name__ == "__main__":
    main()
