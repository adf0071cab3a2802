"""The last frame of a film: the very last one, upright, or a refusal."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from tests.media.films import make_film
from vividflow.errors import Transient
from vividflow.media.child import Decoder

BLUE = "drawbox=w=iw:h=ih:t=fill:color=blue:enable='gte(n,{last})'"


def _middle(picture: Path) -> tuple[int, int, tuple[int, ...]]:
    with av.open(str(picture)) as opened:
        frame = next(opened.decode(video=0))
    return frame.width, frame.height, tuple(bytes(frame.reformat(2, 2, "rgb24").planes[0])[:3])


@pytest.mark.parametrize("ending", ["mp4", "webm", "avi"])
def test_it_is_the_very_last_frame(decoder: Decoder, tmp_path: Path, ending: str) -> None:
    film = make_film(tmp_path / f"film.{ending}", size="320x256", seconds=2, filters=BLUE.format(last=49))
    decoder.last_frame(film, tmp_path / "frame")
    width, height, (red, green, blue) = _middle(tmp_path / "frame")
    assert (width, height) == (320, 256)
    assert blue > 200
    assert max(red, green) < 60


def test_what_is_no_film_is_refused(decoder: Decoder, tmp_path: Path) -> None:
    broken = tmp_path / "film.mp4"
    broken.write_bytes(b"\0\0\0\x18ftypisom" + bytes(200))
    with pytest.raises(Transient) as refused:
        decoder.last_frame(broken, tmp_path / "frame")
    assert refused.value.code == "not_a_video"
    assert not (tmp_path / "frame").exists()
