"""`flask providers` and `flask review`: what an operator sees and does while everything runs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import Result

from tests.commands.test_running import _order
from tests.installation import a_job, a_user
from vividflow.db.database import Database
from vividflow.records import audit, dead_routes, jobs, orders, pauses, provider_limits
from vividflow.records.pauses import Pause
from vividflow.timing import now

Run = Callable[..., Result]


def _listed(flask: Run) -> dict[str, list[str]]:
    done = flask("providers")
    assert done.exit_code == 0, done.stderr
    return {line.split("\t")[0]: line.split("\t")[1:] for line in done.stdout.splitlines()}


def _paused(db: Database) -> dict[str, Pause]:
    with db.reading() as connection:
        return pauses.now_paused(connection, now())


def test_the_list_tells_how_each_provider_stands_and_what_is_shut_or_gone(flask: Run, db: Database) -> None:
    a_job(db, a_user(db), state="generating", status="processing", provider="kling")
    moment = now()
    with db.transaction() as connection:
        shut = Pause(provider="kling", account="kling#1", code="x", reason="Away.", since=moment, trips=1)
        pauses.pause(connection, Pause(**{**_fields(shut), "until": moment + 60}))
        pauses.pause(connection, Pause(**{**_fields(shut), "account": "kling#2", "until": 1.0}))
        pauses.pause(connection, Pause(**{**_fields(shut), "account": "kling#3", "trips": 0}))
        pauses.pause(connection, Pause(provider="local", reason="Over.", since=1.0, until=2.0))
        dead_routes.bury(
            connection,
            dead_routes.DeadRoute(account="kling#1", provider_model="kling-v1", reason="Gone.", since=moment),
        )
        provider_limits.limit(connection, "local", 3, moment)
    told = _listed(flask)
    assert told["local"] == ["ready", "0", "3", "-"]
    assert told["kling"][:3] == ["unset", "1", "20"]
    assert told["kling#1"][0] == "shut"
    assert told["kling#1"][3].startswith("Away. Until 2")
    assert told["kling#2"][0] == "trying"
    assert "kling#3" not in told
    assert told["kling#1 kling-v1"] == ["gone", "-", "-", "Gone."]


def _fields(pause: Pause) -> dict[str, object]:
    return {name: getattr(pause, name) for name in Pause.__dataclass_fields__}


def test_a_pause_holds_until_it_is_resumed(flask: Run, db: Database) -> None:
    assert flask("providers", "pause", "local", "--reason", "The disk is full.").exit_code == 0
    assert (_paused(db)["local"].reason, _paused(db)["local"].until) == ("The disk is full.", None)
    assert _listed(flask)["local"] == ["paused", "0", "-", "The disk is full."]
    assert "takes orders again" in flask("providers", "resume", "local").stderr
    assert _paused(db) == {}
    assert "was not paused" in flask("providers", "resume", "local").stderr
    with db.reading() as connection:
        told = [(each.act, each.subject, each.who) for each in audit.newest(connection, audit.PROVIDER, 10)]
    assert told == [("resume", "local", "command line"), ("pause", "local", "command line")]


def test_a_limit_is_set_and_taken_back(flask: Run, db: Database) -> None:
    for given, kept in (("2", {"kling": 2}), ("0", {"kling": 0}), ("default", {})):
        assert flask("providers", "limit", "kling", given).exit_code == 0
        with db.reading() as connection:
            assert provider_limits.all_of(connection) == kept


def test_a_model_that_was_gone_is_ordered_again(flask: Run, db: Database) -> None:
    dead = dead_routes.DeadRoute(account="kling#1", provider_model="kling-v1", reason="Gone.", since=now())
    with db.transaction() as connection:
        dead_routes.bury(connection, dead)
    assert flask("providers", "revive", "kling", "kling-v1").exit_code == 0
    done = flask("providers", "revive", "kling", "kling-v1")
    assert (done.exit_code, "no model kling-v1" in done.stderr) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("pause", "nobody"), "There are: local"),
        (("resume", "nobody"), "There are: local"),
        (("limit", "nobody", "1"), "There are: local"),
        (("revive", "nobody", "x"), "There are: local"),
        (("limit", "local", "many"), "whole number"),
        (("limit", "local", "10001"), "whole number"),
        (("pause", "local", "--reason", "x"), "3 to 200"),
        (("dance", "local"), "No such command"),
        (("--dance",), "No such option"),
    ],
)
def test_what_makes_no_sense_is_a_sentence_and_changes_nothing(
    flask: Run, db: Database, arguments: tuple[str, ...], says: str
) -> None:
    done = flask("providers", *arguments)
    assert (done.exit_code, done.stdout) == (1, "")
    assert says in done.stderr
    assert _paused(db) == {}


def test_a_review_is_settled_and_placed_again_from_the_terminal(flask: Run, db: Database) -> None:
    user = a_user(db)
    params = {"duration": 1.0, "resolution": "480p", "aspect_ratio": "16:9"}
    ids = []
    for _ in range(2):
        job = a_job(
            db, user, state="needs_review", status="failed", due_at=None, model="local", prompt="A lake", params=params
        )
        with db.transaction() as connection:
            orders.insert(connection, _order(job.id, 2, now()))
        ids.append(job.id)
    assert "The person was not charged" in flask("review", "lost", ids[0]).stderr
    done = flask("review", "retry", ids[1])
    assert done.exit_code == 0, done.stderr
    with db.reading() as connection:
        placed = jobs.by_id(connection, done.stdout.strip())
        assert placed is not None
        assert (placed.user_id, placed.prompt, placed.status) == (user.id, "A lake", "queued")
        assert [orders.all_of(connection, each)[0].state for each in ids] == ["lost", "lost"]
    assert flask("review").stdout == ""
    again = flask("review", "lost", ids[0])
    assert (again.exit_code, "needs no review" in again.stderr) == (1, True)


def test_adopting_what_the_provider_does_not_show_is_refused(flask: Run, db: Database) -> None:
    job = a_job(db, a_user(db), state="needs_review", status="failed", due_at=None, provider="local", model="local")
    with db.transaction() as connection:
        order = _order(job.id, 2, now())
        orders.insert(connection, order)
        orders.change(connection, order.id, provider="openai", provider_model="den/x")
    done = flask("review", "adopt", job.id, "den/1")
    assert (done.exit_code, "does not show den/1" in done.stderr) == (1, True)
