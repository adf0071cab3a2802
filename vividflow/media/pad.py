"""The sound of a preview: a soft chord that swells and fades, with a breath of wind, surf or rain under it."""

from __future__ import annotations

import random

RATE = 48000
# Nothing in it is higher than this can carry, and a third of the samples cost a third of the time.
COARSE = 16000
_CHORDS = ((1, 1.5, 2, 2.5, 3), (1, 1.5, 2, 2.4, 3), (1, 4 / 3, 2, 8 / 3, 3), (1, 1.5, 2.25, 3, 3.75))
_BEDS = {
    "ocean": ("brown", 0.5, "lowpass=f=900,tremolo=f=0.13:d=0.75"),
    "rain": ("pink", 0.16, "highpass=f=500,lowpass=f=6000"),
    "wind": ("brown", 0.22, "lowpass=f=600,tremolo=f=0.17:d=0.5"),
    "none": ("brown", 0.06, "lowpass=f=300"),
}


def pad(seed: int, seconds: float, samples: int, bed: str, output: str) -> str:
    """Filter chains that make `samples` stereo samples at 48 kHz (`seconds`), named `output` (brackets included).

    `bed` is "ocean", "rain", "wind" or "none". The same seed makes the same sound.
    """
    rng = random.Random(f"pad {seed}")
    root = rng.choice((87.31, 98.0, 110.0, 123.47, 130.81))
    voices = rng.choice(_CHORDS)
    left, right = (_voices(rng, root, voices, detune) for detune in (-0.35, 0.35))
    colour, loud, shape = _BEDS[bed]
    fade_in, fade_out = min(0.8, seconds / 4), min(1.2, seconds / 3)
    return (
        f"aevalsrc=exprs='{left}|{right}':s={COARSE}:c=stereo:d={seconds + 1:.3f},lowpass=f=1400[chord];"
        f"anoisesrc=color={colour}:seed={rng.getrandbits(30)}:r={COARSE}:a={loud}:d={seconds + 1:.3f},{shape},"
        f"pan=stereo|c0=c0|c1=c0[bed];"
        f"[chord][bed]amix=inputs=2:duration=shortest:normalize=0,volume=0.8,aresample={RATE},"
        f"afade=t=in:d={fade_in:.3f},afade=t=out:st={seconds - fade_out:.3f}:d={fade_out:.3f},"
        f"atrim=end_sample={samples},asetpts=N/SR/TB{output}"
    )


def _voices(rng: random.Random, root: float, voices: tuple[float, ...], detune: float) -> str:
    parts: list[str] = []
    for number, voice in enumerate(voices):
        pitch = root * voice + detune * (1 + number * 0.4)
        loud = 0.1 / (1 + number * 0.45)
        swell = f"(0.62+0.38*sin(2*PI*{rng.uniform(0.05, 0.17):.3f}*t+{rng.uniform(0, 6.28):.3f}))"
        parts.append(f"{loud:.4f}*sin(2*PI*{pitch:.3f}*t)*{swell}")
    return "+".join(parts)
