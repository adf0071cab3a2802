"""Text from Gemini over real HTTP: every way an answer can fail is told apart, and all of it ends in time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.providers.contract import gemini_settings
from tests.simulators.gemini import KEY, GeminiSimulator
from vividflow.errors import Outcome, Refused, Transient
from vividflow.providers import gemini_text
from vividflow.providers.gemini_text import GeminiText
from vividflow.providers.registry import load_registry

SCHEMA = {"type": "object", "properties": {"prompt": {"type": "string"}}, "required": ["prompt"]}
FIRST, SECOND = "gemini-3.8-flash", "gemini-3.5-flash-lite"


@pytest.fixture
def writer(gemini: GeminiSimulator, tmp_path: Path) -> Iterator[GeminiText]:
    made = GeminiText(gemini_settings(gemini.url, tmp_path), load_registry().text)
    yield made
    made.close()


def write(writer: GeminiText, seconds: float = 18.0) -> dict:
    return writer.write("a boat", instruction="Be brief.", schema=SCHEMA, seconds=seconds)


def asked(gemini: GeminiSimulator) -> list[str]:
    return [model for model, _ in gemini.written]


def test_the_first_model_answers_with_an_object(gemini: GeminiSimulator, writer: GeminiText) -> None:
    assert write(writer)["prompt"].startswith("a boat")
    ((model, body),) = gemini.written
    assert model == FIRST
    assert body["systemInstruction"]["parts"] == [{"text": "Be brief."}]
    assert body["generationConfig"].keys() == {"maxOutputTokens", "responseMimeType", "responseJsonSchema"}


@pytest.mark.parametrize("fault", ["text_blocked", "text_filtered"])
def test_what_the_content_check_refuses_is_not_asked_again(
    gemini: GeminiSimulator, writer: GeminiText, fault: str
) -> None:
    gemini.faults.add(fault, times=None)
    with pytest.raises(Refused) as caught:
        write(writer)
    assert caught.value.code == "content_policy"
    assert asked(gemini) == [FIRST]


@pytest.mark.parametrize(
    ("fault", "code"),
    [("text_unauthorized", "provider_key_refused"), ("text_no_credit", "provider_credit_exhausted")],
)
def test_a_key_without_credit_or_right_is_not_asked_with_again(
    gemini: GeminiSimulator, writer: GeminiText, fault: str, code: str
) -> None:
    gemini.faults.add(fault, times=None)
    with pytest.raises(Refused) as caught:
        write(writer)
    assert (caught.value.code, caught.value.pauses) == (code, True)
    assert asked(gemini) == [FIRST]
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    "fault", ["text_cut", "text_empty", "text_garbage", "text_not_json", "text_error", "text_close"]
)
def test_an_answer_that_cannot_be_used_is_asked_for_again(
    gemini: GeminiSimulator, writer: GeminiText, fault: str
) -> None:
    gemini.faults.add(fault, times=2)
    assert write(writer)["prompt"].startswith("a boat")
    assert asked(gemini) == [FIRST, FIRST, SECOND]


@pytest.mark.parametrize("fault", ["text_rate_limited", "text_retired"])
def test_a_busy_or_retired_model_is_left_for_the_other_at_once(
    gemini: GeminiSimulator, writer: GeminiText, fault: str
) -> None:
    gemini.faults.add(fault)
    assert write(writer)["prompt"].startswith("a boat")
    assert asked(gemini) == [FIRST, SECOND]


@pytest.mark.parametrize("fault", ["text_cut", "text_error", "text_close", "text_retired", "text_rate_limited"])
def test_when_no_model_can_it_is_a_later(gemini: GeminiSimulator, writer: GeminiText, fault: str) -> None:
    gemini.faults.add(fault, times=None)
    with pytest.raises(Transient):
        write(writer)
    assert len(asked(gemini)) <= 4


def test_silence_ends_in_time(gemini: GeminiSimulator, writer: GeminiText, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gemini_text, "CALL_SECONDS", 0.3)
    monkeypatch.setattr(gemini_text, "LEAST_SECONDS", 0.1)
    gemini.faults.add("text_slow", times=None, seconds=60)
    write_began = time.monotonic()
    with pytest.raises(Transient):
        write(writer, seconds=0.8)
    # Loading the library at first use is not counted as waiting.
    assert time.monotonic() - write_began < 20
    assert 1 <= len(asked(gemini)) <= 3


@pytest.mark.parametrize("fault", ["text_error", "text_unauthorized", "text_close", "text_garbage"])
def test_no_error_carries_the_key(gemini: GeminiSimulator, writer: GeminiText, fault: str) -> None:
    gemini.faults.add(fault, times=None)
    with pytest.raises(Outcome) as caught:
        write(writer)
    error: BaseException | None = caught.value
    while error is not None:
        assert KEY not in f"{error!r} {error}"
        error = error.__cause__
