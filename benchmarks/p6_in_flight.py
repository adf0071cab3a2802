"""P6: 5,000 generations in flight in one process, 150 ms a provider request.

They are submitted at 125 a second (a dozen accounts' worth), so that all of them are in flight before the first ends.
IN_FLIGHT, GENERATION (seconds), SUBMITS (a second) and PROVIDERS change the size; a very high SUBMITS makes it one burst.
"""

from __future__ import annotations

import os

from benchmarks.flight import fly
from benchmarks.report import report

IN_FLIGHT = int(os.environ.get("IN_FLIGHT", "5000"))
GENERATION = float(os.environ.get("GENERATION", "120"))
SUBMITS = float(os.environ.get("SUBMITS", "125"))
PROVIDERS = tuple(os.environ.get("PROVIDERS", "replicate").split(","))


def main() -> None:
    """One flight; peak, lateness, memory, share of a core, payments."""
    seen = fly(IN_FLIGHT, GENERATION, submits_per_second=SUBMITS, providers=PROVIDERS)
    flight = f"{IN_FLIGHT:,} in flight at {', '.join(PROVIDERS)}, {GENERATION:.0f} s a generation"
    report(
        f"P6 {flight}, {SUBMITS:.0f} submits/s, media steps replaced",
        [
            ("peak in flight (goal: all of them)", f"{seen.peak:,}", seen.peak >= IN_FLIGHT),
            ("lateness of looks, p99 (goal < 1 s)", f"{seen.lateness_p99:.2f} s", seen.lateness_p99 < 1),
            ("memory, PSS (goal ≤ 150 MB)", f"{seen.memory:.0f} MB", seen.memory <= 150),
            ("share of a core (goal ≤ 1)", f"{seen.cpu:.2f}", seen.cpu <= 1),
            (
                "payments, paid twice",
                f"{seen.paid:,}, {seen.paid_twice}",
                seen.paid == IN_FLIGHT and not seen.paid_twice,
            ),
            ("provider requests a job", f"{seen.requests_a_job:.1f}", None),
        ],
    )


if __name__ == "__main__":
    main()
