"""What is kept of providers: pauses, dead routes, limits, buckets that rest; the same on both databases."""

from __future__ import annotations

from dataclasses import replace

from vividflow.lifecycle.tools import Tools
from vividflow.records import dead_routes, pauses, provider_limits, rate_tokens
from vividflow.records.dead_routes import DeadRoute
from vividflow.records.pauses import Pause

NOW = 1_800_000_000.0
SHUT = Pause(provider="kling", account="kling#1", code="x", reason="Away.", since=NOW, until=NOW + 30, trips=1)


def test_an_account_is_in_force_while_it_is_shut_and_never_while_it_only_counts(tools: Tools) -> None:
    with tools.db.transaction() as connection:
        pauses.pause(connection, replace(SHUT, trips=0, until=None, failures=3))
        assert pauses.now_paused(connection, NOW) == {}
        pauses.pause(connection, SHUT)
        assert pauses.now_paused(connection, NOW + 29) == {"kling": SHUT}
        assert pauses.now_paused(connection, NOW + 30) == {}
        assert pauses.of_account(connection, "kling", "kling#1") == SHUT
        assert pauses.of_account(connection, "kling", "kling#2") is None
        assert pauses.all_of(connection) == [SHUT]


def test_an_operators_pause_has_no_end_and_is_told_before_others(tools: Tools) -> None:
    said = Pause(provider="kling", reason="The bill is looked at.", since=NOW)
    with tools.db.transaction() as connection:
        pauses.pause(connection, SHUT)
        pauses.pause(connection, said)
        assert pauses.now_paused(connection, NOW + 1e8) == {"kling": said}
        assert pauses.now_paused(connection, NOW) == {"kling": said}
        assert pauses.lift(connection, "kling")
        assert not pauses.lift(connection, "kling")
        assert pauses.now_paused(connection, NOW) == {"kling": SHUT}
        assert (pauses.lift_all(connection, "kling"), pauses.lift_all(connection, "kling")) == (1, 0)


def test_one_probe_is_let_through_at_a_time(tools: Tools) -> None:
    with tools.db.transaction() as connection:
        pauses.pause(connection, SHUT)
        assert not pauses.take_probe(connection, "kling", "kling#1", NOW + 29, NOW + 119)
        assert pauses.take_probe(connection, "kling", "kling#1", NOW + 30, NOW + 120)
        assert not pauses.take_probe(connection, "kling", "kling#1", NOW + 31, NOW + 121)
        kept = pauses.of_account(connection, "kling", "kling#1")
        assert kept is not None
        assert (kept.probing, kept.until) == (True, NOW + 120)
        assert pauses.take_probe(
            connection, "kling", "kling#1", NOW + 120, NOW + 210
        )  # the first one was never heard of


def test_what_is_known_of_an_old_key_is_forgotten_and_an_operators_word_is_not(tools: Tools) -> None:
    with tools.db.transaction() as connection:
        pauses.pause(connection, SHUT)
        pauses.pause(connection, Pause(provider="kling", reason="Said.", since=NOW - 1e6))
        assert pauses.forget_old(connection, NOW + 30) == 0
        assert pauses.forget_old(connection, NOW + 31) == 1
        assert [each.account for each in pauses.all_of(connection)] == [""]


def test_a_route_dies_once_and_lives_again_when_somebody_says_so(tools: Tools) -> None:
    first = DeadRoute(account="openai/den#1", provider_model="den/wan", reason="Gone.", since=NOW)
    other = DeadRoute(account="replicate#1", provider_model="a/b", reason="Gone.", since=NOW + 1)
    with tools.db.transaction() as connection:
        for each in (other, first, replace(first, reason="Gone still.", since=NOW + 9)):
            dead_routes.bury(connection, each)
        assert dead_routes.all_of(connection) == [first, other]
        assert dead_routes.revive(connection, "open", "den/wan") == 0
        assert dead_routes.revive(connection, "openai", "a/b") == 0
        assert dead_routes.revive(connection, "openai", "den/wan") == 1
        assert dead_routes.all_of(connection) == [other]


def test_a_limit_is_replaced_and_taken_back(tools: Tools) -> None:
    with tools.db.transaction() as connection:
        for most in (3, 0):
            provider_limits.limit(connection, "kling", most, NOW)
        assert provider_limits.all_of(connection) == {"kling": 0}
        provider_limits.limit(connection, "kling", None, NOW)
        assert provider_limits.all_of(connection) == {}


def test_a_bucket_that_rests_gives_nothing_until_then_and_one_token_after(tools: Tools) -> None:
    rate = {"per_minute": 60.0, "burst": 6.0}
    with tools.db.transaction() as connection:
        rate_tokens.take(connection, "b", 2, now=NOW, **rate)
        rate_tokens.hold(connection, "b", until=NOW + 20, now=NOW)
        rate_tokens.hold(connection, "b", until=NOW + 10, now=NOW)  # the longer one stays
        assert rate_tokens.held(connection, NOW + 19) == {"b": NOW + 20}
        rate_tokens.take(connection, "b", 1, now=NOW + 1, **rate)
        assert rate_tokens.available(connection, "b", now=NOW + 19, **rate) == 0
        assert rate_tokens.available(connection, "b", now=NOW + 20, **rate) == 1
        assert rate_tokens.available(connection, "b", now=NOW + 22, **rate) == 3
        assert rate_tokens.held(connection, NOW + 20) == {}


def test_a_rest_written_before_the_clock_was_set_back_holds_nothing(tools: Tools) -> None:
    rate = {"per_minute": 60.0, "burst": 6.0}
    with tools.db.transaction() as connection:
        rate_tokens.hold(connection, "b", until=NOW + 20, now=NOW)
        assert rate_tokens.available(connection, "b", now=NOW - 3600, **rate) == 1
        assert rate_tokens.held(connection, NOW - 3600) == {}
        rate_tokens.hold(connection, "b", until=NOW - 3590, now=NOW - 3600)
        assert rate_tokens.held(connection, NOW - 3600) == {"b": NOW - 3590}
