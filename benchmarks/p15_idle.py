"""P15: the whole product at rest: memory of all its processes, share of a core, commits."""

from __future__ import annotations

import os
import time
from pathlib import Path

from benchmarks.report import report
from benchmarks.serving import ours

SECONDS = float(os.environ.get("IDLE_SECONDS", "30"))


def _family(root: int) -> list[int]:
    found = [root]
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except OSError:
                continue
            if parent == root:
                found += _family(int(entry.name))
    return found


def _pss(pid: int) -> float:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Start, ask once, rest, measure."""
    with ours(EMBEDDED_WORKER="true") as (server, key):
        server.call("GET", "/api/v1/models", key=key)
        time.sleep(13)
        assert server.process is not None
        pids = _family(server.process.pid)
        wal = server.folder / "data" / "jobs.db-wal"
        before, spent, began = wal.stat().st_mtime, sum(map(_cpu, pids)), time.monotonic()
        time.sleep(SECONDS)
        share = (sum(map(_cpu, pids)) - spent) / (time.monotonic() - began)
        memory = sum(map(_pss, pids))
        written = wal.stat().st_mtime != before
    report(
        "P15 at rest",
        [
            (f"memory of {len(pids)} processes, PSS (goal ≤ 100 MB)", f"{memory:.0f} MB", memory <= 100),
            (f"share of a core over {SECONDS:.0f} s (goal < 1 %)", f"{100 * share:.2f} %", share < 0.01),
            ("anything written to the database meanwhile (goal: no)", "yes" if written else "no", not written),
        ],
    )


if __name__ == "__main__":
    main()
