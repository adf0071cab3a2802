"""Stills of a film: one frame that is worth showing, written in the sizes that pages and players want."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation
from av.video.stream import VideoStream
from PIL import Image

from vividflow.media.inside.refusal import no_video

SMALL_WEBP, LARGE_WEBP, LARGEST_JPEG = 480, 960, 1280
DARK = 24
MOST_KEY_FRAMES = 6
MOST_FRAMES = 90


def still_of(film: InputContainer) -> VideoFrame:
    """A frame from about a tenth into the film that is not black, or the brightest that was seen."""
    stream = film.streams.video[0]
    stream.codec_context.thread_count = 2
    stream.codec_context.thread_type = "SLICE"
    seconds = (film.duration or 0) / 1_000_000
    best: tuple[float, VideoFrame] | None = None
    for frame in _candidates(film, stream, seconds):
        light = _light(frame)
        if best is None or light > best[0]:
            best = (light, frame)
        if light >= DARK:
            break
    if best is None:
        raise no_video("no frame of it decodes")
    return best[1]


def _candidates(film: InputContainer, stream: VideoStream, seconds: float) -> Iterator[VideoFrame]:
    stream.codec_context.skip_frame = "NONKEY"
    film.seek(int(seconds * 100_000))
    for number, frame in enumerate(film.decode(stream)):
        yield frame
        if number >= MOST_KEY_FRAMES:
            break
    stream.codec_context.skip_frame = "DEFAULT"
    film.seek(int(seconds * 100_000))
    for number, frame in enumerate(film.decode(stream)):
        if number % 5 == 0:
            yield frame
        if number >= MOST_FRAMES:
            break


def _light(frame: VideoFrame) -> float:
    grey = frame.reformat(64, 36, "gray", interpolation=Interpolation.FAST_BILINEAR)
    plane = grey.planes[0]
    data = bytes(plane)
    rows = [data[row * plane.line_size : row * plane.line_size + 64] for row in range(36)]
    return sum(map(sum, rows)) / (64 * 36)


def write(still: VideoFrame, outs: dict[str, str]) -> list[dict[str, Any]]:
    """Writes `still` to `outs` (`poster_480`, `poster_960`, `poster_jpeg` to paths); answers names and sizes."""
    written: list[dict[str, Any]] = []
    for name, path in outs.items():
        picture = _picture(still, name)
        if name == "poster_jpeg":
            picture.save(path, format="JPEG", quality=86)
        else:
            picture.save(path, format="WEBP", quality=80, method=1)
        written.append({"name": name, "width": picture.width, "height": picture.height})
    return written


def picture_of(frame: VideoFrame, widest: int) -> Image.Image:
    """A frame as a picture, upright, at most `widest` px wide."""
    shown = frame.height if abs(frame.rotation) % 180 == 90 else frame.width
    return _scaled(frame, min(1.0, widest / shown))


def _picture(still: VideoFrame, name: str) -> Image.Image:
    turned = abs(still.rotation) % 180 == 90
    shown_width, shown_height = (still.height, still.width) if turned else (still.width, still.height)
    if name == "poster_jpeg":
        factor = min(1.0, LARGEST_JPEG / max(shown_width, shown_height))
    else:
        factor = min(1.0, (SMALL_WEBP if name == "poster_480" else LARGE_WEBP) / shown_width)
    return _scaled(still, factor)


def _scaled(still: VideoFrame, factor: float) -> Image.Image:
    rgb = still.reformat(
        max(2, round(still.width * factor)),
        max(2, round(still.height * factor)),
        "rgb24",
        src_colorspace=Colorspace.ITU709 if still.colorspace == 2 and still.height >= 720 else None,
        dst_color_range=ColorRange.JPEG,
        interpolation=Interpolation.AREA if factor < 1 else Interpolation.BICUBIC,
    )
    image = rgb.to_image()
    return image.rotate(still.rotation, expand=True) if still.rotation else image
