"""A whole application on a data folder of the test's own, with a person and a key; no worker runs unless a test starts it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.api.desk import Desk


@pytest.fixture
def desk_for(tmp_path: Path) -> Iterator[Callable[..., Desk]]:
    """Applications for settings; keyword arguments are settings."""
    made: list[Desk] = []

    def make(**settings: object) -> Desk:
        made.append(Desk(tmp_path, **settings))
        return made[-1]

    yield make
    for desk in made:
        desk.close()


@pytest.fixture
def desk(desk_for: Callable[..., Desk]) -> Desk:
    """An application with default settings."""
    return desk_for()
