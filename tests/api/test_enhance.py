"""POST /api/v1/enhance."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.api.desk import GENERATE, Desk
from tests.simulators.gemini import KEY, GeminiSimulator

ADDRESS = "/api/v1/enhance"


def test_a_prompt_comes_back_richer_beside_the_original(desk: Desk) -> None:
    answer = desk.post(ADDRESS, json={"prompt": "  a paper boat "})
    body = answer.get_json()
    assert (answer.status_code, body["original"], body["source"]) == (200, "a paper boat", "rules")
    assert body["prompt"].startswith("a paper boat. ")


def test_the_job_made_of_it_keeps_the_original(desk: Desk) -> None:
    richer = desk.post(ADDRESS, json={"prompt": "a paper boat"}).get_json()["prompt"]
    job_id = desk.post(GENERATE, json={"prompt": richer, "model": "local"}).get_json()["job_id"]
    assert desk.get(f"/api/v1/status/{job_id}").get_json()["params"]["original_prompt"] == "a paper boat"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "missing_field"),
        ({"prompt": "ab"}, "invalid_prompt_length"),
        ({"prompt": "a boat", "style": "x"}, "unknown_field"),
    ],
)
def test_a_body_that_does_not_fit_is_refused(desk: Desk, body: dict, code: str) -> None:
    answer = desk.post(ADDRESS, json=body)
    assert (answer.status_code, answer.get_json()["code"]) == (422, code)


def test_it_wants_a_key(desk: Desk) -> None:
    assert desk.client.post(ADDRESS, json={"prompt": "a boat"}).status_code == 401


def test_ten_a_minute_and_reading_is_not_counted(desk: Desk) -> None:
    statuses = [desk.post(ADDRESS, json={"prompt": "a boat"}).status_code for _ in range(11)]
    assert statuses == [200] * 10 + [429]
    assert desk.post("/api/v1/estimate", json={"prompt": "a boat"}).status_code == 200


def test_a_prompt_that_the_content_check_blocks_is_told_so(
    desk_for: Callable[..., Desk], gemini: GeminiSimulator
) -> None:
    desk = desk_for(gemini_api_key=KEY, google_gemini_base_url=gemini.url)
    gemini.faults.add("text_blocked")
    answer = desk.post(ADDRESS, json={"prompt": "a boat"})
    assert (answer.status_code, answer.get_json()["code"]) == (422, "content_policy")
    assert desk.post(ADDRESS, json={"prompt": "a boat"}).get_json()["source"] == "gemini"
    desk.tools.text.close()
