"""The colours of a landscape: sky, haze, light and ground for each time of day and kind. Colours are (red, green, blue)."""

from __future__ import annotations

import colorsys
import random
from dataclasses import dataclass

Colour = tuple[int, int, int]


@dataclass(frozen=True, kw_only=True)
class Palette:
    """`sky` from the top to the horizon; `haze` is what distance fades into; `near` the ground at our feet."""

    sky: tuple[Colour, ...]
    haze: Colour
    near: Colour
    disc: Colour
    glow: Colour
    cloud: Colour
    night: bool

    def at(self, depth: float) -> Colour:
        """The colour of the ground at `depth`: 0 in the distance, 1 at our feet."""
        return mix(self.haze, self.near, depth**0.85)


def rgb(code: str) -> Colour:
    """ "f4a03c" as a colour."""
    return int(code[0:2], 16), int(code[2:4], 16), int(code[4:6], 16)


def mix(one: Colour, other: Colour, part: float) -> Colour:
    """`one` with `part` (0–1) of `other` in it."""
    red, green, blue = (round(a + (b - a) * part) for a, b in zip(one, other, strict=True))
    return red, green, blue


_SKIES = {
    "day": (("1f6fd0", "62a8ea", "b5dbf6", "e9f5fb"), ("2a86c8", "7cc0e6", "c9e8ee", "f7f4e4")),
    "sunset": (("27245c", "70357f", "d9505f", "f99a4e", "ffd58c"), ("1f3a6e", "5b5d95", "c77b8b", "f6a56b", "ffe0a3")),
    "dawn": (("45599f", "8a86bf", "d9a9bd", "f8c9ae", "fdeacb"), ("3f7fa8", "86b3c4", "d9cfc8", "f6d6b8", "fdf0d2")),
    "night": (("04071a", "0a1638", "152b59", "29477a"), ("070516", "171338", "2a2359", "4a3a78")),
}
_HAZE = {"day": "cfe3ee", "sunset": "f0996a", "dawn": "eec7b8", "night": "2b4673"}
_LIGHT = {"day": (1.0, 1.0, 1.0), "sunset": (0.62, 0.4, 0.47), "dawn": (0.72, 0.62, 0.72), "night": (0.13, 0.18, 0.34)}
_DISC = {"day": "fffbe8", "sunset": "fff0c0", "dawn": "fff3d6", "night": "f3f1e2"}
_GLOW = {"day": "fff6d8", "sunset": "ffb45e", "dawn": "ffd9a8", "night": "8fa8d8"}
_CLOUD = {"day": "ffffff", "sunset": "ffb38a", "dawn": "fff0e6", "night": "3a5080"}
_GROUND = {
    "mountains": "26435a",
    "ocean": "0b4f74",
    "forest": "14402c",
    "city": "222b42",
    "desert": "a4532a",
    "snow": "8fb0d0",
    "meadow": "3d7a2c",
    "space": "3a3550",
}


def palette(kind: str, time: str, rng: random.Random) -> Palette:
    """The colours for a kind of landscape at a time of day, turned a little by chance so that no two are quite alike."""
    turn = rng.uniform(-0.025, 0.025)
    sky = tuple(_turned(rgb(code), turn) for code in rng.choice(_SKIES[time]))
    light = _LIGHT[time]
    ground = rgb(_GROUND[kind])
    near = tuple(round(part * shine) for part, shine in zip(ground, light, strict=True))
    return Palette(
        sky=sky,
        haze=_turned(mix(rgb(_HAZE[time]), sky[-1], 0.35), turn),
        near=_turned((near[0], near[1], near[2]), turn),
        disc=rgb(_DISC[time]),
        glow=rgb(_GLOW[time]),
        cloud=mix(rgb(_CLOUD[time]), sky[-1], 0.15),
        night=time == "night",
    )


def _turned(colour: Colour, turn: float) -> Colour:
    hue, light, strength = colorsys.rgb_to_hls(*(part / 255 for part in colour))
    red, green, blue = (round(part * 255) for part in colorsys.hls_to_rgb((hue + turn) % 1, light, strength))
    return red, green, blue
