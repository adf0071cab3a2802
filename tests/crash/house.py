"""A server before a simulated vendor, with a user, a key, and clients that place and wait."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests import databases
from tests.crash.server import Server
from tests.paid_vendors import PAID_VENDORS, PaidVendor
from tests.people import make_key, make_user
from vividflow.config import Settings
from vividflow.lifecycle.tools import build_tools

REPLICATE = PAID_VENDORS["replicate"]
WISH: Mapping[str, object] = REPLICATE.wish
OVER = ("completed", "failed", "cancelled")


@contextmanager
def house(folder: Path, provider: Any, vendor: PaidVendor = REPLICATE, /, **more: str) -> Iterator[tuple[Server, str]]:
    """The running server and a key; `more` are settings. The server is killed at the end, if it still runs."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    environment = {
        **{name.upper(): value for name, value in vendor.settings(provider).items()},
        "POLL_FIRST_SECONDS": "0.5",
        "POLL_MAX_SECONDS": "0.5",
        "LIMIT_API": "off",
        "LIMIT_READS": "off",
        **more,
    }
    if "DATABASE_URL" not in environment:
        environment["DATABASE_URL"] = databases.fresh("sqlite", folder / "data")
    server = Server(folder=folder, environment=environment)
    key = _key(folder, environment["DATABASE_URL"])
    server.start()
    try:
        yield server, key
    finally:
        if server.process is not None and server.process.poll() is None:
            server.kill()


def _key(folder: Path, database: str) -> str:
    """The key of a new person; made in this process, for a command takes seconds."""
    tools = build_tools(Settings.from_environment(None, data_dir=folder / "data", database_url=database))
    try:
        return make_key(tools, make_user(tools))
    finally:
        tools.ears.watch.close()
        tools.decoder.close()
        tools.db.close()


def place(server: Server, key: str, count: int) -> list[str]:
    """Place that many clips; their ids."""
    wishes = [{**WISH, "prompt": f"clip number {number}"} for number in range(count)]
    return [server.insist("POST", "/api/v1/generate", wish, key)["job_id"] for wish in wishes]


def wait_for_end(server: Server, key: str, ids: list[str], *, within: float) -> list[dict[str, Any]]:
    """The status of each job once all are over. Raises `AssertionError` when that takes longer than `within` seconds."""
    end = time.monotonic() + within
    ended: dict[str, dict[str, Any]] = {}
    while len(ended) < len(ids):
        for job_id in ids:
            if job_id not in ended:
                code, status = server.call("GET", f"/api/v1/status/{job_id}", key=key)
                assert code == 200, (code, status)
                if status["status"] in OVER:
                    ended[job_id] = status
        assert time.monotonic() < end, [job_id for job_id in ids if job_id not in ended]
        time.sleep(0.1)
    return [ended[job_id] for job_id in ids]
