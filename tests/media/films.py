"""Films made for a test, and what can be seen in them."""

from __future__ import annotations

import hashlib
import struct
import subprocess
from pathlib import Path

import av

from vividflow.media.ffmpeg import ffmpeg_path


def make_film(
    out: Path,
    *,
    size: str = "640x360",
    seconds: float = 1.0,
    sound: bool = False,
    filters: str = "null",
    codec: str = "",
) -> Path:
    """Makes a test picture film at `out`; the ending chooses the container."""
    codec = codec or {"webm": "libvpx", "avi": "mpeg4"}.get(out.suffix[1:], "libx264")
    words = [ffmpeg_path(), "-v", "error", "-f", "lavfi", "-i", f"testsrc2=size={size}:rate=25:duration={seconds}"]
    if sound:
        words += ["-f", "lavfi", "-i", f"sine=frequency=300:duration={seconds}"]
    words += ["-vf", filters, "-c:v", codec, "-b:v", "800k", "-pix_fmt", "yuv420p", "-g", "12", "-y", str(out)]
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL, timeout=60)
    return out


def decoded(film: Path) -> list[str]:
    """A hash of each decoded frame."""
    with av.open(str(film)) as opened:
        return [
            hashlib.sha256(b"".join(bytes(plane) for plane in frame.planes)).hexdigest()
            for frame in opened.decode(video=0)
        ]


def boxes(film: Path) -> list[str]:
    """The names of an MP4's outermost boxes, in order."""
    data, at, names = film.read_bytes(), 0, []
    while at < len(data):
        size, name = struct.unpack(">I4s", data[at : at + 8])
        names.append(name.decode())
        at += size
    return names
