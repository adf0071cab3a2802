"""Draws the layers of a planned scene to files of bare pixels: RGB for the sky, RGBA for what lies over it."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from PIL import Image

from vividflow.media.inside import lands, skies, town, weather
from vividflow.media.inside.brush import write

_SHIFTED: dict[str, Callable[..., list[Image.Image]]] = {
    "clouds": skies.clouds,
    "mist": skies.mist,
    "starfield": skies.starfield,
    "planet": skies.planet,
    "peaks": lands.peaks,
    "hills": lands.hills,
    "pines": lands.pines,
    "dunes": lands.dunes,
    "mesas": lands.mesas,
    "waves": lands.waves,
    "grass": lands.grass,
    "skyline": town.skyline,
    "sail": town.sail,
}
_TWINKLING: dict[str, Callable[..., list[Image.Image]]] = {
    "stars": skies.twinkling,
    "fireflies": weather.fireflies,
    "glitter": weather.glitter,
}
_STILL: dict[str, Callable[..., Image.Image]] = {"sky": skies.sky, "falling": weather.falling}


def draw(
    what: str, out: str, width: int, height: int, seed: int, shifts: list[float], frames: int, look: dict[str, Any]
) -> dict[str, Any]:
    """Draws one layer: `what` it shows, in `frames` frames or one for each of `shifts`, to the file `out`."""
    rng = random.Random(seed)
    size = (width, height)
    if what in _STILL:
        drawn = [_STILL[what](size, look, rng)]
    elif what in _TWINKLING:
        drawn = _TWINKLING[what](size, frames, look, rng)
    else:
        drawn = _SHIFTED[what](size, shifts, look, rng)
    write(drawn, out)
    return {"frames": len(drawn)}
