"""GET /api/v1/usage: whose, when, by what; as JSON and as a table; true on both databases."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest

from tests import databases
from tests.api.desk import LIGHTHOUSE, Desk
from tests.people import make_key
from vividflow import timing
from vividflow.lifecycle import trash
from vividflow.records import api_keys, jobs
from vividflow.records.api_keys import ApiKey
from vividflow.timing import now

USAGE = "/api/v1/usage"
NOVEMBER_3 = 1793664000.0  # 2026-11-03T00:00:00Z
PAID = {"model": "kling3", "provider": "kling", "quoted": 400_000, "cost": 400_000, "actual": 500_000, "made_ms": 5000}


@pytest.fixture
def desk(desk_for: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch) -> Desk:
    """An application on the tenth of November."""
    monkeypatch.setattr(timing, "now", lambda: NOVEMBER_3 + 7.5 * 86400)
    return desk_for()


def told(desk: Desk, query: str = "", **more: Any) -> dict[str, Any]:
    """The answer."""
    answer = desk.get(USAGE + query, **more)
    assert answer.status_code == 200, answer.text
    return answer.get_json()


def add(desk: Desk, at: float = NOVEMBER_3, status: str = "failed", **more: Any) -> str:
    """A job that was ordered at that moment; its id."""
    made: dict[str, Any] = {"created_at": at, "finished_at": at + 60} | more
    return desk.finished(status=status, **made).id


def test_this_month_by_day_unless_told_otherwise(desk: Desk) -> None:
    add(desk, NOVEMBER_3 - 5 * 86400, **PAID)
    add(desk, NOVEMBER_3, status="completed", **PAID)
    add(desk, NOVEMBER_3 + 86400, cost=0, quoted=100_000)
    answer = told(desk)
    assert answer["period"] == {"from": "2026-11-01T00:00:00.000Z", "to": "2026-11-11T00:00:00.000Z"}
    assert answer["group_by"] == "day"
    assert [(row["group"], row["jobs"]) for row in answer["rows"]] == [("2026-11-03", 1), ("2026-11-04", 1)]
    assert answer["rows"][0] == {
        "group": "2026-11-03",
        "name": "2026-11-03",
        "jobs": 1,
        "completed": 1,
        "failed": 0,
        "cancelled": 0,
        "seconds": 5.0,
        "estimated_cost": 0.4,
        "actual_cost": 0.5,
        "variance": 0.25,
        "variance_alert": True,
        "charged": 0.4,
        "refunded": 0.0,
    }
    assert answer["totals"]["jobs"] == 2
    assert answer["totals"]["refunded"] == 0.1


@pytest.mark.parametrize(
    ("query", "jobs"),
    [
        ("?from=2026-11-03&to=2026-11-03", 2),
        ("?from=2026-11-03T00:00:00Z&to=2026-11-03T12:00:00Z", 1),
        ("?from=2026-11-03T02:00:00%2B02:00&to=2026-11-04", 3),
        ("?from=2026-10-31", 3),
        ("?to=2026-11-02", 0),
    ],
)
def test_a_period_is_whole_days_or_moments(desk: Desk, query: str, jobs: int) -> None:
    for hours in (0, 12, 24):
        add(desk, NOVEMBER_3 + hours * 3600)
    assert told(desk, query)["totals"]["jobs"] == jobs


@pytest.mark.parametrize(
    ("query", "code", "param"),
    [
        ("from=yesterday", "invalid_from", "from"),
        ("from=2026-02-30", "invalid_from", "from"),
        ("from=2026-11-03T00:00:00", "invalid_from", "from"),
        ("to=20261103", "invalid_to", "to"),
        ("from=2026-11-04&to=2026-11-03", "invalid_period", "from"),
        ("from=2025-11-01&to=2026-11-03", "invalid_period", "from"),
        ("group_by=user", "invalid_group_by", "group_by"),
        ("format=xml", "invalid_format", "format"),
        ("since=2026-11-03", "unknown_parameter", "since"),
        ("user_id=1", "unknown_parameter", "user_id"),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(desk: Desk, query: str, code: str, param: str) -> None:
    answer = desk.get(f"{USAGE}?{query}", headers={"Accept": "text/csv"})
    assert answer.status_code == 422
    assert answer.mimetype == "application/problem+json"
    assert (answer.get_json()["code"], answer.get_json()["param"]) == (code, param)


def test_an_unknown_parameter_is_told_by_the_names_that_are_taken(desk: Desk) -> None:
    detail = desk.get(f"{USAGE}?start=1").get_json()["detail"]
    assert detail.endswith("It takes format, from, group_by, to.")


def test_nobody_sees_anybody_else_s(desk: Desk) -> None:
    add(desk)
    _, key = desk.someone(admin=True)
    assert told(desk, key=key)["totals"]["jobs"] == 0
    assert desk.client.get(USAGE).status_code == 401


@pytest.mark.parametrize("kind", databases.KINDS)
def test_a_job_remembers_the_key_that_ordered_it(desk_for: Callable[..., Desk], tmp_path: Any, kind: str) -> None:
    desk = desk_for(database_url=databases.fresh(kind, tmp_path))
    other = make_key(desk.tools, desk.user)
    first, second = desk.placed(), desk.post("/api/v1/generate", key=other, json=LIGHTHOUSE).get_json()["job_id"]
    with desk.tools.db.transaction() as connection:
        keys = [jobs.by_id(connection, each).key_id for each in (first, second)]  # type: ignore[union-attr]
        jobs.store(
            connection,
            [(job, job.but(status="failed", state="failed")) for job in [jobs.by_id(connection, first)] if job],
        )
    assert keys == [desk.key.split("_")[1], other.split("_")[1]]
    assert desk.post(f"/api/v1/jobs/{first}/retry", key=other).status_code == 202
    answer = told(desk, "?group_by=key")
    assert [(row["group"], row["jobs"]) for row in answer["rows"]] == [(keys[1], 2), (keys[0], 1)]
    with desk.tools.db.transaction() as connection:
        assert api_keys.revoke(connection, desk.user.id, keys[0] or "", now())
    trash.remove(desk.tools, desk.user, first, purge=True)
    assert told(desk, "?group_by=key") == answer
    assert told(desk, "?group_by=provider")["rows"][0]["group"] == "local"
    assert told(desk)["totals"]["jobs"] == 3


def test_a_table_for_spreadsheets_holds_no_formulas(desk: Desk) -> None:
    key = ApiKey(id="feedfeed00", user_id=desk.user.id, name='=HYPERLINK("http://x","y")', hash="h", created_at=0)
    with desk.tools.db.transaction() as connection:
        api_keys.insert(connection, key)
    paid: dict[str, Any] = PAID | {"actual": 300_000}
    add(desk, key_id=key.id, **paid)
    add(desk, status="completed", model="local")
    by_format = desk.get(f"{USAGE}?group_by=key&format=csv")
    by_accept = desk.get(f"{USAGE}?group_by=key", headers={"Accept": "text/csv, */*;q=0.1"})
    assert by_format.data == by_accept.data
    assert by_format.content_type == "text/csv; charset=utf-8; header=present"
    assert by_format.headers["Content-Disposition"] == 'attachment; filename="usage-2026-11-01-2026-11-10.csv"'
    text = by_format.data.decode()
    assert text.count("\r\n") == text.count("\n") == 3
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert rows[0] == {
        "key": "feedfeed00",
        "name": '\'=HYPERLINK("http://x","y")',
        "jobs": "1",
        "completed": "0",
        "failed": "1",
        "cancelled": "0",
        "seconds": "0.0",
        "estimated_cost": "0.4",
        "actual_cost": "0.3",
        "variance": "-0.25",
        "variance_alert": "true",
        "charged": "0.4",
        "refunded": "0.0",
    }
    assert (rows[1]["key"], rows[1]["name"], rows[1]["variance"]) == ("", "Pages", "")
    assert told(desk, "?format=json", headers={"Accept": "text/csv"})["rows"]


def test_a_browser_s_accept_brings_json(desk: Desk) -> None:
    assert (
        desk.get(USAGE, headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}).mimetype == "application/json"
    )


def test_a_job_tells_what_its_provider_took(desk: Desk) -> None:
    job = add(desk, status="completed", **PAID)
    told_of = desk.get(f"/api/v1/status/{job}").get_json()["metrics"]
    found = {name: told_of[name] for name in ("cost", "estimated_cost", "actual_cost", "variance", "variance_alert")}
    assert found == {
        "cost": 0.4,
        "estimated_cost": 0.4,
        "actual_cost": 0.5,
        "variance": 0.25,
        "variance_alert": True,
    }
    just = desk.get(f"/api/v1/status/{add(desk, status='completed', **(PAID | {'actual': 480_000}))}").get_json()
    assert (just["metrics"]["variance"], just["metrics"]["variance_alert"]) == (0.2, False)
