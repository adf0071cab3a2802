"""Backup and restore of the database. Finished files lie in the storage, which has its own ways."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click
from flask.cli import with_appcontext

from vividflow.commands.at_work import Command, at_work, say
from vividflow.db import backup as copies
from vividflow.db.database import Database
from vividflow.db.engine import sqlite_file
from vividflow.db.migrate import ensure_schema
from vividflow.lifecycle.tools import Tools

FILE = click.argument("file", type=click.Path(path_type=Path, dir_okay=False))


@click.command("backup", cls=Command)
@FILE
@with_appcontext
def backup(file: Path) -> None:
    """Copy the database to FILE while the server goes on. The file holds password hashes and prompts: keep it private."""
    with at_work(migrate=False) as tools:
        database = _sqlite(tools, "pg_dump")
        if not database.is_file():
            raise click.ClickException("There is no database yet.")
        size = copies.copy_out(database, file.absolute())
    say(f"Wrote {size / 1e6:.1f} MB. The storage's files, DATA_DIR/secret_key and DATA_DIR/c2pa.pem are not in it.")


@click.command("restore", cls=Command)
@FILE
@with_appcontext
def restore(file: Path) -> None:
    """Put the backup FILE in the place of the database; the former one is kept beside it. Needs a stopped server."""
    with at_work(migrate=False) as tools:
        database = _sqlite(tools, "pg_restore")
        try:
            copies.check_whole(file)
            tools.settings.data_dir.mkdir(parents=True, exist_ok=True)
            tools.db.make_folder()
            kept = database.exists()
            with copies.nobody_works(tools.settings.data_dir), copies.put_in_place(file, database) as fresh:
                asked = _make_ready(tools, fresh)
        except (copies.InUse, copies.NotABackup) as error:
            raise click.ClickException(str(error)) from None
    say("Restored." + (f" The former database is kept beside it, as {database.name}.before-restore-…" if kept else ""))
    if asked:
        say(
            f"{asked} queued jobs may have been ordered since the backup: their providers are asked before they are ordered."
        )


def _make_ready(tools: Tools, fresh: Path) -> int:
    from vividflow.lifecycle.restored import ask_first

    # Before it takes the place: a server that starts after a kill in between must not order what was ordered already.
    db = Database(f"sqlite:///{fresh}")
    try:
        ensure_schema(db, tools.settings.data_dir)
        return ask_first(replace(tools, db=db))
    finally:
        db.close()


def _sqlite(tools: Tools, program: str) -> Path:
    database = sqlite_file(tools.db.address)
    if database is None:
        raise click.ClickException(f"This installation is on PostgreSQL: use {program}.")
    return database


COMMANDS = (backup, restore)
