"""The building stones of a landscape: sky, clouds, ground, mist and weather, placed and coloured."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

from vividflow.media.scenes.layer import Layer, Stage
from vividflow.media.scenes.palette import Colour, Palette, mix, rgb

FAR, MIDDLE, NEAR, FRONT = 0.006, 0.013, 0.027, 0.055


class Painter:
    """Chooses places, sizes, colours and speeds of the layers of one scene."""

    def __init__(self, colours: Palette, rng: random.Random, stage: Stage, kind: str, weather: str) -> None:
        self.colours = colours
        self.rng = rng
        self.stage = stage
        self.kind = kind
        self.weather = weather
        self.way = rng.choice((1, -1))
        self.horizon = round(stage.height * (0.58 if kind == "ocean" else 0.64))
        self.disc_x = rng.choice((rng.uniform(0.18, 0.4), rng.uniform(0.6, 0.82)))
        self.disc_y = rng.uniform(0.14, 0.3) if colours.night or colours.sky[0][2] > 190 else rng.uniform(0.34, 0.46)

    def layer(self, draw: str, top: float, height: float, speed: float, **look: Any) -> Layer:
        """A layer that moves at `speed` (frame widths a second) in this scene's direction."""
        step, start, width, shifts = self.stage.moving(speed * self.way)
        high = round(height) + round(height) % 2
        return Layer(
            draw=draw,
            width=width,
            height=high,
            top=round(top) - round(top) % 2,
            step=step,
            start=start,
            shifts=shifts,
            seed=self.rng.getrandbits(32),
            look=look | {"unit": self.stage.unit},
        )

    def land(self, draw: str, depth: float, speed: float, rise: float, base: float, **look: Any) -> Layer:
        """A layer that stands on the bottom: its highest point `rise` units above the line at `base` of the frame."""
        unit = self.stage.unit
        line = self.stage.height * base
        top = max(0.0, line - rise * unit)
        crest = self.colours.at(depth)
        foot = mix(crest, self.colours.haze, 0.62 * (1 - depth * 0.55))
        return self.layer(
            draw, top, self.stage.height - top, speed, **({"rise": line - top, "crest": crest, "foot": foot} | look)
        )

    def twinkle(self, draw: str, top: int, height: int, look: dict[str, Any], frames: int = 12) -> Layer:
        """A layer that stands still and is shown in `frames` changing frames, six a second."""
        return Layer(
            draw=draw,
            width=self.stage.width,
            height=height + height % 2,
            top=top - top % 2,
            frames=frames,
            rate=6,
            seed=self.rng.getrandbits(32),
            look=look | {"unit": self.stage.unit},
        )

    def sky(self) -> Layer:
        """The opaque background: gradient, sun or moon, small stars."""
        colours = self.colours
        look = {
            "unit": self.stage.unit,
            "stops": colours.sky,
            "horizon": self.horizon if self.kind != "space" else self.stage.height,
            "below": [mix(colours.haze, colours.near, 0.25), colours.near],
            "disc": None if self.kind == "space" else [self.disc_x, self.disc_y],
            "disc_colour": colours.disc,
            "glow": colours.glow,
            "moon": colours.night,
            "stars": 420 if self.kind == "space" else 170 if colours.night else 0,
            "nebula": self.nebula() if self.kind == "space" else None,
        }
        return Layer(
            draw="sky",
            width=self.stage.width,
            height=self.stage.height,
            top=0,
            seed=self.rng.getrandbits(32),
            look=look,
        )

    def nebula(self) -> list[Colour]:
        """Two colours for clouds of gas, and for planets."""
        pairs = (("7a2f8f", "1f6f9f"), ("b0405f", "4a2f9f"), ("1f8f7f", "3a3faf"), ("c0703f", "5f2f7f"))
        one, other = self.rng.choice(pairs)
        return [rgb(one), rgb(other)]

    def clouds(self) -> Layer:
        """Drifting clouds, dense when it rains or snows."""
        thick = {"rain": 0.85, "snow": 0.7}.get(self.weather, self.rng.uniform(0.32, 0.5))
        colour = self.colours.cloud
        if self.weather == "rain":
            colour = mix(colour, (70, 76, 90), 0.6)
        return self.layer("clouds", 0, self.horizon * 0.86, FAR * 0.9, colour=colour, thick=thick)

    def mist(self, base: float, strength: float, speed: float) -> Layer:
        """A bank of mist around the line at `base` of the frame."""
        height = self.stage.unit * 0.3
        top = min(self.stage.height * base - height / 2, self.stage.height - height)
        return self.layer("mist", top, height, speed, colour=self.colours.haze, strength=strength)

    def weather_layers(self) -> Iterator[Layer]:
        """What falls or glows in front of everything."""
        stage = self.stage
        scale = stage.unit / 720 * 30 / stage.fps
        if self.weather in ("snow", "rain"):
            falls = ((1.6, 150, 0.5), (3.2, 70, 1.0)) if self.weather == "snow" else ((26, 210, 0.5), (38, 110, 1.0))
            for fall, count, near in falls:
                look = {"unit": stage.unit, "count": count, "near": near, "what": self.weather}
                yield Layer(
                    draw="falling",
                    width=stage.width,
                    height=stage.height * 2,
                    top=-stage.height,
                    fall=2 * max(1, round(fall * scale / 2)),
                    seed=self.rng.getrandbits(32),
                    look=look,
                )
        elif self.weather == "fireflies":
            look = {"count": 48, "colour": (255, 214, 120)}
            yield self.twinkle("fireflies", round(stage.height * 0.4), round(stage.height * 0.55), look, frames=18)
