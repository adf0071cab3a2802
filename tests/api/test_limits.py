"""Limits: who is counted for what, what the answer says, and that headers cannot talk anybody out of it."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from contextlib import suppress

import pytest

from tests.api.desk import GENERATE, LIGHTHOUSE, Desk
from vividflow.api.limits import Limits
from vividflow.config import Settings
from vividflow.errors import Complaints, Problem

POLICY = re.compile(r'"[a-z0-9-]+";q=\d+;w=\d+(, "[a-z0-9-]+";q=\d+;w=\d+)*')
STATE = re.compile(r'"[a-z0-9-]+";r=\d+;t=\d+(, "[a-z0-9-]+";r=\d+;t=\d+)*')
JOBS = "/api/v1/jobs"


def test_a_success_says_what_is_left(desk: Desk) -> None:
    headers = desk.post(GENERATE, json=LIGHTHOUSE).headers
    assert headers["RateLimit-Policy"] == '"api-3600";q=500;w=3600, "api-86400";q=2000;w=86400'
    assert headers["RateLimit"].startswith('"api-3600";r=499;t=')
    assert (headers["X-RateLimit-Limit"], headers["X-RateLimit-Remaining"]) == ("500", "499")
    assert int(headers["X-RateLimit-Reset"]) > 1_700_000_000
    assert desk.get(JOBS).headers["X-RateLimit-Limit"] == "600"


def test_past_the_limit_the_answer_says_when_to_come_again(desk_for: Callable[..., Desk]) -> None:
    desk = desk_for(limit_api="2/minute;100/day")
    assert [desk.post(GENERATE, json=LIGHTHOUSE).status_code for _ in range(4)] == [202, 202, 429, 429]
    answer = desk.post(GENERATE, json=LIGHTHOUSE)
    assert answer.get_json()["code"] == "rate_limited"
    assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert answer.headers["X-RateLimit-Remaining"] == "0"
    assert POLICY.fullmatch(answer.headers["RateLimit-Policy"])
    assert STATE.fullmatch(answer.headers["RateLimit"])
    assert '"api-86400";r=98;' in answer.headers["RateLimit"]  # what was refused did not count for the day
    assert desk.jobs() == 2
    assert desk.get(JOBS).status_code == 200


def test_each_key_has_its_own_count(desk_for: Callable[..., Desk]) -> None:
    desk = desk_for(limit_api="1/minute")
    _, key = desk.someone()
    assert desk.post(GENERATE, json=LIGHTHOUSE).status_code == 202
    assert desk.post(GENERATE, json=LIGHTHOUSE).status_code == 429
    assert desk.post(GENERATE, json=LIGHTHOUSE, key=key).status_code == 202


def test_off_switches_a_group_off(desk_for: Callable[..., Desk]) -> None:
    desk = desk_for(limit_api="off", limit_reads="OFF")
    answer = desk.post(GENERATE, json=LIGHTHOUSE)
    assert answer.status_code == 202
    assert "RateLimit" not in answer.headers
    assert "RateLimit" not in desk.get(answer.get_json()["status_url"]).headers


def test_the_short_way_to_a_status_counts_too(desk_for: Callable[..., Desk]) -> None:
    desk = desk_for(limit_reads="3/minute")
    path = f"/api/v1/status/{desk.placed()}"
    answers = [desk.get(path) for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert [answer.headers["X-RateLimit-Remaining"] for answer in answers[:4]] == ["2", "1", "0", "0"]
    assert answers[4].content_type == "application/problem+json"


def test_three_hundred_forged_addresses_are_one_address(desk_for: Callable[..., Desk]) -> None:
    desk = desk_for()
    statuses: dict[int, int] = {}
    for number in range(300):
        forged = f"203.0.113.{number % 250}"
        headers = {
            "X-Forwarded-For": forged,
            "Forwarded": f"for={forged}",
            "X-Real-IP": forged,
            "X-API-Key": f"guess{number}",
        }
        status = desk.client.get(JOBS, headers=headers).status_code
        statuses[status] = statuses.get(status, 0) + 1
    assert statuses == {401: 60, 429: 240}


def test_behind_a_trusted_proxy_the_clients_are_told_apart(desk_for: Callable[..., Desk]) -> None:
    desk = desk_for(limit_anonymous="1/minute", trusted_proxies=("127.0.0.1",))
    for number in range(3):
        assert desk.client.get(JOBS, headers={"X-Forwarded-For": f"203.0.113.{number}"}).status_code == 401
    assert desk.client.get(JOBS, headers={"X-Forwarded-For": "203.0.113.0"}).status_code == 429
    assert desk.client.get(JOBS, headers={"X-Forwarded-For": "198.51.100.1, 203.0.113.0"}).status_code == 429


def test_health_and_signed_links_are_free(desk_for: Callable[..., Desk]) -> None:
    desk = desk_for(limit_anonymous="1/minute", limit_reads="1/minute")
    link = desk.get(f"/api/v1/status/{desk.finished().id}").get_json()["result_url"].removeprefix(desk.settings.public)
    for _ in range(5):
        assert desk.client.get("/healthz").status_code == 200
        answer = desk.client.get(link)
        assert answer.status_code == 200
        answer.close()


def test_many_at_once_are_counted_one_by_one(desk_for: Callable[..., Desk]) -> None:
    limits = desk_for(limit_api="50/minute").house.limits
    passed: list[int] = []

    def spend() -> None:
        for _ in range(25):
            with suppress(Problem):
                limits.spend("api", "somebody")
                passed.append(1)

    threads = [threading.Thread(target=spend) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(passed) == 50


def test_a_window_ends(desk_for: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch) -> None:
    limits, clock = desk_for(limit_api="1/minute").house.limits, [1_000_000.0]
    monkeypatch.setattr("vividflow.api.quiet_counts.time.time", lambda: clock[0])
    limits.spend("api", "a")
    with pytest.raises(Exception, match="Try again"):
        limits.spend("api", "a")
    clock[0] += 60
    limits.spend("api", "a")


def test_a_limit_that_cannot_be_read_is_a_complaint_at_the_start(settings_for: Callable[..., Settings]) -> None:
    with pytest.raises(Complaints) as complaints:
        Limits(settings_for(limit_api="many", limit_web="500/hour", limit_reads="1/eon"))
    assert [line.split(":")[0] for line in complaints.value.complaints] == ["LIMIT_API", "LIMIT_READS"]
