"""Kill loops: `python -m tests.crash.rounds --rounds 60 --jobs 200 --database both` (or `make crash ROUNDS=60`).

The real server is killed with SIGKILL at random moments and at the worst ones, started again, and at the end every
accepted job must have ended well, paid once, with books that balance and files that are the provider's own bytes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from tests import databases
from tests.crash.provider import WORST, MurderousReplicate
from tests.crash.server import Server
from tests.simulators.clips import clip
from tests.simulators.replicate import TOKEN
from vividflow.db.database import Database
from vividflow.records import ledger, orders

READY_WITHIN = 5.0
# An order that was never read takes two minutes to be known as such: the provider must show it twice.
PATIENCE = 300.0


def play(
    *, rounds: int, jobs: int, database: str, folder: Path, seed: int, ready_within: float = READY_WITHIN
) -> dict[str, object]:
    """One whole play; the figures. Raises `AssertionError` with what was found wrong."""
    chance = random.Random(seed)
    with ExitStack() as stack:
        provider = MurderousReplicate(movie=clip(0.5), generation_seconds=1.0, jitter=0.5).start()
        stack.callback(provider.stop)
        server = _server(provider, database, folder)
        provider.kill = server.kill
        key = server.command("create-user", "crash@example.com", "--generate") and server.command(
            "create-key", "crash@example.com"
        )
        server.start()
        stack.callback(lambda: server.kill() if server.process and server.process.poll() is None else None)
        with ThreadPoolExecutor(8) as clients:
            wishes = [_wish(number, chance) for number in range(jobs)]
            placed = [
                clients.submit(_place, server, key, wish, number * 12.0 / jobs) for number, wish in enumerate(wishes)
            ]
            moments = _kill_rounds(server, provider, rounds, chance)
            ids = [future.result()["job_id"] for future in placed]
        ended = _all_ended(server, key, ids)
        figures = _judge(server, provider, key, ended, database, folder)
        code, seconds = server.term()
        assert code == 0, code
        assert max(server.starts) < ready_within, server.starts
    return figures | {
        "rounds": rounds,
        "jobs": jobs,
        "database": database,
        "moments": dict(moments),
        "slowest_start": round(max(server.starts), 2),
        "sigterm_seconds": round(seconds, 2),
        "seed": seed,
    }


def _server(provider: MurderousReplicate, database: str, folder: Path) -> Server:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "data").mkdir(exist_ok=True)
    return Server(
        folder=folder,
        environment={
            "DATABASE_URL": databases.fresh(database, folder),
            "REPLICATE_API_TOKEN": TOKEN,
            "REPLICATE_BASE_URL": provider.url,
            "POLL_FIRST_SECONDS": "0.7",
            "POLL_MAX_SECONDS": "1",
            "LIMIT_API": "off",
            "LIMIT_READS": "off",
        },
    )


def _wish(number: int, chance: random.Random) -> dict[str, object]:
    if chance.random() < 0.1:
        return {"prompt": f"preview number {number}", "model": "local", "duration": 1, "resolution": "480p"}
    model = chance.choice(["wan2.1", "wan2.2"])
    return {"prompt": f"clip number {number}", "model": model, "duration": 5, "resolution": "480p"}


def _place(server: Server, key: str, wish: dict[str, object], after: float) -> dict[str, str]:
    time.sleep(after / 8)
    return server.insist("POST", "/api/v1/generate", wish, key, within=180)


def _kill_rounds(server: Server, provider: MurderousReplicate, rounds: int, chance: random.Random) -> Counter[str]:
    moments: Counter[str] = Counter()
    for number in range(rounds):
        moment = WORST[(number // 2) % len(WORST)] if number % 2 else "random"
        if moment == "random":
            time.sleep(chance.uniform(0.1, 1.2))
            server.kill()
        else:
            provider.arm(moment)
            if not provider.struck.wait(4):
                provider.disarm()
                moment = "random"
                if not provider.struck.is_set():
                    server.kill()
        moments[moment] += 1
        server.start()
    return moments


def _all_ended(server: Server, key: str, ids: list[str]) -> dict[str, dict[str, object]]:
    end = time.monotonic() + PATIENCE
    ended: dict[str, dict[str, object]] = {}
    while len(ended) < len(ids):
        for job_id in ids:
            if job_id not in ended:
                _, status = server.call("GET", f"/api/v1/status/{job_id}", key=key)
                if status["status"] in ("completed", "failed", "cancelled"):
                    ended[job_id] = status
        assert time.monotonic() < end, [
            server.call("GET", f"/api/v1/status/{job_id}", key=key) for job_id in ids if job_id not in ended
        ][:3]
        time.sleep(0.2)
    return ended


def _judge(
    server: Server,
    provider: MurderousReplicate,
    key: str,
    ended: dict[str, dict[str, object]],
    kind: str,
    folder: Path,
) -> dict[str, object]:
    statuses = Counter(str(status["status"]) for status in ended.values())
    bad = [
        (status["job_id"], status["error_code"], status["error_message"])
        for status in ended.values()
        if status["status"] != "completed"
    ]
    assert not bad, bad
    twice = provider.state()["paid_twice"]
    assert twice == 0, f"{twice} paid twice"
    films = {hashlib.sha256(provider.film(each)).hexdigest() for each in provider.predictions.values()}
    ours = 0
    for job_id, status in ended.items():
        code, data = server.call("GET", f"/api/v1/videos/jobs/{job_id}/download", key=key, timeout=30)
        assert code == 200, (job_id, code)
        if status["provider"] == "replicate":
            ours += 1
            assert hashlib.sha256(data).hexdigest() in films, f"{job_id} is not what the provider served"
    assert provider.paid == ours, (provider.paid, ours)
    database = Database(server.environment["DATABASE_URL"])
    with database.reading() as connection:
        assert ledger.total(connection) == 0
        open_orders = orders.count_open(connection)
    assert open_orders == 0, open_orders
    assert databases.integrity(database) == "ok"
    database.close()
    left = (
        [path.name for path in (folder / "data" / "scratch").iterdir()]
        if (folder / "data" / "scratch").exists()
        else []
    )
    assert not left, left
    log = (folder / "server.log").read_text(errors="replace")
    assert TOKEN not in log
    assert "Traceback" not in log, log[log.index("Traceback") - 200 : log.index("Traceback") + 3000]
    return {"ended": dict(statuses), "paid": provider.paid, "paid_twice": twice, "lost": 0}


def main() -> int:
    """Play on the databases asked for, and print the figures of each as a line of JSON."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--rounds", type=int, default=60)
    words.add_argument("--jobs", type=int, default=200)
    words.add_argument("--database", choices=(*databases.KINDS, "both"), default="both")
    words.add_argument("--seed", type=int, default=random.randrange(10**6))
    asked = words.parse_args()
    for kind in databases.KINDS if asked.database == "both" else (asked.database,):
        with tempfile.TemporaryDirectory(prefix="vf-crash-") as folder:
            try:
                figures = play(
                    rounds=asked.rounds, jobs=asked.jobs, database=kind, folder=Path(folder), seed=asked.seed
                )
            except AssertionError:
                print((Path(folder) / "server.log").read_text(errors="replace")[-4000:], file=sys.stderr)
                raise
        print(json.dumps(figures), flush=True)
    databases.drop_own()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
