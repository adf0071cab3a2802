"""The command line, `flask --app web_app …`: one command group a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask  # gunicorn's master passes through here and stays small


def register(app: Flask) -> None:
    """Add every command to the app."""
    from vividflow.commands import backup, keeping, people, provenance, providers, review, running, storage

    groups = (people, keeping, providers, review, provenance, backup, storage, running)
    for command in (each for group in groups for each in group.COMMANDS):
        app.cli.add_command(command)
