"""The last frame of a film, as large as the film, for a clip that goes on from it."""

from __future__ import annotations

from typing import Any

from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace

from vividflow.media.inside.footage import with_film
from vividflow.media.inside.refusal import no_video

# How far before the end the search begins; and again further back when nothing decodes from there.
BACK_SECONDS = (1.0, 10.0, 1e9)


def write_last(path: str, out: str) -> dict[str, Any]:
    """Writes the last frame that decodes to `out` as PNG, upright; answers its size. Refuses with `not_a_video`."""
    return with_film(path, lambda film, _: _written(_last(film), out))


def _last(film: InputContainer) -> VideoFrame:
    stream = film.streams.video[0]
    stream.codec_context.skip_frame = "DEFAULT"
    end = film.duration or 0
    for back in BACK_SECONDS:
        film.seek(int(max(0.0, end - back * 1_000_000)))
        last = None
        for frame in film.decode(stream):
            if last is None or (frame.pts or 0) >= (last.pts or 0):
                last = frame
        if last is not None:
            return last
    raise no_video("no frame of it decodes")


def _written(frame: VideoFrame, out: str) -> dict[str, Any]:
    rgb = frame.reformat(
        format="rgb24",
        src_colorspace=Colorspace.ITU709 if frame.colorspace == 2 and frame.height >= 720 else None,
        dst_color_range=ColorRange.JPEG,
    )
    image = rgb.to_image()
    if frame.rotation:
        image = image.rotate(frame.rotation, expand=True)
    image.save(out, format="PNG", compress_level=3)
    return {"width": image.width, "height": image.height}
