"""Ground in silhouette: peaks, hills, dunes, mesas, waves. Each comes in the shifts its motion needs."""

from __future__ import annotations

import math
import random
from typing import Any

from PIL import Image

from vividflow.media.inside.brush import MARGIN, Sheet
from vividflow.media.inside.ground import Ground
from vividflow.media.inside.growth import cactus, grass_on, pine, round_tree

Size = tuple[int, int]


def peaks(size: Size, shifts: list[float], look: dict[str, Any], rng: random.Random) -> list[Image.Image]:
    """A jagged range; with `snow` the high parts are white, with `island` it rises from water here and there."""
    ground = Ground(size, shifts, look, rng)
    heights = ground.fractal(look["rough"], ground.unit / 240)
    if look.get("island"):
        heights = [max(-0.05, (height - 0.62) / 0.38) for height in heights]
        line = ground.rise
    else:
        line = ground.rise * 1.02
    crest = [line - height * ground.rise * 0.96 for height in heights]
    if look.get("island"):
        _island(ground, crest, line)
        return ground.frames()
    ground.body.land(crest)
    if look["snow"]:
        _snow(ground, crest, heights)
    return ground.frames()


def _island(ground: Ground, crest: list[float], line: float) -> None:
    across = (ground.width + MARGIN) / (len(crest) - 1)
    points = [(number * across, y) for number, y in enumerate(crest)]
    ground.body.shape([(-1, line), *points, (ground.width + MARGIN + 1, line)])
    ground.body.box(-1, line, ground.width + MARGIN + 1, ground.height, 0)


def _snow(ground: Ground, crest: list[float], heights: list[float]) -> None:
    """White above a ragged line."""
    sheet = ground.sheet()
    across = (ground.width + MARGIN) / (len(crest) - 1)
    points = [(number * across, y - 1) for number, y in enumerate(crest)]
    ragged: list[tuple[float, float]] = []
    tooth = 0.0
    for number in range(len(crest) - 1, -1, -3):
        tooth = 0.55 * tooth + ground.rng.uniform(-0.07, 0.07)
        deep = max(0.0, heights[number] - 0.5) * (0.62 + tooth * 3)
        ragged.append((number * across, crest[number] + deep * ground.rise - (2 if deep == 0 else 0)))
    sheet.shape([*points, *ragged], 235)
    ground.over(sheet, ground.look["snow"])


def hills(size: Size, shifts: list[float], look: dict[str, Any], rng: random.Random) -> list[Image.Image]:
    """Rolling ground; `trees` 0–1 says how wooded its crest is."""
    ground = Ground(size, shifts, look, rng)
    wood = ground.unit * 0.05 if look["trees"] else 0.0
    crest = [wood + (1 - height) * (ground.rise - wood) for height in ground.swell(ground.unit * 0.95)]
    ground.body.land(crest)
    x = 0.0
    while look["trees"] and x < ground.width:
        grove = math.sin(x / ground.unit * 4.1) + math.sin(x / ground.unit * 1.7 + 2) * 0.7
        x += ground.unit * rng.uniform(0.008, 0.02)
        if rng.random() > look["trees"] + grove * 0.35:
            continue
        foot = ground.height_at(crest, x) + 2
        if not look["leafy"] or rng.random() < 0.75:
            pine(ground.body, x, foot, ground.unit * rng.uniform(0.022, 0.05), rng)
        else:
            round_tree(ground.body, x, foot, ground.unit * rng.uniform(0.02, 0.034), rng)
    return ground.frames()


def pines(size: Size, shifts: list[float], look: dict[str, Any], rng: random.Random) -> list[Image.Image]:
    """A wood of firs, the tallest `tall` units high."""
    ground = Ground(size, shifts, look, rng)
    tall = look["tall"] * ground.unit
    floor = [ground.rise - height * (ground.rise - tall) * 0.9 for height in ground.swell(ground.unit * 1.1, 2)]
    ground.body.land(floor)
    x = -tall * 0.2
    while x < ground.width + tall * 0.2:
        grove = 0.5 + 0.5 * math.sin(x / ground.unit * 3.3 + 1) * math.sin(x / ground.unit * 1.3)
        height = tall * (0.45 + 0.35 * grove + rng.uniform(-0.12, 0.2))
        pine(ground.body, x, ground.height_at(floor, x) + 2 + height * 0.05, height, rng)
        x += tall * rng.uniform(0.08, 0.26) * (1.7 - grove)
    return ground.frames()


def dunes(size: Size, shifts: list[float], look: dict[str, Any], rng: random.Random) -> list[Image.Image]:
    """Sand, with a sharp crest between the lit and the shaded side; `cactus` in front."""
    ground = Ground(size, shifts, look, rng)
    length = ground.unit * 1.25
    swell = ground.swell(length, 2)
    crest = [ground.rise * (0.12 + 0.86 * (1 - abs(2 * height - 1) ** 1.25)) for height in swell]
    ground.body.land(crest)
    shade = ground.sheet()
    across = (ground.width + MARGIN) / (len(crest) - 1)
    side = 1 if look["light"] else -1
    reach = max(2, round(length / 5 / across))
    for top in range(reach, len(crest) - reach):
        if crest[top] <= min(crest[top - reach : top + reach + 1]):
            flank: list[tuple[float, float]] = []
            number = top
            while 0 <= number < len(crest) and abs(number - top) < reach * 2.2:
                flank.append((number * across, crest[number] - 1))
                number += side
            end = flank[-1]
            x, y = top * across, crest[top]
            back = [
                (x + (end[0] - x) * part, y + (end[1] - y) * part + ground.rise * 0.9 * math.sin(part * math.pi) ** 0.7)
                for part in (0.9, 0.8, 0.65, 0.5, 0.35, 0.2, 0.1)
            ]
            shade.shape([*flank, *back], 200)
    ground.over(shade, look["shade"])
    if look["cactus"]:
        for _ in range(max(2, round(ground.width / ground.unit * 1.1))):
            x = rng.random() * ground.width
            tall = ground.unit * rng.uniform(0.06, 0.13)
            plants = ground.sheet()
            cactus(plants, x, ground.height_at(crest, x) + 3, min(tall, ground.height_at(crest, x)), rng)
            cactus_body(ground, plants)
    return ground.frames()


def cactus_body(ground: Ground, plants: Sheet) -> None:
    """Adds what is on `plants` to the body, in a dark green."""
    ground.body.mask.paste(255, mask=plants.mask)
    ground.over(plants, [round(part * 0.4) for part in (60, 92, 62)])


def mesas(size: Size, shifts: list[float], look: dict[str, Any], rng: random.Random) -> list[Image.Image]:
    """Flat-topped rocks on a plain."""
    ground = Ground(size, shifts, look, rng)
    unit = ground.unit
    x, points = -unit * 0.1, [(-2.0, ground.rise)]
    while x < ground.width + unit * 0.1:
        wide, high = unit * rng.uniform(0.08, 0.34), ground.rise * rng.uniform(0.3, 0.95)
        slope = high * 0.42
        top = ground.rise - high
        points += [(x, ground.rise), (x + slope, top + high * 0.45), (x + slope * 1.15, top)]
        points += [(x + slope * 1.15 + wide, top + rng.uniform(0, 3)), (x + slope * 1.3 + wide, top + high * 0.45)]
        points += [(x + slope * 2.4 + wide, ground.rise)]
        x += slope * 2.4 + wide + unit * rng.uniform(0.05, 0.5)
    ground.body.shape([*points, (ground.width + 4, ground.rise), (ground.width + 4, size[1] + 1), (-2, size[1] + 1)])
    return ground.frames()


def waves(size: Size, shifts: list[float], look: dict[str, Any], rng: random.Random) -> list[Image.Image]:
    """Rows of waves with pointed crests and a little foam on them."""
    ground = Ground(size, shifts, look, rng)
    long = ground.rise * rng.uniform(6.0, 8.0)
    swell = ground.swell(long, 2)
    crest = [ground.rise * (1 - (1 - abs(2 * height - 1)) ** 1.5 * 0.9) for height in swell]
    ground.body.land(crest)
    foam = ground.sheet()
    across = (ground.width + MARGIN) / (len(crest) - 1)
    thin = max(1.2, ground.unit * 0.0035)
    points = [(number * across, y) for number, y in enumerate(crest)]
    under = [(x, y + thin * (0.25 + 1.6 * max(0.0, 1 - y / ground.rise))) for x, y in reversed(points)]
    foam.shape([*points, *under], 170)
    for _ in range(round(ground.width / ground.unit * 16)):
        x, y = rng.random() * ground.width, ground.rise * rng.uniform(1.1, 4.0)
        wide = ground.unit * rng.uniform(0.01, 0.05)
        foam.round(x, y, wide, thin * 0.5, 60)
    ground.over(foam, look["foam"])
    return ground.frames()


def grass(size: Size, shifts: list[float], look: dict[str, Any], rng: random.Random) -> list[Image.Image]:
    """The meadow at our feet: blades and `flowers`."""
    ground = Ground(size, shifts, look, rng)
    tall = ground.unit * 0.1
    crest = [tall + (1 - height) * (ground.rise - tall) for height in ground.swell(ground.unit * 1.3, 2)]
    ground.body.land(crest)
    blossoms = [ground.sheet() for _ in look["flowers"]]
    grass_on(ground.body, blossoms, lambda x: ground.height_at(crest, x), ground.unit, rng)
    for sheet, colour in zip(blossoms, look["flowers"], strict=True):
        ground.body.mask.paste(255, mask=sheet.mask)
        ground.over(sheet, colour)
    return ground.frames()
