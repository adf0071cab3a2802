"""Frame sizes and shapes."""

from __future__ import annotations

import pytest

from vividflow.media.shapes import nearest_shape, size_of


@pytest.mark.parametrize(
    ("resolution", "shape", "size"),
    [
        ("720p", "16:9", (1280, 720)),
        ("720p", "9:16", (720, 1280)),
        ("720p", "1:1", (720, 720)),
        ("480p", "16:9", (854, 480)),
        ("480p", "9:16", (480, 854)),
        ("1080p", "16:9", (1920, 1080)),
        ("1080p", "4:3", (1440, 1080)),
        ("4k", "16:9", (3840, 2160)),
        ("4K", "1:1", (2160, 2160)),
        ("720p", "21:9", (1680, 720)),
    ],
)
def test_the_shorter_side_is_the_resolution(resolution: str, shape: str, size: tuple[int, int]) -> None:
    assert size_of(resolution, shape) == size


@pytest.mark.parametrize(
    ("resolution", "shape"), [("721p", "16:9"), ("720p", "wide"), ("720p", "16:0"), ("720p", "²:1")]
)
def test_what_is_no_size_is_refused(resolution: str, shape: str) -> None:
    with pytest.raises(ValueError, match=r"is not|nothing"):
        size_of(resolution, shape)


@pytest.mark.parametrize(
    ("size", "nearest"),
    [((4000, 3000), "1:1"), ((1920, 1080), "16:9"), ((1080, 1920), "9:16"), ((1000, 990), "1:1"), ((600, 900), "9:16")],
)
def test_a_picture_goes_to_the_shape_that_crops_it_least(size: tuple[int, int], nearest: str) -> None:
    assert nearest_shape(*size, ["16:9", "9:16", "1:1"]) == nearest
