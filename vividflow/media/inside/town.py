"""What people built: rows of houses with windows, a sail on the sea."""

from __future__ import annotations

import random
from typing import Any

from PIL import Image

from vividflow.media.inside.brush import Sheet, fineness, veiled
from vividflow.media.inside.ground import Ground

Size = tuple[int, int]


def skyline(size: Size, shifts: list[float], look: dict[str, Any], rng: random.Random) -> list[Image.Image]:
    """Houses side by side, about `wide` units each; `lit` 0–1 of the windows shine."""
    ground = Ground(size, shifts, look, rng)
    panes = [ground.sheet() for _ in look["windows"]]
    x = -ground.unit * 0.05
    while x < ground.width + 4:
        wide = ground.unit * look["wide"] * rng.uniform(0.55, 1.35)
        high = ground.rise * (0.3 + 0.62 * rng.random() ** 1.6)
        top = ground.rise - high
        ground.body.box(x, top, x + wide, ground.height)
        _roof(ground, x, top, wide, rng)
        _windows(panes, ground, (x, top, wide), rng)
        x += wide + (ground.unit * rng.uniform(0, 0.02) if rng.random() < 0.4 else 0)
    ground.body.box(-1, ground.rise * 0.94, ground.width + 4, ground.height)
    for sheet, colour in zip(panes, look["windows"], strict=True):
        ground.over(sheet, colour)
    return ground.frames()


def _roof(ground: Ground, x: float, top: float, wide: float, rng: random.Random) -> None:
    middle = x + wide / 2
    match rng.randrange(6):
        case 0:
            ground.body.box(middle - wide * 0.02, top - ground.rise * 0.13, middle + wide * 0.02, top)
            ground.body.box(x + wide * 0.2, top - ground.rise * 0.03, x + wide * 0.8, top)
        case 1:
            ground.body.shape([(x, top), (x + wide, top), (x + wide, top - wide * 0.22)])
        case 2:
            for step in (0.16, 0.3):
                ground.body.box(x + wide * step, top - wide * step * 0.7, x + wide * (1 - step), top)
        case 3:
            ground.body.shape([(x + wide * 0.25, top), (middle, top - wide * 0.5), (x + wide * 0.75, top)])
        case _:
            ground.body.box(x + wide * 0.62, top - wide * 0.09, x + wide * 0.84, top)


def _windows(panes: list[Sheet], ground: Ground, house: tuple[float, float, float], rng: random.Random) -> None:
    x, top, wide = house
    look = ground.look
    pane = max(2.0, ground.unit * (0.0055 + 0.006 * look["near"]))
    gap = pane * rng.choice((0.9, 1.2, 1.6))
    tall = pane * rng.choice((0.8, 1.3, 1.7))
    edge = pane * 1.1
    lit = look["lit"] * rng.uniform(0.35, 1.5) if look["lit"] else 0.8
    warm = rng.randrange(len(panes))
    across = int((wide - 2 * edge + gap) / (pane + gap))
    down = int(min(ground.height - top, ground.rise * 1.0) / (tall + gap))
    left = x + (wide - across * (pane + gap) + gap) / 2
    for row in range(down):
        y = top + edge + row * (tall + gap)
        for number in range(across):
            if rng.random() < lit:
                sheet = panes[warm if rng.random() < 0.75 else rng.randrange(len(panes))]
                strength = rng.choice((120, 180, 235)) if look["lit"] else 110
                at = left + number * (pane + gap)
                sheet.box(at, y, at + pane, y + tall, strength)


def sail(size: Size, shifts: list[float], look: dict[str, Any], rng: random.Random) -> list[Image.Image]:
    """A small boat under sail."""
    width, height = size
    sheet = Sheet(width, height, fineness(width, height, shifts))
    tall = height * 0.62
    water = height * 0.86
    for _ in range(rng.choice((1, 1, 2))):
        x, big = rng.uniform(0.15, 0.85) * width, tall * rng.uniform(0.6, 1.0)
        sheet.shape(
            [
                (x - big * 0.34, water - big * 0.12),
                (x + big * 0.36, water - big * 0.12),
                (x + big * 0.24, water),
                (x - big * 0.24, water),
            ]
        )
        sheet.shape([(x, water - big), (x, water - big * 0.16), (x + big * 0.34, water - big * 0.18)])
        sheet.shape(
            [
                (x - big * 0.04, water - big * 0.9),
                (x - big * 0.04, water - big * 0.16),
                (x - big * 0.28, water - big * 0.18),
            ]
        )
    colour = Image.new("RGB", size, tuple(look["colour"]))
    return [veiled(colour, sheet.at(shift)) for shift in shifts]
