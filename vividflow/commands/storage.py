"""The storage of finished files: held against the rows, and moved to another place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from flask.cli import with_appcontext

from vividflow.commands.at_work import Command, Group, at_work, say
from vividflow.config import Settings
from vividflow.lifecycle.move_mark import MoveFolder
from vividflow.lifecycle.relocating import Relocation, Tally
from vividflow.lifecycle.verifying import Fault, delete_foreign, verify
from vividflow.records import stored_files
from vividflow.storage.base import StorageFull, StorageGone
from vividflow.storage.catalog import open_bare, open_storage
from vividflow.timing import monotonic

SAY_EVERY_SECONDS = 5.0


@click.group("storage", cls=Group)
def storage() -> None:
    """The storage of finished files."""


@storage.command("verify", cls=Command)
@click.option("--deep", is_flag=True, help="Read every byte and compare its SHA-256, which takes its time.")
@click.option("--remove-foreign", is_flag=True, help="Delete what no row names. There is no way back.")
@with_appcontext
def verify_storage(deep: bool, remove_foreign: bool) -> None:
    """Compare the storage with the rows: one line for each key that is missing, foreign or damaged.

    Foreign is what lies under users/ and no row names, if it is older than an hour. Exit code 1 when something is missing or
    damaged. The server may run meanwhile.
    """
    found: Counter[Fault] = Counter()
    looked, removed = 0, 0
    said = _every_few_seconds()

    def seen(more: int) -> None:
        nonlocal looked
        looked += more
        said(lambda: f"{looked:,} files looked at, {found.total():,} findings")

    with at_work() as tools, _told():
        tools.storage.check()
        for finding in verify(tools, deep=deep, seen=seen):
            found[finding.fault] += 1
            click.echo(f"{finding.fault}\t{finding.key}\t{finding.words}")
            if remove_foreign and finding.fault is Fault.FOREIGN:
                removed += delete_foreign(tools, finding.key)
    words = ", ".join(f"{found[fault]:,} {fault}" for fault in Fault)
    say(f"{looked:,} files looked at: {words}." + (f" Removed {removed:,} foreign." if remove_foreign else ""))
    if found[Fault.MISSING] or found[Fault.DAMAGED]:
        raise SystemExit(1)


@storage.command("move", cls=Command)
@click.argument("to_url")
@click.option("--from", "from_url", help="Copy from there instead of from STORAGE_URL.")
@with_appcontext
def move(to_url: str, from_url: str | None) -> None:
    """Copy everything that the rows name to TO_URL (file:///…, gs://bucket/prefix, s3://bucket/prefix).

    Nothing is deleted, and nothing is copied twice: broken off at any moment, the same command goes on. Every file is read
    back and compared by its SHA-256. The server may run meanwhile; what to do afterwards is printed in the end.
    """
    with at_work() as tools, _told():
        settings = tools.settings
        old, new = from_url or settings.storage, to_url
        if old.rstrip("/") == new.rstrip("/"):
            raise click.ClickException("That is where the files are already.")
        source = open_storage(_at(settings, old)) if from_url else tools.storage
        target, folder = open_bare(_at(settings, new)), MoveFolder(settings.data_dir, old, new)
        with tools.db.reading() as connection:
            whole = stored_files.count(connection)
        said = _every_few_seconds()
        move = Relocation(
            db=tools.db,
            source=source,
            target=target,
            folder=folder,
            progress=lambda tally: said(lambda: f"{_words(tally)} (of about {whole:,})"),
            trouble=lambda key, words: click.echo(f"{key}\t{words}"),
        )
        try:
            with folder.alone():
                tally = move.run()
        finally:
            target.close()
    say(f"{_words(tally)}.")
    if tally.troubled:
        raise click.ClickException(
            f"{tally.troubled:,} files could not be moved; they are named above. Nothing was deleted or replaced."
        )
    say(
        "All of it is there, compared by its SHA-256. Next: stop the server, run this command once more for what came "
        f"meanwhile, set STORAGE_URL={new}, start the server, and run `flask --app web_app storage verify`. "
        "The old place is as it was."
    )


def _at(settings: Settings, url: str) -> Settings:
    return settings.model_copy(update={"storage_url": url})


def _words(tally: Tally) -> str:
    words = f"Copied {tally.copied:,} files ({tally.size / 1e6:,.1f} MB)"
    if tally.there:
        words += f", found {tally.there:,} there"
    return words + (f", {tally.troubled:,} in trouble" if tally.troubled else "")


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except StorageGone as away:
        raise click.ClickException(f"{away}. Nothing is lost: run the same command again.") from away
    except StorageFull as full:
        raise click.ClickException(f"{full}. Make room and run the same command again.") from full


def _every_few_seconds() -> Callable[[Callable[[], str]], None]:
    """Says what it is given, if the last time is long enough ago."""
    last = monotonic()

    def said(words: Callable[[], str]) -> None:
        nonlocal last
        if monotonic() - last >= SAY_EVERY_SECONDS:
            last = monotonic()
            say(words())

    return said


COMMANDS = (storage,)
