"""The provider accounts of this installation as an operator sees them: a word for each, its figures, what can be done."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy import Connection

from vividflow.lifecycle.model_state import STOPS
from vividflow.lifecycle.standing import Gate, Stand
from vividflow.lifecycle.tools import Tools
from vividflow.pages import words
from vividflow.pages.job_view import Badge
from vividflow.providers.accounts import place_of
from vividflow.providers.catalog import PROVIDERS
from vividflow.records import audit, dead_routes, due, pauses
from vividflow.records.order_figures import OrderFigures, order_figures, together

LATELY_SECONDS = 1800.0
_STOPPED = {
    "provider_key_refused": "Stopped: key",
    "provider_credit_exhausted": "Stopped: bill",
    "provider_forbidden": "Stopped: no access",
}


@dataclass(frozen=True, kw_only=True)
class AccountView:
    """One account at a provider. `reason` is a sentence, `until` when that may change, `by` who paused it and `since` when.

    `gone` are models that the provider no longer has: its own id, and its sentence.
    """

    place: str
    badge: Badge
    reason: str
    until: float | None
    placed: int
    errors: str
    median: str
    cost: str
    gone: tuple[tuple[str, str], ...]
    by: str = ""
    since: float | None = None


@dataclass(frozen=True, kw_only=True)
class ProviderView:
    """One provider: its accounts, and what is said of all of them together."""

    name: str
    title: str
    accounts: tuple[AccountView, ...]
    running: int
    most: int | None
    usual: int | None
    limited: bool
    paused: bool
    held: bool
    set_up: bool
    console: str | None


def provider_views(tools: Tools, connection: Connection, me: str, now: float) -> list[ProviderView]:
    """Every provider, those that are set up first. `me` is the id of whoever looks."""
    figures = order_figures(connection, since=now - LATELY_SECONDS, now=now)
    dead = dead_routes.all_of(connection)
    kept = pauses.all_of(connection)
    found: list[ProviderView] = []
    for name, vendor in PROVIDERS.items():
        facts, own = tools.registry.vendors.get(name), tools.standing.limit(name)
        said = next((each for each in kept if (each.provider, each.account) == (name, "")), None)
        places = [f"{place}/" for place in vendor.places(tools.settings)] or [""]
        missing = tools.missing(name)
        accounts = tuple(
            _account(tools, name, place, missing, _of_place(figures, name, place), dead) for place in places
        )
        paused = said is not None and (said.until is None or said.until > now)
        if said is not None and paused:
            entry = audit.newest_of(connection, audit.PROVIDER, name, "pause")
            accounts = tuple(_paused(each, entry, me, said.since) for each in accounts)
        found.append(
            ProviderView(
                name=name,
                title=facts.title if facts else name,
                accounts=accounts,
                running=due.running_on(connection, name),
                most=own if own is not None else facts.concurrency if facts else None,
                usual=facts.concurrency if facts else None,
                limited=own is not None,
                paused=paused,
                held=paused or any(each.provider == name and each.trips for each in kept),
                set_up=missing is None,
                console=facts.console if facts else None,
            )
        )
    return sorted(found, key=lambda each: not each.set_up)


def _account(
    tools: Tools,
    name: str,
    place: str,
    missing: str | None,
    figures: OrderFigures,
    dead: list[dead_routes.DeadRoute],
) -> AccountView:
    stand = tools.standing.of(name, place)
    account = tools.standing.account(name, place)
    median = figures.median_seconds
    share = f" ({round(100 * figures.errors / figures.placed)}%)" if figures.errors and figures.placed else ""
    return AccountView(
        place=place_of(name, place),
        badge=_badge(stand, missing),
        reason=stand.reason if stand.gate is not Gate.OPEN else missing or "",
        until=stand.until if stand.gate is Gate.SHUT else None,
        placed=figures.placed,
        errors=f"{figures.errors}{share}",
        median=words.span(median) if median is not None else "–",
        cost=words.dollars(figures.cost),
        gone=tuple((each.provider_model, each.reason) for each in dead if each.account == account),
    )


def _paused(seen: AccountView, entry: audit.Entry | None, me: str, since: float) -> AccountView:
    mine = entry is not None and entry.who_id == me
    badge = Badge(word="Paused by you" if mine else "Paused", tone="warn", icon="pause")
    return replace(seen, badge=badge, by="" if entry is None or mine else entry.who, since=since)


def _badge(stand: Stand, missing: str | None) -> Badge:
    if stand.gate is Gate.OPEN:
        if missing is not None:
            return Badge(word="Not set up", tone="", icon="ban")
        return Badge(word="Working", tone="ok", icon="check")
    if stand.gate is Gate.TRYING:
        return Badge(word="Finding out", tone="warn", icon="clock")
    if stand.code in STOPS:
        return Badge(word=_STOPPED[stand.code], tone="bad", icon="alert")
    resting = "Resting" if stand.code == "rate_limited" else "Resting after failures"
    return Badge(word=resting, tone="warn", icon="clock")


def _of_place(figures: dict[tuple[str, str], OrderFigures], name: str, place: str) -> OrderFigures:
    wanted = place_of(name, place)
    return together(found for (own, model), found in figures.items() if own == name and place_of(own, model) == wanted)
