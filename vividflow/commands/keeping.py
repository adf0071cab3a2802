"""How long a person's things are kept, and how much room they have."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from vividflow.commands.at_work import Command, at_work, say
from vividflow.commands.people import known
from vividflow.config import bytes_of
from vividflow.lifecycle import quota as quotas_of_people
from vividflow.lifecycle import retention as rules_of_people
from vividflow.records import quotas, retention_rules
from vividflow.records.retention_rules import FOR_EVER, KINDS

MOST_DAYS = 36_500
DEFAULT, NEVER, NONE = "default", "never", "none"
_DAYS = f"Days, or {NEVER}, or {DEFAULT}: as for everybody."


@click.command("retention", cls=Command)
@click.argument("email")
@click.option("--videos", "video", help=_DAYS)
@click.option("--images", "image", help=_DAYS)
@click.option("--exports", "export", help=_DAYS)
@click.option("--uploads", "upload", help=_DAYS)
@with_appcontext
def retention(email: str, **given: str | None) -> None:
    """After how many days the finished things of EMAIL go to the trash; 30 days later they are removed for good.

    Favourites and what a living link shows stay. Without options, and afterwards, it prints what holds, one kind a line.
    """
    wanted = {kind: _days(kind, text) for kind, text in given.items() if text is not None}
    with at_work() as tools:
        user = known(tools, email)
        with tools.db.transaction() as connection:
            for kind, days in wanted.items():
                retention_rules.put(connection, user.id, kind, days)
            rules = rules_of_people.rules_of(connection, tools.settings, user.id)
            own = retention_rules.of_user(connection, user.id)
    for kind in KINDS:
        days = NEVER if rules[kind] == FOR_EVER else str(rules[kind])
        click.echo(f"{kind}\t{days}\t{'own' if kind in own else DEFAULT}")


@click.command("quota", cls=Command)
@click.argument("email")
@click.argument("size", required=False)
@with_appcontext
def quota(email: str, size: str | None) -> None:
    """How much EMAIL may store: SIZE is such as 5GB or 500MB, `none` for no limit, or `default`: as everybody.

    Without SIZE, and afterwards, it prints bytes used and bytes allowed. A paid result is stored in any case.
    """
    try:
        most = None if size in (None, NONE, DEFAULT) else bytes_of(size)
    except ValueError as error:
        raise click.ClickException(f"SIZE {error}, or {NONE}, or {DEFAULT}.") from None
    with at_work() as tools:
        user = known(tools, email)
        with tools.db.transaction() as connection:
            if size == DEFAULT:
                quotas.forget(connection, user.id)
            elif size is not None:
                quotas.put(connection, user.id, most)
            share = quotas_of_people.share_of(connection, tools.settings, user.id)
    if share.most is not None and share.used > share.most:
        say(
            "That is less than is stored already: uploads and new jobs are refused until something is deleted for good."
        )
    click.echo(f"{share.used}\t{NONE if share.most is None else share.most}")


def _days(kind: str, text: str) -> int | None:
    if text == DEFAULT:
        return None
    if text == NEVER:
        return FOR_EVER
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= MOST_DAYS):
        raise click.ClickException(f"--{kind}s takes 1 to {MOST_DAYS} days, {NEVER} or {DEFAULT}, not {text[:40]!r}.")
    return int(text)


COMMANDS = (retention, quota)
