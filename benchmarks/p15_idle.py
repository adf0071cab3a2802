"""P15: the whole product at rest: memory of all its processes, share of a core, commits."""

from __future__ import annotations

import os
import time

from benchmarks.processes import family, memory, spent
from benchmarks.report import report
from benchmarks.serving import ours

SECONDS = float(os.environ.get("IDLE_SECONDS", "30"))


def main() -> None:
    """Start, ask once, rest, measure."""
    with ours(EMBEDDED_WORKER="true") as (server, key):
        server.call("GET", "/api/v1/models", key=key)
        time.sleep(13)
        assert server.process is not None
        root = server.process.pid
        wal = server.folder / "data" / "jobs.db-wal"
        before, used, began = wal.stat().st_mtime, spent(root), time.monotonic()
        time.sleep(SECONDS)
        share = (spent(root) - used) / (time.monotonic() - began)
        count, held = len(family(root)), memory(root)
        written = wal.stat().st_mtime != before
    report(
        "P15 at rest",
        [
            (f"memory of {count} processes, PSS (goal ≤ 100 MB)", f"{held:.0f} MB", held <= 100),
            (f"share of a core over {SECONDS:.0f} s (goal < 1 %)", f"{100 * share:.2f} %", share < 0.01),
            ("anything written to the database meanwhile (goal: no)", "yes" if written else "no", not written),
        ],
    )


if __name__ == "__main__":
    main()
