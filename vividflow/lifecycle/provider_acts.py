"""What an operator says about a provider: a pause, its end, how many jobs at once, a model that is there after all.

Every worker reads it within a second (`standing.py`). Who said it stands in the audit log, written by the same transaction.
"""

from __future__ import annotations

from vividflow.errors import Problem
from vividflow.lifecycle.tools import Tools
from vividflow.providers.catalog import PROVIDERS
from vividflow.records import audit, dead_routes, pauses, provider_limits
from vividflow.records.audit import COMMAND_LINE, PROVIDER, Who
from vividflow.records.pauses import Pause
from vividflow.timing import now

MOST_AT_ONCE = 10_000
REASON_CHARACTERS = (3, 200)


def pause(tools: Tools, name: str, reason: str, *, by: Who = COMMAND_LINE) -> None:
    """No orders go to a provider until `resume`; people are told the reason. Raises `Problem` 404, 422."""
    known(name)
    reason, (least, most) = reason.strip(), REASON_CHARACTERS
    if not least <= len(reason) <= most or not reason.isprintable():
        raise Problem(422, "invalid_reason", f"A reason has {least} to {most} characters.", param="reason")
    moment = now()
    with tools.db.transaction() as connection:
        before = pauses.of_account(connection, name, "")
        pauses.pause(connection, Pause(provider=name, reason=reason, since=moment))
        was = {"paused": before.reason if before else None}
        audit.write(connection, by, "pause", PROVIDER, name, moment, before=was, after={"paused": reason})
    tools.standing.forget()


def resume(tools: Tools, name: str, *, by: Who = COMMAND_LINE) -> bool:
    """Orders may go to a provider again at once: ends a pause, and what failures or a refused key had shut.

    False when nothing held it up. Raises `Problem` 404.
    """
    known(name)
    moment = now()
    with tools.db.transaction() as connection:
        own = [each for each in pauses.all_of(connection) if each.provider == name]
        ended = pauses.lift_all(connection, name)
        if ended:
            was = {each.account or "paused": each.reason for each in own}
            audit.write(connection, by, "resume", PROVIDER, name, moment, before=was, after={})
    tools.standing.forget()
    tools.nudge()
    return ended > 0


def limit(tools: Tools, name: str, most: int | None, *, by: Who = COMMAND_LINE) -> None:
    """At most so many jobs are under way on a provider at once; None is the registry's word. Raises `Problem` 404, 422."""
    known(name)
    if most is not None and not 0 <= most <= MOST_AT_ONCE:
        raise not_a_limit()
    moment = now()
    with tools.db.transaction() as connection:
        was = {"limit": provider_limits.all_of(connection).get(name)}
        provider_limits.limit(connection, name, most, moment)
        audit.write(connection, by, "limit", PROVIDER, name, moment, before=was, after={"limit": most})
    tools.standing.forget()
    tools.nudge()


def revive(tools: Tools, name: str, model: str, *, by: Who = COMMAND_LINE) -> None:
    """A provider's model, by its own id, is offered after all: takes away the mark that a 404 left. Raises `Problem` 404."""
    known(name)
    moment = now()
    with tools.db.transaction() as connection:
        marks = [each for each in dead_routes.all_of(connection) if each.provider_model == model]
        if not dead_routes.revive(connection, name, model):
            raise Problem(404, "unknown_route", f"{name} has no model {model[:200]} that was marked as gone.")
        own = (each.reason for each in marks if each.account.startswith((f"{name}#", f"{name}/")))
        was = {"model": model, "gone": next(own, None)}
        audit.write(connection, by, "revive", PROVIDER, name, moment, before=was, after={"model": model, "gone": None})
    tools.standing.forget()


def known(name: str) -> None:
    """Raises `Problem` 404 for a provider that this house does not have."""
    if name not in PROVIDERS:
        raise Problem(404, "unknown_provider", f"There is no provider {name[:40]}. There are: {', '.join(PROVIDERS)}.")


def not_a_limit() -> Problem:
    """The refusal of what is no number of jobs."""
    detail = f"How many at once is a whole number from 0 to {MOST_AT_ONCE}."
    return Problem(422, "invalid_concurrency", detail, param="most")
