"""Who may pass, and that nobody sees what is another's."""

from __future__ import annotations

import pytest
from flask import session as cookie

from tests.api.desk import GENERATE, LIGHTHOUSE, Desk
from vividflow.pages import session as page_session
from vividflow.records import api_keys, sessions, users
from vividflow.timing import now

JOBS = "/api/v1/jobs"


def test_a_key_opens_as_a_header_and_as_a_bearer(desk: Desk) -> None:
    for headers in (
        {"X-API-Key": desk.key},
        {"Authorization": f"Bearer {desk.key}"},
        {"Authorization": f"bearer  {desk.key}"},
    ):
        assert desk.client.get(JOBS, headers=headers).status_code == 200


def test_without_a_key_the_answer_says_how_to_send_one(desk: Desk) -> None:
    answer = desk.client.get(JOBS)
    assert (answer.status_code, answer.get_json()["code"]) == (401, "missing_key")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("change", [
    lambda key: "", lambda key: "x", lambda key: key[:-1], lambda key: key + "x", lambda key: key.upper(),
    lambda key: "vf_0000000000_" + key.split("_", 2)[2], lambda key: "ü" * 57, lambda key: "x" * 8000,
    lambda key: key.replace("_", "-"),
])  # fmt: skip
def test_a_wrong_or_malformed_key_opens_nothing(desk: Desk, change: object) -> None:
    wrong = change(desk.key)  # pyright: ignore[reportCallIssue]
    for headers in ({"X-API-Key": wrong}, {"Authorization": f"Bearer {wrong}"}):
        answer = desk.client.get(
            JOBS, headers={name: value.encode().decode("latin-1") for name, value in headers.items()}
        )
        assert (answer.status_code, answer.get_json()["code"]) == (401, "invalid_key")
        assert "WWW-Authenticate" in answer.headers


def test_another_scheme_opens_nothing(desk: Desk) -> None:
    assert desk.client.get(JOBS, headers={"Authorization": "Basic dTpw"}).status_code == 401


def test_two_keys_must_be_the_same_and_a_proxys_own_password_does_not_matter(desk: Desk) -> None:
    for authorization, status in ((f"Bearer {desk.key}", 200), ("Bearer another", 401), ("Basic dTpw", 200)):
        headers = {"X-API-Key": desk.key, "Authorization": authorization}
        assert desk.client.get(JOBS, headers=headers).status_code == status, authorization


def test_a_key_in_the_address_opens_nothing(desk: Desk) -> None:
    assert desk.client.get(f"{JOBS}?api_key={desk.key}").status_code == 401


def test_a_revoked_key_stops_at_once_in_the_process_that_revoked_it(desk: Desk) -> None:
    assert desk.get(JOBS).status_code == 200
    with desk.tools.db.transaction() as connection:
        api_keys.revoke(connection, desk.user.id, desk.key.split("_")[1], now())
    desk.house.keys.forget()
    answer = desk.get(JOBS)
    assert (answer.status_code, answer.get_json()["code"]) == (401, "invalid_key")


def test_a_key_revoked_elsewhere_is_believed_five_seconds_at_most(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = desk.placed()
    with desk.tools.db.transaction() as connection:
        api_keys.revoke(connection, desk.user.id, desk.key.split("_")[1], now())
    clock = __import__("vividflow.timing", fromlist=["monotonic"]).monotonic
    monkeypatch.setattr("vividflow.api.key_ring.monotonic", lambda: clock() + 5.1)
    assert desk.get(f"/api/v1/status/{job_id}").status_code == 401


def test_an_expired_key_stops_to_the_second_even_if_it_was_used_just_now(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, bare = api_keys.mint(desk.user.id, "short", now(), expires_at=now() + 100)
    with desk.tools.db.transaction() as connection:
        api_keys.insert(connection, key)
    assert desk.get(JOBS, key=bare).status_code == 200
    monkeypatch.setattr("vividflow.api.key_ring.now", lambda: now() + 100)
    assert desk.get(JOBS, key=bare).status_code == 401


def test_a_suspended_account_is_told_so(desk: Desk) -> None:
    with desk.tools.db.transaction() as connection:
        users.change(connection, desk.user.id, suspended_at=now())
    answer = desk.get(JOBS)
    assert (answer.status_code, answer.get_json()["code"]) == (403, "account_suspended")


def test_marks_of_use_ride_on_one_flush_and_nothing_is_committed_without_them(desk: Desk) -> None:
    desk.get(JOBS)
    desk.get(JOBS)
    before = desk.tools.db.commits
    assert desk.house.keys.flush()
    assert desk.tools.db.commits == before + 1
    assert not desk.house.keys.flush()
    assert desk.tools.db.commits == before + 1
    with desk.tools.db.reading() as connection:
        (key,) = api_keys.of_user(connection, desk.user.id)
    assert key.last_used_at is not None


def test_anothers_job_looks_exactly_like_a_missing_one(desk: Desk) -> None:
    theirs, missing = desk.placed(), "0b6c7a52-6f0e-4a53-9a3c-0d3f1f1b9a10"
    finished = desk.finished().id
    _, key = desk.someone()
    for job_id in (theirs, finished):
        for method, path in [
            ("GET", "/api/v1/status/{}"),
            ("GET", "/api/v1/status/{}?wait=1"),
            ("POST", "/api/v1/cancel/{}"),
            ("GET", "/api/v1/jobs/{}/events"),
            ("POST", "/api/v1/jobs/{}/front"),
            ("POST", "/api/v1/jobs/{}/retry"),
            ("DELETE", "/api/v1/jobs/{}"),
            ("DELETE", "/api/v1/jobs/{}?purge=true"),
            ("POST", "/api/v1/jobs/{}/restore"),
            ("GET", "/api/v1/videos/jobs/{}/status"),
            ("GET", "/api/v1/videos/jobs/{}/download"),
            ("GET", "/api/v1/videos/jobs/{}/metadata"),
            ("GET", "/api/v1/videos/jobs/{}/thumbnail"),
        ]:
            answers = [
                desk.client.open(path.format(each), method=method, headers={"X-API-Key": key, "X-Request-ID": "same"})
                for each in (job_id, missing)
            ]
            assert [answer.status_code for answer in answers] == [404, 404], path
            assert answers[0].data == answers[1].data
    assert desk.get("/api/v1/jobs", key=key).get_json()["data"] == []
    assert desk.get(f"/api/v1/jobs?after={theirs}", key=key).status_code == 404
    assert desk.get(f"/api/v1/status/{theirs}").get_json()["status"] == "queued"


def test_anothers_picture_cannot_be_used(desk: Desk) -> None:
    from tests.api.desk import file_of, png

    desk.post(GENERATE, data=LIGHTHOUSE | {"image": file_of(png())})
    with desk.tools.db.reading() as connection:
        asset_id = connection.exec_driver_sql("SELECT id FROM assets").scalar_one()
    _, key = desk.someone()
    answer = desk.post(GENERATE, json=LIGHTHOUSE | {"image_id": asset_id}, key=key)
    assert answer.get_json()["code"] == "unknown_image"


@pytest.fixture
def browser(desk: Desk) -> str:
    """Signs the client in as the person, by a cookie; the token that proves our own pages."""
    with desk.tools.db.transaction() as connection:
        secret = sessions.begin(connection, desk.user.id, "test", now())
    with desk.app.test_request_context():
        token = page_session.csrf_token()
        raw = cookie["csrf_token"]
    with desk.client.session_transaction() as kept:
        kept["s"], kept["csrf_token"] = secret, raw
    return token


def test_a_browser_may_read_with_its_session_and_change_only_with_its_token(desk: Desk, browser: str) -> None:
    read = desk.client.get(JOBS)
    assert read.status_code == 200
    assert read.headers["RateLimit-Policy"].startswith('"reads"')
    for headers in ({}, {"X-CSRF-Token": "wrong"}, {"X-CSRF-Token": browser, "Sec-Fetch-Site": "cross-site"}):
        refused = desk.client.post(GENERATE, json=LIGHTHOUSE, headers=headers)
        assert (refused.status_code, refused.get_json()["code"]) == (403, "invalid_csrf")
    answer = desk.client.post(GENERATE, json=LIGHTHOUSE, headers={"X-CSRF-Token": browser})
    assert answer.status_code == 202
    assert answer.headers["RateLimit-Policy"].startswith('"web"')
    assert desk.jobs() == 1


def test_a_wrong_key_never_falls_back_to_the_session(desk: Desk, browser: str) -> None:
    assert desk.client.get(JOBS, headers={"X-API-Key": "vf_wrong"}).status_code == 401
    assert browser


def test_a_session_that_was_ended_opens_nothing(desk: Desk, browser: str) -> None:
    with desk.tools.db.transaction() as connection:
        sessions.end_all(connection, desk.user.id)
    assert desk.client.get(JOBS).status_code == 401
    assert browser


def test_the_webhook_secret_is_ones_own(desk: Desk) -> None:
    assert desk.get("/api/v1/webhooks/secret").get_json() == {"secret": desk.user.webhook_secret}
    assert desk.client.get("/api/v1/webhooks/secret").status_code == 401
