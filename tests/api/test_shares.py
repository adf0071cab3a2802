"""The address that shares a video: on, changed, looked at, off; and foreign videos are not there."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.desk import Desk
from vividflow.lifecycle.sharing import open_link
from vividflow.timing import new_id

MEMBERS = {"url", "expires_at", "show_name", "show_prompt", "created_at"}


def share_of(job_id: str) -> str:
    return f"/api/v1/videos/jobs/{job_id}/share"


def token_in(desk: Desk, body: dict[str, Any]) -> str:
    return body["url"].removeprefix(f"{desk.settings.public}/s/")


def test_a_link_is_made_changed_looked_at_and_ended(desk: Desk) -> None:
    path = share_of(desk.finished().id)
    assert (desk.get(path).status_code, desk.get(path).get_json()["code"]) == (404, "not_shared")
    made = desk.post(path)
    assert made.status_code == 201
    body = made.get_json()
    assert set(body) == MEMBERS
    assert (body["show_name"], body["show_prompt"]) == (False, False)
    assert body["expires_at"] is not None
    assert desk.get(path).get_json() == body
    changed = desk.post(path, json={"expires_in_days": None, "show_name": True, "show_prompt": "yes"})
    assert changed.status_code == 200
    assert changed.get_json() == body | {"expires_at": None, "show_name": True, "show_prompt": True}
    assert open_link(desk.tools, token_in(desk, body)) is not None
    assert desk.delete(path).status_code == 204
    assert open_link(desk.tools, token_in(desk, body)) is None
    again = desk.delete(path)
    assert (again.status_code, again.get_json()["code"]) == (404, "not_shared")
    assert desk.get(path).status_code == 404
    assert desk.post(path, json={"expires_in_days": "7"}).get_json()["url"] != body["url"]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"expires_in_days": 2}, "invalid_expires_in_days"),
        ({"expires_in_days": 0}, "invalid_expires_in_days"),
        ({"expires_in_days": "soon"}, "invalid_expires_in_days"),
        ({"expires_in_days": True}, "invalid_expires_in_days"),
        ({"show_name": "perhaps"}, "invalid_show_name"),
        ({"show_prompt": 7}, "invalid_show_prompt"),
        ({"password": "x"}, "unknown_field"),
    ],
)
def test_other_terms_are_refused_and_nothing_is_shared(desk: Desk, fields: dict[str, Any], code: str) -> None:
    path = share_of(desk.finished().id)
    answer = desk.post(path, json=fields)
    assert (answer.status_code, answer.get_json()["code"]) == (422, code)
    assert desk.get(path).status_code == 404


def test_the_same_key_gets_the_first_link_also_after_it_was_ended(desk: Desk) -> None:
    path = share_of(desk.finished().id)
    first = desk.post(path, headers={"Idempotency-Key": "k"})
    desk.delete(path)
    again = desk.post(path, headers={"Idempotency-Key": "k"})
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
    assert again.get_json() == first.get_json()
    assert desk.get(path).status_code == 404


@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_somebody_else_s_video_looks_like_a_missing_one(desk: Desk, method: str) -> None:
    theirs = desk.finished().id
    desk.post(share_of(theirs))
    _, key = desk.someone()
    answers = []
    for job_id in (theirs, new_id(), "no-id"):
        answer = getattr(desk, method)(share_of(job_id), key=key)
        answers.append((answer.status_code, answer.get_json()["code"], answer.get_json()["detail"]))
    assert answers[0][:2] == (404, "job_not_found")
    assert answers[0] == answers[1] == answers[2]
    assert desk.get(share_of(theirs)).status_code == 200


def test_a_job_without_a_video_cannot_be_shared(desk: Desk) -> None:
    for job_id in (desk.placed(), desk.finished(status="failed").id):
        answer = desk.post(share_of(job_id))
        assert (answer.status_code, answer.get_json()["code"]) == (404, "no_result")
