"""Things that a model takes alone but not together are refused with a sentence that says what would do."""

from __future__ import annotations

import pytest

from vividflow.errors import Problem
from vividflow.lifecycle.combinations import check_combination
from vividflow.providers.registry import Model, load_registry


def model(name: str) -> Model:
    found = load_registry().model(name)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("wanted", "resolution", "param", "sentence"),
    [
        ({"audio"}, "720p", "audio", "Kling 2.6 makes sound at 1080p only, not at 720p."),
        ({"image", "last_image"}, "720p", "last_image", "Kling 2.6 makes a last image at 1080p only, not at 720p."),
        (
            {"image", "last_image", "audio"},
            "1080p",
            "audio",
            "Kling 2.6 does not take sound and a last image together. Leave one of them out.",
        ),
    ],
)
def test_what_does_not_go_together_is_named(wanted: set[str], resolution: str, param: str, sentence: str) -> None:
    with pytest.raises(Problem) as caught:
        check_combination(model("kling2.6"), wanted, resolution)
    assert (caught.value.status, caught.value.code) == (422, "unsupported_combination")
    assert (caught.value.param, caught.value.detail) == (param, sentence)


@pytest.mark.parametrize(
    ("name", "wanted", "resolution"),
    [
        ("kling2.6", {"audio"}, "1080p"),
        ("kling2.6", {"image", "last_image"}, "1080p"),
        ("kling2.6", {"image"}, "720p"),
        ("kling3", {"image", "last_image", "audio"}, "720p"),
        ("wan2.2", {"image", "last_image"}, "480p"),
        ("local", {"image", "last_image", "audio"}, "4k"),
    ],
)
def test_what_goes_together_passes(name: str, wanted: set[str], resolution: str) -> None:
    check_combination(model(name), wanted, resolution)
