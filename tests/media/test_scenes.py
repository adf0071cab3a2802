"""Landscapes: chosen by words, planned the same twice, drawn to the sizes that were planned."""

from __future__ import annotations

from pathlib import Path

import pytest

from vividflow.media.inside import badge, scenery
from vividflow.media.scenes.layer import Stage
from vividflow.media.scenes.plan import Scene, plan
from vividflow.media.scenes.words import KINDS

SMALL = Stage(width=160, height=90, fps=30, frames=30)


def draw(scene: Scene, folder: Path) -> list[bytes]:
    found: list[bytes] = []
    for number, layer in enumerate(scene.layers):
        out = folder / str(number)
        scenery.draw(
            layer.draw, str(out), layer.width, layer.height, layer.seed, list(layer.shifts), layer.frames, layer.look
        )
        found.append(out.read_bytes())
    return found


@pytest.mark.parametrize(
    ("prompt", "kind", "time", "weather"),
    [
        ("A whale breaches in the ocean at sunset", "ocean", "sunset", "clear"),
        ("Neon CITY street, midnight, heavy rain", "city", "night", "rain"),
        ("wolves in a forest at dawn", "forest", "dawn", "clear"),
        ("an astronaut at sunny noon", "space", "night", "clear"),
        ("snowy winter, bright day", "snow", "day", "snow"),
        ("Mountains. Peaks. One tree. Evening.", "mountains", "sunset", "clear"),
        ("fireflies in an enchanted wood at night", "forest", "night", "fireflies"),
        ("camels cross the dunes at noon", "desert", "day", "clear"),
    ],
)
def test_words_choose_the_landscape(prompt: str, kind: str, time: str, weather: str) -> None:
    scene = plan(prompt, 1, SMALL)
    assert (scene.kind, scene.time, scene.weather) == (kind, time, weather)


def test_without_a_known_word_the_seed_chooses() -> None:
    kinds = {plan("qwertz", seed, SMALL).kind for seed in range(40)}
    assert len(kinds) >= 5


def test_the_same_wish_is_planned_the_same_and_another_seed_is_not() -> None:
    assert plan("a hill", 1, SMALL) == plan("a hill", 1, SMALL)
    assert plan("a hill", 1, SMALL).layers != plan("a hill", 2, SMALL).layers
    assert plan("a hill", 1, SMALL).layers != plan("the hill", 1, SMALL).layers


@pytest.mark.parametrize("size", [(1280, 720), (720, 1280), (854, 480), (1920, 1080), (3840, 2160), (64, 48)])
@pytest.mark.parametrize("frames", [24, 1800])
@pytest.mark.parametrize("kind", KINDS)
def test_every_layer_fills_the_frame_from_its_first_to_its_last(kind: str, frames: int, size: tuple[int, int]) -> None:
    stage = Stage(width=size[0], height=size[1], fps=30, frames=frames)
    for seed in range(3):
        for layer in plan(kind, seed, stage).layers:
            assert layer.width % 2 == layer.height % 2 == layer.top % 2 == layer.fall % 2 == 0
            for frame in (0, frames - 1):
                left = layer.start + layer.step * frame
                assert 0 <= left <= layer.width - stage.width - (2 if layer.step else 0)


@pytest.mark.parametrize("kind", KINDS)
def test_a_layers_shifts_and_even_places_make_an_even_motion(kind: str) -> None:
    stage = Stage(width=1280, height=720, fps=30, frames=120)
    for layer in plan(f"{kind} night", 4, stage).layers:
        for frame in range(120):
            place = layer.start + layer.step * frame
            even = 2 * (place // 2)
            assert even + layer.shifts[frame % len(layer.shifts)] == float(place)


@pytest.mark.parametrize("time", ["day", "sunset", "dawn", "night"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_landscape_is_drawn_to_its_planned_size(kind: str, time: str, tmp_path: Path) -> None:
    weather = {"day": "rain", "night": "fireflies", "dawn": "snowfall"}.get(time, "")
    scene = plan(f"{kind} {kind} {kind} {time} {weather}", 9, SMALL)
    assert scene.kind == kind
    drawn = draw(scene, tmp_path)
    for number, (layer, data) in enumerate(zip(scene.layers, drawn, strict=True)):
        assert len(data) == layer.width * layer.height * layer.drawn * (4 if number else 3)
        assert len(set(data)) > 1  # something is on it


def test_drawing_again_gives_the_same_bytes(tmp_path: Path) -> None:
    scene = plan("city night rain", 3, SMALL)
    assert draw(scene, tmp_path) == draw(scene, tmp_path)


@pytest.mark.parametrize("tall", [12, 30, 90])
def test_the_sign_has_even_sides_and_can_be_read(tall: int, tmp_path: Path) -> None:
    size = badge.draw(str(tmp_path / "badge"), "Preview · not AI", tall)
    data = (tmp_path / "badge").read_bytes()
    assert size["height"] == tall
    assert size["width"] % 2 == 0
    assert tall * 3 < size["width"] < tall * 7
    assert len(data) == size["width"] * tall * 4
    assert max(data[0::4]) > 150  # light letters
    assert data[3] == 0  # round corners
