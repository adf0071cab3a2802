"""Small real films and pictures for simulators: made once, made different from one another by what readers skip."""

from __future__ import annotations

import io
import struct
import subprocess
import tempfile
from functools import lru_cache
from pathlib import Path


@lru_cache(maxsize=32)
def clip(seconds: float = 1.0, width: int = 320, height: int = 180) -> bytes:
    """A playable H.264 clip of about that length."""
    from imageio_ffmpeg import get_ffmpeg_exe

    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "clip.mp4"
        source = f"testsrc2=size={width}x{height}:rate=16:duration={seconds}"
        command = [
            get_ffmpeg_exe(),
            "-v",
            "error",
            "-f",
            "lavfi",
            "-i",
            source,
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
        ]
        command += ["-crf", "35", "-pix_fmt", "yuv420p", "-movflags", "+faststart", str(made)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, timeout=60)
        return made.read_bytes()


@lru_cache(maxsize=8)
def still(ending: str = "png", width: int = 640, height: int = 360) -> bytes:
    """A picture of that kind."""
    from PIL import Image

    made = io.BytesIO()
    picture = Image.linear_gradient("L").resize((width, height)).convert("RGB")
    picture.save(made, format={"png": "PNG", "jpg": "JPEG", "webp": "WEBP"}[ending])
    return made.getvalue()


def tagged(movie: bytes, tag: str) -> bytes:
    """The same film with other bytes: `tag` in a box that players skip."""
    text = tag.encode()
    return movie + struct.pack(">I4s", 8 + len(text), b"free") + text
