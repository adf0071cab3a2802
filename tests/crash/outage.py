"""A bucket that goes away while videos finish: `python -m tests.crash.outage --seconds 60 --jobs 30`.

The bucket closes every connection for so long; the jobs end meanwhile with their files served from here, and afterwards
every file is in the bucket, byte for byte, with each clip paid once.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import tempfile
import time
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any

from tests.crash.house import house, place, wait_for_end
from tests.crash.server import Server
from tests.simulators.buckets import BUCKET, CREDENTIALS, GoogleBucket
from tests.simulators.clips import clip
from tests.simulators.replicate import ReplicateSimulator

PATIENCE = 120.0


def play(*, jobs: int, seconds: float, folder: Path) -> dict[str, Any]:
    """One outage; the figures. Raises `AssertionError` with what was found wrong."""
    bucket = GoogleBucket()
    bucket.start()
    provider = ReplicateSimulator(movie=clip(0.5), generation_seconds=1.0).start()
    settings = CREDENTIALS | {
        "STORAGE_URL": f"gs://{BUCKET}/house",
        "STORAGE_EMULATOR_HOST": bucket.url,
        "GOOGLE_CLOUD_PROJECT": "films",
        "GOOGLE_OAUTH_ACCESS_TOKEN": "ya29.test",
    }
    try:
        with house(folder, provider, **settings) as (server, key):
            bucket.away = True
            away_since = time.monotonic()
            ids = place(server, key, jobs)
            ended = wait_for_end(server, key, ids, within=seconds + PATIENCE)
            all_over = time.monotonic() - away_since
            served = _served(server, key, ids)
            waiting = _states(server, key, ids)
            time.sleep(max(0.0, seconds - (time.monotonic() - away_since)))
            bucket.away = False
            back_at = time.monotonic()
            while (states := _states(server, key, ids)) != {"stored": jobs}:
                assert time.monotonic() - back_at < PATIENCE, states
                time.sleep(0.2)
            moved = time.monotonic() - back_at
            kept = {hashlib.sha256(held.body).hexdigest() for held in bucket.held.values()}
            films = {hashlib.sha256(provider.film(each)).hexdigest() for each in provider.predictions.values()}
            assert served == films
            assert films <= kept, "not every clip is in the bucket"
            again = {_digest_of_link(server, key, job_id) for job_id in ids}
            assert again == films
            state = provider.state()
    finally:
        provider.stop()
        bucket.stop()
    return {
        "jobs": jobs,
        "away_seconds": seconds,
        "ended": dict(Counter(each["status"] for each in ended)),
        "all_over_after_seconds": round(all_over, 1),
        "storage_while_away": waiting,
        "all_in_the_bucket_seconds_after_its_return": round(moved, 1),
        "hashes_equal": len(again),
        "paid": state["paid"],
        "paid_twice": state["paid_twice"],
    }


def _states(server: Server, key: str, ids: list[str]) -> dict[str, int]:
    answers = (server.call("GET", f"/api/v1/videos/jobs/{each}/metadata", key=key)[1] for each in ids)
    return dict(Counter(each["storage_state"] for each in answers))


def _served(server: Server, key: str, ids: list[str]) -> set[str]:
    found = set()
    for job_id in ids:
        code, data = server.call("GET", f"/api/v1/videos/jobs/{job_id}/download", key=key)
        assert code == 200, (job_id, code, data)
        found.add(hashlib.sha256(data).hexdigest())
    return found


def _digest_of_link(server: Server, key: str, job_id: str) -> str:
    _, status = server.call("GET", f"/api/v1/status/{job_id}", key=key)
    with urllib.request.urlopen(status["result_url"], timeout=20) as answer:
        return hashlib.sha256(answer.read()).hexdigest()


def main() -> int:
    """Play once and print the figures as a line of JSON."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--jobs", type=int, default=30)
    words.add_argument("--seconds", type=float, default=60.0)
    asked = words.parse_args()
    with tempfile.TemporaryDirectory(prefix="vf-outage-") as folder:
        print(json.dumps(play(jobs=asked.jobs, seconds=asked.seconds, folder=Path(folder))), flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
