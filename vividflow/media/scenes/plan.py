"""What a text becomes in a preview: a landscape in layers, chosen by the words of the prompt and else by the seed.

Only the plan is made here, in numbers; the child draws the layers (`media/inside/scenery.py`) and ffmpeg moves them.
"""

from __future__ import annotations

import hashlib
import random
import re
from dataclasses import dataclass

from vividflow.media.scenes.layer import Layer, Stage
from vividflow.media.scenes.layers import layers
from vividflow.media.scenes.words import KINDS, TIMES, WEATHERS


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A landscape: its kind ("ocean"), time ("sunset") and weather, and its layers from the back to the front."""

    kind: str
    time: str
    weather: str
    layers: tuple[Layer, ...]


def plan(prompt: str, seed: int, stage: Stage) -> Scene:
    """The scene of a prompt: the same for the same words, seed and stage."""
    rng = random.Random(hashlib.sha256(f"{seed}\n{prompt}".encode()).digest())
    words = re.findall(r"[^\W\d_]+", prompt.lower())
    kind = _chosen(words, KINDS, rng)
    time = _chosen(words, TIMES, rng)
    weather = _mentioned(words, WEATHERS) or ("snow" if kind == "snow" else "clear")
    if kind == "space":
        time, weather = "night", "clear"
    return Scene(kind=kind, time=time, weather=weather, layers=tuple(layers(kind, time, weather, rng, stage)))


def _mentioned(words: list[str], table: dict[str, frozenset[str]]) -> str | None:
    """The row of `table` of which most words are said; of equals the one said first."""
    best: tuple[int, int] | None = None
    found = None
    for name, known in table.items():
        places = [place for place, word in enumerate(words) if word in known or word.removesuffix("s") in known]
        if places and (best is None or (len(places), -places[0]) > best):
            best, found = (len(places), -places[0]), name
    return found


def _chosen(words: list[str], table: dict[str, frozenset[str]], rng: random.Random) -> str:
    by_chance = rng.choice([name for name in table if name != "space"])
    return _mentioned(words, table) or by_chance
