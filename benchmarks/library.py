"""The library of somebody with 10,000 videos: 60 shown, searched and filtered, p95 ≤ 150 ms of the server's time.

`python -m benchmarks.library plans` also prints what SQLite makes of the queries.
"""

from __future__ import annotations

import os
import random
import re
import sys
from time import perf_counter, process_time

from flask.testing import FlaskClient
from sqlalchemy import text

from benchmarks.report import Row, quantile, report
from benchmarks.stage import house
from vividflow.api.house import House
from vividflow.lifecycle.tools import Tools
from vividflow.records import assets, jobs, library, renditions, sessions
from vividflow.records.assets import Asset
from vividflow.records.jobs import Job
from vividflow.records.library import Wanted
from vividflow.records.renditions import Rendition
from vividflow.records.users import User
from vividflow.timing import new_id, now
from web_app import create_app

ITEMS = int(os.environ.get("ITEMS", "10000"))
ROUNDS = int(os.environ.get("ROUNDS", "60"))
GOAL_MS = 150.0
WORDS = (
    *("lighthouse", "dusk", "fog", "caravan", "dunes", "wave", "harbour", "rain", "neon"),
    *("forest", "drone", "slow", "wide", "lens", "golden", "storm", "balloon"),
)
VIEWS = {
    "60 newest": "/library",
    "page 100": "/library?page=100",
    "by name": "/library?sort=name",
    "a word that many have": "/library?q=lighthouse",
    "a word that few have": "/library?q=zeppelin",
    "a word that none has": "/library?q=submarine",
    "three words": "/library?q=storm+neon+wave",
    "words beyond ASCII": "/library?q=caf%C3%A9",
    "a seed": "/library?q=4711",
    "favourites": "/library?favourite=1",
    "one model of five": "/library?model=wan2.2",
    "portrait, last 30 days": "/library?shape=portrait&date=month",
    "trash": "/library?trash=1",
}


def fill(tools: Tools, user: User, count: int) -> None:
    """So many finished videos over a year, each with a file and three posters."""
    chance, moment = random.Random(7), now()
    for start in range(0, count, 500):
        made = [_one(chance, user, moment - 365 * 86400 * chance.random(), start + n) for n in range(500)]
        with tools.db.transaction() as connection:
            for job, asset, posters in made:
                jobs.insert(connection, job)
                assets.insert(connection, asset)
                for poster in posters:
                    renditions.insert(connection, poster)


def _one(chance: random.Random, user: User, at: float, number: int) -> tuple[Job, Asset, list[Rendition]]:
    job_id, asset_id = new_id(), new_id()
    words = [chance.choice(WORDS) for _ in range(chance.randint(8, 90))] + (["zeppelin"] if number % 700 == 0 else [])
    shape = chance.choice(("16:9", "16:9", "9:16", "1:1"))
    wide, _, high = shape.partition(":")
    job = Job(
        id=job_id,
        user_id=user.id,
        kind="video",
        state="completed",
        status="completed",
        stage="completed",
        lane="loop",
        created_at=at,
        updated_at=at + 60,
        started_at=at + 1,
        generating_at=at + 2,
        provider_done_at=at + 50,
        finished_at=at + 60,
        model=chance.choice(("local", "wan2.2", "veo3.1", "kling3", "flux-schnell")),
        provider="local",
        prompt=" ".join(words).capitalize(),
        params={"aspect_ratio": shape, "resolution": "720p", "duration": 8, "seed": number, "cfg": 5.0},
        result={"asset_id": asset_id},
        progress=100,
        cost=400_000,
        quoted=400_000,
        title=f"Video {number}" if number % 5 == 0 else None,
        favourite_at=at if number % 20 == 0 else None,
        deleted_at=now() - 86400 if number % 50 == 1 else None,
    )
    key = f"users/{user.id}/{job_id}"
    asset = Asset(
        id=asset_id,
        user_id=user.id,
        job_id=job_id,
        kind="video",
        storage_key=f"{key}/original.mp4",
        mime="video/mp4",
        size=4_000_000,
        sha256="0" * 64,
        width=80 * int(wide),
        height=80 * int(high),
        duration=8.0,
        facts={"fps": 24},
        created_at=at + 60,
    )
    posters = [
        Rendition(
            id=new_id(),
            asset_id=asset_id,
            name=name,
            storage_key=f"{key}/{name}.webp",
            mime="image/webp",
            size=20_000,
            sha256="0" * 64,
            created_at=at + 60,
            width=480,
            height=270,
        )
        for name in ("poster_480", "poster_960", "poster_jpeg")
    ]
    return job, asset, posters


def main() -> None:
    """Every view some dozens of times, one after the other."""
    with house(limit_reads="off", limit_web="off") as (tools, user):
        fill(tools, user, ITEMS)
        app = create_app(tools.settings)
        ours: House = app.extensions["vividflow"]
        with tools.db.transaction() as connection:
            secret = sessions.make_link(connection, user.id, "sign-in", now() + 600)
        client = app.test_client()
        _sign_in(client, secret)
        rows: list[Row] = []
        for name, path in VIEWS.items():
            took, worked, size, shown = [], [], 0, 0
            client.get(path)  # templates and statements are compiled once
            for _ in range(ROUNDS):
                begun, before = perf_counter(), process_time()
                answer = client.get(path)
                took.append((perf_counter() - begun) * 1000)
                worked.append((process_time() - before) * 1000)
                assert answer.status_code == 200, answer.status
                size, shown = len(answer.data), answer.text.count('class="tile')
            p50, p95 = quantile(took, 0.5), quantile(took, 0.95)
            rows.append(
                (
                    f"{name} ({shown} tiles, {size // 1000} kB)",
                    f"p50 {p50:.0f} ms, p95 {p95:.0f} ms, of a core {quantile(worked, 0.95):.0f} ms",
                    p95 <= GOAL_MS,
                )
            )
        if "plans" in sys.argv:
            _plans(tools, user)
        ours.stop(1)
        ours.close()
    report(f"Library with {ITEMS:,} items", rows)


def _sign_in(client: FlaskClient, secret: str) -> None:
    page = client.get(f"/login/link/{secret}")
    token = re.search(r'name="csrf-token" content="([^"]+)"', page.text)
    assert token
    done = client.post(f"/login/link/{secret}", data={"csrf_token": token[1]})
    assert done.status_code == 303, done.status


def _plans(tools: Tools, user: User) -> None:
    for wanted in (
        Wanted(),
        Wanted(favourite=True),
        Wanted(model="wan2.2"),
        Wanted(trashed_since=1.0),
        Wanted(words=("fog",)),
    ):
        statement = library.statement(user.id, wanted, limit=61)
        with tools.db.reading() as connection:
            sql = str(statement.compile(connection, compile_kwargs={"literal_binds": True}))
            print(wanted, [row[-1] for row in connection.execute(text("EXPLAIN QUERY PLAN " + sql))])


if __name__ == "__main__":
    main()
