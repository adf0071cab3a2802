"""The providers page: a word for each account, its figures, and what an operator does about it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.api.desk import Desk
from tests.installation import a_job
from tests.pages.browser import Browser
from tests.pages.operators import acts, an_order, operator
from tests.pages.test_jobs import words_of
from vividflow.records import dead_routes, orders, pauses, provider_limits
from vividflow.records.audit import PROVIDER
from vividflow.records.pauses import Pause
from vividflow.timing import now


@pytest.fixture
def keyed(desk_for: Callable[..., Desk]) -> Desk:
    return desk_for(
        replicate_api_token="r8_simulated",
        kling_api_key="a-key-of-kling",
        openai_servers="den=http://127.0.0.1:9;attic=http://127.0.0.1:9",
    )


def part(browser: Browser, name: str) -> str:
    """The words of one provider's card."""
    browser.get("/admin/providers")
    html = browser.text[browser.text.index(f'id="{name}" aria-labelledby') :]
    return words_of(html[: html.index("</section>")])


def shut(desk: Desk, provider: str, model: str, code: str, reason: str) -> None:
    moment = now()
    account = desk.tools.standing.account(provider, model)
    row = Pause(provider=provider, account=account, code=code, reason=reason, since=moment, until=moment + 300, trips=1)
    with desk.tools.db.transaction() as connection:
        pauses.pause(connection, row)
    desk.tools.standing.forget()


def test_every_account_has_its_word(keyed: Desk) -> None:
    ada = operator(keyed)
    assert "Working" in part(ada, "replicate")
    assert "Not set up Set GEMINI_API_KEY" in part(ada, "gemini")
    shut(keyed, "replicate", "", "provider_credit_exhausted", "The account at Replicate has no credit left.")
    shut(keyed, "kling", "", "provider_key_refused", "Kling does not accept the configured key.")
    shut(keyed, "openai", "den/x", "provider_error", "The server does not answer.")
    assert "Stopped: bill The account at Replicate has no credit left. Until" in part(ada, "replicate")
    assert "Stopped: key Kling does not accept" in part(ada, "kling")
    servers = part(ada, "openai")
    assert "openai/den Resting after failures The server does not answer." in servers
    assert "openai/attic Working" in servers


def test_the_figures_are_of_half_an_hour_and_of_today(keyed: Desk) -> None:
    ada, db, moment = operator(keyed), keyed.tools.db, now()
    for age, more in (
        (60, {"state": orders.DONE, "ended_at": moment, "error_code": None, "quoted": 110_000}),
        (90, {"state": orders.DONE, "ended_at": moment, "error_code": None, "quoted": 300_000, "cost": 200_000}),
        (90, {"state": orders.REFUSED, "ended_at": moment, "error_code": "provider_error", "charged": False}),
        (4000, {}),
    ):
        job = a_job(db, keyed.user, provider_model="wan", due_at=None, state="failed", status="failed")
        an_order(db, job, intent_at=moment - age, **more)
    for seconds in (10.0, 48.0, 900.0):
        times = {"generating_at": moment - seconds, "provider_done_at": moment, "finished_at": moment}
        a_job(db, keyed.user, provider_model="wan", due_at=None, status="completed", state="completed", **times)
    assert "Orders in 30 min 3 Errors in 30 min 1 (33%) Median time 48 s Cost today $0.31" in part(ada, "replicate")
    assert "Orders in 30 min 0 Errors in 30 min 0 Median time – Cost today $0.00" in part(ada, "kling")


def test_a_pause_with_its_reason_and_its_end(keyed: Desk) -> None:
    ada, eve = operator(keyed), operator(keyed)
    ada.get("/admin/providers")
    assert ada.post("/admin/providers/kling/pause", reason=" The bill is looked at. ").location.endswith("said=paused")
    assert "Paused by you just now The bill is looked at." in part(ada, "kling")
    told = part(eve, "kling")
    assert "Paused by " in told
    assert "Paused by you" not in told
    assert keyed.tools.standing.of_provider("kling").code == "provider_paused"
    assert "Pause Kling" not in ada.text
    assert eve.post("/admin/providers/kling/resume").location.endswith("said=resumed")
    assert "Working" in part(ada, "kling")
    resumed, paused = acts(keyed.tools.db, PROVIDER)
    assert (paused.act, paused.subject, paused.before) == ("pause", "kling", {"paused": None})
    assert (resumed.act, resumed.before) == ("resume", {"paused": "The bill is looked at."})
    assert resumed.who != paused.who


def test_resuming_ends_what_a_refused_key_had_shut(keyed: Desk) -> None:
    ada = operator(keyed)
    shut(keyed, "kling", "", "provider_key_refused", "Kling does not accept the configured key.")
    ada.get("/admin/providers")
    ada.post("/admin/providers/kling/resume")
    assert "Working" in part(ada, "kling")


def test_a_limit_is_set_and_taken_back(keyed: Desk) -> None:
    ada = operator(keyed)
    ada.get("/admin/providers")
    for typed, kept in (("3", 3), ("0", 0), ("", None)):
        assert ada.post("/admin/providers/kling/limit", most=typed).location.endswith("said=limited")
        with keyed.tools.db.reading() as connection:
            assert provider_limits.all_of(connection).get("kling") == kept
    assert [each.after["limit"] for each in acts(keyed.tools.db, PROVIDER)] == [None, 0, 3]


def test_a_model_that_was_gone_is_revived(keyed: Desk) -> None:
    ada = operator(keyed)
    account = keyed.tools.standing.account("kling", "")
    dead = dead_routes.DeadRoute(account=account, provider_model="kling-v1", reason="It is gone.", since=now())
    with keyed.tools.db.transaction() as connection:
        dead_routes.bury(connection, dead)
    assert "No longer offered kling-v1 Revive It is gone." in part(ada, "kling")
    assert ada.post("/admin/providers/kling/revive", model="kling-v1").location.endswith("said=revived")
    assert "kling-v1" not in part(ada, "kling")
    assert ada.post("/admin/providers/kling/revive", model="kling-v1").status_code == 404
    assert [each.act for each in acts(keyed.tools.db, PROVIDER)] == ["revive"]


@pytest.mark.parametrize(
    ("path", "fields", "says"),
    [
        ("kling/pause", {"reason": "x"}, "A reason has 3 to 200 characters."),
        ("kling/pause", {"reason": "x" * 201}, "A reason has 3 to 200 characters."),
        ("kling/pause", {"reason": "one\ntwo"}, "A reason has 3 to 200 characters."),
        ("kling/limit", {"most": "many"}, "a whole number from 0 to 10000"),
        ("kling/limit", {"most": "-1"}, "a whole number from 0 to 10000"),
        ("kling/limit", {"most": "10001"}, "a whole number from 0 to 10000"),
        ("kling/limit", {"most": "٣"}, "a whole number from 0 to 10000"),
    ],
)
def test_what_makes_no_sense_is_told_at_its_field(keyed: Desk, path: str, fields: dict[str, str], says: str) -> None:
    ada = operator(keyed)
    ada.get("/admin/providers")
    assert ada.post(f"/admin/providers/{path}", **fields).status_code == 422
    assert says in words_of(ada.text)
    assert 'aria-invalid="true"' in ada.text
    assert acts(keyed.tools.db, PROVIDER) == []


@pytest.mark.parametrize("act", ["pause", "resume", "limit", "revive"])
def test_a_provider_that_is_not_there_is_404(desk: Desk, act: str) -> None:
    ada = operator(desk)
    ada.get("/admin/providers")
    assert ada.post(f"/admin/providers/nobody/{act}", reason="Because", most="1", model="x").status_code == 404
