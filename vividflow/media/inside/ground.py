"""One layer of ground while it is drawn: its crest, its body, and what is painted over the body."""

from __future__ import annotations

import itertools
import math
import random
from typing import Any

from PIL import Image

from vividflow.media.inside.brush import MARGIN, Sheet, fineness, gradient, veiled


class Ground:
    """One layer of ground while it is drawn: its size, its crest in pixels from the top, the colours over the body."""

    def __init__(self, size: tuple[int, int], shifts: list[float], look: dict[str, Any], rng: random.Random) -> None:
        self.width, self.height = size
        self.shifts, self.look, self.rng = shifts, look, rng
        self.unit: float = look["unit"]
        self.rise: float = look["rise"]
        self.fine = fineness(self.width, self.height, shifts)
        self.body = self.sheet()
        self.strata: list[tuple[Sheet, Image.Image]] = []

    def sheet(self) -> Sheet:
        """An empty sheet of this layer's size."""
        return Sheet(self.width, self.height, self.fine)

    def over(self, sheet: Sheet, colour: Any) -> None:
        """Paints `colour` over the body where `sheet` is filled."""
        self.strata.append((sheet, Image.new("RGB", (self.width, self.height), tuple(colour))))

    def frames(self) -> list[Image.Image]:
        """The finished layer, once for each shift."""
        colour = gradient([self.look["crest"], self.look["foot"]], (self.width, self.height), self.rng)
        drawn: list[Image.Image] = []
        for shift in self.shifts:
            picture = colour.copy()
            for sheet, paint in self.strata:
                picture.paste(paint, mask=sheet.at(shift))
            drawn.append(veiled(picture, self.body.at(shift)))
        return drawn

    def fractal(self, rough: float, step: float) -> list[float]:
        """Heights 0–1 about every `step` pixels by halving and displacing."""
        count = 1
        while self.width / count > step:
            count *= 2
        start = max(2, round(self.width / (self.unit * 0.7)))
        heights = [self.rng.random() for _ in range(start + 1)]
        spread = 0.5
        while len(heights) < count:
            finer: list[float] = []
            for left, right in itertools.pairwise(heights):
                finer += [left, (left + right) / 2 + self.rng.uniform(-spread, spread) * rough]
            heights = [*finer, heights[-1]]
            spread *= rough
        low, high = min(heights), max(heights)
        return [(height - low) / max(1e-6, high - low) for height in heights]

    def swell(self, length: float, octaves: int = 3) -> list[float]:
        """Heights 0–1 of soft waves of about `length` pixels, one every four pixels."""
        waves = [
            (length * self.rng.uniform(0.8, 1.25) / 1.9**number, self.rng.random(), 0.5**number)
            for number in range(octaves)
        ]
        count = (self.width + MARGIN) // 4 + 2
        across = (self.width + MARGIN) / (count - 1)
        most = sum(part for _, _, part in waves)
        return [
            0.5 + 0.5 * sum(part * math.sin(2 * math.pi * (i * across / long + at)) for long, at, part in waves) / most
            for i in range(count)
        ]

    def height_at(self, crest: list[float], x: float) -> float:
        """How far from the top the crest is at `x`."""
        place = min(max(0.0, x / (self.width + MARGIN)), 1.0) * (len(crest) - 1)
        number = min(int(place), len(crest) - 2)
        return crest[number] + (crest[number + 1] - crest[number]) * (place - number)
