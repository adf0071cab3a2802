"""P11: two thousand open event streams in one process: memory each, status beside them, events to all of them."""

from __future__ import annotations

import asyncio
import resource
import time
from pathlib import Path

from benchmarks.report import Row, middle, quantile, report
from benchmarks.serving import Load, get, ours, post, wrk
from tests.crash.server import Server

STREAMS, PEOPLE = 2000, 10
AT_ONCE = 50
ROUNDS, SECONDS = 5, 2.0
CONNECTIONS = 16
EVENT_ROUNDS = 5
WAIT_SECONDS = 20.0
BODY: dict[str, object] = {"prompt": "a lighthouse at dusk", "model": "local", "duration": 4}


class Listener:
    """One open stream; writes down when each event name and job came."""

    def __init__(self) -> None:
        self.heard: dict[tuple[str, str], float] = {}
        self.alive = True

    async def open(self, port: int, key: str) -> asyncio.Task[None]:
        """Connect and read on in a task of its own."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET /api/v1/events HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\n\r\n".encode())
        head = await reader.readuntil(b"\r\n\r\n")
        assert b" 200 " in head.split(b"\r\n")[0], head
        return asyncio.create_task(self._listen(reader, writer))

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            name = ""
            while line := await reader.readline():
                if line.startswith(b"event:"):
                    name = line[6:].strip().decode()
                elif line.startswith(b"data:"):
                    at = line.index(b'"job_id":"') + 10
                    self.heard.setdefault((name, line[at : at + 36].decode()), time.perf_counter())
        finally:
            self.alive = False
            writer.close()


def main() -> None:
    """Status alone, the streams opened, status beside them, then events to all."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 2 * STREAMS + 200)), hard))
    with ours(LIMIT_API="off", LIMIT_READS="off") as (server, key):
        keys = [key]
        for number in range(1, PEOPLE):
            server.command("create-user", f"p{number}@example.com", "--generate")
            keys.append(server.command("create-key", f"p{number}@example.com"))
        rows = asyncio.run(_measure(server, keys))
    report("P11 event streams", rows)


async def _measure(server: Server, keys: list[str]) -> list[Row]:
    job = str((await asyncio.to_thread(post, f"{server.url}/api/v1/generate", BODY, keys[0]))["job_id"])
    await _status(server, job, keys[0])
    alone = [await _status(server, job, keys[0]) for _ in range(ROUNDS)]
    before = _resident(server)
    listeners, tasks = [Listener() for _ in range(STREAMS)], []
    for first in range(0, STREAMS, AT_ONCE):
        some = range(first, min(STREAMS, first + AT_ONCE))
        opened = (listeners[each].open(server.port, keys[each % PEOPLE]) for each in some)
        tasks += await asyncio.gather(*opened)
    await asyncio.sleep(2)
    each_kb = (_resident(server) - before) / STREAMS / 1024
    beside = [await _status(server, job, keys[0]) for _ in range(ROUNDS)]
    taken = [late for _ in range(EVENT_ROUNDS) for late in await _events(server, keys, listeners)]
    assert all(each.alive for each in listeners)
    for task in tasks:
        task.cancel()
    p99_alone, p99_beside = middle([each.p99 for each in alone]), middle([each.p99 for each in beside])
    rate_alone, rate_beside = middle([each.rate for each in alone]), middle([each.rate for each in beside])
    return [
        ("memory of one stream (goal ≤ 15 KB)", f"{each_kb:.1f} KB of {STREAMS:,}", each_kb <= 15),
        ("status alone", f"{rate_alone:,.0f}/s, p99 {p99_alone:.1f} ms", None),
        ("status beside the streams", f"{rate_beside:,.0f}/s, p99 {p99_beside:.1f} ms", None),
        ("p99 beside ÷ alone (goal ≤ 1.5)", f"{p99_beside / p99_alone:.2f}×", p99_beside <= 1.5 * p99_alone),
        (
            "event to a stream, slowest (goal ≤ 1 s)",
            f"p50 {1000 * quantile(taken, 0.5):.0f} ms, slowest {1000 * max(taken):.0f} ms of {len(taken):,}",
            max(taken) <= 1.0,
        ),
        ("streams that broke", str(sum(not each.alive for each in listeners)), all(each.alive for each in listeners)),
    ]


async def _status(server: Server, job: str, key: str) -> Load:
    return await asyncio.to_thread(wrk, f"{server.url}/api/v1/status/{job}", CONNECTIONS, SECONDS, key=key)


async def _events(server: Server, keys: list[str], listeners: list[Listener]) -> list[float]:
    """Everybody places one job at once; seconds from each 202 being asked for to each of that person's streams hearing it."""

    def order(key: str) -> tuple[str, float]:
        began = time.perf_counter()
        return str(post(f"{server.url}/api/v1/generate", BODY, key)["job_id"]), began

    placed = await asyncio.gather(*(asyncio.to_thread(order, key) for key in keys))
    end = time.perf_counter() + WAIT_SECONDS
    pairs = [(each, placed[number % PEOPLE]) for number, each in enumerate(listeners)]
    while not all(("status", job) in each.heard for each, (job, _) in pairs):
        assert time.perf_counter() < end, "an event did not come"
        await asyncio.sleep(0.05)
    for (job, _), key in zip(placed, keys, strict=True):
        assert get(f"{server.url}/api/v1/status/{job}", key)["status"] == "queued"
    return [each.heard["status", job] - began for each, (job, began) in pairs]


def _resident(server: Server) -> int:
    """Bytes of memory that the server and its children really hold."""
    assert server.process is not None
    kin = [server.process.pid]
    for pid in kin:
        kin += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in kin) * resource.getpagesize()


if __name__ == "__main__":
    main()
