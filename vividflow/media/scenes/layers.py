"""Which layers make up each kind of landscape, from the back to the front."""

from __future__ import annotations

import random
from collections.abc import Iterator

from vividflow.media.scenes.layer import Layer, Stage
from vividflow.media.scenes.painter import FAR, FRONT, MIDDLE, NEAR, Painter
from vividflow.media.scenes.palette import mix, palette, rgb


def layers(kind: str, time: str, weather: str, rng: random.Random, stage: Stage) -> Iterator[Layer]:
    """The layers of a landscape; the first is the sky, opaque and as large as the frame."""
    yield from Landscape(palette(kind, time, rng), rng, stage, kind, weather).layers()


class Landscape(Painter):
    """The kinds of landscape; each method answers its layers behind the weather."""

    def layers(self) -> Iterator[Layer]:
        """All layers of the scene."""
        yield self.sky()
        if self.colours.night:
            yield self.twinkle(
                "stars", 0, round(self.stage.height * 0.6), {"count": 46 if self.kind != "space" else 90}
            )
        if self.kind != "space":
            yield self.clouds()
        yield from getattr(self, self.kind)()
        yield from self.weather_layers()

    def mountains(self) -> Iterator[Layer]:
        snow = mix(rgb("f4f8ff"), self.colours.haze, 0.25 if not self.colours.night else 0.6)
        yield self.land("peaks", 0.3, FAR, 0.44, 0.66, snow=snow, rough=0.55)
        yield self.mist(0.66, 0.55, FAR * 1.6)
        yield self.land("peaks", 0.55, MIDDLE, 0.24, 0.74, snow=None, rough=0.48)
        yield self.land("hills", 0.75, NEAR, 0.13, 0.84, trees=0.5, leafy=True)
        yield self.land("pines", 1.0, FRONT, 0.24, 0.97, tall=0.17)

    def snow(self) -> Iterator[Layer]:
        white = mix(rgb("f6faff"), self.colours.haze, 0.3 if not self.colours.night else 0.6)
        yield self.land("peaks", 0.35, FAR, 0.42, 0.64, snow=white, rough=0.55)
        pale = mix(self.colours.haze, white, 0.5)
        yield self.land(
            "hills", 0.5, MIDDLE, 0.16, 0.74, trees=0.8, leafy=False, crest=pale, foot=mix(pale, self.colours.haze, 0.4)
        )
        yield self.mist(0.74, 0.4, MIDDLE)
        pine = mix(self.colours.near, (16, 36, 44), 0.75)
        yield self.land("pines", 0.9, NEAR, 0.24, 0.88, tall=0.2, crest=pine, foot=mix(pine, pale, 0.3))
        front = mix(white, self.colours.near, 0.18)
        yield self.land(
            "hills",
            1.0,
            FRONT,
            0.09,
            0.95,
            trees=0.0,
            leafy=False,
            crest=front,
            foot=mix(front, self.colours.near, 0.3),
        )

    def forest(self) -> Iterator[Layer]:
        yield self.land("hills", 0.25, FAR, 0.26, 0.66, trees=0.9, leafy=False)
        yield self.land("pines", 0.42, MIDDLE * 0.8, 0.34, 0.76, tall=0.2)
        yield self.mist(0.72, 0.7, MIDDLE)
        yield self.land("pines", 0.66, NEAR * 0.8, 0.44, 0.88, tall=0.32)
        yield self.mist(0.86, 0.45, NEAR)
        yield self.land("pines", 1.0, FRONT, 0.74, 1.0, tall=0.62)

    def meadow(self) -> Iterator[Layer]:
        yield self.land("peaks", 0.22, FAR, 0.24, 0.64, snow=None, rough=0.42)
        yield self.land("hills", 0.45, MIDDLE, 0.15, 0.72, trees=0.35, leafy=True)
        yield self.land("hills", 0.68, NEAR, 0.12, 0.8, trees=0.2, leafy=True)
        yield self.land("grass", 1.0, FRONT, 0.16, 0.93, flowers=[rgb(code) for code in self.blossoms()])

    def blossoms(self) -> list[str]:
        sets = (["f2564b", "ffd24d", "ffffff"], ["c77dff", "ff8fab", "fff3b0"], ["ffb703", "fb8500", "ffffff"])
        bright = self.rng.choice(sets)
        return bright if not self.colours.night else ["7f86b8", "6a6fa0", "9aa3cf"]

    def desert(self) -> Iterator[Layer]:
        yield self.land("mesas", 0.3, FAR, 0.22, 0.66)
        for depth, speed, rise, base in ((0.5, MIDDLE, 0.14, 0.72), (0.75, NEAR, 0.16, 0.83), (1.0, FRONT, 0.14, 0.97)):
            shade = mix(self.colours.at(depth), (20, 8, 24), 0.28)
            yield self.land(
                "dunes", depth, speed, rise, base, shade=shade, light=self.disc_x < 0.5, cactus=depth == 1.0
            )

    def city(self) -> Iterator[Layer]:
        lit = {"day": 0.0}.get("day" if self.colours.near[0] >= 30 and not self.colours.night else "", 0.4)
        rows = ((0.3, FAR, 0.4, 0.72, 0.05), (0.6, MIDDLE, 0.36, 0.84, 0.075), (0.95, NEAR, 0.36, 1.0, 0.12))
        for depth, speed, rise, base, wide in rows:
            yield self.land(
                "skyline",
                depth,
                speed,
                rise + 0.1 * (1 - depth),
                base,
                near=depth,
                wide=wide,
                lit=lit,
                windows=[rgb("ffd98a"), rgb("ffe9b8"), rgb("9fd8ff")]
                if lit
                else [mix(self.colours.at(depth), self.colours.sky[1], 0.4)],
            )
            if depth < 0.5:
                yield self.mist(base, 0.4, speed * 1.5)

    def ocean(self) -> Iterator[Layer]:
        island = self.land("peaks", 0.32, FAR, 0.13, 0.582, snow=None, rough=0.45, island=True)
        yield island
        yield self.layer(
            "sail", self.horizon - 0.1 * self.stage.unit, 0.12 * self.stage.unit, MIDDLE, colour=self.colours.at(0.9)
        )
        for number, (depth, speed, base) in enumerate(((0.5, MIDDLE, 0.7), (0.7, NEAR, 0.81), (0.95, FRONT, 0.93))):
            if number == 1:
                glitter = {"x": self.disc_x, "colour": mix(self.colours.disc, self.colours.glow, 0.4), "wide": 0.13}
                yield self.twinkle("glitter", self.horizon, self.stage.height - self.horizon, glitter)
            self.way = -self.way
            crest = mix(self.colours.at(depth), self.colours.haze, 0.12)
            yield self.land(
                "waves",
                depth,
                speed,
                0.03 + 0.02 * number,
                base,
                crest=crest,
                foot=self.colours.at(min(1.0, depth + 0.15)),
                foam=mix(crest, self.colours.disc, 0.55),
            )

    def space(self) -> Iterator[Layer]:
        yield self.layer("starfield", 0, self.stage.height, FAR, count=140, big=1.2)
        yield self.layer(
            "planet",
            self.stage.height * self.rng.uniform(0.1, 0.22),
            self.stage.unit * 0.56,
            FAR * 0.6,
            colours=self.nebula(),
            x=self.disc_x,
            ring=self.rng.random() < 0.6,
        )
        yield self.layer("starfield", 0, self.stage.height, MIDDLE, count=60, big=1.9)
        yield self.land("peaks", 0.8, NEAR, 0.16, 0.86, snow=None, rough=0.5)
        yield self.land("hills", 1.0, FRONT, 0.08, 0.94, trees=0.0, leafy=False)
