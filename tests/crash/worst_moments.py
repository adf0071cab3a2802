"""kill -9 at the worst moments of an order, for every vendor that can be paid:
`python -m tests.crash.worst_moments --vendor kling --kills 25` (or `--vendor all`).

After each kill the server is started again. In the end every job must be over, nothing paid twice, and what is stored the
vendor's own bytes. A job may need a person only where nobody can tell whether its order arrived, and then it was not paid.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests import databases
from tests.crash.house import house, wait_for_end
from tests.crash.murderer import Murderer
from tests.crash.server import Server
from tests.paid_vendors import PAID_VENDORS, Asked, PaidVendor
from tests.simulators.clips import clip
from vividflow.db.database import Database
from vividflow.records import ledger, orders

STRUCK_WITHIN_SECONDS = 60.0
# What cannot be asked for is looked for until its deadline: an hour as a rule, and here as long as these runs may take.
DEADLINE_SECONDS = "90"
PATIENCE_SECONDS = 420.0
CALLBACK_TRIES = 8


def play(
    vendor: PaidVendor,
    *,
    kills: int,
    folder: Path,
    database: str = "sqlite",
    jobs_a_kill: int = 2,
    moments: tuple[str, ...] = (),
) -> dict[str, Any]:
    """So many kills and their figures. Raises `AssertionError` with what was found wrong."""
    simulator = vendor.simulator(movie=clip(0.5), generation_seconds=0.5).start()
    if vendor.calls_back:
        simulator.webhooks.tries = CALLBACK_TRIES
    (folder / "data").mkdir(parents=True, exist_ok=True)
    given = {"DATABASE_URL": databases.fresh(database, folder / "data")}
    if vendor.asked is not Asked.YES_AND_NO:
        given["JOB_DEADLINE_SECONDS"] = DEADLINE_SECONDS
    try:
        with house(folder, simulator, vendor, **given) as (server, key), ThreadPoolExecutor(4) as clients:
            murderer = Murderer(vendor, simulator, server.kill, folder / "data" / "scratch")
            struck: Counter[str] = Counter()
            placed = []
            for number in range(kills):
                order = moments or murderer.moments
                moment = order[number % len(order)]
                murderer.arm(moment)
                wishes = [{**vendor.wish, "prompt": f"kill {number}, clip {each}"} for each in range(jobs_a_kill)]
                placed += [
                    (wish["prompt"], clients.submit(server.insist, "POST", "/api/v1/generate", wish, key, 180))
                    for wish in wishes
                ]
                assert murderer.struck.wait(STRUCK_WITHIN_SECONDS), f"{moment} never came"
                struck[moment] += 1
                server.start()
            ids = {future.result()["job_id"]: prompt for prompt, future in placed}
            ended = wait_for_end(server, key, list(ids), within=PATIENCE_SECONDS)
            figures = _judged(vendor, simulator, server, key, {ids[each["job_id"]]: each for each in ended})
            _books(server, vendor)
            assert server.term()[0] == 0
    finally:
        simulator.stop()
    return {"vendor": vendor.name, "jobs": len(ids), "kills": kills, "moments": dict(struck)} | figures


def _judged(
    vendor: PaidVendor, simulator: Any, server: Server, key: str, ended: dict[Any, dict[str, Any]]
) -> dict[str, Any]:
    paid, films = vendor.paid(simulator), vendor.films(simulator)
    review = [prompt for prompt, each in ended.items() if each["error_code"] == "outcome_unknown"]
    done = [prompt for prompt, each in ended.items() if each["status"] == "completed"]
    lost = {prompt: each["error_code"] for prompt, each in ended.items() if prompt not in {*review, *done}}
    assert not lost, lost
    for prompt in done:
        code, data = server.call("GET", f"/api/v1/videos/jobs/{ended[prompt]['job_id']}/download", key=key, timeout=30)
        assert code == 200, (prompt, code)
        assert hashlib.sha256(data).hexdigest() in films, f"{prompt} is not what the vendor served"
    twice = {prompt: count for prompt, count in paid.items() if count > 1}
    assert not twice, twice
    assert vendor.asked is not Asked.YES_AND_NO or not review, review
    assert not [prompt for prompt in review if paid[prompt]], "paid, and yet a person must look"
    assert sum(paid.values()) == len(done), (paid, done)
    return {
        "completed": len(done),
        "paid": sum(paid.values()),
        "paid_twice": len(twice),
        "lost": len(lost),
        "needs_review": len(review),
        "needs_review_although_paid": sum(paid[prompt] for prompt in review),
    }


def _books(server: Server, vendor: PaidVendor) -> None:
    database = Database(server.environment["DATABASE_URL"])
    with database.reading() as connection:
        assert ledger.total(connection) == 0
        open_orders = orders.count_open(connection)
    assert databases.integrity(database) == "ok"
    database.close()
    assert vendor.asked is not Asked.YES_AND_NO or open_orders == 0, open_orders
    log = (server.folder / "server.log").read_text(errors="replace")
    assert vendor.secret not in log
    assert "Traceback" not in log, log[log.index("Traceback") - 200 : log.index("Traceback") + 3000]


def main() -> int:
    """Play for one vendor or all, and print the figures of each as a line of JSON."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--vendor", choices=(*PAID_VENDORS, "all"), default="all")
    words.add_argument("--kills", type=int, default=25)
    words.add_argument("--database", choices=databases.KINDS, default="sqlite")
    asked = words.parse_args()
    for name in PAID_VENDORS if asked.vendor == "all" else (asked.vendor,):
        with tempfile.TemporaryDirectory(prefix="vf-worst-") as folder:
            try:
                figures = play(PAID_VENDORS[name], kills=asked.kills, folder=Path(folder), database=asked.database)
            except AssertionError:
                log = Path(folder) / "server.log"
                print(log.read_text(errors="replace")[-4000:] if log.exists() else "", file=sys.stderr)
                raise
        print(json.dumps(figures), flush=True)
    databases.drop_own()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
