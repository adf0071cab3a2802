"""Pauses: a provider, or one account at it, that takes no orders for a while, and why.

A row with `account` "" is an operator's word about the whole provider. All others are kept by the circuit breaker
(lifecycle/breaker.py), one for each account (place and key): with `trips` 0 it only counts failures; after that it is
shut until `until`, and then lets one probe through at a time.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Boolean, Column, Connection, Integer, Table, Text, bindparam, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from vividflow.db.schema import Moment, metadata

pauses = Table(
    "pauses",
    metadata,
    Column("provider", Text, primary_key=True),
    Column("account", Text, primary_key=True),
    Column("code", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("since", Moment, nullable=False),
    Column("until", Moment),
    Column("failures", Integer, nullable=False),
    Column("trips", Integer, nullable=False),
    Column("probing", Boolean, nullable=False),
)
_c = pauses.c
_IN_FORCE = select(pauses).where(
    or_(_c.trips > 0, _c.account == ""), or_(_c.until.is_(None), _c.until > bindparam("moment"))
)
_PROBE = (
    update(pauses)
    .where(_c.provider == bindparam("vendor"), _c.account == bindparam("own"), _c.until <= bindparam("moment"))
    .values(until=bindparam("later"), probing=True)
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Pause:
    """No orders go to `account` of `provider` ("": to none) before `until` (None: until it is lifted).

    `reason` is a sentence for a person, `code` the word of errors. `failures` are counted since `since`, `trips` how often
    it shut in a row; `probing` that somebody was let through to find out.
    """

    provider: str
    account: str = ""
    code: str = "paused"
    reason: str
    since: float
    until: float | None = None
    failures: int = 0
    trips: int = 0
    probing: bool = False


def pause(connection: Connection, new: Pause) -> None:
    """Begin or replace a pause."""
    values = {name: getattr(new, name) for name in Pause.__dataclass_fields__}
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    given = dialect.insert(pauses).values(values)
    keys = ("provider", "account")
    others = {name: value for name, value in values.items() if name not in keys}
    connection.execute(given.on_conflict_do_update(index_elements=keys, set_=others))


def lift(connection: Connection, provider: str, account: str = "") -> bool:
    """End a pause; False when there was none."""
    gone = connection.execute(delete(pauses).where(_c.provider == provider, _c.account == account))
    return gone.rowcount > 0


def lift_all(connection: Connection, provider: str) -> int:
    """End every pause of a provider, an operator's and those of its accounts; how many there were."""
    return connection.execute(delete(pauses).where(_c.provider == provider)).rowcount


def of_account(connection: Connection, provider: str, account: str) -> Pause | None:
    """What is kept of an account, locked until the end of the transaction."""
    statement = select(pauses).where(_c.provider == provider, _c.account == account).with_for_update()
    row = connection.execute(statement).mappings().first()
    return Pause(**row) if row else None


def take_probe(connection: Connection, provider: str, account: str, now: float, until: float) -> bool:
    """Whether the caller is the one who may try an account whose time is up; nobody else may before `until`."""
    values = {"vendor": provider, "own": account, "moment": now, "later": until}
    return connection.execute(_PROBE, values).rowcount == 1


def all_of(connection: Connection) -> list[Pause]:
    """Every row, those that only count too."""
    return [Pause(**row) for row in connection.execute(select(pauses)).mappings()]


def now_paused(connection: Connection, now: float) -> dict[str, Pause]:
    """The pauses in force, by provider; of several the one that an operator made, else any."""
    rows = [Pause(**row) for row in connection.execute(_IN_FORCE, {"moment": now}).mappings()]
    return {each.provider: each for each in sorted(rows, key=lambda one: (one.provider, one.account), reverse=True)}


def forget_old(connection: Connection, before: float) -> int:
    """Forget accounts of which nothing was heard since a moment (an old key's, most of all); how many that were."""
    old = delete(pauses).where(_c.account != "", _c.since < before, or_(_c.until.is_(None), _c.until < before))
    return connection.execute(old).rowcount
