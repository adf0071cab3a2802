"""What the camera does over a picture."""

from __future__ import annotations

import pytest

from vividflow.media.camera import SPARE, Move, move_for, views


@pytest.mark.parametrize(
    ("prompt", "move"),
    [
        ("Slowly zoom in on the face", Move.PUSH_IN),
        ("the camera pulls back to reveal a town", Move.PULL_OUT),
        ("pan left over the hills", Move.LEFT),
        ("camera panning to the right", Move.RIGHT),
        ("tilting up to the sky", Move.UP),
        ("crane down", Move.DOWN),
    ],
)
def test_the_prompt_may_ask_for_a_move(prompt: str, move: Move) -> None:
    assert {move_for(prompt, seed) for seed in range(5)} == {move}


def test_else_the_seed_chooses_the_same_again() -> None:
    chosen = [move_for("a cat", seed) for seed in range(30)]
    assert chosen == [move_for("a cat", seed) for seed in range(30)]
    assert len(set(chosen)) >= 4


@pytest.mark.parametrize("move", Move)
@pytest.mark.parametrize("seconds", [1, 4, 60])
def test_the_camera_never_looks_past_the_picture(move: Move, seconds: float) -> None:
    for seed in range(10):
        begin, end = views(move, seed, seconds)
        assert begin != end
        for view in (begin, end):
            assert 1 <= view.wide <= 1 + SPARE
            assert 0 <= view.across <= 1
            assert 0 <= view.down <= 1
