"""Whether a frame shows what a picture shows, however the picture was cropped, stretched or zoomed into on its way."""

from __future__ import annotations

from PIL import Image, ImageStat

from vividflow.media.inside.pictures import upright_rgb

SIDE = 32
ZOOMS = (1.0, 0.85, 0.7)
# Grey levels: below this spread there is nothing in a picture to be alike or not.
FLAT = 4.0
SAME_LIGHT = 48.0

Grey = list[float]


def likeness(picture: str, frame: str) -> float:
    """The best correlation of `frame` with `picture` over the ways it may have been fitted: 1 the same, about 0 anything."""
    with Image.open(picture) as opened:
        given = upright_rgb(opened).convert("L")
    with Image.open(frame) as opened:
        shown = opened.convert("L")
    seen = _small(shown)
    ways = [_small(given), *(_small(_middle(given, shown.width / shown.height, zoom)) for zoom in ZOOMS)]
    # A picture of another shape may have been shown whole, with bars: then the film's middle is to be compared.
    inner = _middle(shown, given.width / given.height, 1.0)
    return max(*(_alike(way, seen) for way in ways), _alike(_small(given), _small(inner)))


def _small(image: Image.Image) -> Image.Image:
    return image.resize((SIDE, SIDE), Image.Resampling.BOX)


def _middle(image: Image.Image, shape: float, zoom: float) -> Image.Image:
    wide, high = (min(image.width, image.height * shape) * zoom, min(image.height, image.width / shape) * zoom)
    left, top = (image.width - wide) / 2, (image.height - high) / 2
    return image.crop(
        (round(left), round(top), max(1 + round(left), round(left + wide)), max(1 + round(top), round(top + high)))
    )


def _alike(one: Image.Image, other: Image.Image) -> float:
    ones, others = ImageStat.Stat(one), ImageStat.Stat(other)
    spread, spread_other = ones.stddev[0], others.stddev[0]
    if spread < FLAT and spread_other < FLAT:
        return 1.0 - abs(ones.mean[0] - others.mean[0]) / SAME_LIGHT
    if spread < FLAT or spread_other < FLAT:
        return 0.0
    both = sum((a - ones.mean[0]) * (b - others.mean[0]) for a, b in zip(one.tobytes(), other.tobytes(), strict=True))
    return both / (SIDE * SIDE * spread * spread_other)
