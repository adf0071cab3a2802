"""Prompts made richer by rules: the person's words first, nothing twice, never too long."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vividflow.lifecycle.enhance_rules import enrich

PROMPTS = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=3, max_size=1000)


@given(PROMPTS)
def test_any_prompt_keeps_its_words_stays_short_enough_and_is_enriched_once(prompt: str) -> None:
    richer = enrich(prompt)
    assert richer.startswith(prompt)
    assert len(richer) <= 1000
    assert enrich(richer) == richer
    assert enrich(prompt) == richer


@pytest.mark.parametrize(
    "prompt",
    ["un phare dans la tempête", "夕暮れの灯台", "маяк на закате", "منارة عند الغروب", "등대와 파도", "ประภาคาร"],
)
def test_a_prompt_of_any_language_gets_a_shot_a_light_and_a_movement_after_it(prompt: str) -> None:
    richer = enrich(prompt)
    assert richer.startswith(f"{prompt}. ")
    assert "shot" in richer
    assert "light" in richer
    assert "camera" in richer


def test_what_was_named_is_not_added_again() -> None:
    richer = enrich("Close-up of a boat, the camera pans left")
    assert richer == "Close-up of a boat, the camera pans left. " + richer.rpartition(". ")[2]
    assert "light" in richer
    rich = "Wide shot of a lighthouse in golden hour light, slow dolly forward"
    assert enrich(rich) == rich


def test_the_scene_decides_what_fits() -> None:
    assert "Macro close-up" in enrich("a bee on a flower")
    assert "moonlight" in enrich("an owl at night")
    assert "tracks alongside" in enrich("a horse running on a beach")


def test_a_long_prompt_is_left_alone_and_an_end_is_not_doubled() -> None:
    long = "a boat and " * 60
    assert enrich(long) == long
    assert enrich("A boat!").startswith("A boat! ")
