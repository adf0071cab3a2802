"""Processes from outside: which belong together, the memory and the processor time of all, standing still for a while."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def family(root: int) -> list[int]:
    """The process `root` and everything it started, parents first."""
    found = [root]
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except OSError:
                continue
            if parent == root:
                found += family(int(entry.name))
    return found


def memory(root: int) -> float:
    """What the family of `root` holds, each page counted once (PSS), in MB."""
    return sum(map(_pss, family(root)))


def spent(root: int) -> float:
    """Seconds of processor time that the family of `root` has used."""
    return sum(map(_cpu, family(root)))


@contextmanager
def halted(root: int) -> Iterator[None]:
    """The family of `root` stands still, so that what it still has to do takes nothing from what is measured."""
    pids = family(root)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        # Children first: a parent that wakes early could take them for dead.
        for pid in reversed(pids):
            os.kill(pid, signal.SIGCONT)


def _pss(pid: int) -> float:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _cpu(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
