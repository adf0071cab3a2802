"""A picture that was made for somebody: proved, and shown smaller for pages."""

from __future__ import annotations

from typing import Any

from PIL import Image

from vividflow.media.inside.pictures import image_facts, upright_rgb
from vividflow.media.inside.stills import LARGE_WEBP, LARGEST_JPEG, SMALL_WEBP


def prove_and_posters(path: str, outs: dict[str, str]) -> dict[str, Any]:
    """The facts of the picture at `path`, and smaller ones of it in `outs`, as for a film (`poster_480` and so on).

    `{"facts": …, "posters": […]}`. Refuses as `image_facts` does.
    """
    facts = image_facts(path)
    with Image.open(path) as opened:  # decoded once already, so it does
        whole = upright_rgb(opened)
    return {"facts": facts, "posters": [_written(whole, name, out) for name, out in outs.items()]}


def _written(whole: Image.Image, name: str, out: str) -> dict[str, Any]:
    if name == "poster_jpeg":
        factor = min(1.0, LARGEST_JPEG / max(whole.size))
    else:
        factor = min(1.0, (SMALL_WEBP if name == "poster_480" else LARGE_WEBP) / whole.width)
    size = (max(1, round(whole.width * factor)), max(1, round(whole.height * factor)))
    small = whole if factor == 1 else whole.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    if name == "poster_jpeg":
        small.save(out, format="JPEG", quality=86)
    else:
        small.save(out, format="WEBP", quality=80, method=1)
    return {"name": name, "width": small.width, "height": small.height}
