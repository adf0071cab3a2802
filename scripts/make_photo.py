"""Renders examples/photo.jpg, the picture that `make demo` sets in motion: a mountain lake at dusk.

    .venv/bin/python scripts/make_photo.py [where.jpg]

Nobody's photograph, so nobody's licence. The same seed gives the same picture; Pillow does all the arithmetic.
Light comes from one place, the sun: the sky, the haze between the ranges and the glitter on the water all take their
colour from the distance to it.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

from PIL import Image, ImageChops, ImageDraw, ImageEnhance, ImageFilter, ImageOps

WIDTH, HEIGHT = 1600, 900
SHORE = 556  # the row where land ends and water begins
SUN = (1046, 418)
SEED = 20

Colour = tuple[int, int, int]

ZENITH_TO_HORIZON: Sequence[tuple[float, Colour]] = (
    (0.00, (28, 40, 84)),
    (0.22, (52, 62, 116)),
    (0.42, (92, 76, 124)),
    (0.58, (158, 98, 124)),
    (0.72, (216, 128, 108)),
    (0.85, (244, 170, 112)),
    (1.00, (252, 210, 152)),
)
WARM_HAZE: Colour = (255, 184, 112)
ROSE_HAZE: Colour = (206, 126, 138)
COOL_HAZE: Colour = (104, 92, 152)

dice = random.Random(SEED)


def main() -> None:
    """Draws from far to near and writes the file."""
    where = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent.parent / "examples" / "photo.jpg"
    picture = sky()
    picture = clouds(picture)
    picture = sun(picture)
    haze = haze_colours()
    ranges = (  # crest, how far it rises, how broken, how near to black, peaks, height of the trees
        (452, 150, 0.62, 0.20, 9, 0),
        (470, 118, 0.60, 0.36, 7, 0),
        (490, 84, 0.55, 0.54, 6, 0),
        (520, 46, 0.50, 0.72, 4, 5),
        (542, 20, 0.50, 0.88, 3, 12),
    )
    for crest, relief, rough, darkness, peaks, trees in ranges:
        line = skyline(crest, relief, rough, peaks)
        picture = mountain_range(picture, haze, line, darkness, trees)
    picture = water(picture)
    picture = glitter(picture)
    picture = mist(picture)
    picture = foreground(picture)
    picture = lens(picture)
    where.parent.mkdir(parents=True, exist_ok=True)
    picture.save(where, quality=86, optimize=True, progressive=True)
    print(f"{where}: {picture.width}×{picture.height}, {where.stat().st_size // 1000} kB")


# ---- masks


def ramp(size: tuple[int, int], value: Callable[[float], float], *, across: bool = False) -> Image.Image:
    """A grey picture whose rows (columns when `across`) are `value(0…1)` in 0…1."""
    length = size[0] if across else size[1]
    line = bytes(round(255 * min(1.0, max(0.0, value(i / (length - 1))))) for i in range(length))
    return Image.frombytes("L", (length, 1) if across else (1, length), line).resize(size)


def noise(size: tuple[int, int], cells: tuple[float, float], octaves: int) -> Image.Image:
    """Smooth fractal noise, stretched to the whole range of greys; `cells` of the coarsest octave across and down."""
    layers = []
    for octave in range(octaves):
        small = (max(2, round(cells[0] * 2**octave)), max(2, round(cells[1] * 2**octave)))
        grey = Image.frombytes("L", small, dice.randbytes(small[0] * small[1]))
        layers.append(grey.resize(size, Image.Resampling.BICUBIC))
    whole = layers.pop()
    while layers:
        whole = Image.blend(whole, layers.pop(), 0.62)
    return ImageOps.autocontrast(whole, cutoff=1)


def curve(mask: Image.Image, low: float, high: float, power: float = 1.0) -> Image.Image:
    """`mask` with greys from `low` to `high` (0…1) spread over black to white."""
    return mask.point([round(255 * min(1.0, max(0.0, (i / 255 - low) / (high - low))) ** power) for i in range(256)])


def times(factor: float, less: int = 0) -> list[int]:
    """For `point`: every grey `less` something, times `factor`."""
    return [min(255, round(max(0, i - less) * factor)) for i in range(256)]


def glow(radius: tuple[float, float], power: float) -> Image.Image:
    """Light falling off around the sun: white at its middle, black at `radius` (across and down)."""
    size = (round(2 * radius[0]), round(2 * radius[1]))
    disc = ImageChops.invert(Image.radial_gradient("L")).resize(size, Image.Resampling.BICUBIC)
    disc = curve(disc, 0.29, 1.0, power)  # the corners of a radial gradient lie √2 away
    whole = Image.new("L", (WIDTH, HEIGHT))
    whole.paste(disc, (SUN[0] - size[0] // 2, SUN[1] - size[1] // 2))
    return whole


def light(picture: Image.Image, mask: Image.Image, colour: Colour) -> Image.Image:
    """`picture` with `colour` shone on it where `mask` is white."""
    beam = Image.composite(Image.new("RGB", picture.size, colour), Image.new("RGB", picture.size), mask)
    return ImageChops.screen(picture, beam)


def flat(colour: Colour) -> Image.Image:
    """The whole frame in one colour."""
    return Image.new("RGB", (WIDTH, HEIGHT), colour)


def mixed(stops: Sequence[tuple[float, Colour]], at: float) -> Colour:
    """The colour between the two stops around `at`."""
    for (start, one), (end, two) in pairwise(stops):
        if at <= end:
            share = (at - start) / (end - start)
            share = share * share * (3 - 2 * share)
            return tuple(round(a + (b - a) * share) for a, b in zip(one, two, strict=True))  # type: ignore[return-value]
    return stops[-1][1]


# ---- sky


def sky() -> Image.Image:
    """From the blue above to the gold at the horizon, cooler away from the sun."""
    column = Image.new("RGB", (1, HEIGHT))
    for row in range(HEIGHT):
        column.putpixel((0, row), mixed(ZENITH_TO_HORIZON, min(1.0, row / SHORE)))
    whole = column.resize((WIDTH, HEIGHT))
    away = ramp((WIDTH, HEIGHT), lambda x: abs(x - SUN[0] / WIDTH) ** 1.3 * 0.62, across=True)
    low = ramp((WIDTH, HEIGHT), lambda y: y * HEIGHT / SHORE)
    return Image.composite(flat((112, 88, 138)), whole, ImageChops.multiply(away, low))


def clouds(picture: Image.Image) -> Image.Image:
    """Two sheets of cloud, shadowed above and lit from below where the sun still reaches them."""
    for cells, low, high, top, bottom, strength in (
        ((3.0, 9.0), 0.46, 0.95, 0.02, 0.66, 0.80),
        ((2.2, 20.0), 0.42, 0.86, 0.40, 0.96, 0.78),
    ):
        body = noise((WIDTH, SHORE), cells, 6)
        band = ramp(
            (WIDTH, SHORE), lambda y, a=top, b=bottom: max(0.0, 1 - abs((y - (a + b) / 2) / ((b - a) / 2)) ** 2.2)
        )
        cover = ImageChops.multiply(curve(body, low, high, 1.15), band).point(times(strength))
        # A lit belly: thick here, thinner a little lower.
        belly = ImageChops.subtract(body, ImageChops.offset(body, 0, -9), scale=0.30)
        cover_whole, belly_whole = Image.new("L", picture.size), Image.new("L", picture.size)
        cover_whole.paste(cover)
        belly_whole.paste(belly.filter(ImageFilter.GaussianBlur(2)))
        near = glow((1150, 560), 1.1)
        shadow = Image.composite(flat((186, 112, 122)), flat((66, 58, 98)), near)
        lit = Image.composite(flat((255, 196, 128)), flat((206, 122, 128)), near)
        picture = Image.composite(Image.composite(lit, shadow, belly_whole), picture, cover_whole)
    return picture


def sun(picture: Image.Image) -> Image.Image:
    """The disc, its corona, and the light it spreads over the sky."""
    picture = light(picture, glow((980, 430), 2.4), (190, 96, 40))
    picture = light(picture, glow((420, 260), 2.6), (220, 140, 70))
    picture = light(picture, glow((130, 120), 2.4), (255, 214, 150))
    disc = Image.new("L", (WIDTH * 2, HEIGHT * 2))
    x, y, r = SUN[0] * 2, SUN[1] * 2, 46
    ImageDraw.Draw(disc).ellipse((x - r, y - r, x + r, y + r), fill=255)
    disc = disc.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS).filter(ImageFilter.GaussianBlur(1.2))
    return Image.composite(flat((255, 246, 222)), picture, disc)


# ---- land


def haze_colours() -> Image.Image:
    """What lies between us and the land: gold towards the sun, rose beside it, violet away from it."""
    inner = ramp((WIDTH, HEIGHT), lambda x: 1 - (abs(x - SUN[0] / WIDTH) / 0.26) ** 1.2, across=True)
    outer = ramp((WIDTH, HEIGHT), lambda x: 1 - (abs(x - SUN[0] / WIDTH) / 0.68) ** 1.1, across=True)
    return Image.composite(flat(WARM_HAZE), Image.composite(flat(ROSE_HAZE), flat(COOL_HAZE), outer), inner)


def ridge(length: int, rough: float) -> list[float]:
    """Heights between about -1 and 1, by displacing midpoints."""
    points = [dice.uniform(-0.5, 0.5) for _ in range(5)]
    reach = 1.0
    while len(points) < length:
        reach *= rough
        finer = []
        for one, two in pairwise(points):
            finer += [one, (one + two) / 2 + dice.uniform(-reach, reach)]
        points = [*finer, points[-1]]
    return points[:length]


def skyline(crest: int, relief: int, rough: float, peaks: int) -> list[float]:
    """The rows of a range's crest, in half-pixels for every half column: leaning peaks, broken, low before the sun."""
    width = WIDTH * 2
    broken = ridge(width, rough)
    summits = []
    for peak in range(peaks):
        x = (peak + dice.uniform(0.1, 0.9)) * width / peaks
        reach = width / peaks
        summits.append((x, dice.uniform(0.35, 1.0), reach * dice.uniform(0.6, 1.5), reach * dice.uniform(0.6, 1.5)))
    line = []
    for x in range(width):
        height = max(tall * (1 - abs(x - at) / (left if x < at else right)) for at, tall, left, right in summits)
        valley = 1 - 0.86 * 2.72 ** -(((x / 2 - SUN[0]) / 190) ** 2)
        line.append(2 * (crest - relief * valley * (max(-0.2, height) + 0.32 * broken[x])))
    return line


def mountain_range(
    picture: Image.Image, haze: Image.Image, line: Sequence[float], darkness: float, trees: int
) -> Image.Image:
    """One range in front of `picture`: sharp above, sinking into haze below; `trees` is their height in pixels."""
    mask = Image.new("L", (WIDTH * 2, HEIGHT * 2))
    draw = ImageDraw.Draw(mask)
    draw.polygon([(0, HEIGHT * 2), *enumerate(line), (WIDTH * 2, HEIGHT * 2)], fill=255)
    clumps = ridge(WIDTH * 2, 0.72)
    for _ in range(trees * 170):
        x = dice.randrange(WIDTH * 2)
        tall = 2 * trees * dice.uniform(0.45, 1.0) * max(0.25, 0.72 + 0.5 * clumps[x])
        half = tall * dice.uniform(0.14, 0.24)
        draw.polygon([(x - half, line[x] + 4), (x, line[x] - tall), (x + half, line[x] + 4)], fill=255)
    mask = mask.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)

    wide = noise((WIDTH * 2, HEIGHT), (44, 26), 5)
    leaning = (1, 0.7, 0, 0, 1, 0)
    slopes = wide.transform((WIDTH, HEIGHT), Image.Transform.AFFINE, leaning, Image.Resampling.BILINEAR)
    rock = Image.composite(flat((66, 54, 92)), flat((12, 17, 40)), curve(slopes, 0.2, 0.9))
    body = Image.blend(haze, rock, darkness)
    top = min(line) / 2
    sinking = ramp(
        (WIDTH, HEIGHT), lambda y: max(0.0, (y * HEIGHT - top) / (SHORE + 6 - top)) ** 1.5 * (1 - darkness * 0.66)
    )
    return Image.composite(Image.composite(haze, body, sinking), picture, mask)


# ---- water


def water(picture: Image.Image) -> Image.Image:
    """The land and sky upside down in a lake that is not quite still: ripples widen towards us."""
    deep = HEIGHT - SHORE
    mirror = ImageOps.flip(picture.crop((0, SHORE - deep, WIDTH, SHORE)))
    columns, cell, tall = 100, WIDTH // 100, 2
    sway = noise((columns + 1, deep + tall), (12, 90), 4).tobytes()
    lift = noise((columns + 1, deep + tall), (26, 120), 4).tobytes()

    def seen(column: int, row: int) -> tuple[float, float]:
        """Where in the mirror the eye meets this corner of the mesh."""
        at, near = row * (columns + 1) + column, row / deep
        x = column * cell + (sway[at] - 128) / 128 * (2 + 20 * near)
        y = row + (lift[at] - 128) / 128 * (1.5 + 52 * near)
        return min(max(0.0, x), WIDTH - 1.0), min(max(0.0, y), deep - 1.0)

    mesh = []
    for row in range(0, deep, tall):
        for column in range(columns):
            box = (column * cell, row, (column + 1) * cell, row + tall)
            corners = (seen(column, row), seen(column, row + tall), seen(column + 1, row + tall), seen(column + 1, row))
            mesh.append((box, tuple(part for corner in corners for part in corner)))
    rippled = mirror.transform((WIDTH, deep), Image.Transform.MESH, mesh, Image.Resampling.BILINEAR)
    rippled = rippled.filter(ImageFilter.GaussianBlur(0.7))

    depth = ramp((WIDTH, deep), lambda y: 0.10 + 0.66 * y**0.9)
    dark = Image.composite(Image.new("RGB", (WIDTH, deep), (16, 24, 50)), rippled, depth)
    crests = ImageChops.multiply(
        curve(noise((WIDTH, deep), (22, 60), 4), 0.62, 1.0), ramp((WIDTH, deep), lambda y: 0.1 + 0.34 * y)
    )
    dark = light(dark, crests, (112, 104, 150))
    whole = picture.copy()
    whole.paste(dark, (0, SHORE))
    return whole


def glitter(picture: Image.Image) -> Image.Image:
    """The sun's road on the water: short bright strokes, closer together and fewer with distance from its middle."""
    strokes = Image.new("L", (WIDTH, HEIGHT))
    draw = ImageDraw.Draw(strokes)
    for _ in range(5200):
        near = dice.random() ** 1.5
        y = SHORE + 3 + near * (HEIGHT - SHORE)
        spread = 26 + 92 * near
        x = SUN[0] + dice.gauss(0, spread)
        long = (3 + 24 * near) * dice.uniform(0.5, 1.4)
        bright = round(dice.uniform(60, 255) * (1 - 0.62 * near))
        draw.line((x - long / 2, y, x + long / 2, y), fill=bright, width=1 + round(1.6 * near * dice.random()))
    strokes = strokes.filter(ImageFilter.GaussianBlur(0.8))
    veil = strokes.filter(ImageFilter.GaussianBlur(16))
    picture = light(picture, veil, (255, 150, 86))
    return light(picture, strokes, (255, 206, 140))


def mist(picture: Image.Image) -> Image.Image:
    """A breath of mist along the far shore."""
    band = ramp((WIDTH, HEIGHT), lambda y: 0.55 * max(0.0, 1 - abs(y * HEIGHT - SHORE + 2) / 20) ** 1.6)
    patches = curve(noise((WIDTH, HEIGHT), (7, 60), 4), 0.25, 0.9)
    return Image.composite(haze_colours(), picture, ImageChops.multiply(band, patches))


# ---- near


def foreground(picture: Image.Image) -> Image.Image:
    """Pines at the left, the bank we stand on, and grass against the light."""
    mask = Image.new("L", (WIDTH * 2, HEIGHT * 2))
    draw = ImageDraw.Draw(mask)
    bank = [
        1800 - 2 * (14 + 92 * max(0.0, 1 - x / 1500) ** 1.6 + 34 * max(0.0, (x - 2500) / 700) ** 2) for x in range(3200)
    ]
    bank = [y - 9 * bump for y, bump in zip(bank, ridge(3200, 0.6), strict=True)]
    draw.polygon([(0, 1800), *enumerate(bank), (3200, 1800)], fill=255)
    for x, tall in ((120, 1340), (322, 1000), (470, 650), (16, 900), (604, 400), (226, 560)):
        pine(draw, x, bank[max(0, x)] + 20, tall)
    for _ in range(2600):
        x = dice.randrange(3200)
        tall = dice.uniform(16, 74) * (0.55 + 0.75 * max(0.0, 1 - x / 1900) + 0.5 * max(0.0, (x - 2500) / 700))
        lean = dice.gauss(9, 13)
        draw.line((x, bank[x] + 6, x + lean * 0.35, bank[x] - tall * 0.6, x + lean, bank[x] - tall), fill=255, width=2)
    mask = mask.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS).filter(ImageFilter.GaussianBlur(0.5))
    near = ramp((WIDTH, HEIGHT), lambda x: 1 - abs(x - SUN[0] / WIDTH) * 1.5, across=True)
    body = Image.composite(flat((42, 30, 38)), flat((13, 16, 28)), near)
    return Image.composite(body, picture, mask)


def pine(draw: ImageDraw.ImageDraw, x: float, foot: float, tall: float) -> None:
    """A conifer of `tall` half-pixels: a trunk, and drooping boughs that shorten towards the top, none like another."""
    top = foot - tall
    draw.polygon([(x - tall * 0.010, foot), (x, top), (x + tall * 0.010, foot)], fill=255)
    y = top + tall * 0.014
    while y < foot - tall * 0.06:
        share = (y - top) / tall
        for side in (-1, 1):
            long = tall * (0.008 + 0.172 * share**0.9) * dice.choice((0.45, 0.7, 0.85, 1.0, 1.08))
            droop = long * dice.uniform(0.16, 0.5) - tall * 0.004
            thick = tall * 0.0026 + long * 0.05
            tip = (x + side * long, y + droop)
            knee = (x + side * long * 0.55, y + droop * 0.75 + thick)
            draw.polygon(
                [(x, y - thick), (x + side * long * 0.6, y + droop * 0.42), tip, knee, (x, y + thick)], fill=255
            )
            for _ in range(7):
                at = dice.uniform(0.15, 0.98)
                bx, by = x + side * long * at, y + droop * at
                hang = (thick + tall * 0.005) * dice.uniform(0.5, 1.9) * (1.1 - 0.5 * at)
                lean = side * hang * dice.uniform(0.1, 0.9)
                draw.polygon([(bx - thick * 0.5, by), (bx + lean, by + hang), (bx + thick * 0.5, by)], fill=255)
        y += tall * dice.uniform(0.015, 0.030)


# ---- camera


def lens(picture: Image.Image) -> Image.Image:
    """What a camera adds: bloom, a darker edge, a little contrast, grain."""
    bright = picture.point(times(2, less=150) * 3).filter(ImageFilter.GaussianBlur(26))
    picture = ImageChops.screen(picture, bright.point(times(0.24) * 3))
    corner = curve(Image.radial_gradient("L").resize(picture.size, Image.Resampling.BICUBIC), 0.42, 1.05, 1.4)
    picture = Image.composite(flat((8, 9, 20)), picture, corner.point(times(0.42)))
    picture = ImageEnhance.Contrast(picture).enhance(1.05)
    grain = Image.frombytes("L", picture.size, dice.randbytes(WIDTH * HEIGHT)).filter(ImageFilter.GaussianBlur(0.75))
    grain = grain.point([round(128 + (i - 128) * 0.11) for i in range(256)])
    return ImageChops.overlay(picture, Image.merge("RGB", (grain, grain, grain)))


if __name__ == "__main__":
    main()
