"""Fixtures that every floor's tests share: databases of both kinds, settings, tools, a person."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import databases
from tests.people import make_user
from tests.simulators.gemini import GeminiSimulator
from vividflow.config import Settings
from vividflow.db.database import Database
from vividflow.lifecycle.tools import Tools, build_tools
from vividflow.records.users import User


@pytest.fixture(scope="session", autouse=True)
def _postgresql_left_behind() -> Iterator[None]:
    yield
    databases.drop_own()


@pytest.fixture(params=databases.KINDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty, migrated database: each test that asks for it runs on SQLite and on PostgreSQL."""
    return databases.fresh(request.param, tmp_path)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """The same, opened."""
    opened = Database(database_url)
    yield opened
    opened.close()


@pytest.fixture
def settings_for(tmp_path: Path) -> Callable[..., Settings]:
    """Settings with a data folder of the test's own; keyword arguments override."""

    def make(**overrides: object) -> Settings:
        values: dict[str, object] = {"data_dir": tmp_path / "data", "password_memory_kib": 8}
        return Settings.from_environment(None, **(values | overrides))

    return make


@pytest.fixture
def tools_for(database_url: str, settings_for: Callable[..., Settings]) -> Iterator[Callable[..., Tools]]:
    """Tools on the database of the test; keyword arguments are settings."""
    made: list[Tools] = []

    def make(**overrides: object) -> Tools:
        tools = build_tools(settings_for(**({"database_url": database_url} | overrides)))
        made.append(tools)
        return tools

    yield make
    for tools in made:
        for name, built in tools._built.items():
            if name.startswith("provider:") and hasattr(built, "close"):
                built.close()  # type: ignore[attr-defined]
        tools.ears.watch.close()
        tools.decoder.close()
        tools.db.close()


@pytest.fixture
def tools(tools_for: Callable[..., Tools]) -> Tools:
    """Tools with default settings."""
    return tools_for()


@pytest.fixture
def gemini() -> Iterator[GeminiSimulator]:
    """A simulated Gemini whose runs end at once."""
    server = GeminiSimulator(movie=b"a film").start()
    yield server
    server.stop()


@pytest.fixture
def user(tools: Tools) -> User:
    """A person with an account and no credit."""
    return make_user(tools)
