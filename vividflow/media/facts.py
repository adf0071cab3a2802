"""What is known about a picture or a film after it was decoded, and how it comes out of the child's answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class ImageFacts:
    """A picture that decodes: its real MIME type, width and height in pixels as shown (turned by EXIF), frames."""

    mime: str
    width: int
    height: int
    frames: int


@dataclass(frozen=True, kw_only=True)
class TakenFacts:
    """A picture that somebody sent, as it is kept (`mime`, pixels, `alpha`: some of it is transparent) and as it came:
    `given_mime`, `frames`, EXIF's `orientation` 1 to 8, and whether EXIF told a `location`."""

    mime: str
    width: int
    height: int
    alpha: bool
    given_mime: str
    frames: int
    orientation: int
    location: bool


@dataclass(frozen=True, kw_only=True)
class VideoFacts:
    """A film that decodes: container ("mp4", "avi", "webm"), codec, pixels as shown, frames a second, seconds, bits a
    second, and `audio` as {"codec", "channels", "rate"} or None."""

    container: str
    codec: str
    width: int
    height: int
    fps: float
    duration: float
    bitrate: int
    audio: dict[str, Any] | None


@dataclass(frozen=True, kw_only=True)
class Survey:
    """A film that decodes, looked over before work: its `facts`, its size with square pixels, a moment worth showing
    (`still_at` seconds after its beginning), and the colour `matrix` to assume where it tells none."""

    facts: VideoFacts
    width: int
    height: int
    still_at: float
    matrix: str | None


@dataclass(frozen=True, kw_only=True)
class MadeFile:
    """One file made of a film or a picture: `name` is "poster_480", "720p", "spritesheet", …; size in pixels if it has one."""

    path: Path
    name: str
    mime: str
    width: int | None = None
    height: int | None = None


def image_facts(answer: dict[str, Any]) -> ImageFacts:
    """`ImageFacts` from the child's answer."""
    return ImageFacts(
        mime=str(answer["mime"]),
        width=int(answer["width"]),
        height=int(answer["height"]),
        frames=int(answer["frames"]),
    )


def taken_facts(answer: dict[str, Any]) -> TakenFacts:
    """`TakenFacts` from the child's answer."""
    return TakenFacts(**{name: answer[name] for name in TakenFacts.__dataclass_fields__})


def video_facts(answer: dict[str, Any]) -> VideoFacts:
    """`VideoFacts` from the child's answer."""
    audio = answer["audio"]
    return VideoFacts(
        container=str(answer["container"]),
        codec=str(answer["codec"]),
        width=int(answer["width"]),
        height=int(answer["height"]),
        fps=float(answer["fps"]),
        duration=float(answer["duration"]),
        bitrate=int(answer["bitrate"]),
        audio={"codec": str(audio["codec"]), "channels": int(audio["channels"]), "rate": int(audio["rate"])}
        if audio
        else None,
    )


def survey(answer: dict[str, Any]) -> Survey:
    """`Survey` from the child's answer."""
    return Survey(
        facts=video_facts(answer["facts"]),
        width=int(answer["width"]),
        height=int(answer["height"]),
        still_at=float(answer["still_at"]),
        matrix=answer["matrix"],
    )


def poster_files(answer: list[dict[str, Any]], outs: dict[str, Path]) -> list[MadeFile]:
    """The stills that were asked for as `outs` (name to path), with the sizes the child reports."""
    by_name = {str(one["name"]): one for one in answer}
    return [
        MadeFile(
            path=path,
            name=name,
            mime="image/jpeg" if name == "poster_jpeg" else "image/webp",
            width=int(by_name[name]["width"]),
            height=int(by_name[name]["height"]),
        )
        for name, path in outs.items()
    ]
