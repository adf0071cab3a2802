"""An operator's word about a provider: known at once, and written down with who said it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from vividflow.errors import Problem
from vividflow.lifecycle import provider_acts
from vividflow.lifecycle.standing import Gate
from vividflow.lifecycle.tools import Tools
from vividflow.records import audit, dead_routes, pauses
from vividflow.records.audit import PROVIDER, Who
from vividflow.records.pauses import Pause
from vividflow.timing import now

ADA = Who(id="ada", name="ada@example.com")


def _acts(tools: Tools) -> list[tuple[str, str, dict[str, Any], dict[str, Any]]]:
    with tools.db.reading() as connection:
        return [(each.act, each.who, each.before, each.after) for each in audit.newest(connection, PROVIDER, 10)]


def test_a_pause_is_known_at_once_and_so_is_its_end(tools: Tools) -> None:
    assert tools.standing.of_provider("kling").gate is Gate.OPEN
    provider_acts.pause(tools, "kling", "The bill is looked at.", by=ADA)
    assert tools.standing.of_provider("kling").reason == "The bill is looked at."
    assert provider_acts.resume(tools, "kling", by=ADA)
    assert tools.standing.of_provider("kling").gate is Gate.OPEN
    assert not provider_acts.resume(tools, "kling", by=ADA)
    assert _acts(tools) == [
        ("resume", ADA.name, {"paused": "The bill is looked at."}, {}),
        ("pause", ADA.name, {"paused": None}, {"paused": "The bill is looked at."}),
    ]


def test_resuming_names_every_account_that_was_shut(tools: Tools) -> None:
    shut = Pause(provider="kling", account="kling#1", code="x", reason="Away.", since=now(), until=now() + 60, trips=1)
    with tools.db.transaction() as connection:
        pauses.pause(connection, shut)
    assert provider_acts.resume(tools, "kling")
    assert _acts(tools) == [("resume", "command line", {"kling#1": "Away."}, {})]


def test_a_limit_and_a_revival_tell_what_was_before(tools: Tools) -> None:
    provider_acts.limit(tools, "kling", 3, by=ADA)
    provider_acts.limit(tools, "kling", None, by=ADA)
    dead = dead_routes.DeadRoute(account="kling#1", provider_model="v1", reason="Gone.", since=now())
    other = dead_routes.DeadRoute(account="gemini#1", provider_model="v1", reason="Never.", since=now() - 9)
    with tools.db.transaction() as connection:
        dead_routes.bury(connection, dead)
        dead_routes.bury(connection, other)
    provider_acts.revive(tools, "kling", "v1", by=ADA)
    assert [each[2:] for each in reversed(_acts(tools))] == [
        ({"limit": None}, {"limit": 3}),
        ({"limit": 3}, {"limit": None}),
        ({"model": "v1", "gone": "Gone."}, {"model": "v1", "gone": None}),
    ]


@pytest.mark.parametrize(
    ("act", "status", "code"),
    [
        (lambda tools: provider_acts.pause(tools, "nobody", "Because"), 404, "unknown_provider"),
        (lambda tools: provider_acts.resume(tools, "nobody"), 404, "unknown_provider"),
        (lambda tools: provider_acts.limit(tools, "nobody", 1), 404, "unknown_provider"),
        (lambda tools: provider_acts.revive(tools, "nobody", "x"), 404, "unknown_provider"),
        (lambda tools: provider_acts.revive(tools, "kling", "x"), 404, "unknown_route"),
        (lambda tools: provider_acts.pause(tools, "kling", " x "), 422, "invalid_reason"),
        (lambda tools: provider_acts.limit(tools, "kling", 10_001), 422, "invalid_concurrency"),
        (lambda tools: provider_acts.limit(tools, "kling", -1), 422, "invalid_concurrency"),
    ],
)
def test_what_makes_no_sense_changes_nothing(
    tools: Tools, act: Callable[[Tools], object], status: int, code: str
) -> None:
    with pytest.raises(Problem) as refused:
        act(tools)
    assert (refused.value.status, refused.value.code) == (status, code)
    assert _acts(tools) == []
