"""Bringing the database up to date by hand, and running a worker alone."""

from __future__ import annotations

import click
from flask.cli import AppGroup, with_appcontext

from vividflow.commands.at_work import Command, at_work, say
from vividflow.db.migrate import ensure_schema, newest_revision, upgrade

db = AppGroup("db", help="The database itself.")


@db.command("upgrade", cls=Command)
@with_appcontext
def db_upgrade() -> None:
    """Run all outstanding migrations; the only way for PostgreSQL, done by itself for SQLite."""
    with at_work(migrate=False) as tools:
        if not tools.db.on_sqlite:
            upgrade(tools.db.address)
        ensure_schema(tools.db, tools.settings.data_dir)
    say(f"The database is at revision {newest_revision()}.")


@click.command("worker", cls=Command)
@with_appcontext
def worker() -> None:
    """Run a worker alone, as `python job_queue.py` does, until SIGTERM or Ctrl-C."""
    import job_queue

    raise SystemExit(job_queue.main())


COMMANDS = (db, worker)
