"""One frame of a film, as evidence of what was found there."""

from __future__ import annotations

from typing import Any

from av.container import InputContainer
from av.video.frame import VideoFrame

from vividflow.media.inside.footage import with_film
from vividflow.media.inside.refusal import no_video
from vividflow.media.inside.stills import picture_of

WIDEST = 480


def write_frame(path: str, at: float, out: str) -> dict[str, Any]:
    """Writes the frame that is shown `at` seconds to `out` as JPEG, upright; answers its size. Refuses with `not_a_video`."""
    return with_film(path, lambda film, _: _written(_shown(film, at), out))


def _shown(film: InputContainer, at: float) -> VideoFrame:
    stream = film.streams.video[0]
    stream.codec_context.skip_frame = "DEFAULT"
    begin = (film.start_time or 0) / 1_000_000
    film.seek(int((begin + at) * 1_000_000))
    shown: VideoFrame | None = None
    for frame in film.decode(stream):
        if shown is not None and (frame.time or 0.0) > begin + at:
            break
        shown = frame
    if shown is None:
        raise no_video("no frame of it decodes from there")
    return shown


def _written(frame: VideoFrame, out: str) -> dict[str, Any]:
    image = picture_of(frame, WIDEST)
    image.save(out, format="JPEG", quality=82)
    return {"width": image.width, "height": image.height}
