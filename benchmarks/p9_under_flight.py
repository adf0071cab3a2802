"""P9: submit and status while 10,000 generations are in flight, beside the same server with none; rounds in turn.

The server's own worker looks at all that are in flight, within Replicate's published rates. What is in flight was
ordered before: rows here, and as many predictions at the simulated provider that outlast the benchmark. The clips
that are submitted meanwhile are not begun. IN_FLIGHT changes the number.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import delete, func, insert, select

from benchmarks.providers import running, state
from benchmarks.report import middle, report
from benchmarks.serving import Load, ours, post, wrk
from tests.simulators.replicate import TOKEN
from tests.simulators.replicate_prediction import Prediction
from vividflow.db.database import Database
from vividflow.records import jobs, orders, users
from vividflow.records.jobs import Job
from vividflow.records.orders import OrderRow
from vividflow.timing import now

IN_FLIGHT = int(os.environ.get("IN_FLIGHT", "10000"))
ROUNDS, SECONDS, CLIENTS, SETTLING_SECONDS = 3, 3.0, 32, 8.0
OUTLASTS_SECONDS = 7200.0
BODY: dict[str, object] = {"prompt": "a lighthouse at dusk", "model": "local", "duration": 4}
MODEL = "wan-video/wan-2.2-t2v-fast"
Round = tuple[Load, Load]


def main() -> None:
    """Rounds of none and all in flight in turn, medians."""
    quiet: list[Round] = []
    busy: list[Round] = []
    asked = late = 0.0
    with (
        _ordered() as bought,
        running(("replicate",), OUTLASTS_SECONDS, state_file=bought) as urls,
        ours(
            EMBEDDED_WORKER="true",
            REPLICATE_API_TOKEN=TOKEN,
            REPLICATE_BASE_URL=urls["replicate"],
            POLL_MAX_SECONDS="30",
        ) as (server, key),
    ):
        server.command("providers", "limit", "local", "0")
        database = Database(f"sqlite:///{server.folder / 'data' / 'jobs.db'}")
        watched = str(post(f"{server.url}/api/v1/generate", BODY, key)["job_id"])

        def load() -> Round:
            submits = wrk(f"{server.url}/api/v1/generate", CLIENTS, SECONDS, body=BODY, key=key)
            reads = wrk(f"{server.url}/api/v1/status/{watched}", CLIENTS, SECONDS, key=key)
            _forget(database, keep=watched)
            return submits, reads

        load()
        for _ in range(ROUNDS):
            quiet.append(load())
            _fly(database)
            time.sleep(SETTLING_SECONDS)
            before, began = _asked(urls["replicate"]), time.monotonic()
            seen, late = _load_in_flight(load, database)
            busy.append(seen)
            asked = (_asked(urls["replicate"]) - before) / (time.monotonic() - began)
            _land(database)
        database.close()
    rows: list[tuple[str, str, bool | None]] = []
    for place, what in enumerate(("submit", "status")):
        none, all_of = (middle([each[place].p99 for each in runs]) for runs in (quiet, busy))
        rates = [middle([each[place].rate for each in runs]) for runs in (quiet, busy)]
        errors = sum(each[place].errors for each in (*quiet, *busy))
        figure = f"p99 {none:.0f} ms with none, {all_of:.0f} ms with all; {rates[0]:,.0f}/s, {rates[1]:,.0f}/s"
        rows += [
            (what, f"{figure}; errors {errors}", errors == 0),
            (f"{what}: p99 ÷ with none (goal ≤ 2)", f"{all_of / none:.2f}×", all_of <= 2 * none),
        ]
    rows.append(("questions a second meanwhile (limit 50)", f"{asked:.0f}", None))
    rows.append(("the look most overdue", f"{late:.2f} s", None))
    report(f"P9 {IN_FLIGHT:,} in flight, {CLIENTS} clients", rows)


def _load_in_flight(load: Callable[[], Round], database: Database) -> tuple[Round, float]:
    """One round while all are in flight, and by how many seconds the look that was most overdue at its end was."""
    seen = load()
    column = jobs.jobs.c
    flying = select(func.count(), func.min(column.due_at)).where(column.state == "generating")
    with database.reading() as connection:
        count, due_at = connection.execute(flying).one()
    assert count == IN_FLIGHT, f"{count} in flight"
    return seen, max(0.0, now() - due_at)


def _asked(url: str) -> int:
    counts = state(url)["requests"]
    return counts.get("poll", 0) + counts.get("list", 0)


@contextmanager
def _ordered() -> Iterator[Path]:
    """As many predictions as the simulated provider keeps in a file, ordered over the last minutes."""
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as file:
        moment = now()
        for number in range(IN_FLIGHT):
            at = moment - 100.0 + number * 100.0 / IN_FLIGHT
            asked = {"prompt": f"clip {number}", "num_frames": 81, "seed": number}
            run = Prediction(
                id=f"run{number}", model=MODEL, input=asked, accepted_at=at, seconds=OUTLASTS_SECONDS, events=()
            )
            file.write(json.dumps(vars(run)) + "\n")
        file.flush()
        yield Path(file.name)


def _fly(database: Database) -> None:
    """Rows of as many jobs in flight, whose looks are due over the next half minute."""
    moment = now()
    with database.transaction() as connection:
        person = connection.execute(select(users.users.c.id)).scalars().first()
        assert person is not None
        for number in range(IN_FLIGHT):
            at = moment - 100.0 + number * 100.0 / IN_FLIGHT
            job = Job(
                id=f"job{number}", user_id=person, kind="video", state="generating", status="processing",
                stage="generating", lane="calls", created_at=at, updated_at=at, started_at=at, generating_at=at,
                model="wan2.2", provider="replicate", provider_model=MODEL, prompt=f"clip {number}", looks=5,
                params={"duration": 5, "resolution": "480p"}, due_at=moment + number * 30.0 / IN_FLIGHT,
                deadline_at=moment + OUTLASTS_SECONDS, usual_seconds=100.0,
            )  # fmt: skip
            jobs.insert(connection, job)
        rows = [
            OrderRow(
                id=f"order{number}", job_id=f"job{number}", n=1, provider="replicate", provider_model=MODEL,
                state=orders.ACCEPTED, token=f"token{number}", request={}, request_hash="", fence=1, quoted=0,
                intent_at=moment - 100.0 + number * 100.0 / IN_FLIGHT, operation_id=f"run{number}",
                accepted_at=moment - 100.0 + number * 100.0 / IN_FLIGHT,
            )
            for number in range(IN_FLIGHT)
        ]  # fmt: skip
        values = [{name: getattr(row, name) for name in OrderRow.__dataclass_fields__} for row in rows]
        connection.execute(insert(orders.orders), values)


def _land(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute(delete(orders.orders))
        connection.execute(delete(jobs.jobs).where(jobs.jobs.c.provider == "replicate"))


def _forget(database: Database, *, keep: str) -> None:
    """What was submitted, so that every round begins with the same queue."""
    with database.transaction() as connection:
        connection.execute(delete(jobs.jobs).where(jobs.jobs.c.provider == "local", jobs.jobs.c.id != keep))


if __name__ == "__main__":
    main()
