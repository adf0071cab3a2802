"""P13: what is done to a clip on arrival (proof, facts, three posters) through the warm child, beside ffmpeg as subprocesses."""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.film import moving_clip
from benchmarks.report import middle, report
from vividflow.media.child import Decoder
from vividflow.media.ffmpeg import ffmpeg_path

ROUNDS = 9


def _ours(decoder: Decoder, clip: Path, folder: Path) -> float:
    began = time.perf_counter()
    facts, posters = decoder.prove_and_posters(clip, folder, "poster")
    taken = time.perf_counter() - began
    assert (facts.width, facts.height, len(posters)) == (1920, 1080, 3)
    return 1000 * taken


def _bare(clip: Path, folder: Path) -> float:
    """One frame as three posters by one ffmpeg that seeks before its input, and a second one that reads the facts."""
    program = ffmpeg_path()
    began = time.perf_counter()
    subprocess.run([program, "-hide_banner", "-i", str(clip)], capture_output=True, check=False)
    split = "split=3[a][b][c];[a]scale=480:-2[s];[b]scale=960:-2[m];[c]scale=960:-2[j]"
    outputs = ["-map", "[s]", "-frames:v", "1", str(folder / "s.webp"), "-map", "[m]", "-frames:v", "1"]
    outputs += [str(folder / "m.webp"), "-map", "[j]", "-frames:v", "1", str(folder / "j.jpg")]
    command = [program, "-v", "error", "-y", "-ss", "0.8", "-i", str(clip), "-filter_complex", split, *outputs]
    subprocess.run(command, check=True)
    return 1000 * (time.perf_counter() - began)


def main() -> None:
    """Pairs in turn, medians; the child is warm."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip = moving_clip(folder / "clip.mp4")
        decoder = Decoder()
        _ours(decoder, clip, folder)
        pairs = [(_ours(decoder, clip, folder), _bare(clip, folder)) for _ in range(ROUNDS)]
        decoder.close()
    ours, bare = middle([each[0] for each in pairs]), middle([each[1] for each in pairs])
    ratio = middle([mine / theirs for mine, theirs in pairs])
    report(
        "P13 arrival of an 8 s clip of 1080p",
        [
            ("proof, facts and three posters through the warm child (goal ≤ 120 ms)", f"{ours:.0f} ms", ours <= 120),
            ("facts and the same posters by two ffmpeg processes", f"{bare:.0f} ms", None),
            ("ours ÷ theirs (goal ≤ 0.5)", f"{ratio:.2f}×", ratio <= 0.5),
        ],
    )


if __name__ == "__main__":
    main()
