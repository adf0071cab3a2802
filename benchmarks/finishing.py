"""Finishing of an 8 s clip of 1080p: two renditions, four posters, a sheet with its index, facts and checks, from one decode;
beside the best single command written by hand, and beside a command for each thing. `ROUNDS=5 python -m benchmarks.finishing`.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.film import moving_clip
from benchmarks.report import middle, report
from vividflow.media.child import Decoder
from vividflow.media.ffmpeg import ffmpeg_path
from vividflow.media.finishing import finish_film
from vividflow.media.finishing_graph import Size

ROUNDS = int(os.environ.get("ROUNDS", "5"))
SIZES = (Size(name="720p", width=1280, height=720), Size(name="480p", width=854, height=480))
X264 = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "23", "-pix_fmt", "yuv420p", "-c:a", "copy"]
FAST = ["-movflags", "+faststart"]
BLACK, FREEZE, SILENCE = "blackdetect=d=0.04", "freezedetect=n=-60dB:d=1.5", "silencedetect=n=-60dB:d=2"
# By hand: each size scaled from the next larger one, what looks at the picture at the foot of it.
GRAPH = (
    "[0:v]split=2[a][p];[a]scale=1280:720,split=2[v720][b];[b]scale=854:480,split=2[v480][c];"
    f"[c]scale=320:180:flags=area,{BLACK},{FREEZE},fps=4,scale=160:90,tile=10x4[sheet];"
    "[p]select='gte(t,0.8)*isnan(prev_selected_t)',scale=960:540,split=3[w960][j960][x];"
    f"[x]scale=480:270,split=2[w480][j480];[0:a]{SILENCE}[heard]"
)
STILLS = (
    ("w960", "w960.webp"),
    ("j960", "j960.jpg"),
    ("w480", "w480.webp"),
    ("j480", "j480.jpg"),
    ("sheet", "sheet.jpg"),
)


def _ours(decoder: Decoder, clip: Path, folder: Path) -> None:
    made = finish_film(clip, decoder.survey(clip), SIZES, folder)
    assert len(made.files) == 8


def _by_hand(clip: Path, folder: Path) -> None:
    words = ["-i", str(clip), "-filter_complex", GRAPH]
    for size in SIZES:
        words += ["-map", f"[v{size.height}]", "-map", "0:a", *X264, *FAST, str(folder / f"{size.name}.mp4")]
    for label, file in STILLS:
        words += ["-map", f"[{label}]", "-frames:v", "1", "-update", "1", str(folder / file)]
    _run([*words, "-map", "[heard]", "-f", "null", "-"])
    assert len(list(folder.iterdir())) == 7


def _separate(clip: Path, folder: Path) -> None:
    source = ["-i", str(clip)]
    for size in SIZES:
        _run([*source, "-vf", f"scale={size.width}:{size.height}", *X264, *FAST, str(folder / f"{size.name}.mp4")])
    for width, ending in ((960, "webp"), (960, "jpg"), (480, "webp"), (480, "jpg")):
        out = str(folder / f"{width}.{ending}")
        _run(["-ss", "0.8", *source, "-vf", f"scale={width}:-2", "-frames:v", "1", "-update", "1", out])
    _run([*source, "-vf", "fps=4,scale=160:90,tile=10x4", "-frames:v", "1", "-update", "1", str(folder / "sheet.jpg")])
    _run([*source, "-vf", f"{BLACK},{FREEZE}", "-an", "-f", "null", "-"])
    _run([*source, "-af", SILENCE, "-vn", "-f", "null", "-"])
    subprocess.run([ffmpeg_path(), "-hide_banner", *source], capture_output=True, check=False)


def _run(words: list[str]) -> None:
    command = [ffmpeg_path(), "-nostdin", "-v", "error", "-y", *words]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)


def _timed(act: Callable[[Path], None]) -> tuple[float, float]:
    """Wall and processor seconds of `act` in an empty folder."""
    folder = Path(tempfile.mkdtemp(prefix="vf-bench-"))
    try:
        before, began = _used(), time.perf_counter()
        act(folder)
        return time.perf_counter() - began, _used() - before
    finally:
        shutil.rmtree(folder)


def _used() -> float:
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def main() -> None:
    """The three in turn, medians of their ratios; the child that proves is warm."""
    with tempfile.TemporaryDirectory() as name:
        clip = moving_clip(Path(name) / "clip.mp4")
        decoder = Decoder()
        decoder.survey(clip)
        ways: tuple[Callable[[Path], None], ...] = (
            lambda folder: _ours(decoder, clip, folder),
            lambda folder: _by_hand(clip, folder),
            lambda folder: _separate(clip, folder),
        )
        rounds: list[list[tuple[float, float]]] = []
        for number in range(ROUNDS):
            turn = {place: _timed(ways[place]) for place in ((0, 1, 2), (1, 2, 0), (2, 0, 1))[number % 3]}
            rounds.append([turn[place] for place in (0, 1, 2)])
        decoder.close()
    names = ("ours, with the proof", "the best single command by hand", "a command for each thing")
    figures = [tuple(middle([each[place][kind] for each in rounds]) for kind in (0, 1)) for place in (0, 1, 2)]
    rows = [
        (name, f"{wall:.1f} s, {cpu:.1f} s of processor", None)
        for name, (wall, cpu) in zip(names, figures, strict=True)
    ]
    hand = [middle([each[0][kind] / each[1][kind] for each in rounds]) for kind in (0, 1)]
    apart = [middle([each[0][kind] / each[2][kind] for each in rounds]) for kind in (0, 1)]
    report(
        f"finishing an 8 s clip of 1080p, {ROUNDS} rounds",
        [
            *rows,
            ("ours ÷ by hand, wall and processor (goal ≤ 1.15)", f"{hand[0]:.2f}×, {hand[1]:.2f}×", hand[0] <= 1.15),
            ("ours ÷ a command for each, wall and processor", f"{apart[0]:.2f}×, {apart[1]:.2f}×", None),
        ],
    )


if __name__ == "__main__":
    main()
