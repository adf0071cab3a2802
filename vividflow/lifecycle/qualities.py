"""In which sizes a finished video can be had."""

from __future__ import annotations

import re
from collections.abc import Iterable

from vividflow.lifecycle.finishing_plan import quality_of
from vividflow.records.assets import Asset
from vividflow.records.renditions import Rendition

_HEIGHT = re.compile(r"[1-9][0-9]{1,4}p").fullmatch


def qualities(asset: Asset, made: Iterable[Rendition]) -> dict[str, Asset | Rendition]:
    """What can be streamed by its name: "original", then the heights, largest first.

    Nothing is made larger than it came: the original stands for its own height, unless it had to be made playable.
    """
    heights: dict[str, Asset | Rendition] = {each.name: each for each in made if _HEIGHT(each.name)}
    if asset.width and asset.height:
        heights.setdefault(quality_of(asset.width, asset.height), asset)
    return {"original": asset} | {name: heights[name] for name in sorted(heights, key=lambda name: -int(name[:-1]))}
