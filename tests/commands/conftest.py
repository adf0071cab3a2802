"""An app whose commands a test can run, on a data folder of its own."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask

from tests.installation import migrated, settings_in
from vividflow.config import Settings
from vividflow.db.database import Database
from vividflow.logs.handlers import Ours
from web_app import create_app


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root, level = logging.getLogger(), logging.getLogger().level
    yield
    root.setLevel(level)
    for handler in [each for each in root.handlers if isinstance(each, Ours)]:
        root.removeHandler(handler)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of an installation that has a database already."""
    made = settings_in(tmp_path, public_url="https://studio.example.com", secret_key="0123456789abcdef")
    migrated(made).close()
    return made


@pytest.fixture
def db(settings: Settings) -> Iterator[Database]:
    """Its database, as a server has it open while commands run."""
    opened = Database(settings.database)
    yield opened
    opened.close()


@pytest.fixture
def app(settings: Settings) -> Flask:
    """The app, which nobody serves."""
    return create_app(settings)


@pytest.fixture
def flask(app: Flask) -> Callable[..., Result]:
    """`flask --app web_app …` with these arguments."""

    def run(*arguments: str, typed: str | None = None) -> Result:
        return app.test_cli_runner().invoke(args=list(arguments), input=typed)

    return run
