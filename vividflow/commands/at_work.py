"""What every command shares: an up-to-date database, no worker, a sentence instead of a trace, exit code 0 or 1."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from flask import current_app
from sqlalchemy.exc import SQLAlchemyError

from vividflow import logs
from vividflow.db.migrate import SchemaOutOfDate, ensure_schema
from vividflow.errors import Complaints, Problem
from vividflow.lifecycle.tools import Tools


class Command(click.Command):
    """A command whose wrong use, too, ends with 1."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Read the arguments."""
        try:
            return super().make_context(info_name, args, parent, **extra)
        except click.UsageError as error:
            vars(error)["exit_code"] = 1
            raise


class Group(click.Group):
    """A group of commands whose wrong use, too, ends with 1."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Read the arguments."""
        try:
            return super().make_context(info_name, args, parent, **extra)
        except click.UsageError as error:
            vars(error)["exit_code"] = 1
            raise

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        """Find the command that is meant."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            vars(error)["exit_code"] = 1
            raise


@contextmanager
def at_work(*, migrate: bool = True) -> Iterator[Tools]:
    """The tools of the app, with the database brought up to date, and closed afterwards.

    What goes wrong inside becomes a sentence on stderr and exit code 1.
    """
    tools: Tools = current_app.extensions["vividflow"].tools
    logs.set_up(tools.settings)
    try:
        if migrate:
            ensure_schema(tools.db, tools.settings.data_dir)
        yield tools
    except Problem as problem:
        raise click.ClickException(problem.detail) from None
    except (SchemaOutOfDate, Complaints) as error:
        raise click.ClickException(str(error)) from None
    except (SQLAlchemyError, OSError, RuntimeError) as error:
        words = logs.clean(str(getattr(error, "orig", None) or error))
        raise click.ClickException(f"It did not work: {words}") from error
    finally:
        tools.db.close()


def say(words: str) -> None:
    """A word for the person at the terminal; stdout is kept for what scripts read."""
    click.echo(words, err=True)
