"""P4: commits in the whole life of a clip, alone and in a batch of 100; a look that found nothing new is not counted."""

from __future__ import annotations

import time

from benchmarks.report import report
from benchmarks.stage import end_without_media, house, skip_to, table, unlimited
from job_queue import Worker
from tests.simulators.clips import clip
from tests.simulators.replicate import TOKEN, ReplicateSimulator
from vividflow.lifecycle.orders import place
from vividflow.lifecycle.tools import Tools
from vividflow.lifecycle.wish import Wish
from vividflow.records import jobs
from vividflow.records.users import User


def _run(tools: Tools, person: User, count: int) -> tuple[int, int]:
    before = tools.db.commits
    ids = [
        place(tools, person, Wish(prompt=f"clip {n}", model="wan2.2", resolution="480p"))[1]["job_id"]
        for n in range(count)
    ]
    placed = tools.db.commits - before
    while True:
        with tools.db.reading() as connection:
            rows = [jobs.by_id(connection, job_id) for job_id in ids]
        if all(row and row.over for row in rows):
            assert {row.status for row in rows if row} == {"completed"}
            looks = sum(row.looks for row in rows if row)
            return tools.db.commits - before - placed, looks
        time.sleep(0.02)


def main() -> None:
    """One clip alone, then a hundred at once; the commit that accepts a request is the client's own and listed apart."""
    simulator = ReplicateSimulator(movie=clip(0.5), generation_seconds=0.4).start()
    settings = {
        "replicate_api_token": TOKEN,
        "replicate_base_url": simulator.url,
        "poll_first_seconds": 0.6,
        "poll_max_seconds": 1.0,
        "media_hands": 64,
    }
    with unlimited() as models, house(models_file=models, **settings) as (tools, person):
        worker = Worker(tools)
        worker.start()
        time.sleep(1.0)
        alone, looks = _run(tools, person, 1)
        time.sleep(0.5)
        # With real media the ends are as far apart as the cores are slow, and nothing is left to share. Hands that do
        # nothing may be many.
        with table("video", downloading=skip_to("finishing"), finishing=end_without_media):
            together, many_looks = _run(tools, person, 100)
        worker.stop(10)
    simulator.stop()
    # Alone, each look is one claim that is not counted; the submit itself is one commit more.
    one = alone - looks + 1
    report(
        "P4 commits",
        [
            ("one clip alone, submit included, claims of looks not counted (goal ≤ 6)", str(one), one <= 6),
            ("looks of that clip", str(looks), None),
            (
                "a batch of 100, media steps replaced: commits of the worker a clip, looks included (goal ≤ 0.3)",
                f"{together / 100:.2f}",
                together <= 30,
            ),
            ("looks of the batch", str(many_looks), None),
        ],
    )


if __name__ == "__main__":
    main()
