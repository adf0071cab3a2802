"""Frame sizes: from "720p" and "16:9" to pixels, and from a picture to the nearest shape."""

from __future__ import annotations

import math
from collections.abc import Sequence

SHORTER_SIDES = {"360p": 360, "480p": 480, "720p": 720, "1080p": 1080, "4k": 2160}


def size_of(resolution: str, aspect_ratio: str) -> tuple[int, int]:
    """Width and height in pixels, both even: the shorter side is the resolution's ("4k" is 2160).

    Raises `ValueError` for a resolution or a shape that is none.
    """
    short = SHORTER_SIDES.get(resolution.lower())
    if short is None:
        raise ValueError(f"{resolution!r} is not one of {', '.join(SHORTER_SIDES)}")
    ratio = ratio_of(aspect_ratio)
    long = 2 * round(short * max(ratio, 1 / ratio) / 2)
    return (long, short) if ratio >= 1 else (short, long)


def ratio_of(aspect_ratio: str) -> float:
    """Width divided by height of a shape such as "16:9"; `ValueError` when it is none."""
    wide, colon, high = aspect_ratio.partition(":")
    if not colon or not (wide.isascii() and wide.isdigit() and high.isascii() and high.isdigit()):
        raise ValueError(f"{aspect_ratio!r} is not a shape such as 16:9")
    if not int(wide) or not int(high):
        raise ValueError(f"{aspect_ratio!r} has a side of nothing")
    return int(wide) / int(high)


def nearest_shape(width: int, height: int, allowed: Sequence[str]) -> str:
    """The shape among `allowed` of which a picture of this size loses least when it is cropped; the first of equals."""
    shown = math.log(width / height)
    return min(allowed, key=lambda shape: abs(math.log(ratio_of(shape)) - shown))
