"""Scenes by rules: lengths that sum exactly, every word in its order, and cuts where a reader would make them."""

from __future__ import annotations

import unicodedata
from itertools import groupby

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from vividflow.lifecycle.scene_rules import SHORTEST_SCENE_MS, beats, image_prompt, shares, shortened, split_scenes

LINES = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=400)
SENTENCES = st.lists(
    st.sampled_from(
        [
            "A lighthouse stands in the storm.",
            "Dr. Smith walks 3.5 km; then he rests, out of breath!",
            "夕暮れの灯台。波が寄せる、鳥が飛ぶ！",
            "منارة عند الغروب، والبحر هادئ؟",
            "👩‍👩‍👧‍👦 dance 👋🏽 under 🇯🇵.",
            "ประภาคารริมทะเล",
            "\n\n",
            "“Wait…” she says – and waits:",
        ]
    ),
    min_size=1,
    max_size=90,
).map(" ".join)
TEXTS = st.one_of(LINES, SENTENCES, st.text(min_size=2000, max_size=2400)).filter(lambda text: text.strip() != "")
COUNTS = st.integers(1, 60)


def letters(text: str) -> str:
    """The text without what is only space."""
    return "".join(text.split())


@settings(max_examples=60, deadline=None)
@given(TEXTS, COUNTS, st.integers(0, 60_000))
@example("x", 12, 0)
@example("word " * 500, 12, 17)
@example("。" * 30, 7, 1)
def test_any_text_becomes_that_many_scenes_with_every_word_in_order(text: str, count: int, more: int) -> None:
    whole = count * SHORTEST_SCENE_MS + more
    scenes = split_scenes(text, milliseconds=whole, count=count)
    assert [scene.number for scene in scenes] == list(range(1, count + 1))
    assert sum(scene.milliseconds for scene in scenes) == whole
    assert max(scene.milliseconds for scene in scenes) - min(scene.milliseconds for scene in scenes) <= 1
    assert min(scene.milliseconds for scene in scenes) >= SHORTEST_SCENE_MS
    pieces = beats(text, count)
    assert letters("".join(pieces)) == letters(text)
    told = [words for words, _ in groupby(scene.description for scene in scenes)]
    assert told == [words for words, _ in groupby(" ".join(piece.split()) for piece in pieces)]
    assert all(scene.description and 1 <= len(scene.image_prompt) <= 1000 for scene in scenes)
    assert split_scenes(text, milliseconds=whole, count=count) == scenes


@settings(max_examples=60, deadline=None)
@given(TEXTS, COUNTS)
def test_beats_put_together_are_the_text(text: str, most: int) -> None:
    pieces = beats(text, most)
    assert 1 <= len(pieces) <= most
    assert "".join(pieces) == text.strip()
    assert all(piece.strip() for piece in pieces)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 10_000_000), st.integers(1, 100))
def test_shares_sum_up_or_are_refused(milliseconds: int, count: int) -> None:
    if milliseconds < count * SHORTEST_SCENE_MS:
        with pytest.raises(ValueError, match="scenes of a second or more"):
            shares(milliseconds, count)
    else:
        found = shares(milliseconds, count)
        assert (len(found), sum(found)) == (count, milliseconds)
        assert max(found) - min(found) <= 1


@settings(max_examples=60, deadline=None)
@given(TEXTS, st.integers(1, 1500))
def test_what_is_shortened_is_the_beginning(text: str, most: int) -> None:
    short = shortened(text, most)
    assert 1 <= len(short) <= max(most, 1)
    assert text.startswith(short)
    assert short == text or len(text) > most


@pytest.mark.parametrize(
    ("text", "count", "said"),
    [
        ("A boat leaves. Gulls follow! Is it back? It is.", 4, ["A boat leaves.", "Gulls follow!", "Is it back?", "It is."]),
        ("A boat leaves. Gulls follow. It is gone.", 2, ["A boat leaves.", "Gulls follow. It is gone."]),
        ("Dr. Lee walks 3.5 km. She rests.", 2, ["Dr. Lee walks 3.5 km.", "She rests."]),
        ("“Stop!” he calls. Nobody does.", 2, ["“Stop!” he calls.", "Nobody does."]),
        ("夜の港。船が出る。", 2, ["夜の港。", "船が出る。"]),
        ("منارة في العاصفة. البحر هائج؟ نعم.", 3, ["منارة في العاصفة.", "البحر هائج؟", "نعم."]),
        ("first line\nsecond line", 2, ["first line", "second line"]),
        ("The boat leaves the harbour, the gulls follow it far out; at night it is alone at sea.", 3,
         ["The boat leaves the harbour,", "the gulls follow it far out;", "at night it is alone at sea."]),
        ("a red, round, shiny ball", 3, ["a red, round, shiny ball"] * 3),
        ("One. Two.", 4, ["One.", "One.", "Two.", "Two."]),
    ],
)  # fmt: skip
def test_cuts_fall_where_a_sentence_or_a_beat_ends(text: str, count: int, said: list[str]) -> None:
    scenes = split_scenes(text, milliseconds=count * 5000, count=count)
    assert [scene.description for scene in scenes] == said


def test_a_beat_that_fills_several_scenes_is_seen_from_elsewhere_each_time() -> None:
    scenes = split_scenes("a lighthouse", milliseconds=20_000, count=4)
    assert len({scene.image_prompt for scene in scenes}) == 4
    assert all(scene.image_prompt.startswith("a lighthouse. ") for scene in scenes)


def test_a_style_goes_into_every_picture_and_no_description() -> None:
    scenes = split_scenes("One. Two.", milliseconds=9_001, count=2, style=" ink  wash ")
    assert [scene.plain for scene in scenes] == [
        {"scene_number": 1, "description": "One.", "duration": 4.5, "image_prompt": "One. Style: ink wash."},
        {"scene_number": 2, "description": "Two.", "duration": 4.501, "image_prompt": "Two. Style: ink wash."},
    ]


def test_long_sentences_are_cut_in_the_picture_s_prompt_alone_and_the_style_stays() -> None:
    text = "lighthouse " * 300
    (scene,) = split_scenes(text, milliseconds=5000, count=1, style="ink wash")
    assert letters(scene.description) == letters(text)
    assert len(scene.image_prompt) <= 1000
    assert scene.image_prompt.endswith("lighthouse. Style: ink wash.")
    assert len(image_prompt(text, style="x" * 5000, shot="")) <= 1000


def test_nothing_that_is_seen_as_one_character_is_cut() -> None:
    for seen in ("👩‍👩‍👧‍👦", "👋🏽", "é", "🇯🇵", "नि"):
        for most in range(1, 3 * len(seen)):
            rest = (seen * 4)[len(shortened(seen * 4, most)) :]
            assert len(seen) > most or unicodedata.combining(rest[0]) == 0
            assert len(seen) > most or rest.startswith(seen) or seen == "🇯🇵", (seen, most)


def test_a_text_without_a_word_has_no_scenes() -> None:
    with pytest.raises(ValueError, match="spaces"):
        split_scenes(" \n ", milliseconds=5000, count=1)
