"""A decoder for all tests of a run, pictures and films to try it with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.media.films import make_film
from vividflow.media.child import Decoder
from vividflow.media.preview import render_preview


@pytest.fixture(scope="session")
def decoder() -> Iterator[Decoder]:
    """A warm decoder that the tests share."""
    shared = Decoder(request_seconds=60)
    yield shared
    shared.close()


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of H.264 with sound, 640 × 360, 25 frames a second."""
    return make_film(tmp_path_factory.mktemp("film") / "film.mp4", sound=True)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A picture of 400 × 300 whose left half is red and whose right half is blue."""
    image = Image.new("RGB", (400, 300), (220, 20, 20))
    image.paste((20, 20, 220), (200, 0, 400, 300))
    image.save(tmp_path / "photo.jpg", quality=95)
    return tmp_path / "photo.jpg"


@pytest.fixture
def preview(tmp_path: Path, decoder: Decoder) -> Callable[..., Path]:
    """Renders a small preview; keyword arguments override. The scratch folder is `tmp_path / "scratch"`."""
    (tmp_path / "scratch").mkdir()

    def render(name: str = "out.mp4", **wishes: object) -> Path:
        out = tmp_path / name
        values: dict[str, object] = {
            "prompt": "waves at sunset",
            "image": None,
            "last_image": None,
            "duration": 1.0,
            "width": 256,
            "height": 144,
            "seed": 5,
            "audio": False,
        }
        render_preview(out=out, scratch=tmp_path / "scratch", decoder=decoder, **(values | wishes))  # pyright: ignore[reportArgumentType]
        return out

    return render
