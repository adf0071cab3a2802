"""One layer of a landscape in numbers, and the frame it is made for.

A layer that moves slower than a pixel a frame is drawn in several frames, each shifted by a part of a pixel, so that ffmpeg
has to place it on even pixels only (where colour lies too) and the motion is smooth all the same.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Layer:
    """One layer: what is drawn, the size of its canvas, where it lies and how it moves (pixels, frames).

    `step` pixels a frame to the left (negative: to the right), `fall` pixels a frame down, endlessly. `shifts` are the
    parts of a pixel of the frames drawn for `step`; `frames` drawn frames shown at `rate` a second otherwise.
    """

    draw: str
    width: int
    height: int
    top: int
    step: Fraction = Fraction(0)
    start: int = 0
    fall: int = 0
    shifts: tuple[float, ...] = (0.0,)
    frames: int = 1
    rate: int | None = None
    seed: int = 0
    look: dict[str, Any] = field(default_factory=dict)

    @property
    def drawn(self) -> int:
        """How many frames the child draws."""
        return max(self.frames, len(self.shifts))


@dataclass(frozen=True, kw_only=True)
class Stage:
    """The frame a scene is planned for: pixels, frames a second, number of frames."""

    width: int
    height: int
    fps: int
    frames: int

    @property
    def unit(self) -> float:
        """A length that looks alike in every shape: 720 for 1280 × 720."""
        return math.sqrt(self.width * self.height) * 0.75

    def moving(self, speed: float) -> tuple[Fraction, int, int, tuple[float, ...]]:
        """Step, start, canvas width and shifts of a layer that passes `speed` of the frame's width a second.

        Slow layers move by quarters of a pixel (of a 720p frame), fast ones by whole pixels.
        """
        wished = abs(speed) * self.width / self.fps
        parts = 1 if wished >= 1 else 4 if self.unit < 800 else 2 if self.unit < 1500 else 1
        step = Fraction(round(wished * parts), parts)
        if speed and not step:
            step = Fraction(1, parts)
        way = math.ceil(step * self.frames)
        start = 0 if speed >= 0 else way + way % 2
        if speed < 0:
            step = -step
        cycle = next(count for count in (1, 2, 4, 8) if (step * count) % 2 == 0)
        shifts = tuple(float((start + step * number) % 2) for number in range(cycle))
        width = self.width + way + 6
        return step, start, width + width % 2, shifts
