"""How each provider stands just now, as the database has it: read once a second, asked as often as one likes."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import IntEnum

from vividflow.config import Settings
from vividflow.db.database import Database
from vividflow.providers.accounts import account_of, place_of
from vividflow.providers.catalog import PROVIDERS
from vividflow.records import dead_routes, pauses, provider_limits, rate_tokens
from vividflow.records.pauses import Pause
from vividflow.timing import monotonic, now

REFRESH_SECONDS = 1.0
# A rest that a provider asks for is waited out, unless it is longer.
LONG_REST_SECONDS = 30.0


class Gate(IntEnum):
    """Whether orders may go by an account: freely, one to find out, or not."""

    OPEN = 0
    TRYING = 1
    SHUT = 2


@dataclass(frozen=True, kw_only=True)
class Stand:
    """How one account stands: `reason` a sentence and `code` its word where it is not open, `until` when that may change.

    `until` None means that somebody has to do something; `brief` that it is hardly worth going elsewhere.
    """

    gate: Gate = Gate.OPEN
    code: str = ""
    reason: str = ""
    until: float | None = None
    brief: bool = False


OPEN = Stand()


@dataclass(frozen=True, kw_only=True)
class Known:
    """What the database said at one moment."""

    pauses: Mapping[tuple[str, str], Pause] = field(default_factory=dict)
    dead: Mapping[tuple[str, str], str] = field(default_factory=dict)
    limits: Mapping[str, int] = field(default_factory=dict)
    held: Mapping[str, float] = field(default_factory=dict)


class Standing:
    """The standing of every account, shared by the threads of a process."""

    def __init__(self, settings: Settings, db: Database) -> None:
        self._settings = settings
        self._db = db
        self._lock = threading.Lock()
        self._known = Known()
        self._until = 0.0
        self._accounts: dict[tuple[str, str], str] = {}

    def account(self, provider: str, provider_model: str) -> str:
        """The account that an order of that id goes by."""
        key = (provider, PROVIDERS[provider].place(provider_model))
        if key not in self._accounts:
            self._accounts[key] = account_of(self._settings, provider, provider_model)
        return self._accounts[key]

    def of(self, provider: str, provider_model: str) -> Stand:
        """How the account stands that an order of that id goes by."""
        known, moment = self.known(), now()
        if not (known.pauses or known.held):
            return OPEN
        if (said := _by_operator(known, provider, moment)) is not None:
            return said
        kept = known.pauses.get((provider, self.account(provider, provider_model)))
        if kept is not None and kept.trips and kept.until is not None:
            gate = Gate.SHUT if moment < kept.until else Gate.TRYING
            return Stand(gate=gate, code=kept.code, reason=kept.reason, until=kept.until)
        until = known.held.get(bucket_of(provider, provider_model), 0.0)
        if moment < until:
            busy = "The provider takes no more orders just now."
            brief = until - moment <= LONG_REST_SECONDS
            return Stand(gate=Gate.SHUT, code="rate_limited", reason=busy, until=until, brief=brief)
        return OPEN

    def of_provider(self, provider: str) -> Stand:
        """How a whole provider stands; one with several places is only shut by an operator."""
        if provider in PROVIDERS and not PROVIDERS[provider].place("x/y"):
            return self.of(provider, "")
        return _by_operator(self.known(), provider, now()) or OPEN

    def kept(self, provider: str, provider_model: str) -> Pause | None:
        """What is kept of an account: a good order would wipe it out."""
        known = self.known()
        return known.pauses.get((provider, self.account(provider, provider_model))) if known.pauses else None

    def dead(self, provider: str, provider_model: str) -> str | None:
        """Why that id can no longer be ordered, or None."""
        known = self.known()
        return known.dead.get((self.account(provider, provider_model), provider_model)) if known.dead else None

    def limit(self, provider: str) -> int | None:
        """How many jobs an operator lets run on a provider at once; None when nobody said."""
        return self.known().limits.get(provider)

    def forget(self) -> None:
        """Ask the database anew at the next question."""
        self._until = 0.0

    def note(self, kept: Pause) -> None:
        """Know at once what this process is just writing; the database says the same a second later."""
        with self._lock:
            self._known = replace(self._known, pauses={**self._known.pauses, (kept.provider, kept.account): kept})

    def note_opened(self, provider: str, account: str) -> None:
        """Know at once that nothing is kept of an account any more."""
        with self._lock:
            left = {key: each for key, each in self._known.pauses.items() if key != (provider, account)}
            self._known = replace(self._known, pauses=left)

    def note_dead(self, account: str, provider_model: str, reason: str) -> None:
        """Know at once that a model is gone."""
        with self._lock:
            self._known = replace(self._known, dead={**self._known.dead, (account, provider_model): reason})

    def note_held(self, bucket: str, until: float) -> None:
        """Know at once that a bucket rests."""
        with self._lock:
            longer = max(until, self._known.held.get(bucket, 0.0))
            self._known = replace(self._known, held={**self._known.held, bucket: longer})

    def known(self) -> Known:
        """What the database says, as it was a second ago at most."""
        if monotonic() >= self._until:
            with self._lock:
                if monotonic() >= self._until:
                    self._until = monotonic() + REFRESH_SECONDS
                    self._known = self._read()
        return self._known

    def _read(self) -> Known:
        with self._db.reading() as connection:
            return Known(
                pauses={(each.provider, each.account): each for each in pauses.all_of(connection)},
                dead={(each.account, each.provider_model): each.reason for each in dead_routes.all_of(connection)},
                limits=provider_limits.all_of(connection),
                held=rate_tokens.held(connection, now()),
            )


def bucket_of(provider: str, provider_model: str) -> str:
    """The bucket of orders for that id; a vendor with several servers has one for each that asked for a rest."""
    return f"{place_of(provider, provider_model)}:submits"


def _by_operator(known: Known, provider: str, moment: float) -> Stand | None:
    said = known.pauses.get((provider, ""))
    if said is None or (said.until is not None and said.until <= moment):
        return None
    return Stand(gate=Gate.SHUT, code="provider_paused", reason=said.reason, until=said.until)
