"""The providers of this installation: how they stand, and what an operator does about it while everything runs."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from vividflow.commands.at_work import Command, Group, at_work, say
from vividflow.lifecycle import provider_acts
from vividflow.lifecycle.tools import Tools
from vividflow.providers.catalog import PROVIDERS
from vividflow.records import dead_routes, due, pauses
from vividflow.timing import iso, now


@click.group("providers", cls=Group, invoke_without_command=True)
@click.pass_context
@with_appcontext
def providers(context: click.Context) -> None:
    """List the providers, one a line: name, state, jobs under way, most at once, why; then accounts and models that are shut."""
    if context.invoked_subcommand is not None:
        return
    with at_work() as tools:
        say("provider\tstate\trunning\tmost\twhy")
        for line in _lines(tools):
            click.echo("\t".join(line))


@providers.command("pause", cls=Command)
@click.argument("name")
@click.option("--reason", default="The operator has paused this provider.", show_default=True, help="Shown to people.")
@with_appcontext
def pause(name: str, reason: str) -> None:
    """No orders go to NAME until `resume`. What was ordered goes on; jobs go by another route, or wait and say why."""
    with at_work() as tools:
        provider_acts.pause(tools, name, reason)
    say(f"{name} is paused.")


@providers.command("resume", cls=Command)
@click.argument("name")
@with_appcontext
def resume(name: str) -> None:
    """Orders may go to NAME again at once: ends a pause, and shuts that came of failures or of a refused key."""
    with at_work() as tools:
        ended = provider_acts.resume(tools, name)
    say(f"{name} takes orders again." if ended else f"{name} was not paused.")


@providers.command("limit", cls=Command)
@click.argument("name")
@click.argument("most")
@with_appcontext
def limit(name: str, most: str) -> None:
    """At most MOST jobs are under way on NAME at once; `default` goes back to the registry's word."""
    if most != "default" and not (most.isascii() and most.isdigit() and int(most) <= 10_000):
        raise click.ClickException("MOST is a whole number from 0 to 10000, or default.")
    with at_work() as tools:
        provider_acts.limit(tools, name, None if most == "default" else int(most))
    say(f"{name}: {'the registry says how many' if most == 'default' else f'at most {int(most)} at once'}.")


@providers.command("revive", cls=Command)
@click.argument("name")
@click.argument("model")
@with_appcontext
def revive(name: str, model: str) -> None:
    """MODEL, the provider's own id, is offered by NAME after all: takes away the mark that a 404 left."""
    with at_work() as tools:
        provider_acts.revive(tools, name, model)
    say(f"{model} is ordered from {name} again.")


def _lines(tools: Tools) -> list[tuple[str, ...]]:
    with tools.db.reading() as connection:
        kept, dead = pauses.all_of(connection), dead_routes.all_of(connection)
        running = {name: due.running_on(connection, name) for name in PROVIDERS}
    said = {each.provider: each for each in kept if not each.account}
    moment = now()
    lines: list[tuple[str, ...]] = []
    for name, vendor in PROVIDERS.items():
        most = tools.standing.limit(name)
        facts = tools.registry.vendors.get(name)
        most = facts.concurrency if most is None and facts else most
        missing, pause = vendor.missing(tools.settings), said.get(name)
        paused = pause is not None and (pause.until is None or pause.until > moment)
        state = "paused" if paused else "unset" if missing else "ready"
        why = (pause.reason if paused and pause else missing) or "-"
        lines.append((name, state, str(running[name]), "-" if most is None else str(most), why))
    for each in (one for one in kept if one.account and one.trips):
        state = "shut" if (each.until or 0.0) > moment else "trying"
        lines.append((each.account, state, "-", "-", f"{each.reason} Until {iso(each.until)}."))
    return lines + [(f"{each.account} {each.provider_model}", "gone", "-", "-", each.reason) for each in dead]


COMMANDS = (providers,)
