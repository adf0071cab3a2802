"""An ffmpeg filter graph while it grows: its inputs of bare pixels, its chains, and the words all of them share."""

from __future__ import annotations

from pathlib import Path

# Rounding that is the same on every processor, so that equal wishes give equal frames.
EXACT = "flags=bicubic+accurate_rnd+bitexact+full_chroma_int"


class Graph:
    """Collects inputs and filter chains; `output` names the picture that is to be encoded."""

    def __init__(self, fps: int) -> None:
        self.fps = fps
        self.inputs: list[str] = []
        self.chains: list[str] = []
        self.output = ""
        self._count = 0

    def pixels(
        self, path: Path, width: int, height: int, *, alpha: bool, frames: int = 1, rate: int | None = None
    ) -> str:
        """Adds a file of bare pixels whose `frames` are repeated without end at `rate` a second; the name it gets."""
        rate = rate or self.fps
        kind = "rgba" if alpha else "rgb24"
        number = self.inputs.count("-i")
        self.inputs += ["-f", "rawvideo", "-pixel_format", kind, "-video_size", f"{width}x{height}"]
        self.inputs += ["-framerate", str(rate), "-i", str(path)]
        return self.chain(
            f"[{number}:v]scale=out_color_matrix=bt709:out_range=tv:{EXACT},format={'yuva420p' if alpha else 'yuv420p'},"
            f"loop=loop=-1:size={frames}:start=0,setpts=N/({rate}*TB)"
        )

    def chain(self, filters: str) -> str:
        """Adds a chain; the name of what comes out of it, brackets included."""
        self._count += 1
        name = f"[v{self._count}]"
        self.chains.append(filters + name)
        return name

    def over(self, below: str, above: str, x: str, y: str) -> str:
        """Lays `above` over `below` at `x`, `y` (expressions of the time t; even pixels keep colour in place)."""
        return self.chain(f"{below}{above}overlay=x='{x}':y='{y}':eval=frame:format=yuv420")
