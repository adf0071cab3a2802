"""What grows: firs, round trees, grass with flowers, cacti; outlines on a sheet."""

from __future__ import annotations

import random
from collections.abc import Callable

from vividflow.media.inside.brush import Sheet


def pine(sheet: Sheet, x: float, foot: float, tall: float, rng: random.Random) -> None:
    """A fir of `tall` pixels that stands at (`x`, `foot`)."""
    wide = tall * rng.uniform(0.17, 0.23)
    sheet.box(x - tall * 0.018, foot - tall * 0.2, x + tall * 0.018, foot)
    tiers = 5 if tall < 60 else 8
    right: list[tuple[float, float]] = []
    left: list[tuple[float, float]] = []
    for tier in range(tiers):
        part = (tier + 1) / tiers
        y = foot - tall + tall * 0.95 * part
        out = wide * part**0.85
        back = out * 0.55
        lift = tall * 0.012 * tiers / 5
        right += [(x + out * rng.uniform(0.85, 1.1), y + lift), (x + back * 0.9, y - lift)]
        left += [(x - out * rng.uniform(0.85, 1.1), y + lift), (x - back * 0.9, y - lift)]
    sheet.shape([(x, foot - tall), *right[:-1], *reversed(left[:-1])])


def round_tree(sheet: Sheet, x: float, foot: float, big: float, rng: random.Random) -> None:
    """A leafy tree whose crown is about `big` pixels across."""
    sheet.box(x - big * 0.09, foot - big, x + big * 0.09, foot)
    for _ in range(6):
        size = big * rng.uniform(0.35, 0.55)
        sheet.round(x + big * rng.uniform(-0.4, 0.4), foot - big * rng.uniform(0.8, 1.4), size, size * 0.85)


def grass_on(
    body: Sheet, blossoms: list[Sheet], crest: Callable[[float], float], unit: float, rng: random.Random
) -> None:
    """Blades along the crest, and flowers of each sheet's colour among them."""
    x = 0.0
    while x < body.width + 2:
        tall = unit * rng.uniform(0.012, 0.055) * (1.5 if rng.random() < 0.1 else 1.0)
        lean = tall * rng.uniform(-0.5, 0.5)
        y = crest(x) + 4
        thick = unit * 0.0028
        body.shape(
            [(x - thick, y), (x + lean * 0.5 - thick * 0.4, y - tall * 0.6), (x + lean, y - tall), (x + thick, y)]
        )
        x += unit * rng.uniform(0.002, 0.007)
    for _ in range(round(body.width / unit * 55)):
        x = rng.random() * body.width
        ground = crest(x)
        lift = rng.uniform(-0.04, 0.13) * unit
        near = 0.7 + max(0.0, lift / unit) * 8
        size = unit * rng.uniform(0.004, 0.007) * near
        y = ground + lift
        body.box(x - unit * 0.0012, y, x + unit * 0.0012, max(y + 1, ground + 4))
        sheet = rng.choice(blossoms)
        for dx, dy in ((0.0, -0.8), (0.76, -0.25), (0.47, 0.65), (-0.47, 0.65), (-0.76, -0.25)):
            sheet.round(x + dx * size, y + dy * size, size * 0.55, size * 0.55)


def cactus(sheet: Sheet, x: float, foot: float, tall: float, rng: random.Random) -> None:
    """A saguaro of `tall` pixels."""
    thick = tall * 0.085
    _stem(sheet, x, foot, foot - tall, thick)
    for side in (-1, 1):
        if rng.random() < 0.85:
            base = foot - tall * rng.uniform(0.35, 0.55)
            out = x + side * tall * rng.uniform(0.2, 0.28)
            sheet.box(min(x, out), base - thick * 0.7, max(x, out), base + thick * 0.7)
            sheet.round(out, base, thick * 0.75, thick * 0.75)
            _stem(sheet, out, base, base - tall * rng.uniform(0.22, 0.38), thick * 0.75)


def _stem(sheet: Sheet, x: float, foot: float, top: float, thick: float) -> None:
    sheet.box(x - thick, top + thick, x + thick, foot)
    sheet.round(x, top + thick, thick, thick)
