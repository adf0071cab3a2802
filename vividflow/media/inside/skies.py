"""The sky and what hangs in it: gradient, sun or moon, stars, clouds, mist, nebula, planet."""

from __future__ import annotations

import math
import random
from typing import Any

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from vividflow.media.inside.brush import column, curve, gradient, moved, noise, painted, veiled

Size = tuple[int, int]


def sky(size: Size, look: dict[str, Any], rng: random.Random) -> Image.Image:
    """The opaque background with everything that stands still in it."""
    width, height = size
    horizon = look["horizon"]
    rows = column(look["stops"], horizon)
    if horizon < height:
        rows += column([look["below"][0], look["below"][1]], height - horizon)
    picture = painted(rows, width, rng)
    if look["nebula"]:
        picture = _nebula(picture, look["nebula"], look["unit"], rng)
    if look["stars"]:
        picture.paste((255, 255, 255), mask=_stars(size, horizon, look["stars"], look["unit"], rng))
    if look["disc"]:
        picture = _disc(picture, look, rng)
    return picture


def _nebula(picture: Image.Image, colours: list[list[int]], unit: float, rng: random.Random) -> Image.Image:
    for number, colour in enumerate(colours):
        cloud = noise(picture.size, unit * 0.55, 5, rng).point(curve(105, 215, 200 - 50 * number))
        picture = Image.composite(Image.new("RGB", picture.size, tuple(colour)), picture, cloud)
    dark = noise(picture.size, unit * 0.3, 4, rng).point(curve(140, 210, 150))
    return Image.composite(Image.new("RGB", picture.size, (6, 5, 16)), picture, dark)


def _stars(size: Size, horizon: int, count: int, unit: float, rng: random.Random) -> Image.Image:
    mask = Image.new("L", size, 0)
    pen = ImageDraw.Draw(mask)
    for _ in range(count):
        x, y = rng.random() * size[0], rng.random() ** 1.4 * horizon
        light = int(40 + 190 * rng.random() ** 2)
        big = unit / 720 * rng.choice((0.5, 0.5, 0.8))
        pen.ellipse((x - big, y - big, x + big, y + big), fill=light)
    return mask


def _disc(picture: Image.Image, look: dict[str, Any], rng: random.Random) -> Image.Image:
    width, height = picture.size
    x, y = look["disc"][0] * width, look["disc"][1] * height
    unit = look["unit"]
    radius = unit * (0.042 if look["moon"] else rng.uniform(0.05, 0.075))
    for reach, strength in ((11.0, 88), (4.2, 110)):
        glow = _halo(int(radius * reach * 2), strength if not look["moon"] else strength // 2)
        mask = Image.new("L", picture.size, 0)
        mask.paste(glow, (round(x - glow.width / 2), round(y - glow.height / 2)))
        picture.paste(tuple(look["glow"]), mask=mask)
    fine = 4
    side = int(radius * 2 + 4)
    disc = Image.new("L", (side * fine, side * fine), 0)
    middle = side * fine / 2
    pen = ImageDraw.Draw(disc)
    big = radius * fine
    pen.ellipse((middle - big, middle - big, middle + big, middle + big), fill=255)
    if look["moon"]:
        off = big * rng.uniform(0.35, 0.75)
        pen.ellipse((middle - big - off, middle - big * 1.06, middle + big - off, middle + big * 0.94), fill=0)
    disc = disc.reduce(fine)
    picture.paste(tuple(look["disc_colour"]), (round(x - side / 2), round(y - side / 2)), disc)
    return picture


def _halo(side: int, strength: int) -> Image.Image:
    # Pillow's radial gradient is 255 in the corners and 180 at the middle of each side.
    fall = [round(strength * max(0.0, 1 - level / 178) ** 2.2) for level in range(256)]
    return Image.radial_gradient("L").point(fall).resize((side, side), Image.Resampling.BICUBIC)


def twinkling(size: Size, frames: int, look: dict[str, Any], rng: random.Random) -> list[Image.Image]:
    """Bright stars whose light comes and goes."""
    scale = look["unit"] / 720
    stars = [
        (
            rng.random() * size[0],
            rng.random() ** 1.3 * size[1],
            rng.uniform(0.8, 1.5) * scale,
            rng.random(),
            rng.choice((1, 2)),
        )
        for _ in range(look["count"])
    ]
    drawn: list[Image.Image] = []
    for number in range(frames):
        mask = Image.new("L", (size[0] * 2, size[1] * 2), 0)
        pen = ImageDraw.Draw(mask)
        for x, y, big, phase, pace in stars:
            light = int(150 + 105 * math.sin(2 * math.pi * (phase + pace * number / frames)))
            wide = big * 2
            pen.ellipse((x * 2 - wide, y * 2 - wide, x * 2 + wide, y * 2 + wide), fill=light)
        drawn.append(veiled(Image.new("RGB", size, (255, 250, 240)), mask.reduce(2)))
    return drawn


def starfield(size: Size, shifts: list[float], look: dict[str, Any], rng: random.Random) -> list[Image.Image]:
    """Stars that pass by: one of the layers of outer space."""
    mask = Image.new("L", (size[0] * 2, size[1] * 2), 0)
    pen = ImageDraw.Draw(mask)
    for _ in range(round(look["count"] * size[0] / size[1] / 1.8)):
        x, y = rng.random() * size[0] * 2, rng.random() * size[1] * 2
        big = look["big"] * look["unit"] / 720 * rng.uniform(0.6, 1.3)
        pen.ellipse((x - big, y - big, x + big, y + big), fill=rng.randint(120, 255))
    soft = mask.reduce(2).filter(ImageFilter.GaussianBlur(0.5))
    white = Image.new("RGB", size, (226, 232, 255))
    return [veiled(white, moved(soft, shift)) for shift in shifts]


def clouds(size: Size, shifts: list[float], look: dict[str, Any], rng: random.Random) -> list[Image.Image]:
    """Drifting clouds, thinning out towards the top and the horizon; `thick` 0–1 of the sky is covered."""
    unit = look["unit"]
    low = 208 - 105 * look["thick"]
    body = noise(size, unit * 0.2, 5, rng, stretch=2.6).point(curve(low, low + 62, 225))
    band = _band(size, 0.55, 1.0)
    mask = ImageChops.multiply(body, band)
    colour = Image.new("RGB", size, tuple(look["colour"]))
    return [veiled(colour, moved(mask, shift)) for shift in shifts]


def mist(size: Size, shifts: list[float], look: dict[str, Any], rng: random.Random) -> list[Image.Image]:
    """A lying bank of mist."""
    body = noise(size, look["unit"] * 0.16, 3, rng, stretch=4.0).point(curve(30, 215, 255 * look["strength"]))
    mask = ImageChops.multiply(body, _band(size, 0.5, 1.6))
    colour = Image.new("RGB", size, tuple(look["colour"]))
    return [veiled(colour, moved(mask, shift)) for shift in shifts]


def _band(size: Size, middle: float, power: float) -> Image.Image:
    levels: list[int] = []
    for row in range(size[1]):
        place = (row + 0.5) / size[1]
        far = (place / middle if place < middle else (1 - place) / (1 - middle)) * math.pi / 2
        levels.append(round(255 * math.sin(far) ** power))
    return Image.frombytes("L", (1, size[1]), bytes(levels)).resize(size)


def planet(size: Size, shifts: list[float], look: dict[str, Any], rng: random.Random) -> list[Image.Image]:
    """A banded planet with a shadow on one side, sometimes with a ring."""
    width, height = size
    radius = height * (0.31 if look["ring"] else 0.44)
    x, y = look["x"] * width, height / 2
    side = int(radius * 2) * 2
    one, other = look["colours"]
    pale = [min(255, part + 70) for part in one]
    body = gradient([pale, one, pale, other, one, other], (side, side), rng)
    swirl = noise((side, side), side / 5, 4, rng, stretch=5.0).point(curve(90, 190, 120))
    body = Image.composite(Image.new("RGB", (side, side), tuple(other)), body, swirl).rotate(rng.uniform(-20, 20))
    shade = Image.radial_gradient("L").resize((side * 2, side * 2), Image.Resampling.BICUBIC)
    shade = shade.crop((int(side * 0.72), int(side * 0.68), int(side * 0.72) + side, int(side * 0.68) + side))
    body = Image.composite(Image.new("RGB", (side, side), (5, 4, 14)), body, shade.point(curve(50, 150, 245)))
    disc = Image.new("L", (side, side), 0)
    ImageDraw.Draw(disc).ellipse((1, 1, side - 2, side - 2), fill=255)
    sheet = Image.new("RGBA", (width * 2, height * 2), (*other, 0))
    sheet.paste(veiled(body, disc), (int(x * 2 - side / 2), int(y * 2 - side / 2)))
    if look["ring"]:
        sheet = _ringed(sheet, (x * 2, y * 2), radius * 2, pale)
    small = sheet.reduce(2)
    return [moved(small, shift) for shift in shifts]


def _ringed(sheet: Image.Image, middle: tuple[float, float], radius: float, colour: list[int]) -> Image.Image:
    ring = Image.new("L", sheet.size, 0)
    pen = ImageDraw.Draw(ring)
    for reach, strength in ((1.95, 150), (1.72, 90), (1.6, 185), (1.38, 0)):
        across, down = radius * reach, radius * reach * 0.24
        pen.ellipse((middle[0] - across, middle[1] - down, middle[0] + across, middle[1] + down), fill=strength)
    behind = Image.new("L", sheet.size, 255)
    front = ImageDraw.Draw(behind)
    front.rectangle((0, 0, sheet.width, middle[1]), fill=0)
    hidden = ImageChops.multiply(sheet.getchannel("A"), ImageChops.invert(behind))
    ring = ImageChops.subtract(ring, hidden)
    return Image.alpha_composite(sheet, veiled(Image.new("RGB", sheet.size, tuple(colour)), ring))
