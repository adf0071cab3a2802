"""A text as scenes without a model: cut where its sentences and beats end, with lengths that sum up to the millisecond.

The person's words stay as they are, in their order and whatever their language: a cut falls behind the end of a sentence,
or where there are too few sentences behind a strong mark within one. Equal texts give equal scenes.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from itertools import pairwise

SHORTEST_SCENE_MS = 1000
# What models take as a prompt.
LONGEST_PROMPT = 1000
# A clause that is shorter than this is no beat of its own. Scripts without spaces say as much in half the characters.
LEAST_BEAT, LEAST_DENSE_BEAT = 20, 8

_CLOSERS = "\"'”’»›)\\]」』】）》"
_SENTENCE_END = re.compile(rf"(?:[.!?…؟।]+[{_CLOSERS}]*(?=\s)|[。！？]+[{_CLOSERS}]*|\n+)\s*")
_BEAT_END = re.compile(r"(?:[;:؛](?=\s)|[；：]|\s[—–→]|[,،](?=\s)|[，、])\s*")
_ABBREVIATED = re.compile(r"(?:^|[\s(])(?:mr|mrs|ms|dr|st|prof|vs|no|fig|e\.g|i\.e|\w)\.$", re.IGNORECASE)
# Parts of one visible character: nothing may be cut before them, and nothing behind the joiner.
_JOINER = "\N{ZERO WIDTH JOINER}"
_SHOTS = (
    "Wide establishing shot.",
    "Medium shot at eye level.",
    "Close-up, shallow depth of field.",
    "Low angle, the camera moves slowly.",
)


@dataclass(frozen=True, kw_only=True)
class Scene:
    """One scene of a list: its number from 1, what happens, how long in milliseconds, and the prompt of its picture."""

    number: int
    description: str
    milliseconds: int
    image_prompt: str

    @property
    def plain(self) -> dict[str, object]:
        """The scene as the API shows it; `duration` is seconds."""
        return {
            "scene_number": self.number,
            "description": self.description,
            "duration": self.milliseconds / 1000,
            "image_prompt": self.image_prompt,
        }


def split_scenes(text: str, *, milliseconds: int, count: int, style: str | None = None) -> tuple[Scene, ...]:
    """`count` scenes of a text that together are `milliseconds` long.

    A text with fewer beats than scenes keeps a beat for several scenes, each seen from elsewhere. Image prompts have at
    most 1,000 characters. Raises `ValueError` for a text without a word, and for scenes of less than a second.
    """
    lengths = shares(milliseconds, count)
    pieces = beats(text, count)
    scenes = []
    for number in range(count):
        place = number * len(pieces) // count
        first = number == 0 or (number - 1) * len(pieces) // count != place
        shot = "" if first and len(pieces) == count else _SHOTS[number % len(_SHOTS)]
        piece = " ".join(pieces[place].split())
        scenes.append(
            Scene(
                number=number + 1,
                description=piece,
                milliseconds=lengths[number],
                image_prompt=image_prompt(piece, style=style, shot=shot),
            )
        )
    return tuple(scenes)


def shares(milliseconds: int, count: int) -> tuple[int, ...]:
    """A length in `count` parts that differ by a millisecond at most. Raises `ValueError` for parts of under a second."""
    if count < 1 or milliseconds < count * SHORTEST_SCENE_MS:
        raise ValueError(f"{milliseconds} ms are not {count} scenes of a second or more")
    edges = [milliseconds * number // count for number in range(count + 1)]
    return tuple(end - begin for begin, end in pairwise(edges))


def beats(text: str, most: int) -> tuple[str, ...]:
    """At most `most` pieces which, put together, are the text without the space around it. `ValueError` without a word."""
    whole = text.strip()
    if not whole:
        raise ValueError("a text of spaces has no scenes")
    pieces = _sentences(whole)
    if len(pieces) < most:
        pieces = [part for piece in pieces for part in _clauses(piece)]
    return _gathered(pieces, most)


def image_prompt(piece: str, *, style: str | None, shot: str) -> str:
    """The prompt for a scene's picture: what is seen, the shot and the style, in at most 1,000 characters."""
    added = " ".join(
        each for each in (shot, f"Style: {' '.join(style.split())}." if style and style.strip() else "") if each
    )
    if not added:
        return shortened(piece, LONGEST_PROMPT)
    seen = shortened(piece, max(LONGEST_PROMPT // 2, LONGEST_PROMPT - len(added) - 2))
    end = "" if unicodedata.category(seen[-1]).startswith("P") else "."
    return shortened(f"{seen}{end} {added}", LONGEST_PROMPT)


def shortened(text: str, most: int) -> str:
    """A text of at most `most` characters: ended at a sentence, else at a word, never within what is seen as one character."""
    if len(text) <= most:
        return text
    head = text[: most + 1]
    ends = [found.end() for found in _SENTENCE_END.finditer(head) if found.end() > most // 2 and found.end() <= most]
    cut = ends[-1] if ends else head.rfind(" ", most // 2)
    if cut <= 0:
        cut = most
        while cut > 1 and _belongs(text, cut):
            cut -= 1
    return text[:cut].rstrip() or text[:most]


def _sentences(text: str) -> list[str]:
    return _cut(text, [found.end() for found in _SENTENCE_END.finditer(text) if not _abbreviates(text, found)])


def _abbreviates(text: str, found: re.Match[str]) -> bool:
    head = text[max(0, found.start() - 6) : found.start() + 1]
    return found.group().rstrip() == "." and _ABBREVIATED.search(head) is not None


def _clauses(sentence: str) -> list[str]:
    """A sentence at its strong marks, as long as every part is a beat of its own."""
    cuts, begun = [], 0
    for found in _BEAT_END.finditer(sentence):
        if min(_weight(sentence[begun : found.end()]), _weight(sentence[found.end() :])) >= LEAST_BEAT:
            cuts.append(found.end())
            begun = found.end()
    return _cut(sentence, cuts)


def _weight(text: str) -> float:
    """How much a text says, in characters of a script with spaces."""
    dense = sum(unicodedata.east_asian_width(each) in "WF" for each in text)
    return len(text.strip()) + dense * (LEAST_BEAT / LEAST_DENSE_BEAT - 1)


def _cut(text: str, at: list[int]) -> list[str]:
    """The text at these places; a piece without a letter or digit stays with the one before it."""
    found: list[str] = []
    for begin, end in pairwise([0, *at, len(text)]):
        piece = text[begin:end]
        if found and not any(each.isalnum() for each in piece):
            found[-1] += piece
        elif piece:
            found.append(piece)
    return found


def _gathered(pieces: list[str], most: int) -> tuple[str, ...]:
    """At most `most` runs of neighbours, about equally long."""
    if len(pieces) <= most:
        return tuple(pieces)
    total, gone = sum(map(len, pieces)), 0
    runs: list[list[str]] = [[]]
    for place, piece in enumerate(pieces):
        left, missing = len(pieces) - place, most - len(runs)
        # The next run begins when this one has its share, or when every piece that is left is needed for a run.
        full = gone + len(piece) / 2 > total * len(runs) / most
        if runs[-1] and missing > 0 and (full or left <= missing):
            runs.append([])
        runs[-1].append(piece)
        gone += len(piece)
    return tuple("".join(run) for run in runs)


def _belongs(text: str, place: int) -> bool:
    """Whether the character at `place` is seen as part of the one before it."""
    here, before = text[place], text[place - 1]
    return (
        unicodedata.combining(here) != 0
        or unicodedata.category(here) in ("Mn", "Mc", "Me")
        or here == _JOINER
        or before == _JOINER
        or "\N{EMOJI MODIFIER FITZPATRICK TYPE-1-2}" <= here <= "\N{EMOJI MODIFIER FITZPATRICK TYPE-6}"
        or all(0x1F1E6 <= ord(each) <= 0x1F1FF for each in (before, here))
    )
