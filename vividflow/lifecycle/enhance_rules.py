"""A prompt made richer without a model: a shot, a light and a movement are added where the person named none.

The person's words stay as they are, whatever their language; what is added comes after them, in short sentences. Equal
prompts give equal results, and a result given again stays the same.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

# Whoever wrote this much knows what they want; and with all three sentences it stays under 1,000 characters.
RICH_CHARACTERS = 600
_ENDS = tuple(".!?…。！？؟।")


@dataclass(frozen=True, kw_only=True)
class Aspect:
    """One thing that a clip needs: the words that show it was thought of, and sentences by what the scene is about."""

    named: re.Pattern[str]
    by_scene: tuple[tuple[re.Pattern[str], tuple[str, ...]], ...]
    otherwise: tuple[str, ...]

    def sentence(self, prompt: str) -> str:
        """The sentence for a prompt that names nothing of the kind."""
        fitting = next((sentences for scene, sentences in self.by_scene if scene.search(prompt)), self.otherwise)
        return fitting[hashlib.sha256(prompt.encode()).digest()[0] % len(fitting)]


def enrich(prompt: str) -> str:
    """`prompt` with what it lacks after it; at most 1,000 characters for a prompt of at most 1,000."""
    if len(prompt) > RICH_CHARACTERS:
        return prompt
    added = [aspect.sentence(prompt) for aspect in ASPECTS if not aspect.named.search(prompt)]
    if not added:
        return prompt
    end = "" if prompt.endswith(_ENDS) else "."
    return f"{prompt}{end} {' '.join(added)}"


def _words(*words: str) -> re.Pattern[str]:
    return re.compile(rf"\b(?:{'|'.join(words)})\b", re.IGNORECASE)


_PEOPLE = _words(
    "man", "men", "woman", "women", "girl", "boy", "child", "children", "person", "face", "portrait", "dancer"
)
_SMALL = _words("flower", "insect", "bee", "butterfly", "drop", "leaf", "coffee", "watch", "ring", "product", "food")
_VAST = _words(
    "mountains?", "sea", "ocean", "desert", "valley", "city", "skyline", "landscape", "forest", "lake", "coast", "island"
)  # fmt: skip
_NIGHT = _words("night", "midnight", "stars?", "moon", "moonlit", "neon")
_EVENING = _words("dusk", "sunset", "evening", "dawn", "sunrise", "morning")
_INDOORS = _words("room", "kitchen", "office", "studio", "cafe", "café", "library", "workshop", "indoors?", "interior")
_FAST = _words(
    "runs?", "running", "race", "racing", "chase", "chasing", "flies", "flying", "drives?", "driving", "gallop\\w*"
)

ASPECTS = (
    Aspect(
        named=_words(
            "shot", "close-?ups?", "wide", "medium", "macro", "aerial", "overhead", "lens", "framing", "framed",
            "angle", "establishing", "point of view", "pov", "bird'?s[- ]eye",
        ),
        by_scene=(
            (_PEOPLE, ("Medium close-up, shallow depth of field.", "Medium shot at eye level.")),
            (_SMALL, ("Macro close-up, shallow depth of field.",)),
            (_VAST, ("Wide establishing shot.", "Wide shot with foreground detail.")),
        ),
        otherwise=("Medium wide shot.", "Wide shot, balanced composition."),
    ),
    Aspect(
        named=_words(
            "light", "lights", "lighting", "lit", "backlit", "sunlight", "moonlight", "golden hour", "blue hour",
            "shadows?", "glow", "glowing", "overcast", "silhouettes?", "candlelight", "daylight",
        ),
        by_scene=(
            (_NIGHT, ("Cool moonlight with soft highlights.",)),
            (_EVENING, ("Low warm light with long shadows.",)),
            (_INDOORS, ("Soft window light from the side.",)),
        ),
        otherwise=("Soft natural light.", "Warm, gently directional light."),
    ),
    Aspect(
        named=_words(
            "camera", "pan", "pans", "panning", "tilts?", "dolly", "tracking", "zooms?", "zooming", "push", "pushes",
            "push-?in", "pull-?back", "orbits?", "crane", "handheld", "static", "steadicam", "time-?lapse",
        ),
        by_scene=(
            (_FAST, ("The camera tracks alongside, smooth and level.",)),
            (_PEOPLE, ("The camera pushes in slowly.",)),
            (_VAST, ("The camera glides slowly forward.",)),
        ),
        otherwise=("The camera pushes in slowly.", "The camera drifts slowly sideways."),
    ),
)  # fmt: skip
