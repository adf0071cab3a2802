"""Which renditions a film gets: those asked for, never larger than it, never what it is already."""

from __future__ import annotations

import pytest

from vividflow.lifecycle.finishing_plan import USUAL_LEVELS, sizes_for
from vividflow.media.facts import Survey, VideoFacts


def film(width: int, height: int, codec: str = "h264", container: str = "mp4") -> Survey:
    facts = VideoFacts(
        container=container, codec=codec, width=width, height=height, fps=24.0, duration=5.0, bitrate=1, audio=None
    )
    return Survey(facts=facts, width=width, height=height, still_at=0.0, matrix=None)


@pytest.mark.parametrize(
    ("levels", "given", "made"),
    [
        (USUAL_LEVELS, film(1280, 720), []),
        (USUAL_LEVELS, film(832, 480), []),
        (USUAL_LEVELS, film(1920, 1080), [("720p", 1280, 720)]),
        (("480p", "720p"), film(1080, 1920), [("480p", 480, 854), ("720p", 720, 1280)]),
        (("480p",), film(1001, 777), [("480p", 618, 480)]),
        (("720p",), film(1280, 720, "vp9", "webm"), [("720p", 1280, 720)]),
        (("1080p",), film(1280, 720, "mpeg4", "avi"), []),
        (("4k", "720p"), film(3840, 2160), [("720p", 1280, 720)]),
        (("4k",), film(3840, 2160, "hevc"), [("2160p", 3840, 2160)]),
        ((), film(1920, 1080), []),
    ],
)
def test_a_level_is_made_only_where_it_is_smaller_or_plays_nowhere(
    levels: tuple[str, ...], given: Survey, made: list[tuple[str, int, int]]
) -> None:
    assert [(size.name, size.width, size.height) for size in sizes_for(levels, given)] == made
