"""Placing jobs: what is taken in which form, and what comes back."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.api.desk import GENERATE, LIGHTHOUSE, Desk, file_of, png
from vividflow.lifecycle import orders
from vividflow.records import jobs


def test_a_job_is_placed_and_answered_with_the_promised_members(desk: Desk) -> None:
    answer = desk.post(GENERATE, json=LIGHTHOUSE)
    body = answer.get_json()
    assert answer.status_code == 202
    assert body["status"] == "queued"
    assert body["status_url"] == f"/api/v1/status/{body['job_id']}"
    assert body["created_at"].endswith("Z")
    assert body["estimated_cost"] == 0.0
    assert body["estimated_seconds"] > 0
    assert body["warnings"] == []
    assert body["message"] == "Queued. 0 jobs ahead of you."
    assert desk.get(body["status_url"]).get_json()["job_id"] == body["job_id"]


@pytest.mark.parametrize("kind", ["json", "form", "multipart"])
def test_every_content_type_says_the_same(desk: Desk, kind: str) -> None:
    fields = {
        "prompt": "A lighthouse",
        "duration": "6",
        "seed": "7",
        "audio": "true",
        "cfg": "7.5",
        "resolution": "480p",
    }
    match kind:
        case "json":
            answer = desk.post(GENERATE, json=fields)
        case "form":
            answer = desk.post(GENERATE, data=urlencode(fields), content_type="application/x-www-form-urlencoded")
        case _:
            answer = desk.post(GENERATE, data=fields, content_type="multipart/form-data")
    assert answer.status_code == 202, answer.text
    params = desk.get(answer.get_json()["status_url"]).get_json()["params"]
    assert (params["duration"], params["seed"], params["audio"], params["cfg"]) == (6.0, 7, True, 7.5)


@pytest.mark.parametrize("seed", [8, "8", "8.0", 8.0, " 8 "])
def test_whole_numbers_may_be_written_in_every_way(desk: Desk, seed: object) -> None:
    job_id = desk.placed(seed=seed)
    assert desk.get(f"/api/v1/status/{job_id}").get_json()["params"]["seed"] == 8


def test_null_means_not_said(desk: Desk) -> None:
    assert desk.post(GENERATE, json=LIGHTHOUSE | {"seed": None, "model": None, "audio": None}).status_code == 202


def test_a_raw_utf8_form_is_read(desk: Desk) -> None:
    body = "prompt=Ein Leuchtturm über dem Meer".encode()
    answer = desk.post(GENERATE, data=body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 202
    assert desk.get(answer.get_json()["status_url"]).get_json()["prompt"] == "Ein Leuchtturm über dem Meer"


def test_a_prompt_is_trimmed_and_may_have_line_breaks(desk: Desk) -> None:
    job_id = desk.placed(prompt="  One line\r\nand another\t \n")
    assert desk.get(f"/api/v1/status/{job_id}").get_json()["prompt"] == "One line\nand another"


@pytest.mark.parametrize("name", ["image", "Image"])
def test_a_picture_comes_as_a_file_under_either_name(desk: Desk, name: str) -> None:
    answer = desk.post(GENERATE, data=LIGHTHOUSE | {name: file_of(png(400, 300), "../../etc/passwd")})
    assert answer.status_code == 202, answer.text
    with desk.tools.db.reading() as connection:
        job = jobs.by_id(connection, answer.get_json()["job_id"])
    assert job is not None
    assert job.params["image_id"]
    assert desk.scratch() == []


def test_the_same_picture_is_kept_once_and_can_be_named_by_its_id(desk: Desk) -> None:
    for _ in range(2):
        assert desk.post(GENERATE, data=LIGHTHOUSE | {"image": file_of(png())}).status_code == 202
    with desk.tools.db.reading() as connection:
        (asset_id,) = connection.exec_driver_sql("SELECT id FROM assets").scalars().all()
    assert desk.placed(image_id=asset_id)


def test_an_untouched_file_field_of_a_browser_is_no_file(desk: Desk) -> None:
    assert desk.post(GENERATE, data=LIGHTHOUSE | {"image": file_of(b"", "")}).status_code == 202


def test_videos_generate_takes_quality_levels_too(desk: Desk) -> None:
    for levels in (["720p"], "480p,720p"):
        answer = desk.post("/api/v1/videos/generate", json=LIGHTHOUSE | {"quality_levels": levels})
        assert answer.status_code == 202, answer.text
    answer = desk.post("/api/v1/videos/generate", data="prompt=Lighthouse&quality_levels=480p&quality_levels=1080p",
                       content_type="application/x-www-form-urlencoded")  # fmt: skip
    with desk.tools.db.reading() as connection:
        job = jobs.by_id(connection, answer.get_json()["job_id"])
    assert job is not None
    assert job.params["quality_levels"] == ["480p", "1080p"]


def test_an_estimate_makes_no_job(desk: Desk) -> None:
    answer = desk.post("/api/v1/estimate", json=LIGHTHOUSE | {"duration": 4})
    assert answer.status_code == 200
    assert answer.get_json()["estimated_cost"] == 0
    assert answer.get_json()["model"] == "local"
    assert desk.jobs() == 0


def test_rehearsed_faults_are_taken_only_where_they_are_allowed(desk_for: Callable[..., Desk]) -> None:
    desk = desk_for(local_faults_header=True)
    answer = desk.post(GENERATE, json=LIGHTHOUSE, headers={"X-Local-Fault": "stall"})
    with desk.tools.db.reading() as connection:
        job = jobs.by_id(connection, answer.get_json()["job_id"])
    assert job is not None
    assert job.params["fault"] == "stall"


def test_a_faults_header_means_nothing_where_it_is_off(desk: Desk) -> None:
    answer = desk.post(GENERATE, json=LIGHTHOUSE, headers={"X-Local-Fault": "stall"})
    with desk.tools.db.reading() as connection:
        job = jobs.by_id(connection, answer.get_json()["job_id"])
    assert job is not None
    assert "fault" not in job.params


# ---- sending the same again


def test_the_same_key_and_content_answers_the_first_reply_again(desk: Desk) -> None:
    once = {"Idempotency-Key": "first"}
    first = desk.post(GENERATE, json=LIGHTHOUSE | {"seed": 7}, headers=once)
    again = desk.post(GENERATE, json={"seed": "7.0"} | LIGHTHOUSE, headers=once)
    assert again.status_code == 202
    assert again.get_json() == first.get_json()
    assert "Idempotent-Replayed" not in first.headers
    assert again.headers["Idempotent-Replayed"] == "true"
    assert desk.jobs() == 1


def test_the_same_key_with_other_content_is_refused(desk: Desk) -> None:
    once = {"Idempotency-Key": "first"}
    desk.post(GENERATE, json=LIGHTHOUSE, headers=once)
    answer = desk.post(GENERATE, json=LIGHTHOUSE | {"duration": 6}, headers=once)
    assert (answer.status_code, answer.get_json()["code"]) == (422, "idempotency_key_reused")


def test_files_count_by_content_and_not_by_how_the_form_was_written(desk: Desk) -> None:
    once = {"Idempotency-Key": "file"}
    first = desk.post(GENERATE, data=LIGHTHOUSE | {"image": file_of(png())}, headers=once)
    again = desk.post(GENERATE, data={"image": file_of(png(), "other.png")} | LIGHTHOUSE, headers=once)
    other = desk.post(GENERATE, data=LIGHTHOUSE | {"image": file_of(png(colour=9))}, headers=once)
    assert again.get_json() == first.get_json()
    assert other.get_json()["code"] == "idempotency_key_reused"


def test_a_key_is_one_persons_and_one_addresss(desk: Desk) -> None:
    once = {"Idempotency-Key": "mine"}
    _, key = desk.someone()
    first = desk.post(GENERATE, json=LIGHTHOUSE, headers=once).get_json()["job_id"]
    theirs = desk.post(GENERATE, json=LIGHTHOUSE, headers=once, key=key).get_json()["job_id"]
    elsewhere = desk.post("/api/v1/videos/generate", json=LIGHTHOUSE, headers=once).get_json()["job_id"]
    assert len({first, theirs, elsewhere}) == 3


def test_a_refused_request_does_not_use_its_key_up(desk: Desk) -> None:
    once = {"Idempotency-Key": "again"}
    assert desk.post(GENERATE, json=LIGHTHOUSE | {"duration": 999}, headers=once).status_code == 422
    assert desk.post(GENERATE, json=LIGHTHOUSE, headers=once).status_code == 202


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\tin it", "ü"])
def test_a_bad_idempotency_key_is_refused(desk: Desk, key: str) -> None:
    answer = desk.post(GENERATE, json=LIGHTHOUSE, headers={"Idempotency-Key": key})
    assert (answer.status_code, answer.get_json()["code"]) == (422, "invalid_idempotency_key")


def test_while_the_first_is_running_the_second_is_told_to_come_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, go_on = threading.Event(), threading.Event()
    place = orders.place

    def slow(*arguments: Any, **named: Any) -> Any:
        inside.set()
        assert go_on.wait(10)
        return place(*arguments, **named)

    monkeypatch.setattr(orders, "place", slow)
    answers: list[int] = []
    headers = {"Idempotency-Key": "slow"}
    first = threading.Thread(
        target=lambda: answers.append(desk.post(GENERATE, json=LIGHTHOUSE, headers=headers).status_code)
    )
    first.start()
    try:
        assert inside.wait(10)
        second = desk.app.test_client().post(GENERATE, json=LIGHTHOUSE, headers=headers | {"X-API-Key": desk.key})
    finally:
        go_on.set()
        first.join()
    assert (second.status_code, second.get_json()["code"]) == (409, "idempotency_in_progress")
    assert int(second.headers["Retry-After"]) >= 1
    assert answers == [202]


def test_twenty_equal_submits_at_once_make_one_job(desk: Desk) -> None:
    seen: list[tuple[int, str | None]] = []

    def submit() -> None:
        headers = {"Idempotency-Key": "storm", "X-API-Key": desk.key}
        answer = desk.app.test_client().post(GENERATE, json=LIGHTHOUSE, headers=headers)
        seen.append((answer.status_code, answer.get_json().get("job_id")))

    threads = [threading.Thread(target=submit) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert desk.jobs() == 1
    assert {status for status, _ in seen} <= {202, 409}
    assert len({job_id for status, job_id in seen if status == 202}) == 1


def test_a_provider_can_be_named_and_one_that_the_model_does_not_have_is_refused(desk: Desk) -> None:
    job_id = desk.placed(provider="local")
    told = desk.get(f"/api/v1/status/{job_id}").get_json()
    assert (told["provider"], told["params"]["provider"]) == ("local", "local")
    now_at = {"provider": "local", "code": None, "reason": None, "at": None, "state": "current"}
    assert told["metrics"]["routes"] == [now_at]
    answer = desk.post(GENERATE, json=LIGHTHOUSE | {"model": "local", "provider": "kling"})
    body = answer.get_json()
    assert (answer.status_code, body["code"], body["param"]) == (422, "unknown_provider", "provider")
    assert body["providers"] == ["local"]
    assert desk.post(GENERATE, json=LIGHTHOUSE | {"provider": 7}).get_json()["code"] == "invalid_provider"
