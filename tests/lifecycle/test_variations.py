"""Several jobs of one wish: with seeds that follow on each other, all or none, once for a key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.people import make_user
from vividflow.errors import Problem
from vividflow.lifecycle import orders as placing
from vividflow.lifecycle.orders import Once, place
from vividflow.lifecycle.tools import Tools
from vividflow.lifecycle.variations import seeded
from vividflow.lifecycle.wish import Wish, plan
from vividflow.records import jobs, ledger

WISH = Wish(prompt="a lighthouse", model="local")
WAN = Wish(prompt="a lighthouse", model="wan2.2", duration=5, resolution="720p")
TOKEN = {"replicate_api_token": "r8_for_a_provider_that_is_not_there", "replicate_base_url": "http://127.0.0.1:9"}
ONCE = Once(address="/create", key="k1", fingerprint="f1")


def _seeds(tools: Tools, ids: list[str]) -> list[int]:
    with tools.db.reading() as connection:
        found = [jobs.by_id(connection, each) for each in ids]
    return [job.params["seed"] for job in found if job]


def test_each_variation_is_a_job_with_a_seed_of_its_own(tools: Tools) -> None:
    user = make_user(tools)
    status, body = place(tools, user, replace(WISH, seed=41), count=3, once=ONCE)
    assert status == 202
    assert body["job_ids"][0] == body["job_id"]
    assert _seeds(tools, body["job_ids"]) == [41, 42, 43]
    again = place(tools, user, replace(WISH, seed=41), count=3, once=ONCE)[1]
    assert again["job_ids"] == body["job_ids"]
    with tools.db.reading() as connection:
        assert jobs.count_queued(connection) == 3
    unasked = _seeds(tools, place(tools, user, WISH, count=4)[1]["job_ids"])
    assert len(set(unasked)) == 4
    assert "job_ids" not in place(tools, user, WISH)[1]


def test_seeds_begin_again_behind_the_largest_one(tools: Tools) -> None:
    made = plan(tools, make_user(tools), WISH)
    most = made.model.limits.seed_max
    assert most
    last = replace(made, params=made.params | {"seed": most})
    assert [each.params["seed"] for each in seeded(last, 2)] == [most, 0]


def test_a_model_without_seeds_makes_equal_plans(tools: Tools) -> None:
    made = plan(tools, make_user(tools), WISH)
    bare = replace(made, params={name: value for name, value in made.params.items() if name != "seed"})
    assert seeded(bare, 2) == [bare, bare]


def test_what_cannot_be_paid_as_a_whole_is_not_begun(tools_for: Callable[..., Tools]) -> None:
    tools = tools_for(credits=True, **TOKEN)
    user = make_user(tools)
    with tools.db.transaction() as connection:
        ledger.grant(connection, user.id, 250_000, "a little", 1.0)
    with pytest.raises(Problem) as refused:
        place(tools, user, WAN, count=3)
    assert refused.value.code == "insufficient_credit"
    assert refused.value.detail == "This costs 33 credits and you have 25. Nothing was charged."
    with tools.db.reading() as connection:
        assert jobs.count_queued(connection) == 0
        assert ledger.account(connection, user.id).available == 250_000
    ids = place(tools, user, WAN, count=2)[1]["job_ids"]
    with tools.db.reading() as connection:
        each = jobs.by_id(connection, ids[0])
        assert each
        assert ledger.account(connection, user.id).held == 2 * each.quoted
        assert ledger.total(connection) == 0


def test_the_ceiling_is_for_all_together(tools_for: Callable[..., Tools]) -> None:
    tools = tools_for(**TOKEN)
    user = make_user(tools)
    with pytest.raises(Problem) as refused:
        place(tools, user, replace(WAN, max_cost=0.25), count=3)
    assert refused.value.code == "over_max_cost"
    assert refused.value.extra == {"estimated_cost": 0.33}
    assert place(tools, user, replace(WAN, max_cost=0.33), count=3)[0] == 202


def test_a_full_queue_takes_none_of_them(tools_for: Callable[..., Tools]) -> None:
    tools = tools_for(user_queued=2)
    user = make_user(tools)
    with pytest.raises(Problem) as refused:
        placing.place(tools, user, WISH, count=3)
    assert refused.value.code == "queue_full"
    with tools.db.reading() as connection:
        assert jobs.count_queued(connection) == 0
