"""Lists of scenes: by Gemini where it can, else by rules, with the same numbers and lengths either way."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.simulators.gemini import KEY, GeminiSimulator
from vividflow.errors import Problem
from vividflow.lifecycle.scene_rules import split_scenes
from vividflow.lifecycle.scenes import list_scenes, read_scenes, scene_count
from vividflow.lifecycle.tools import Tools

FILM = "A boat leaves the harbour. Gulls follow it. At night it is alone. In the morning there is land."


@pytest.fixture
def wired(tools_for: Callable[..., Tools], gemini: GeminiSimulator) -> Tools:
    return tools_for(gemini_api_key=KEY, google_gemini_base_url=gemini.url)


def test_gemini_writes_the_words_and_the_lengths_are_ours(wired: Tools, gemini: GeminiSimulator) -> None:
    made = list_scenes(wired, FILM, seconds=31, style="ink wash")
    assert (made.source, len(made.scenes)) == ("gemini", 7)
    assert [scene.number for scene in made.scenes] == [1, 2, 3, 4, 5, 6, 7]
    assert sum(scene.milliseconds for scene in made.scenes) == 31_000
    assert made.scenes[0].description.startswith("description: A boat")
    ((_, body),) = gemini.written
    assert body["contents"][0]["parts"] == [{"text": FILM}]
    assert body["generationConfig"]["responseJsonSchema"]["properties"]["scenes"]["minItems"] == 7
    assert "ink wash" in body["systemInstruction"]["parts"][0]["text"]


@pytest.mark.parametrize(
    "fault",
    [
        "text_cut",
        "text_empty",
        "text_not_json",
        "text_garbage",
        "text_error",
        "text_no_credit",
        "text_unauthorized",
        "text_rate_limited",
        "text_retired",
        "text_close",
        "text_short",
        "text_hollow",
    ],
)
def test_rules_write_when_gemini_cannot(wired: Tools, gemini: GeminiSimulator, fault: str) -> None:
    gemini.faults.add(fault, times=None)
    made = list_scenes(wired, FILM, seconds=20)
    assert (made.source, made.scenes) == ("rules", split_scenes(FILM, milliseconds=20_000, count=4))
    assert gemini.requests["text"] >= 1


@pytest.mark.parametrize("fault", ["text_blocked", "text_filtered"])
def test_a_refused_prompt_is_refused_and_rules_do_not_talk_past_it(
    wired: Tools, gemini: GeminiSimulator, fault: str
) -> None:
    gemini.faults.add(fault)
    with pytest.raises(Problem) as refused:
        list_scenes(wired, FILM, seconds=20)
    assert (refused.value.status, refused.value.code, refused.value.param) == (422, "content_policy", "prompt")


def test_an_answer_that_was_cut_once_is_asked_for_again(wired: Tools, gemini: GeminiSimulator) -> None:
    gemini.faults.add("text_cut")
    assert list_scenes(wired, FILM, seconds=20).source == "gemini"
    assert gemini.requests["text"] == 2


def test_without_a_key_and_in_rehearsals_nobody_is_asked(
    tools: Tools, tools_for: Callable[..., Tools], gemini: GeminiSimulator
) -> None:
    mock = tools_for(gemini_api_key=KEY, google_gemini_base_url=gemini.url, mock_vid_gens=True)
    assert {list_scenes(each, FILM, seconds=20).source for each in (tools, mock)} == {"rules"}
    assert gemini.requests == {}


def test_a_scene_for_each_five_seconds_begun_unless_a_number_is_asked_for(tools: Tools) -> None:
    assert [scene_count(each) for each in (1, 5, 5.1, 30, 60)] == [1, 1, 2, 6, 12]
    for seconds in (5, 7.5, 30, 59.999, 60):
        scenes = list_scenes(tools, FILM, seconds=seconds).scenes
        assert sum(scene.milliseconds for scene in scenes) == round(seconds * 1000)
        assert all(2500 <= scene.milliseconds <= 5000 for scene in scenes)
    assert len(list_scenes(tools, FILM, seconds=240, count=4).scenes) == 4
    for wrong in ({"seconds": 61.0, "count": 61}, {"seconds": 3.0, "count": 4}, {"seconds": 5.0, "count": 0}):
        with pytest.raises(ValueError, match="scenes"):
            list_scenes(tools, FILM, **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"scenes": "two"},
        {"scenes": [{"description": "a", "image_prompt": "b"}]},
        {"scenes": [{"description": "a", "image_prompt": "b"}, "c"]},
        {"scenes": [{"description": "a", "image_prompt": "b"}, {"description": "c"}]},
        {"scenes": [{"description": "a", "image_prompt": "b"}, {"description": "…", "image_prompt": "d"}]},
        {"scenes": [{"description": "a", "image_prompt": "b"}, {"description": "c\0", "image_prompt": "d"}]},
    ],
)
def test_an_answer_that_is_not_whole_is_none(answer: dict[str, object]) -> None:
    assert read_scenes(answer, count=2, milliseconds=10_000) is None


def test_what_is_too_long_ends_at_a_sentence() -> None:
    each = {"description": "A boat drifts. " * 100, "image_prompt": "A\nboat"}
    found = read_scenes({"scenes": [each]}, count=1, milliseconds=5000)
    assert found is not None
    assert len(found[0].description) <= 1000
    assert found[0].description.endswith("drifts.")
    assert found[0].image_prompt == "A boat"
