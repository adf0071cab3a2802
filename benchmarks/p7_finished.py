"""P7: finished in 120 s at 20 s generations in one process; Huey's 8 threads finish 48 (arithmetic: 8 × 120 ÷ 20)."""

from __future__ import annotations

import os

from benchmarks.flight import fly
from benchmarks.report import report

JOBS = int(os.environ.get("JOBS", "6000"))
HUEY = 48


def main() -> None:
    """One flight; its rate over 120 s."""
    seen = fly(JOBS, 20.0)
    finished = JOBS / seen.seconds * 120
    report(
        "P7 finished in 120 s, media steps replaced",
        [
            (f"{JOBS:,} jobs of 20 s took", f"{seen.seconds:.0f} s", None),
            ("finished in 120 s (goal ≥ 100 × 48)", f"{finished:,.0f}", finished >= 100 * HUEY),
            ("share of a core, memory", f"{seen.cpu:.2f}, {seen.memory:.0f} MB", None),
            ("paid twice", str(seen.paid_twice), seen.paid_twice == 0),
        ],
    )


if __name__ == "__main__":
    main()
