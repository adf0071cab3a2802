"""This machine: room on the disk, the variables of the environment, and the worker on it."""

from __future__ import annotations

import fcntl
import shutil
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from vividflow import timing
from vividflow.health.findings import Finding, Site, State, span
from vividflow.records.queue_figures import live_workers

STUCK_SECONDS = 30.0
DISK_OUT_BYTES = 500 * 10**6
DISK_LOW_BYTES = 5 * 10**9
# A tenth of a large disk is room for years: there the bytes count, not the share.
DISK_LOW_SHARE, DISK_ROOMY_BYTES = 0.10, 50 * 10**9


def check_disk(site: Site) -> Finding:
    """Free room where the data folder lies, or will lie."""
    folder = site.settings.data_dir
    place = next(each for each in (folder, *folder.parents) if each.exists())
    usage = shutil.disk_usage(place)
    facts = {"free_bytes": usage.free, "total_bytes": usage.total, "path": str(place)}
    sentence = f"{usage.free / 10**9:.1f} GB of {usage.total / 10**9:.0f} GB are free."
    if usage.free < DISK_OUT_BYTES:
        return State.DOWN, f"The disk is full: {sentence}", facts
    if usage.free < max(DISK_LOW_BYTES, min(DISK_LOW_SHARE * usage.total, DISK_ROOMY_BYTES)):
        return State.DEGRADED, f"The disk is filling up: {sentence}", facts
    return State.OK, sentence, facts


def check_environment(site: Site) -> Finding:
    """Which variables are there (their values are never shown), and what follows from PUBLIC_URL."""
    every = {name.upper() for name in type(site.settings).model_fields}
    given = {name.upper() for name in site.settings.model_fields_set}
    public = urlsplit(site.settings.public)
    callbacks = public.scheme == "https"
    facts: dict[str, Any] = {"set": sorted(given), "missing": sorted(every - given), "callbacks": callbacks}
    if not callbacks and not _is_loopback(public.hostname or ""):
        sentence = "PUBLIC_URL is plain http and not this machine alone: passwords and keys travel readable."
        return State.DEGRADED, sentence, facts
    polling = "" if callbacks else " PUBLIC_URL is not https: providers are polled, and asked for no callbacks."
    return State.OK, f"{len(given)} of {len(every)} variables are set.{polling}", facts


def check_worker(site: Site) -> Finding:
    """Does somebody work: the lock on `worker.lock` and when it was last touched; on PostgreSQL the advisory locks."""
    facts: dict[str, Any] = {"alive": False}
    if not site.settings.on_sqlite and site.db is not None:
        with site.db.reading() as connection:
            facts["workers"] = live_workers(connection)
        facts["alive"] = facts["workers"] > 0
    else:
        lock = site.settings.data_dir / "worker.lock"
        facts["alive"] = is_held(lock)
        if facts["alive"]:
            # A clock set back leaves a touch in the future, which is no fresher than an old one.
            facts["touched_seconds_ago"] = round(abs(timing.now() - lock.stat().st_mtime), 1)
    if not facts["alive"]:
        return State.DOWN, "No worker runs: start the server, or `python job_queue.py`.", facts
    if facts.get("touched_seconds_ago", 0) > STUCK_SECONDS:
        return State.DOWN, f"The worker is stuck: it last moved {span(facts['touched_seconds_ago'])} ago.", facts
    return State.OK, "A worker runs.", facts


def is_held(lock: Path) -> bool:
    """Whether a process holds the lock on that file. Asks for a shared lock that is given back at once; makes no file."""
    try:
        with lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    return False


def file_system(file: Path) -> str:
    """The type of the file system that a file lies on, or "" where the system does not tell."""
    try:
        mounts = [line.split() for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()]
    except OSError:
        return ""
    real = file.resolve()
    over = [(mount[1], mount[2]) for mount in mounts if real.is_relative_to(mount[1])]
    return max(over, key=lambda mount: len(mount[0]), default=("", ""))[1]


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
