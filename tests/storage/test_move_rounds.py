"""A move that is killed goes on where it was. `python -m tests.storage.move_rounds` plays the long version."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.storage.move_rounds import play


@pytest.mark.timeout(300)
@pytest.mark.parametrize("scheme", ["s3", "gs"])
def test_a_move_that_was_killed_leaves_nothing_behind_and_nothing_twice(scheme: str, tmp_path: Path) -> None:
    one = play(scheme, breaks=1, films=6, folder=tmp_path, seed=os.getpid())
    assert (one.breaks, one.files) == (1, 12)
    assert (one.there, one.unlike, one.puts, one.twice) == (12, 0, 12, 0)
