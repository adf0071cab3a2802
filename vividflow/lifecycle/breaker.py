"""The circuit breaker: what the answer to an order says of the account that it went by, written where all workers see it.

Closed: failures are counted, a good order wipes them out. Shut: after `FAILURES_TO_SHUT` within `WINDOW_SECONDS`, or at once
when the key or the credit was refused. When the time is up one order is let through as a probe: it opens the account, or
shuts it again for twice as long.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from sqlalchemy import Connection

from vividflow.errors import Outcome, Refused, Transient, Unknown
from vividflow.lifecycle.answers import Write
from vividflow.lifecycle.standing import bucket_of
from vividflow.lifecycle.tools import Tools
from vividflow.records import dead_routes, pauses, rate_tokens
from vividflow.records.orders import OrderRow
from vividflow.records.pauses import Pause

log = logging.getLogger(__name__)

FAILURES_TO_SHUT, WINDOW_SECONDS = 5, 120.0
SHUT_SECONDS, MOST_SHUT_SECONDS = 30.0, 600.0
# A refused key or an empty account: tried seldom, so that nobody's account is locked for it.
PAUSE_SECONDS, MOST_PAUSE_SECONDS = 60.0, 3600.0
# Longer than a paid request may take.
PROBE_SECONDS = 90.0
# Trouble on our own side says nothing of the provider.
_OURS = frozenset({"put_down", "interrupted", "machine_trouble", "internal_error", "submit_broke", "picture_gone"})
# What is made here is never away, and its faults are rehearsed, mostly for one job: they must not hold up the others.
REHEARSED = "local"
_ACCOUNT = frozenset({"provider_key_refused", "provider_credit_exhausted", "provider_forbidden"})


def judged(tools: Tools, order: OrderRow, outcome: Outcome, moment: float) -> tuple[Write, ...]:
    """The writes by which a failed order is told of its account, its route and its bucket; often none."""
    if outcome.code in _OURS or order.provider == REHEARSED:
        return ()
    match outcome:
        case Refused(pauses=True):
            return (lambda connection: _refused(connection, tools, order, outcome, moment),)
        case Refused(retired=True):
            return (lambda connection: _buried(connection, tools, order, outcome, moment), *opened(tools, order))
        case Refused():  # it answers; of a key or a credit that was refused this says nothing
            kept = tools.standing.kept(order.provider, order.provider_model)
            return () if kept is None or kept.code in _ACCOUNT else opened(tools, order)
        case Transient(counts=False, retry_after=seconds):
            return _rested(tools, order, seconds or 0.0, moment)
        case Transient() | Unknown():
            return (lambda connection: _failed(connection, tools, order, outcome, moment),)
    return ()


def opened(tools: Tools, order: OrderRow) -> tuple[Write, ...]:
    """The write that forgets what was kept of an order's account, where there is something."""
    if tools.standing.kept(order.provider, order.provider_model) is None:
        return ()
    account = tools.standing.account(order.provider, order.provider_model)

    def lift(connection: Connection) -> None:
        pauses.lift(connection, order.provider, account)
        tools.standing.note_opened(order.provider, account)
        log.info("provider %s takes orders again", account)

    return (lift,)


def let_through(connection: Connection, tools: Tools, provider: str, provider_model: str, moment: float) -> bool:
    """Whether an order for that id may be the one that finds out how its account is."""
    account = tools.standing.account(provider, provider_model)
    until = moment + PROBE_SECONDS
    taken = pauses.take_probe(connection, provider, account, moment, until)
    if (kept := tools.standing.kept(provider, provider_model)) is not None:
        tools.standing.note(replace(kept, until=until, probing=True))  # by us or by somebody else
    return taken


def _refused(connection: Connection, tools: Tools, order: OrderRow, outcome: Outcome, moment: float) -> None:
    account, kept = _kept(connection, tools, order)
    if kept is not None and kept.trips and not kept.probing and (kept.until or 0.0) > moment:
        return  # sent before it shut
    _shut(connection, tools, kept, order.provider, account, outcome, moment, PAUSE_SECONDS, MOST_PAUSE_SECONDS)


def _failed(connection: Connection, tools: Tools, order: OrderRow, outcome: Outcome, moment: float) -> None:
    account, kept = _kept(connection, tools, order)
    if kept is not None and kept.trips:
        if kept.probing:
            _shut(connection, tools, kept, order.provider, account, outcome, moment, SHUT_SECONDS, MOST_SHUT_SECONDS)
        return
    counting = kept if kept is not None and moment - kept.since <= WINDOW_SECONDS else None
    failures = counting.failures + 1 if counting else 1
    if failures >= FAILURES_TO_SHUT:
        _shut(connection, tools, kept, order.provider, account, outcome, moment, SHUT_SECONDS, MOST_SHUT_SECONDS)
        return
    counted = Pause(
        provider=order.provider,
        account=account,
        code=outcome.code,
        reason=outcome.message,
        since=counting.since if counting else moment,
        failures=failures,
    )
    pauses.pause(connection, counted)
    tools.standing.note(counted)


def _shut(
    connection: Connection,
    tools: Tools,
    kept: Pause | None,
    provider: str,
    account: str,
    outcome: Outcome,
    moment: float,
    first: float,
    most: float,
) -> None:
    trips = (kept.trips if kept else 0) + 1
    seconds = min(most, first * 2 ** (trips - 1))
    shut = Pause(
        provider=provider,
        account=account,
        code=outcome.code,
        reason=outcome.message,
        since=kept.since if kept and kept.trips else moment,
        until=moment + seconds,
        failures=kept.failures if kept else 0,
        trips=trips,
    )
    pauses.pause(connection, shut)
    tools.standing.note(shut)
    log.error("provider %s takes no orders for %.0f s: %s", account, seconds, outcome.message)


def _buried(connection: Connection, tools: Tools, order: OrderRow, outcome: Outcome, moment: float) -> None:
    account = tools.standing.account(order.provider, order.provider_model)
    dead = dead_routes.DeadRoute(
        account=account, provider_model=order.provider_model, reason=outcome.message, since=moment
    )
    dead_routes.bury(connection, dead)
    tools.standing.note_dead(account, order.provider_model, outcome.message)
    log.error("%s is no longer offered by %s: %s", order.provider_model, order.provider, outcome.message)


def _rested(tools: Tools, order: OrderRow, seconds: float, moment: float) -> tuple[Write, ...]:
    if seconds <= 0:
        return ()
    bucket, until = bucket_of(order.provider, order.provider_model), moment + seconds

    def hold(connection: Connection) -> None:
        rate_tokens.hold(connection, bucket, until=until, now=moment)
        tools.standing.note_held(bucket, until)

    return (hold,)


def _kept(connection: Connection, tools: Tools, order: OrderRow) -> tuple[str, Pause | None]:
    account = tools.standing.account(order.provider, order.provider_model)
    return account, pauses.of_account(connection, order.provider, account)
