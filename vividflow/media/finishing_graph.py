"""The words for ffmpeg that make everything of a film with one decode: one input, a split graph, an output for each file.

The picture goes down a staircase: every size is scaled from the next larger one, and at the foot a small stream is looked
at by the detectors and cut into tiles. Only filters and options of ffmpeg 5.1 and later.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vividflow.media.sprite import Sheet

DEMUXERS = {"mp4": "mov", "mov": "mov", "avi": "avi", "webm": "matroska"}
CRF = "23"
KEY_FRAME_SECONDS = 2
# The width that the detectors look at: noise is averaged away, and it costs a tenth of the full picture.
LOOKED_AT = 320
POSTERS = (480, 960)
MOST_THREADS = 8
SEEN, HEARD, FIRST = "seen.txt", "heard.txt", "first.jpg"


@dataclass(frozen=True, kw_only=True)
class Size:
    """A rendition to make: its `name` ("720p") and its size in pixels, both even."""

    name: str
    width: int
    height: int


@dataclass(frozen=True, kw_only=True)
class Film:
    """The film at `path`: container, size in square pixels, frames a second, codec of its sound (None: no sound), a moment
    worth showing, the colour matrix to assume (None: as it says), and the least seconds that the detectors count as frozen
    or silent."""

    path: Path
    container: str
    width: int
    height: int
    fps: float
    sound: str | None
    still_at: float
    matrix: str | None
    frozen: float
    silent: float


@dataclass(frozen=True, kw_only=True)
class Still:
    """One picture among the outputs: name, file, and size in pixels."""

    name: str
    file: str
    mime: str
    width: int
    height: int


def stills_of(width: int, height: int) -> tuple[Still, ...]:
    """The posters of a film of that size, larger first: WebP and JPEG, 480 and 960 px wide, never wider than the film."""
    found: list[Still] = []
    for widest in sorted(POSTERS, reverse=True):
        wide, high = fitted(width, height, widest)
        plain = "poster_jpeg" if widest == max(POSTERS) else f"poster_{widest}_jpeg"
        for name, file, mime in (
            (f"poster_{widest}", f"poster.{widest}.webp", "image/webp"),
            (plain, f"poster.{widest}.jpg", "image/jpeg"),
        ):
            found.append(Still(name=name, file=file, mime=mime, width=wide, height=high))
    return tuple(found)


def fitted(width: int, height: int, widest: int) -> tuple[int, int]:
    """The size of a film when it is at most `widest` px wide, both sides even."""
    wide = max(2, 2 * round(min(widest, width) / 2))
    return wide, max(2, 2 * round(height * wide / width / 2))


def words_for(film: Film, sizes: Sequence[Size], sheet: Sheet, *, first: bool) -> list[str]:
    """Everything after the program's name: `sizes` largest first, the posters, the sheet, what the detectors saw and heard,
    and with `first` the first frame. Outputs are relative names."""
    threads = str(min(os.cpu_count() or 1, MOST_THREADS))
    graph = ";".join(_graph(film, sizes, sheet, first=first))
    demuxer = DEMUXERS[film.container]
    words = ["-filter_complex_threads", threads, "-threads", threads, "-f", demuxer, "-i", f"file:{film.path}"]
    words += ["-filter_complex", graph]
    for size in sizes:
        words += _rendition(film, size, threads)
    for still in stills_of(film.width, film.height):
        words += _picture(still.name, still.file, quality="3")
    words += _picture("sheet", "spritesheet.jpg", quality="4")
    words += _picture("first", FIRST, quality="3") if first else []
    words += ["-map", "[heard]", "-c:a", "pcm_s16le", "-f", "null", "-"] if film.sound else []
    return words


def _graph(film: Film, sizes: Sequence[Size], sheet: Sheet, *, first: bool) -> list[str]:
    branches = ["stairs", "still", *(["begin"] if first else [])]
    chains = [f"[0:v:0]split={len(branches)}{''.join(f'[{each}]' for each in branches)}"]
    step = "stairs"
    for size in sizes:
        scaled = f"scale={size.width}:{size.height}:flags=bicubic,setsar=1,format=yuv420p"
        chains.append(f"[{step}]{scaled},split=2[{size.name}][under_{size.name}]")
        step = f"under_{size.name}"
    chains.append(f"[{step}]{_looked_at(film, sheet)}[sheet]")
    chains += _posters(film)
    if first:
        wide, high = fitted(film.width, film.height, min(POSTERS))
        chains.append(f"[begin]select='eq(n,0)',{_shrunk(film, wide, high)},{_FULL}[first]")
    if film.sound:
        silence = f"silencedetect=n=-60dB:d={film.silent:.3f}"
        chains.append(f"[0:a:0]{silence},ametadata=mode=print:file={HEARD}[heard]")
    return chains


_FULL = "scale=out_range=full,format=yuvj420p"


def _looked_at(film: Film, sheet: Sheet) -> str:
    wide, high = fitted(film.width, film.height, LOOKED_AT)
    colours = f":in_color_matrix={film.matrix}" if film.matrix else ""
    return ",".join(
        (
            f"scale={wide}:{high}:flags=area,setsar=1,format=yuv420p",
            "blackdetect=d=0.04:pix_th=0.05:pic_th=0.98",
            f"freezedetect=n=-60dB:d={film.frozen:.3f}",
            f"metadata=mode=print:file={SEEN}",
            f"fps=1/{sheet.every:.6f}",
            f"scale={sheet.width}:{sheet.height}:flags=area{colours}:out_color_matrix=bt601:out_range=full",
            "format=yuvj420p",
            f"tile={sheet.columns}x{sheet.rows}",
        )
    )


def _posters(film: Film) -> list[str]:
    stills = stills_of(film.width, film.height)
    (large, small), threshold = (stills[0], stills[2]), max(0.0, film.still_at - 0.001)
    chosen = f"select='gte(t,{threshold:.4f})*isnan(prev_selected_t)'"
    chains = [f"[still]{chosen},{_shrunk(film, large.width, large.height)},split=3[large_webp][large_jpeg][less]"]
    chains.append(f"[less]scale={small.width}:{small.height}:flags=area,split=2[small_webp][small_jpeg]")
    for still, step in zip(stills, ("large_webp", "large_jpeg", "small_webp", "small_jpeg"), strict=True):
        chains.append(f"[{step}]{'format=yuv420p' if still.mime == 'image/webp' else _FULL}[{still.name}]")
    return chains


def _shrunk(film: Film, width: int, height: int) -> str:
    # Pictures have the colours of BT.601, whatever the film's are.
    colours = f":in_color_matrix={film.matrix}" if film.matrix else ""
    return f"scale={width}:{height}:flags=area{colours}:out_color_matrix=bt601:out_range=tv,setsar=1,format=yuv420p"


def _rendition(film: Film, size: Size, threads: str) -> list[str]:
    words = ["-map", f"[{size.name}]", "-c:v", "libx264", "-preset", "veryfast", "-crf", CRF, "-threads", threads]
    words += ["-g", str(max(1, round((film.fps or 30) * KEY_FRAME_SECONDS)))]
    if film.sound:
        kept = ["copy"] if film.sound == "aac" else ["aac", "-b:a", "128k"]
        words += ["-map", "0:a:0", "-c:a", *kept]
    return [*words, "-map_chapters", "-1", "-movflags", "+faststart", "-f", "mp4", "-y", f"{size.name}.mp4"]


def _picture(label: str, file: str, *, quality: str) -> list[str]:
    if file.endswith(".webp"):
        kind = ["-c:v", "libwebp", "-quality", "80", "-compression_level", "2", "-f", "webp"]
    else:
        kind = ["-c:v", "mjpeg", "-q:v", quality, "-f", "image2", "-update", "1"]
    return ["-map", f"[{label}]", "-frames:v", "1", *kind, "-y", file]
