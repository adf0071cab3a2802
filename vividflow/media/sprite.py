"""A sheet of small pictures of a film, and the index that says which of them shows which moment (WebVTT)."""

from __future__ import annotations

from dataclasses import dataclass

TILE_WIDTH = 160
COLUMNS = 10
MOST_TILES = 100
CLOSEST_SECONDS = 0.25


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """`count` tiles of `width` × `height` px in `columns` and `rows`, one for every `every` seconds."""

    count: int
    columns: int
    rows: int
    every: float
    width: int
    height: int

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the whole sheet in pixels."""
        return self.columns * self.width, self.rows * self.height


def sheet_of(duration: float, width: int, height: int) -> Sheet:
    """The sheet for a film of so many seconds and pixels: at most 100 tiles, none wider than 160 px or the film."""
    every = min(max(CLOSEST_SECONDS, duration / MOST_TILES), duration)
    count = max(1, min(MOST_TILES, int(duration / every + 1e-6)))
    wide = max(2, 2 * round(min(TILE_WIDTH, width) / 2))
    columns = min(COLUMNS, count)
    return Sheet(
        count=count,
        columns=columns,
        rows=-(-count // columns),
        every=every,
        width=wide,
        height=max(2, 2 * round(wide * height / width / 2)),
    )


def index_of(sheet: Sheet, duration: float, address: str) -> str:
    """The WebVTT text: each tile's span, and its place in the picture at `address` as a media fragment."""
    cues = ["WEBVTT\n"]
    for number in range(sheet.count):
        begin = number * sheet.every
        end = duration if number == sheet.count - 1 else begin + sheet.every
        left, top = number % sheet.columns * sheet.width, number // sheet.columns * sheet.height
        place = f"{address}#xywh={left},{top},{sheet.width},{sheet.height}"
        cues.append(f"{_clock(begin)} --> {_clock(end)}\n{place}\n")
    return "\n".join(cues)


def _clock(seconds: float) -> str:
    whole = round(seconds * 1000)
    return f"{whole // 3_600_000:02}:{whole // 60_000 % 60:02}:{whole // 1000 % 60:02}.{whole % 1000:03}"
