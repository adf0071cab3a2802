"""Films from outside: proof that one is a film, its technical facts, and stills of it."""

from __future__ import annotations

import os
from typing import Any

import av
import av.error
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from vividflow.media.inside.refusal import no_video
from vividflow.media.inside.stills import still_of, write

UNSPECIFIED, HIGH = 2, 720
DEMUXERS = {"mp4": "mov", "avi": "avi", "webm": "matroska"}


def prove_video(path: str) -> dict[str, Any]:
    """The technical facts of the film at `path`: right container by its bytes, a video stream that decodes, whole.

    Refuses with `not_a_video`.
    """
    return with_film(path, lambda film, container: _facts(film, container, path, still_of(film)))


def posters(path: str, outs: dict[str, str]) -> list[dict[str, Any]]:
    """Writes stills of the film to `outs` (`poster_480`, `poster_960`, `poster_jpeg` to paths), never larger than it."""
    return with_film(path, lambda film, _: write(still_of(film), outs))


def prove_and_posters(path: str, outs: dict[str, str]) -> dict[str, Any]:
    """`prove_video` and `posters` with one opening of the file: `{"facts": …, "posters": […]}`."""

    def both(film: InputContainer, container: str) -> dict[str, Any]:
        still = still_of(film)
        return {"facts": _facts(film, container, path, still), "posters": write(still, outs)}

    return with_film(path, both)


def survey(path: str) -> dict[str, Any]:
    """`prove_video`, and its size with square pixels, a moment worth showing, and the colour matrix to assume.

    `{"facts", "width", "height", "still_at", "matrix"}`. Refuses with `not_a_video`.
    """

    def look(film: InputContainer, container: str) -> dict[str, Any]:
        still = still_of(film)
        facts = _facts(film, container, path, still)
        stretch = float(film.streams.video[0].sample_aspect_ratio or 1)
        if abs(still.rotation) % 180 == 90:
            stretch = 1 / stretch
        return {
            "facts": facts,
            "width": round(facts["width"] * stretch),
            "height": facts["height"],
            "still_at": max(0.0, (still.time or 0.0) - (film.start_time or 0) / 1_000_000),
            "matrix": "bt709" if still.colorspace == UNSPECIFIED and still.height >= HIGH else None,
        }

    return with_film(path, look)


def container_of(head: bytes) -> str | None:
    """ "mp4", "avi" or "webm" by the first bytes of a file, or None."""
    if head[4:8] == b"ftyp":
        return "mp4"
    if head[:4] == b"RIFF" and head[8:12] == b"AVI ":
        return "avi"
    if head[:4] == b"\x1a\x45\xdf\xa3" and (b"webm" in head or b"matroska" in head):
        return "webm"
    return None


def with_film(path: str, act: Any) -> Any:
    """What `act(film, container)` answers for the film at `path`. Refuses with `not_a_video` whatever does not open or decode."""
    with open(path, "rb") as file:
        container = container_of(file.read(64))
    if container is None:
        raise no_video("its first bytes are those of something else")
    options = {"protocol_whitelist": "file"}
    # Without this the opening decodes a whole frame to guess what the headers already say.
    unasked: list[Any] = [{"skip_frame": "all"}]
    try:
        with av.open(f"file:{path}", format=DEMUXERS[container], options=options, stream_options=unasked) as film:
            if not film.streams.video:
                raise no_video("it has no video stream")
            return act(film, container)
    except av.error.FFmpegError as error:
        raise no_video("it does not decode") from error
    except MemoryError:
        raise no_video("decoding it needs more memory than is allowed") from None


def _facts(film: InputContainer, container: str, path: str, still: VideoFrame) -> dict[str, Any]:
    stream = film.streams.video[0]
    duration = _duration(film, stream)
    _whole(film, stream, duration)
    size = os.path.getsize(path)
    if container == "mp4" and _cut_off(path, size):
        raise no_video("its end is missing")
    width, height = still.width, still.height
    if abs(still.rotation) % 180 == 90:
        width, height = height, width
    sound = film.streams.audio[0] if film.streams.audio else None
    rate = stream.average_rate or stream.guessed_rate
    return {
        "container": container,
        "codec": stream.codec_context.codec.canonical_name,
        "width": width,
        "height": height,
        "fps": round(float(rate), 3) if rate else 0.0,
        "duration": round(duration, 3),
        "bitrate": int(size * 8 / duration),
        "audio": {"codec": sound.codec_context.codec.canonical_name, "channels": sound.channels, "rate": sound.rate}
        if sound
        else None,
    }


def _duration(film: InputContainer, stream: VideoStream) -> float:
    if film.duration:
        return film.duration / 1_000_000
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    film.seek(0)
    end = max((_end(packet) for packet in film.demux(stream)), default=0.0)
    if end <= 0:
        raise no_video("it has no length")
    return end


def _whole(film: InputContainer, stream: VideoStream, duration: float) -> None:
    """Refuses a film whose last second is missing: a download that broke off still opens and shows its beginning."""
    film.seek(int(max(0.0, duration - 0.05) * 1_000_000))
    end = max((_end(packet) for packet in film.demux(stream)), default=0.0)
    if stream.duration and stream.time_base:
        duration = min(duration, float(stream.duration * stream.time_base))
    if end < duration - 1.0 and end < duration * 0.9:
        raise no_video("its end is missing")


def _cut_off(path: str, size: int) -> bool:
    """Whether the frames or their index are said to go on behind the end of an MP4: what is missing may be less than a second."""
    with open(path, "rb") as file:
        place = 0
        while len(head := file.read(16)) >= 8:
            length, kind = int.from_bytes(head[:4]), head[4:8]
            if length == 1:
                length = int.from_bytes(head[8:16])
            if length < 8:  # 0 is "until the end of the file", and less is no box
                return False
            place += length
            if place > size:
                return kind in (b"mdat", b"moov", b"moof")
            file.seek(place)
    return False


def _end(packet: av.Packet) -> float:
    if packet.pts is None or packet.time_base is None or packet.is_corrupt:
        return 0.0
    return float((packet.pts + (packet.duration or 0)) * packet.time_base)
