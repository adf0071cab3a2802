"""What every drawing needs: smooth colour, seeded noise, sharp outlines, parts of a pixel, and frames on disk.

Everything random comes from the `random.Random` that is handed in (Pillow's own noise has no seed).
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw

Colour = Sequence[int]
MARGIN = 2


def column(stops: Sequence[Colour], height: int) -> list[tuple[float, float, float]]:
    """A colour for each of `height` rows, running evenly through `stops`."""
    rows: list[tuple[float, float, float]] = []
    for row in range(height):
        place = row / max(1, height - 1) * (len(stops) - 1)
        number = min(int(place), len(stops) - 2)
        part = place - number
        one, other = stops[number], stops[number + 1]
        rows.append(
            (
                one[0] + (other[0] - one[0]) * part,
                one[1] + (other[1] - one[1]) * part,
                one[2] + (other[2] - one[2]) * part,
            )
        )
    return rows


def painted(rows: Sequence[tuple[float, float, float]], width: int, rng: random.Random) -> Image.Image:
    """An RGB picture with one colour a row; what is lost to whole numbers is scattered, so that no bands show."""
    size = (width, len(rows))
    grain = Image.frombytes("L", size, rng.randbytes(width * len(rows)))
    bands: list[Image.Image] = []
    for band in range(3):
        levels = [min(254.99, max(0.0, row[band])) for row in rows]
        whole = Image.frombytes("L", (1, len(rows)), bytes(int(level) for level in levels)).resize(size)
        part = Image.frombytes("L", (1, len(rows)), bytes(int(level % 1 * 255) for level in levels)).resize(size)
        up = ImageChops.subtract(part, grain).point([0] + [1] * 255)
        bands.append(ImageChops.add(whole, up))
    return Image.merge("RGB", bands)


def gradient(stops: Sequence[Colour], size: tuple[int, int], rng: random.Random) -> Image.Image:
    """An RGB picture that runs from the first to the last of `stops`, top to bottom."""
    return painted(column(stops, size[1]), size[0], rng)


def noise(size: tuple[int, int], cell: float, octaves: int, rng: random.Random, stretch: float = 1.0) -> Image.Image:
    """Smooth clouds of grey: cells of about `cell` pixels (times `stretch` in width), then ever finer ones."""
    whole = Image.new("L", size, 128)
    for octave in range(octaves):
        across = max(2, round(size[0] / cell / stretch * 2**octave) + 2)
        down = max(2, round(size[1] / cell * 2**octave) + 2)
        small = Image.frombytes("L", (across, down), rng.randbytes(across * down))
        layer = small.resize(size, Image.Resampling.BICUBIC)
        whole = layer if octave == 0 else Image.blend(whole, layer, 0.5**octave / (2 - 0.5**octave))
    return whole


def curve(low: float, high: float, most: float = 255.0) -> list[int]:
    """A table for `Image.point`: 0 below `low`, `most` above `high`, a soft step between."""
    table: list[int] = []
    for level in range(256):
        part = min(1.0, max(0.0, (level - low) / (high - low)))
        table.append(round(part * part * (3 - 2 * part) * most))
    return table


class Sheet:
    """A mask on which outlines are drawn in pixels of the layer, finer than the layer so that edges come out smooth."""

    def __init__(self, width: int, height: int, fine: tuple[int, int]) -> None:
        self.width, self.height = width, height
        self.fine = fine
        self.mask = Image.new("L", ((width + MARGIN) * fine[0], height * fine[1]), 0)
        self._pen = ImageDraw.Draw(self.mask)

    def _scaled(self, points: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
        return [(x * self.fine[0], y * self.fine[1]) for x, y in points]

    def shape(self, points: Iterable[tuple[float, float]], strength: int = 255) -> None:
        """Fills the outline."""
        self._pen.polygon(self._scaled(points), fill=strength)

    def box(self, left: float, top: float, right: float, bottom: float, strength: int = 255) -> None:
        """Fills a rectangle."""
        (x0, y0), (x1, y1) = self._scaled([(left, top), (right, bottom)])
        self._pen.rectangle((x0, y0, max(x0, x1 - 1), max(y0, y1 - 1)), fill=strength)

    def round(self, x: float, y: float, across: float, down: float, strength: int = 255) -> None:
        """Fills an ellipse around (`x`, `y`)."""
        (x0, y0), (x1, y1) = self._scaled([(x - across, y - down), (x + across, y + down)])
        self._pen.ellipse((x0, y0, x1, y1), fill=strength)

    def land(self, crest: Sequence[float]) -> None:
        """Fills everything below `crest`, heights in pixels from the top, spread evenly over the width and the margin."""
        across = (self.width + MARGIN) / (len(crest) - 1)
        points = [(number * across, y) for number, y in enumerate(crest)]
        self.shape([(-1, self.height + 1), *points, (self.width + MARGIN + 1, self.height + 1)])

    def at(self, shift: float) -> Image.Image:
        """The mask in pixels of the layer, moved to the left by `shift` (less than `MARGIN`)."""
        left = round(shift * self.fine[0])
        box = (left, 0, left + self.width * self.fine[0], self.height * self.fine[1])
        return self.mask.reduce(self.fine, box)


def fineness(width: int, height: int, shifts: Sequence[float]) -> tuple[int, int]:
    """How much finer than the layer its outlines are drawn: enough for the shifts and for smooth edges."""
    parts = max(2, *(next(count for count in (1, 2, 4) if (shift * count) % 1 == 0) for shift in shifts))
    return (parts, 2) if width * height < 12_000_000 else (max(1, parts // 2), 1)


def moved(image: Image.Image, shift: float) -> Image.Image:
    """A soft picture moved to the left by a part of a pixel."""
    if not shift:
        return image
    return image.transform(image.size, Image.Transform.AFFINE, (1, 0, shift, 0, 1, 0), Image.Resampling.BILINEAR)


def veiled(colour: Image.Image, mask: Image.Image) -> Image.Image:
    """`colour` (RGB), seen through `mask`."""
    sheet = colour.convert("RGBA")
    sheet.putalpha(mask)
    return sheet


def write(frames: Iterable[Image.Image], out: str) -> None:
    """The frames as bare bytes, one after the other."""
    with Path(out).open("wb") as file:
        for frame in frames:
            file.write(frame.tobytes())
