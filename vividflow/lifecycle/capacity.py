"""How much a provider takes just now: its pause, its places, its rate a minute."""

from __future__ import annotations

import os

from sqlalchemy import Connection

from vividflow.lifecycle.standing import Gate
from vividflow.lifecycle.states import Lane
from vividflow.lifecycle.together import gathered
from vividflow.lifecycle.tools import Tools
from vividflow.records import due, rate_tokens
from vividflow.records.due import Due

# A bucket holds a few seconds of the rate: enough to begin at once, never a burst that the provider would refuse.
BURST_SECONDS = 6.0
_NO_LIMIT = 1_000_000


def capacity_of(connection: Connection, tools: Tools, provider: str, moment: float, most: int, owner: int) -> int:
    """How many jobs the worker `owner` may begin on a provider now, at most `most`."""
    vendor = tools.registry.vendors.get(provider)
    if vendor is None or most <= 0:
        return 0
    gate = tools.standing.of_provider(provider).gate
    if gate is Gate.SHUT:
        return 0
    room = 1 if gate is Gate.TRYING else most
    places = tools.standing.limit(provider)
    places = vendor.concurrency if places is None else places
    if places is not None:
        room = min(room, places - due.running_on(connection, provider))
    if vendor.lane == Lane.MEDIA:  # made here: what no hand is free for waits in the queue, where it can be moved
        hands = tools.settings.media_hands or os.cpu_count() or 1
        room = min(room, hands + 1 - due.running_on(connection, provider, owner))
    return min(room, _tokens(connection, tools, provider, "submits", moment))


def looks_allowed(
    connection: Connection, tools: Tools, found: list[Due], moment: float, hands: int = _NO_LIMIT
) -> list[list[str]]:
    """Ids of the due jobs that may be taken now, by hand: most alone, some with others that one request answers for.

    No more than `hands`, and without asking a provider more often than it allows.
    """
    budgets: dict[str, int] = {}
    taken: dict[str, int] = {}
    groups: list[list[str]] = []
    for group in gathered(tools, found):
        if len(groups) >= hands:
            break
        job = group[0]
        vendor = tools.registry.vendors.get(job.provider or "")
        if vendor is not None and vendor.reads_per_minute is not None and job.state not in ("finishing", "submitting"):
            name = vendor.name
            if name not in budgets:
                budgets[name] = _tokens(connection, tools, name, "reads", moment)
            if taken.get(name, 0) >= budgets[name]:
                continue
            taken[name] = taken.get(name, 0) + 1
        groups.append([each.id for each in group])
    for name, count in taken.items():
        spend(connection, tools, name, "reads", count, moment)
    return groups


def spend(connection: Connection, tools: Tools, provider: str, kind: str, count: int, moment: float) -> None:
    """Take tokens for requests that are about to be made; `kind` is "submits" or "reads"."""
    rate = _rate(tools, provider, kind)
    if rate is not None and count:
        bucket = f"{provider}:{kind}"
        rate_tokens.take(connection, bucket, count, per_minute=rate, burst=_burst(rate), now=moment)


def _tokens(connection: Connection, tools: Tools, provider: str, kind: str, moment: float) -> int:
    rate = _rate(tools, provider, kind)
    if rate is None:
        return _NO_LIMIT
    bucket = f"{provider}:{kind}"
    return int(rate_tokens.available(connection, bucket, per_minute=rate, burst=_burst(rate), now=moment))


def _rate(tools: Tools, provider: str, kind: str) -> float | None:
    vendor = tools.registry.vendors.get(provider)
    if vendor is None:
        return None
    return vendor.submits_per_minute if kind == "submits" else vendor.reads_per_minute


def _burst(rate: float) -> float:
    return max(1.0, rate * BURST_SECONDS / 60)
