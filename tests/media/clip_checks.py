"""Clips with a known fault and clips without one, and what the checks say: `python -m tests.media.clip_checks [--few]`.

Each bad clip must give its own finding, no good clip any. Prints the counts; ends with 1 when one of them is wrong.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vividflow.config import Settings
from vividflow.lifecycle.clip_checks import check
from vividflow.lifecycle.tools import Tools, build_tools
from vividflow.media.ffmpeg import ffmpeg_path
from vividflow.media.finishing import finish_film
from vividflow.media.preview import render_preview, render_still
from vividflow.records.jobs import Job

WIDE, HIGH = 854, 480
SCENES = (
    *("waves at sunset", "a city street at night in the rain", "stars over a dark desert", "a forest in fog"),
    *("snow on a mountain at dawn", "a planet in deep space", "a meadow at noon", "a harbour in a storm"),
)
PARAMS: dict[str, Any] = {"duration": 4.0, "resolution": "480p", "aspect_ratio": "16:9"}
NOISE = "noise=alls=6:allf=t"


@dataclass(frozen=True, kw_only=True)
class Case:
    """A clip, what was ordered, the picture it was to begin with, and the kind that must be found (None: nothing)."""

    name: str
    film: Path
    wanted: str | None
    picture: Path | None = None
    params: dict[str, Any] = field(default_factory=lambda: dict(PARAMS))


def kinds(tools: Tools, case: Case, folder: Path) -> set[str]:
    """The kinds of what is found in a clip; each frame that shows one is there."""
    folder.mkdir()
    survey = tools.decoder.survey(case.film)
    made = finish_film(case.film, survey, (), folder, first=case.picture is not None)
    findings, frames = check(_job(case.params), tools, case.film, survey, made, case.picture, folder)
    names = {frame.name for frame in frames if frame.path.stat().st_size}
    assert all(each.evidence is None or each.evidence in names for each in findings)
    return {each.kind for each in findings}


def bad(folder: Path, sources: dict[str, str], seconds: float) -> Iterator[Case]:
    """Every fault in every moving source: a part and the whole of it."""
    late = seconds / 2
    for name, source in sources.items():
        cover = "drawbox=c=black:t=fill:enable='gte(t,{})'"
        yield Case(name=f"{name}, black at last", wanted="black", film=_film(folder, source, cover.format(late - 0.5)))
        yield Case(name=f"{name}, all black", wanted="black", film=_film(folder, source, cover.format(0)))
        loop = f"loop=loop={round(late * 24)}:size=1:start={round(24 * 0.5)}"
        yield Case(name=f"{name}, frozen", wanted="frozen", film=_film(folder, source, loop))
        silence = f"volume=0:enable='gte(t,{late - 0.5})'"
        yield Case(name=f"{name}, silent at last", wanted="silent", film=_film(folder, source, "null", silence))
        sound = {**PARAMS, "audio": True}
        yield Case(name=f"{name}, no sound", wanted="silent", film=_film(folder, source, "null"), params=sound)
        yield Case(name=f"{name}, too short", wanted="length", film=_film(folder, source, f"trim=duration={late}"))
        small = _film(folder, source, "scale=426:240")
        yield Case(name=f"{name}, too small", wanted="size", film=small)
        turned = _film(folder, source, "transpose")
        yield Case(name=f"{name}, upright", wanted="size", film=turned)


def good(folder: Path, sources: dict[str, str], seconds: float) -> Iterator[Case]:
    """The same sources as they are: with sound, with a fade from black, as providers count seconds."""
    for name, source in sources.items():
        yield Case(name=name, wanted=None, film=_film(folder, source, "null", "anull"))
        yield Case(name=f"{name}, fade", wanted=None, film=_film(folder, source, "fade=in:d=0.7,fade=out:st=3.4:d=0.6"))
        yield Case(name=f"{name}, 832 px", wanted=None, film=_film(folder, source, "scale=832:480"))
        yield Case(name=f"{name}, 3.8 s", wanted=None, film=_film(folder, source, f"trim=duration={seconds - 0.2}"))


def local(folder: Path, tools: Tools, scenes: tuple[str, ...]) -> Iterator[Case]:
    """What the built-in renderer makes: from words, and from pictures; and the same beside the picture of another scene."""
    pictures: list[Path] = []
    for number, scene in enumerate(scenes):
        words = {
            "prompt": scene,
            "seed": number,
            "scratch": folder,
            "decoder": tools.decoder,
            "width": WIDE,
            "height": HIGH,
        }
        film, still = folder / f"local{number}.mp4", folder / f"still{number}.png"
        render_preview(out=film, image=None, last_image=None, duration=4.0, audio=True, **words)
        yield Case(name=f"local: {scene}", wanted=None, film=film)
        render_still(out=still, image=None, **words)
        pictures.append(still)
    for number, picture in enumerate(pictures):
        film = folder / f"from{number}.mp4"
        words = {
            "prompt": "",
            "seed": number,
            "scratch": folder,
            "decoder": tools.decoder,
            "width": WIDE,
            "height": HIGH,
        }
        render_preview(out=film, image=picture, last_image=None, duration=4.0, audio=False, **words)
        yield Case(name=f"from a picture: {scenes[number]}", wanted=None, film=film, picture=picture)
        other = _other(folder, number)
        yield Case(name=f"another picture: {scenes[number]}", wanted="first_frame", film=film, picture=other)


def sources(few: bool) -> dict[str, str]:
    """Moving pictures of ffmpeg's own, of `PARAMS`' size and length."""
    all_of_them = {
        "test picture": f"testsrc2=size={WIDE}x{HIGH}:rate=24:duration=4",
        "fractal": f"mandelbrot=size={WIDE}x{HIGH}:rate=24:end_scale=0.1:maxiter=200,trim=duration=4,{NOISE}",
        "life": f"life=size={WIDE}x{HIGH}:rate=24:mold=8:ratio=0.1:life_color=0x3f8fdf:death_color=0x7f3f10,trim=duration=4",
        "night": f"testsrc2=size={WIDE}x{HIGH}:rate=24:duration=4,eq=brightness=-0.3:contrast=0.6,{NOISE}",
    }
    return dict(list(all_of_them.items())[: 1 if few else None])


def run(folder: Path, *, few: bool) -> tuple[Counter[str], list[str]]:
    """Counts (bad, found, good, quiet), and a line for each clip that was judged wrongly."""
    tools = build_tools(Settings.from_environment(None, data_dir=folder))
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    moving = sources(few)
    try:
        cases = [
            *bad(folder, moving, 4.0),
            *good(folder, moving, 4.0),
            *local(folder, tools, SCENES[: 1 if few else None]),
        ]
        for number, case in enumerate(cases):
            found = kinds(tools, case, folder / f"made{number}")
            right = found == ({case.wanted} if case.wanted else set())
            counts[case.wanted or "good"] += 1
            counts[f"{case.wanted or 'good'}, right"] += right
            if not right:
                wrong.append(f"{case.name}: {sorted(found) or 'nothing'}, not {case.wanted or 'nothing'}")
    finally:
        tools.decoder.close()
        tools.ears.watch.close()
        tools.db.close()
    return counts, wrong


def _film(folder: Path, source: str, picture: str, sound: str | None = None) -> Path:
    out = folder / f"{abs(hash((source, picture, sound)))}.mp4"
    words = [ffmpeg_path(), "-v", "error", "-f", "lavfi", "-i", source]
    if sound is not None:
        words += ["-f", "lavfi", "-i", f"sine=frequency=330:duration=4,{sound}"]
    words += ["-vf", picture, "-t", "4", "-c:v", "libx264", "-preset", "ultrafast", "-crf", "20"]
    words += ["-pix_fmt", "yuv420p", "-c:a", "aac", "-y", str(out)]
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL, timeout=300)
    return out


def _other(folder: Path, number: int) -> Path:
    out = folder / f"other{number}.png"
    source = f"mandelbrot=size=640x360:start_x={-0.7 + number / 40}:start_scale=0.{number + 1}"
    words = [
        ffmpeg_path(),
        "-v",
        "error",
        "-f",
        "lavfi",
        "-i",
        source,
        "-frames:v",
        "1",
        "-update",
        "1",
        "-y",
        str(out),
    ]
    subprocess.run(words, check=True, stdin=subprocess.DEVNULL, timeout=60)
    return out


def _job(params: dict[str, Any]) -> Job:
    return Job(
        id="job", user_id="user", kind="video", state="finishing", status="processing", stage="finishing", lane="media",
        created_at=0.0, updated_at=0.0, params=params,
    )  # fmt: skip


def main() -> int:
    """Make, judge, print."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--few", action="store_true", help="one source and one scene instead of all")
    with tempfile.TemporaryDirectory() as name:
        counts, wrong = run(Path(name), few=asked.parse_args().few)
    for kind in sorted({name.removesuffix(", right") for name in counts}):
        verb = "without a finding" if kind == "good" else "found, and nothing else"
        print(f"{kind}: {counts[f'{kind}, right']} of {counts[kind]} {verb}")
    for line in wrong:
        print(f"WRONG {line}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
