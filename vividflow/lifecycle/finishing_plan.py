"""What is made of a fetched film: the sizes that were asked for, never larger than it, never what it is already."""

from __future__ import annotations

from collections.abc import Iterable

from vividflow.media.facts import Survey
from vividflow.media.finishing_graph import Size
from vividflow.media.shapes import SHORTER_SIDES

# A wish that names no levels gets those that POST /api/v1/videos/generate has by default.
USUAL_LEVELS = ("720p", "1080p")


def sizes_for(levels: Iterable[str], survey: Survey) -> tuple[Size, ...]:
    """The renditions to make for quality levels ("720p", "4k": the shorter side). A level that the original has, in H.264
    in an MP4, is the original itself."""
    short = min(survey.width, survey.height)
    plays = survey.facts.codec == "h264" and survey.facts.container == "mp4"
    wanted = {SHORTER_SIDES[level] for level in levels}
    return tuple(_size(side, survey) for side in sorted(wanted) if side < short or (side == short and not plays))


def quality_of(width: int | None, height: int | None) -> str:
    """What a size is called: its shorter side, as in "720p"."""
    return f"{min(width or 0, height or 0)}p"


def _size(side: int, survey: Survey) -> Size:
    upright = survey.height > survey.width
    long = 2 * round(side * max(survey.width, survey.height) / min(survey.width, survey.height) / 2)
    wide, high = (side, long) if upright else (long, side)
    return Size(name=f"{side}p", width=wide, height=high)
