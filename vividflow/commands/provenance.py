"""Asking a file where it came from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import click
from flask.cli import with_appcontext

from vividflow.commands.at_work import Command, at_work, say
from vividflow.lifecycle.provenance import verified
from vividflow.media.provenance_facts import Facts
from vividflow.storage.base import StorageGone

_FILE = click.Path(path_type=Path, dir_okay=False, exists=True)
_TRUST = {
    (True, False): "no: this installation's own home-made certificate, on no trust list",
    (True, None): "not known here: it depends on the trust list of whoever looks",
    (False, None): "not known here: signed by somebody else, and no trust list is kept here",
}


@click.command("verify", cls=Command)
@click.argument("file", type=_FILE)
@click.option("--manifest", type=_FILE, help="The sidecar (.c2pa) to hold the file against.")
@with_appcontext
def verify(file: Path, manifest: Path | None) -> None:
    """Say what the C2PA manifest of FILE claims and whether it holds: exit code 0 when it does, 1 when not or without one.

    The manifest is the given one, else the one kept here for these very bytes, else the one in the file, else FILE.c2pa.
    """
    with at_work() as tools:
        try:
            facts = verified(tools, file, manifest.read_bytes() if manifest else None)
        except (StorageGone, FileNotFoundError) as away:
            raise click.ClickException("The manifest is known here, but the storage does not answer.") from away
    for name, value in _lines(facts):
        click.echo(f"{name}: {value}")
    if facts.state == "none":
        say("It carries no manifest, and none is kept here for these bytes: not from here, or changed since.")
    if not facts.valid:
        raise click.exceptions.Exit(1)


def _lines(facts: Facts) -> Iterable[tuple[str, str]]:
    yield "manifest", facts.state
    if facts.problems:
        yield "problems", ", ".join(facts.problems)
    if facts.signer is None:
        return
    yield "signer", f"{facts.signer.name} ({facts.signer.organisation})"
    yield "this installation", "yes" if facts.signer.ours else "no"
    yield "trusted", _TRUST.get((facts.signer.ours, facts.trusted), "not known here")
    told = {
        "made by AI": {True: "yes", False: "no", None: "it does not say"}[facts.ai_generated],
        "source": facts.source,
        "model": facts.model,
        "provider": facts.provider,
        "prompt": facts.prompt,
        "note": facts.note,
        "time": facts.made_at,
        "claimed by": facts.generator,
        "actions": ", ".join(str(act["action"]) for act in facts.actions),
    }
    yield from ((name, value) for name, value in told.items() if value)
    yield from (("made of", words) for words in _chain(facts.ingredients, ""))


def _chain(parents: Iterable[Mapping[str, Any]], indent: str) -> Iterable[str]:
    for each in parents:
        state = "no manifest" if each["state"] == "none" else f"{each['state']}, signed by {each['signer']}"
        model = f", {each['model']}" if each["model"] else ""
        yield f"{indent}{each['title']} [{each['relationship']}] ({state}{model})"
        yield from _chain(each["ingredients"], f"{indent}  ")


COMMANDS = (verify,)
