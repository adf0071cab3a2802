"""`python -m tests.media.matrix`: every hostile file and every address through the real API; a table with verdict, status, ms."""

from __future__ import annotations

import socket
import sys
import tempfile
import time
from pathlib import Path
from unittest.mock import patch

from rich.console import Console
from rich.table import Table

from tests.api.desk import GENERATE, LIGHTHOUSE, Desk, form_of, png
from tests.api.urls import all_urls, answering, listed
from tests.media.hostile.cases import CASES
from tests.raw_server import RawServer, reply
from tests.test_outbound import NAMES
from vividflow.outbound import address

OFF = {"limit_api": "off", "limit_uploads": "off", "limit_reads": "off", "log_level": "error"}


def files(desk: Desk, table: Table) -> int:
    """Send every file; how many got another verdict than they should."""
    wrong = 0
    for case in CASES:
        data, began = case.make(), time.perf_counter()
        answer = desk.post("/api/v1/images", **form_of({}, {"image": data}))
        took, body = 1000 * (time.perf_counter() - began), answer.get_json()
        verdict = body.get("code", "kept")
        statuses = (200, 201) if case.status == 201 else (case.status,)
        good = answer.status_code in statuses and verdict in (case.codes or ("kept",))
        wrong += not good
        mark = "" if good else "WRONG"
        table.add_row("file", case.name, f"{len(data):,}", verdict, str(answer.status_code), f"{took:.0f}", mark)
    return wrong


def addresses(desk: Desk, table: Table, urls: list[str]) -> int:
    """Ask for every address; how many were not refused."""
    wrong = 0
    for url in urls:
        began = time.perf_counter()
        answer = desk.post(GENERATE, json=LIGHTHOUSE | {"image_url": url})
        took, verdict = 1000 * (time.perf_counter() - began), answer.get_json().get("code", "placed")
        wrong += answer.status_code != 422
        shown = url.encode("unicode_escape").decode()[:60]
        mark = "" if answer.status_code == 422 else "WRONG"
        table.add_row("address", shown, "", verdict, str(answer.status_code), f"{took:.0f}", mark)
    return wrong


def main() -> int:
    """Print the table; 1 when anything got another verdict than it should, or the canary was touched."""
    table = Table(title="Hostile files and addresses")
    for column in ("kind", "what", "bytes", "verdict", "status", "ms", ""):
        table.add_column(column, overflow="fold")
    with (
        tempfile.TemporaryDirectory(prefix="vf-matrix-") as folder,
        RawServer(answers={"/photo.png": reply(png())}) as canary,
        patch.object(socket, "getaddrinfo", answering(NAMES)),
        patch.dict(address.DEFAULT_PORTS, {"https": canary.port}),
    ):
        desk = Desk(Path(folder), image_url_hosts=listed(canary.port), **OFF)
        urls = all_urls(canary.port)
        wrong = files(desk, table) + addresses(desk, table, urls)
        desk.close()
        touched = canary.touched
    Console(width=150, file=sys.stdout).print(table)
    print(f"{len(CASES)} files, {len(urls)} addresses, {wrong} wrong, the canary was touched {touched} times")
    return 1 if wrong or touched else 0


if __name__ == "__main__":
    raise SystemExit(main())
