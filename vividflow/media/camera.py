"""A camera that moves over still pictures: pushes in, pulls out or pans, and fades from one picture to another."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from vividflow.media.child import Decoder
from vividflow.media.graph import Graph

SPARE = 0.14


class Move(StrEnum):
    """What the camera does."""

    PUSH_IN = "push_in"
    PULL_OUT = "pull_out"
    LEFT = "left"
    RIGHT = "right"
    UP = "up"
    DOWN = "down"


_ASKED = (
    (Move.PUSH_IN, r"(zoom|push|dolly|move)(s|es|ing)?[ -]+in\b|closer"),
    (Move.PULL_OUT, r"(zoom|pull|dolly)(s|ing)?[ -]+(out|back|away)\b|reveal"),
    (Move.LEFT, r"(pan|truck|slide|move|track)(s|ning|ing)?[ -]+(to the )?left\b"),
    (Move.RIGHT, r"(pan|truck|slide|move|track)(s|ning|ing)?[ -]+(to the )?right\b"),
    (Move.UP, r"(tilt|pan|crane|pedestal|rise)(s|ning|ing)?[ -]+up(wards?)?\b"),
    (Move.DOWN, r"(tilt|pan|crane|pedestal)(s|ning|ing)?[ -]+down(wards?)?\b"),
)


@dataclass(frozen=True, kw_only=True)
class View:
    """What the camera sees: width of the view in frame widths (1 to 1 + SPARE) and its place in the spare room, 0–1."""

    wide: float
    across: float
    down: float


def move_for(prompt: str, seed: int) -> Move:
    """The move the prompt asks for ("zoom out", "pan left"), else one chosen by the seed."""
    for move, pattern in _ASKED:
        if re.search(pattern, prompt.lower()):
            return move
    return random.Random(seed).choice([Move.PUSH_IN, Move.PUSH_IN, Move.PULL_OUT, Move.LEFT, Move.RIGHT, Move.UP])


def views(move: Move, seed: int, seconds: float) -> tuple[View, View]:
    """Where the camera begins and ends; short films move less, so that they do not hurry."""
    rng = random.Random(f"{seed} {move}")
    reach = SPARE * min(1.0, 0.35 + seconds / 6)
    focus = rng.uniform(0.25, 0.75), rng.uniform(0.25, 0.6)
    whole = View(wide=1 + reach, across=0.5, down=0.5)
    close = View(wide=1.0, across=focus[0], down=focus[1])
    part = reach / SPARE / 2
    tilt = rng.uniform(0.35, 0.65)
    match move:
        case Move.PUSH_IN:
            return whole, close
        case Move.PULL_OUT:
            return close, whole
        case Move.RIGHT:
            return View(wide=1.01, across=0.5 - part, down=tilt), View(wide=1.0, across=0.5 + part, down=1 - tilt)
        case Move.LEFT:
            return View(wide=1.01, across=0.5 + part, down=tilt), View(wide=1.0, across=0.5 - part, down=1 - tilt)
        case Move.UP:
            return View(wide=1.03, across=tilt, down=0.5 + part), View(wide=1.0, across=1 - tilt, down=0.5 - part)
        case Move.DOWN:
            return View(wide=1.03, across=tilt, down=0.5 - part), View(wide=1.0, across=1 - tilt, down=0.5 + part)


class Camera:
    """Films still pictures for one frame size: the child fits them, ffmpeg moves over them."""

    def __init__(self, graph: Graph, decoder: Decoder, folder: Path, width: int, height: int) -> None:
        self._graph, self._decoder, self._folder = graph, decoder, folder
        self._width, self._height = width, height
        self._wide, self._high = (round(side * (1 + SPARE) / 2) * 2 for side in (width, height))

    def shot(self, name: str, picture: Path, way: tuple[View, View], frames: int) -> str:
        """`frames` frames over `picture`, which is centre-cropped to the shape; the name of the result in the graph."""
        raw = self._folder / f"{name}.raw"
        self._decoder.ask("cover", path=str(picture), out=str(raw), width=self._wide, height=self._high)
        still = self._graph.pixels(raw, self._wide, self._high, alpha=False)
        corners = self._corners(*way, frames)
        # The picture is decoded once and repeated; fractional corners, because zoompan's whole pixels jitter.
        return self._graph.chain(
            f"{still}trim=end_frame={frames},perspective={corners}:interpolation=linear:sense=source:eval=frame,"
            f"crop={self._width}:{self._height}:0:0,setsar=1"
        )

    def crossfade(self, first: str, second: str, frames: int, overlap: int) -> str:
        """`first` (its first `frames` frames) fading into `second` over its last `overlap` frames."""
        fps = self._graph.fps
        return self._graph.chain(
            f"{first}{second}xfade=transition=fade:duration={overlap / fps:.6f}:offset={(frames - overlap) / fps:.6f}"
        )

    def _corners(self, begin: View, end: View, frames: int) -> str:
        eased = f"(0.5-0.5*cos(PI*in/{max(1, frames - 1)}))"

        def between(one: float, other: float) -> str:
            return f"({one:.4f}+({other - one:.4f})*{eased})"

        def left(view: View) -> float:
            return (self._wide - view.wide * self._width) * view.across

        def top(view: View) -> float:
            return (self._high - view.wide * self._height) * view.down

        x, y = between(left(begin), left(end)), between(top(begin), top(end))
        # The result is as large as the picture; only the frame's size of it is kept, so the corners lie further out.
        across = between(left(begin) + begin.wide * self._wide, left(end) + end.wide * self._wide)
        down = between(top(begin) + begin.wide * self._high, top(end) + end.wide * self._high)
        places = {"x0": x, "y0": y, "x1": across, "y1": y, "x2": x, "y2": down, "x3": across, "y3": down}
        return ":".join(f"{name}='{value}'" for name, value in places.items())
