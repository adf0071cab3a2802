"""The built-in renderer: a real, playable MP4 from a prompt and pictures, that says plainly it is a preview and not AI."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from vividflow.errors import LeaseLost
from vividflow.media.camera import Camera, Move, move_for, views
from vividflow.media.child import Decoder
from vividflow.media.ffmpeg import run_ffmpeg
from vividflow.media.graph import Graph
from vividflow.media.pad import RATE, pad
from vividflow.media.scenes.layer import Stage
from vividflow.media.scenes.motion import compose
from vividflow.media.scenes.plan import plan

TITLE = "Vivid Flow preview, not AI"
BADGE = "Preview · not AI"
SHORTEST, LONGEST = 1.0, 60.0
SMOOTH_UP_TO = 1_000_000
DRAWING = 20


@dataclass(frozen=True, kw_only=True)
class _Wish:
    prompt: str
    image: Path | None
    last_image: Path | None
    stage: Stage
    seed: int
    audio: bool

    @property
    def seconds(self) -> float:
        return self.stage.frames / self.stage.fps


def render_preview(
    *,
    out: Path,
    scratch: Path,
    prompt: str,
    image: Path | None,
    last_image: Path | None,
    duration: float,
    width: int,
    height: int,
    seed: int,
    audio: bool,
    decoder: Decoder,
    on_progress: Callable[[int], None] | None = None,
    keep_going: Callable[[], bool] | None = None,
) -> None:
    """Writes an MP4 (H.264, AAC when `audio`, faststart) of `duration` seconds and `width` × `height` pixels to `out`.

    Over `image` a camera moves, fading to `last_image` if given; without pictures the prompt becomes a landscape. 30
    frames a second up to 720p, 24 above. Equal wishes give equal decoded frames. Works in a folder of its own in
    `scratch`; on failure neither that nor `out` is left. Raises `ValueError` for a length or size that cannot be, and
    what `Decoder` and `run_ffmpeg` raise.
    """
    if not SHORTEST <= duration <= LONGEST:
        raise ValueError(f"a preview is {SHORTEST:g} to {LONGEST:g} seconds long, not {duration:g}")
    _check_size(width, height)
    fps = 30 if width * height <= SMOOTH_UP_TO else 24
    stage = Stage(width=width, height=height, fps=fps, frames=round(duration * fps))
    wish = _Wish(prompt=prompt, image=image, last_image=last_image, stage=stage, seed=seed, audio=audio)
    progress = _Progress(on_progress, keep_going)
    folder = Path(tempfile.mkdtemp(prefix="preview-", dir=scratch))
    try:
        graph, bed = _graph(wish, folder, decoder, progress)
        words = _output(wish, graph, bed)
        run_ffmpeg(
            [*graph.inputs, "-filter_complex", ";".join(graph.chains), *words, str(out)],
            seconds_limit=60 + stage.frames * width * height / 3_000_000,
            duration=wish.seconds,
            on_progress=progress.encoded,
            keep_going=keep_going,
        )
    except BaseException:
        out.unlink(missing_ok=True)
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def render_still(
    *,
    out: Path,
    scratch: Path,
    prompt: str,
    image: Path | None,
    width: int,
    height: int,
    seed: int,
    decoder: Decoder,
    keep_going: Callable[[], bool] | None = None,
) -> None:
    """Writes one PNG of `width` × `height` pixels to `out`: `image` cropped to the shape, else the prompt's landscape.

    Like a preview it carries the sign that says what it is, and equal wishes give equal pixels. Raises as that does.
    """
    _check_size(width, height)
    stage = Stage(width=width, height=height, fps=30, frames=1)
    wish = _Wish(prompt=prompt, image=image, last_image=None, stage=stage, seed=seed, audio=False)
    folder = Path(tempfile.mkdtemp(prefix="preview-", dir=scratch))
    try:
        graph, _ = _graph(wish, folder, decoder, _Progress(None, keep_going))
        one = ["-map", graph.output, "-frames:v", "1", "-c:v", "png", "-fflags", "+bitexact", "-f", "image2", "-y"]
        words = [*graph.inputs, "-filter_complex", ";".join(graph.chains), *one, str(out)]
        run_ffmpeg(words, seconds_limit=60, duration=None, keep_going=keep_going)
    except BaseException:
        out.unlink(missing_ok=True)
        raise
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _check_size(width: int, height: int) -> None:
    if width < 16 or height < 16 or width % 2 or height % 2:
        raise ValueError(f"a preview has even sides of at least 16 pixels, not {width}x{height}")


class _Progress:
    """Whole percents for the caller: the first `DRAWING` for the pictures, the rest for the film."""

    def __init__(self, tell: Callable[[int], None] | None, keep_going: Callable[[], bool] | None) -> None:
        self._tell = tell
        self._keep_going = keep_going

    def drawn(self, done: int, whole: int) -> None:
        if self._keep_going and not self._keep_going():
            raise LeaseLost
        if self._tell:
            self._tell(DRAWING * done // (whole + 1))

    def encoded(self, percent: int) -> None:
        if self._tell:
            self._tell(DRAWING + percent * (100 - DRAWING) // 100)


def _graph(wish: _Wish, folder: Path, decoder: Decoder, progress: _Progress) -> tuple[Graph, str]:
    graph = Graph(wish.stage.fps)
    if wish.image or wish.last_image:
        picture, bed = _filmed(wish, graph, folder, decoder, progress), "wind"
    else:
        scene = plan(wish.prompt, wish.seed, wish.stage)
        picture = compose(scene, graph, folder, decoder, progress.drawn)
        bed = "rain" if scene.weather == "rain" else {"ocean": "ocean", "space": "none"}.get(scene.kind, "wind")
    unit = wish.stage.unit
    tall = max(12, round(unit * 0.042 / 2) * 2)
    sign = decoder.ask("badge", out=str(folder / "badge.raw"), text=BADGE, tall=tall)
    above = graph.pixels(folder / "badge.raw", int(sign["width"]), int(sign["height"]), alpha=True)
    edge = round(unit * 0.028 / 2) * 2
    signed = graph.over(picture, above, str(edge), f"H-h-{edge}")
    graph.output = graph.chain(
        f"{signed}trim=end_frame={wish.stage.frames},setsar=1,setparams=colorspace=bt709:color_primaries=bt709:color_trc=bt709:range=tv,format=yuv420p"
    )
    return graph, bed


def _filmed(wish: _Wish, graph: Graph, folder: Path, decoder: Decoder, progress: _Progress) -> str:
    stage = wish.stage
    camera = Camera(graph, decoder, folder, stage.width, stage.height)
    one, other = wish.image, wish.last_image
    if one is None or other is None:
        move = move_for(wish.prompt, wish.seed) if one else Move.PULL_OUT
        shown = camera.shot("picture", one or other or Path(), views(move, wish.seed, wish.seconds), stage.frames)
        progress.drawn(1, 1)
        return shown
    overlap = max(1, round(stage.frames * 0.4))
    first = (stage.frames + overlap) // 2
    begin = camera.shot("first", one, views(Move.PUSH_IN, wish.seed, wish.seconds / 2), first)
    progress.drawn(1, 2)
    end = camera.shot("last", other, views(Move.PULL_OUT, wish.seed, wish.seconds / 2), stage.frames - first + overlap)
    progress.drawn(2, 2)
    return camera.crossfade(begin, end, first, overlap)


def _output(wish: _Wish, graph: Graph, bed: str) -> list[str]:
    stage = wish.stage
    words = ["-map", graph.output, "-r", str(stage.fps)]
    words += ["-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-threads", "2", "-g", str(stage.fps * 2)]
    words += ["-x264-params", "aq-mode=3", "-pix_fmt", "yuv420p", "-flags:v", "+bitexact"]
    if wish.audio:
        samples = stage.frames * RATE // stage.fps
        graph.chains.append(pad(wish.seed, wish.seconds, samples, bed, "[sound]"))
        words += ["-map", "[sound]", "-c:a", "aac", "-b:a", "128k", "-flags:a", "+bitexact"]
    words += ["-metadata", f"title={TITLE}", "-metadata", f"comment={TITLE}", "-fflags", "+bitexact"]
    return [*words, "-movflags", "+faststart", "-f", "mp4", "-y"]
