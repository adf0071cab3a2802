"""Usage on a page: a month by day, model and key, the ledger, and the level at which everybody's own pages speak up."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import select

from tests.api.desk import Desk
from tests.pages.browser import Browser
from vividflow import timing
from vividflow.lifecycle import trash
from vividflow.pages.usage_chart import HEIGHT, chart
from vividflow.records import api_keys, jobs, ledger, users
from vividflow.records.api_keys import ApiKey
from vividflow.records.users import User

TENTH = datetime(2026, 11, 10, 12, tzinfo=UTC).timestamp()
PAID = {"model": "kling3", "provider": "kling", "quoted": 400_000, "cost": 400_000, "actual": 520_000, "made_ms": 5000}


@pytest.fixture(autouse=True)
def _tenth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "now", lambda: TENTH)


def mina_of(desk: Desk) -> User:
    """Who is signed in."""
    with desk.tools.db.reading() as connection:
        statement = select(users.users.c.id).where(users.users.c.id != desk.user.id)
        found = users.by_id(connection, connection.execute(statement).scalar_one())
    assert found is not None
    return found


def spend(desk: Desk, user: User, at: float = TENTH, status: str = "failed", **more: object) -> str:
    """A job of hers with its lines in the ledger; its id."""
    made: dict[str, Any] = PAID | {"user_id": user.id, "created_at": at, "finished_at": at} | more
    job = desk.finished(status=status, **made)
    with desk.tools.db.transaction() as connection:
        ledger.reserve(connection, user.id, job.id, job.quoted, at, guarded=False)
        kind = ledger.SETTLE if job.cost else ledger.RELEASE
        end = ledger.Closing(kind=kind, user_id=user.id, job_id=job.id, reserved=job.quoted, cost=job.cost or 0)
        ledger.close(connection, [end], at)
    return job.id


def words(text: str) -> str:
    """What a page says, without its tags."""
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def test_nothing_used_yet_says_so_and_where_to_begin(mina: Browser) -> None:
    page = mina.get("/usage")
    assert page.status_code == 200
    assert "Nothing was used in this month" in page.text
    assert "November 2026" in page.text
    assert "Balance" not in words(page.text)
    assert 'href="/usage" aria-current="page"' in page.text


def test_a_month_by_day_model_and_key_with_its_ledger(desk: Desk, mina: Browser) -> None:
    user = mina_of(desk)
    key = ApiKey(id="feedfeed00", user_id=user.id, name="Batch <b>", hash="h", created_at=0)
    with desk.tools.db.transaction() as connection:
        api_keys.insert(connection, key)
    shown = spend(desk, user, prompt="A calm lake", key_id=key.id)
    gone = spend(desk, user, TENTH - 86400, cost=0, actual=None, quoted=100_000)
    spend(desk, user, TENTH - 31 * 86400, prompt="Last month's")
    trash.remove(desk.tools, user, gone, purge=True)
    page = mina.get("/usage").text
    said = words(page)
    assert (
        "Used this month $0.40 $0.10 returned Estimate $0.40 said beforehand Actual $0.52 taken by providers +30%"
        in said
    )
    assert "Batch &lt;b&gt; 1 1 $0.40 $0.52 +30% $0.40" in said
    assert "Pages 1 1 $0.00 $0.00 – $0.00" in said
    assert "2026-11-10 1 0 $0.40 $0.52 +30%" in said
    assert "2026-11-09 1 0 $0.00 $0.00 –" in said
    assert "2026-10-10" not in said
    assert re.findall(r"<title>(2026[^<]*)</title>", page) == ["2026-11-10: kling3"]
    assert f'<a href="/jobs/{shown}">A calm lake</a>' in page
    assert "Deleted job" in page
    assert re.findall(r"Reserved|Charged|Returned", said[said.index("Ledger") :])[:4] == [
        "Charged",
        "Reserved",
        "Returned",
        "Reserved",
    ]
    assert "/api/v1/usage?from=2026-11-01&amp;to=2026-11-30&amp;format=csv" in page
    table = mina.get("/api/v1/usage?from=2026-11-01&to=2026-11-30&format=csv&group_by=key")
    assert table.text.splitlines()[1].startswith("feedfeed00,Batch <b>,1,")


@pytest.mark.parametrize(
    ("month", "title", "later"),
    [("2026-10", "October 2026", "2026-11"), ("2027-01", "November 2026", None), ("x", "November 2026", None)],
)
def test_other_months_and_none_to_come(mina: Browser, month: str, title: str, later: str | None) -> None:
    page = mina.get(f"/usage?month={month}").text
    assert title in page
    assert (f"month={later}" in page) == (later is not None)
    assert ("Later" in words(page)) == (later is not None)


def test_a_balance_is_shown_where_credits_count(desk_for: Callable[..., Desk]) -> None:
    desk = desk_for(credits=True)
    browser = Browser(desk.app)
    browser.sign_up()
    with desk.tools.db.transaction() as connection:
        ledger.grant(connection, mina_of(desk).id, 5_000_000, "welcome", TENTH)
    said = words(browser.get("/usage").text)
    assert "Balance 500 0 held" in said
    assert "Granted welcome $5.00" in said


def test_free_jobs_are_counted_and_not_in_the_ledger(desk: Desk, mina: Browser) -> None:
    spend(desk, mina_of(desk), status="failed", quoted=0, cost=0, actual=0, model="local")
    page = mina.get("/usage").text
    assert "Jobs by day and model" in page
    assert "Nothing was reserved or charged yet." in page


def test_older_lines_of_the_ledger_are_behind_a_link(desk: Desk, mina: Browser) -> None:
    user = mina_of(desk)
    for number in range(15):
        spend(desk, user, TENTH + number)
    first = mina.get("/usage").text
    link = re.search(r'href="(/usage\?month=2026-11&amp;before=\d+)#ledger"', first)
    assert link
    second = mina.get(link[1].replace("&amp;", "&")).text
    counted = [len(re.findall(r"<td>(?:Reserved|Charged)</td>", page)) for page in (first, second)]
    assert counted == [25, 5]
    assert mina.get("/usage?before=x").status_code == 200


def test_above_the_chosen_level_every_page_says_so_until_it_is_raised(desk: Desk, mina: Browser) -> None:
    user = mina_of(desk)
    assert mina.post("/usage/alert", level="0.40").headers["Location"] == "/usage?said=alert"
    spend(desk, user)
    assert "You have spent" not in mina.get("/settings").text
    spend(desk, user, TENTH - 31 * 86400)
    assert "You have spent" not in mina.get("/settings").text
    spend(desk, user)
    for path in ("/usage", "/settings", "/library"):
        assert "You have spent $0.80 this month, above your $0.40." in mina.get(path).text
    mina.post("/usage/alert", level="$1,000")
    assert "You have spent" not in mina.get("/usage").text
    assert 'value="1000.00"' in mina.get("/usage").text
    mina.post("/usage/alert", level="")
    with desk.tools.db.reading() as connection:
        kept = users.by_id(connection, user.id)
    assert kept is not None
    assert kept.usage_alert is None


@pytest.mark.parametrize("level", ["much", "0", "-5", "1e9", "NaN", "0.001"])
def test_a_level_that_is_none_is_refused_beside_its_field(mina: Browser, level: str) -> None:
    answer = mina.post("/usage/alert", level=level)
    assert answer.status_code == 422
    assert f'value="{level}"' in answer.text
    assert 'id="level-error"' in answer.text
    assert "Give an amount in US dollars" in answer.text


def test_nobody_sees_another_s(desk: Desk, mina: Browser) -> None:
    spend(desk, desk.user, prompt="Somebody else's")
    page = mina.get("/usage").text
    assert "Somebody else" not in page
    assert "Nothing was used in this month" in page
    with desk.tools.db.reading() as connection:
        assert jobs.page(connection, desk.user.id, limit=5)


def test_bars_stand_on_each_other_and_small_models_together() -> None:
    amounts = [("d1", f"m{number}", 10 - number) for number in range(7)] + [("d2", "m0", 5), ("d2", "m1", 0)]
    made = chart(["d1", "d2"], amounts)
    assert [name for name, _ in made.legend] == ["m0", "m1", "m2", "m3", "m4", "Others"]
    first = [piece for piece in made.pieces if piece.x < 20]
    assert [round(piece.y + piece.height, 1) for piece in first] == [
        HEIGHT,
        *(round(piece.y, 1) for piece in first[:-1]),
    ]
    assert first[-1].y == 0
    assert made.most == 49
    (other,) = [piece for piece in made.pieces if piece.x > 20]
    assert other.height == round(5 / 49 * HEIGHT, 2)
    assert chart(["d1"], []).pieces == ()
