"""What falls and what glows: snow, rain, fireflies, the sun's path on the water."""

from __future__ import annotations

import math
import random
from typing import Any

from PIL import Image, ImageDraw, ImageFilter

from vividflow.media.inside.brush import veiled

Size = tuple[int, int]


def falling(size: Size, look: dict[str, Any], rng: random.Random) -> Image.Image:
    """Snow or rain on a canvas whose lower half repeats the upper, so that it can fall without end."""
    width, height = size[0], size[1] // 2
    near, unit = look["near"], look["unit"]
    mask = Image.new("L", (width * 2, height * 2), 0)
    pen = ImageDraw.Draw(mask)
    for _ in range(round(look["count"] * width * height / unit**2 / 1.8)):
        x, y = rng.random() * width * 2, rng.random() * height * 2
        if look["what"] == "rain":
            long = unit * rng.uniform(0.05, 0.09) * (0.5 + near) * 2
            for again in (0, -height * 2):
                line = (x, y + again, x - long * 0.07, y + long + again)
                pen.line(line, fill=rng.randint(45, 90), width=max(1, round(unit / 480 * (0.5 + near))))
        else:
            big = unit * rng.uniform(0.0022, 0.0048) * (0.5 + near) * 2
            for again in (0, -height * 2):
                pen.ellipse((x - big, y - big + again, x + big, y + big + again), fill=rng.randint(120, 230))
    tile = mask.reduce(2)
    if look["what"] == "snow":
        tile = tile.filter(ImageFilter.GaussianBlur(unit / 720 * 0.8))
    both = Image.new("L", size)
    both.paste(tile, (0, 0))
    both.paste(tile, (0, height))
    return veiled(Image.new("RGB", size, (244, 248, 255)), both)


def fireflies(size: Size, frames: int, look: dict[str, Any], rng: random.Random) -> list[Image.Image]:
    """Small lights that come and go."""
    unit = look["unit"]
    side = max(8, round(unit * 0.07))
    fall = [round(255 * max(0.0, 1 - level / 176) ** 3) for level in range(256)]
    spot = Image.radial_gradient("L").point(fall).resize((side, side), Image.Resampling.BICUBIC)
    lights = [
        (rng.random() * size[0], rng.random() * size[1], rng.random(), rng.uniform(0.5, 1.0))
        for _ in range(look["count"])
    ]
    drawn: list[Image.Image] = []
    for number in range(frames):
        mask = Image.new("L", size, 0)
        for x, y, phase, most in lights:
            turn = 2 * math.pi * (phase + number / frames)
            light = max(0.0, math.sin(turn)) * most
            at = (
                round(x + math.cos(turn) * unit * 0.02 - side / 2),
                round(y + math.sin(turn * 2) * unit * 0.012 - side / 2),
            )
            dim = spot.point([round(level * light) for level in range(256)])
            mask.paste(dim, at, dim)
        drawn.append(veiled(Image.new("RGB", size, tuple(look["colour"])), mask))
    return drawn


def glitter(size: Size, frames: int, look: dict[str, Any], rng: random.Random) -> list[Image.Image]:
    """The path of light that sun or moon lays on water, breaking up towards us."""
    width, height = size
    middle = look["x"] * width
    unit = look["unit"]
    dashes = []
    for _ in range(230):
        deep = rng.random() ** 1.5
        spread = unit * (0.03 + look["wide"] * deep)
        dashes.append(
            (rng.gauss(middle, spread * 0.55), deep, unit * (0.006 + 0.03 * deep) * rng.uniform(0.4, 1.2), rng.random())
        )
    drawn: list[Image.Image] = []
    for number in range(frames):
        mask = Image.new("L", (width, height * 2), 0)
        pen = ImageDraw.Draw(mask)
        for x, deep, wide, phase in dashes:
            light = 0.5 + 0.5 * math.sin(2 * math.pi * (phase + number / frames))
            y, thick = deep * height * 2, max(1.0, unit * 0.0022 * (0.6 + deep)) * 2
            pen.ellipse((x - wide, y - thick, x + wide, y + thick), fill=round(40 + 190 * light * (1 - 0.45 * deep)))
        drawn.append(veiled(Image.new("RGB", size, tuple(look["colour"])), mask.reduce((1, 2))))
    return drawn
