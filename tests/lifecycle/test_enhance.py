"""Enhancing: by Gemini where it can, else by rules, and the job that follows knows both versions."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.people import make_user
from tests.simulators.gemini import KEY, GeminiSimulator
from vividflow.errors import Problem
from vividflow.lifecycle import orders
from vividflow.lifecycle.enhance import enhance, usable
from vividflow.lifecycle.enhance_rules import enrich
from vividflow.lifecycle.housekeeping import tidy
from vividflow.lifecycle.start import request_hash
from vividflow.lifecycle.status import status_object
from vividflow.lifecycle.tools import Tools
from vividflow.lifecycle.wish import Wish
from vividflow.records import enhancements, jobs
from vividflow.records.users import User

PROMPT = "a paper boat"


@pytest.fixture
def wired(tools_for: Callable[..., Tools], gemini: GeminiSimulator) -> Tools:
    return tools_for(gemini_api_key=KEY, google_gemini_base_url=gemini.url)


def test_gemini_writes_where_there_is_a_key(wired: Tools, gemini: GeminiSimulator) -> None:
    made = enhance(wired, make_user(wired), PROMPT)
    assert (made.source, made.original) == ("gemini", PROMPT)
    assert made.prompt.startswith(PROMPT)
    assert gemini.requests == {"text": 1}


def test_rules_write_without_a_key(tools: Tools, user: User) -> None:
    made = enhance(tools, user, PROMPT)
    assert (made.source, made.prompt) == ("rules", enrich(PROMPT))


@pytest.mark.parametrize(
    "fault", ["text_error", "text_rate_limited", "text_no_credit", "text_unauthorized", "text_cut"]
)
def test_rules_write_when_gemini_cannot(wired: Tools, gemini: GeminiSimulator, fault: str) -> None:
    gemini.faults.add(fault, times=None)
    assert enhance(wired, make_user(wired), PROMPT).source == "rules"


def test_rehearsals_ask_nobody(tools_for: Callable[..., Tools], gemini: GeminiSimulator) -> None:
    tools = tools_for(gemini_api_key=KEY, google_gemini_base_url=gemini.url, mock_vid_gens=True)
    assert enhance(tools, make_user(tools), PROMPT).source == "rules"
    assert gemini.requests == {}


def test_a_refused_prompt_is_refused_and_kept_nowhere(wired: Tools, gemini: GeminiSimulator) -> None:
    gemini.faults.add("text_blocked")
    user = make_user(wired)
    with pytest.raises(Problem) as caught:
        enhance(wired, user, PROMPT)
    assert (caught.value.status, caught.value.code, caught.value.param) == (422, "content_policy", "prompt")


def test_a_long_answer_ends_at_a_sentence(wired: Tools, gemini: GeminiSimulator) -> None:
    gemini.faults.add("text_long")
    made = enhance(wired, make_user(wired), PROMPT)
    assert made.source == "gemini"
    assert made.prompt.endswith("lake.")
    assert 900 < len(made.prompt) <= 1000


@pytest.mark.parametrize("text", [None, 7, "", "ab", "x" * 1001, "a\x00boat", ["a boat"]])
def test_what_is_no_prompt_is_not_used(text: object) -> None:
    assert usable(text) is None


def test_a_job_with_an_enhanced_prompt_tells_the_original(tools: Tools, user: User) -> None:
    made = enhance(tools, user, PROMPT)
    _, body = orders.place(tools, user, Wish(prompt=made.prompt, model="local"))
    with tools.db.reading() as connection:
        job = jobs.by_id(connection, body["job_id"])
        assert job is not None
        shown = status_object(tools, connection, job)
    assert shown["params"]["original_prompt"] == PROMPT
    assert shown["prompt"] == made.prompt


def test_the_words_of_others_and_unknown_prompts_are_linked_to_nothing(tools: Tools, user: User) -> None:
    made = enhance(tools, user, PROMPT)
    stranger = make_user(tools)
    for person, prompt in ((stranger, made.prompt), (user, PROMPT)):
        _, body = orders.place(tools, person, Wish(prompt=prompt, model="local"))
        with tools.db.reading() as connection:
            job = jobs.by_id(connection, body["job_id"])
        assert job is not None
        assert "original_prompt" not in job.params


def test_providers_take_two_jobs_for_alike_whatever_their_prompt_was_made_from(tools: Tools, user: User) -> None:
    made = enhance(tools, user, PROMPT)
    _, body = orders.place(tools, user, Wish(prompt=made.prompt, model="local", seed=7))
    with tools.db.reading() as connection:
        job = jobs.by_id(connection, body["job_id"])
    assert job is not None
    plain = {name: value for name, value in job.params.items() if name != "original_prompt"}
    bare = type(job)(**{**vars(job), "params": plain})
    assert request_hash(bare) == request_hash(job)


def test_enhancements_are_forgotten_after_thirty_days(
    tools: Tools, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = enhance(tools, user, PROMPT)
    tidy(tools)
    with tools.db.reading() as connection:
        assert enhancements.original_of(connection, user.id, made.prompt) == PROMPT
    monkeypatch.setattr("vividflow.lifecycle.housekeeping.now", lambda: made.created_at + 31 * 86400)
    tidy(tools)
    with tools.db.reading() as connection:
        assert enhancements.original_of(connection, user.id, made.prompt) is None
