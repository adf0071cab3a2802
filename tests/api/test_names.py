"""Titles and favourites over the API: what is taken, what is shown, and that a held answer notices."""

from __future__ import annotations

import pytest

from tests.api.desk import Desk
from vividflow.timing import new_id

JOBS = "/api/v1/jobs"


def patch(desk: Desk, job_id: str, body: object, key: str | None = None):
    return desk.client.patch(f"{JOBS}/{job_id}", json=body, headers={"X-API-Key": key or desk.key})


def test_a_title_and_a_mark_are_kept_and_shown(desk: Desk) -> None:
    job_id = desk.placed()
    before = desk.get(f"/api/v1/status/{job_id}")
    assert before.get_json()["title"] is None
    assert before.get_json()["favourite"] is False
    answer = patch(desk, job_id, {"title": " Night ", "favourite": True})
    assert answer.status_code == 200
    assert (answer.get_json()["title"], answer.get_json()["favourite"]) == ("Night", True)
    after = desk.get(f"/api/v1/status/{job_id}", headers={"If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200
    assert after.get_json()["title"] == "Night"
    assert desk.get(f"{JOBS}?favourite=true").get_json()["data"][0]["title"] == "Night"
    assert desk.get(f"{JOBS}?favourite=false").get_json()["data"] == []


def test_a_finished_jobs_answer_changes_with_its_title(desk: Desk) -> None:
    job_id = desk.finished().id
    before = desk.get(f"/api/v1/status/{job_id}")
    patch(desk, job_id, {"title": "Night"})
    after = desk.get(f"/api/v1/status/{job_id}", headers={"If-None-Match": before.headers["ETag"]})
    assert (after.status_code, after.get_json()["title"]) == (200, "Night")


def test_what_is_left_out_stays_and_null_takes_the_title_away(desk: Desk) -> None:
    job_id = desk.finished(title="Night").id
    patch(desk, job_id, {"favourite": "yes"})
    assert patch(desk, job_id, {}).get_json()["title"] == "Night"
    answer = patch(desk, job_id, {"title": None}).get_json()
    assert (answer["title"], answer["favourite"]) == (None, True)
    assert patch(desk, job_id, {"favourite": None}).get_json()["favourite"] is True


@pytest.mark.parametrize(
    ("body", "code", "param"),
    [
        ({"title": "x" * 121}, "invalid_title", "title"),
        ({"title": 7}, "invalid_title", "title"),
        ({"title": "two\nlines"}, "invalid_text", "title"),
        ({"favourite": "perhaps"}, "invalid_favourite", "favourite"),
        ({"name": "Night"}, "unknown_field", "name"),
    ],
)
def test_anything_else_is_refused(desk: Desk, body: object, code: str, param: str) -> None:
    job_id = desk.finished(title="Night").id
    answer = patch(desk, job_id, body)
    assert (answer.status_code, answer.get_json()["code"], answer.get_json()["param"]) == (422, code, param)
    assert desk.get(f"/api/v1/status/{job_id}").get_json()["title"] == "Night"


def test_somebody_elses_job_is_no_job_at_all(desk: Desk) -> None:
    job_id = desk.finished().id
    _, key = desk.someone()
    answers = [patch(desk, each, {"title": "Mine"}, key).get_json() for each in (job_id, new_id(), "no-id")]
    assert {(each["status"], each["code"]) for each in answers} == {(404, "job_not_found")}
    assert desk.get(f"/api/v1/status/{job_id}").get_json()["title"] is None


def test_the_trash_is_listed_when_it_is_asked_for(desk: Desk) -> None:
    kept, gone = desk.finished().id, desk.finished().id
    desk.delete(f"{JOBS}/{gone}")
    assert [each["job_id"] for each in desk.get(f"{JOBS}?trash=true").get_json()["data"]] == [gone]
    assert [each["job_id"] for each in desk.get(f"{JOBS}?trash=false").get_json()["data"]] == [kept]
    assert desk.get(f"{JOBS}?trash=maybe").get_json()["code"] == "invalid_trash"
    assert patch(desk, gone, {"title": "Ghost"}).status_code == 404
