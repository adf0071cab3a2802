"""The jobs whose paid order may or may not have run: nobody could tell, so a person looks, and says what is so."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from vividflow.commands.at_work import Command, Group, at_work, say
from vividflow.lifecycle.review import adopt, declare_lost, place_again
from vividflow.records.queue_figures import in_review
from vividflow.timing import iso


@click.group("review", cls=Group, invoke_without_command=True)
@click.pass_context
@with_appcontext
def review(context: click.Context) -> None:
    """List the jobs in needs_review, one a line, oldest first: job, person, model, provider, order, when, what it would cost.

    The people were not charged. `adopt`, `lost` and `retry` take a job off this list.
    """
    if context.invoked_subcommand is not None:
        return
    with at_work() as tools, tools.db.reading() as connection:
        found = in_review(connection)
    if not found:
        say("Nothing needs a review.")
        return
    say("job\tperson\tmodel\tprovider\torder\tordered at\tquoted")
    for one in found:
        quoted = f"${one.quoted / 1_000_000:.2f}"
        fields = (one.job_id, one.email, one.model, one.provider, one.order_id, iso(one.intent_at), quoted)
        click.echo("\t".join(each or "-" for each in fields))


@review.command("adopt", cls=Command)
@click.argument("job")
@click.argument("operation")
@with_appcontext
def adopt_order(job: str, operation: str) -> None:
    """The order ran: OPERATION is the provider's id of it, as its console shows. Its clip is stored, free of charge."""
    with at_work() as tools:
        order = adopt(tools, job, operation)
    say(f"Order {order.id} is {operation} at {order.provider}. A worker fetches what it made; nobody is charged.")


@review.command("lost", cls=Command)
@click.argument("job")
@with_appcontext
def lost(job: str) -> None:
    """The order never ran, or nobody wants to wait any longer. What comes late all the same is stored, free of charge."""
    with at_work() as tools:
        declare_lost(tools, job)
    say("Declared lost. The person was not charged.")


@review.command("retry", cls=Command)
@click.argument("job")
@with_appcontext
def retry(job: str) -> None:
    """Declare it lost and place the same wish anew for the same person; prints the new job's id."""
    with at_work() as tools:
        _, answer = place_again(tools, job)
    say("Declared lost, and placed again.")
    click.echo(answer["job_id"])


COMMANDS = (review,)
