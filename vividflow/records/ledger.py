"""The append-only double-entry ledger and the balances that follow from it. Amounts are integer micro-dollars.

Every entry has legs that sum to zero. A job has at most one reserve and exactly one settle or release after it: the unique
key (kind, job_id, account) says so, whatever two workers or a replay try.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    ForeignKey,
    Index,
    Table,
    Text,
    UniqueConstraint,
    and_,
    bindparam,
    func,
    literal_column,
    select,
    update,
)

from vividflow.db.prepared import Prepared
from vividflow.db.schema import Counter, Moment, Money, metadata

ledger = Table(
    "ledger",
    metadata,
    Column("id", Counter, primary_key=True, autoincrement=True),
    Column("at", Moment, nullable=False),
    Column("kind", Text, nullable=False),
    Column("job_id", Text, index=True),
    Column("user_id", Text, ForeignKey("users.id"), nullable=False, index=True),
    Column("account", Text, nullable=False),
    Column("amount", Money, nullable=False),
    Column("reason", Text),
    UniqueConstraint("kind", "job_id", "account"),
)

accounts = Table(
    "accounts",
    metadata,
    Column("user_id", Text, ForeignKey("users.id"), primary_key=True),
    Column("available", BigInteger, nullable=False),
    Column("held", BigInteger, nullable=False),
)

AVAILABLE, HELD, SPENT, GRANTS = "available", "held", "house:spent", "house:grants"
SETTLE, RELEASE = "settle", "release"
_ordered = and_(ledger.c.kind == literal_column("'reserve'"), ledger.c.account == literal_column("'held'"))
Index("ix_ledger_ordered", ledger.c.at, sqlite_where=_ordered, postgresql_where=_ordered)
RESERVING = 7_306_001  # the number of PostgreSQL's lock for it

_INSERT = Prepared(ledger.insert(), ("at", "kind", "job_id", "user_id", "account", "amount", "reason"))
_move = (
    update(accounts)
    .where(accounts.c.user_id == bindparam("owner"))
    .values(available=accounts.c.available + bindparam("more"), held=accounts.c.held + bindparam("more_held"))
)
_MOVE = Prepared(_move, ("owner", "more", "more_held"))
_GUARDED_MOVE = Prepared(
    _move.where(accounts.c.available >= bindparam("least")), ("owner", "more", "more_held", "least")
)
_CLOSED = select(ledger.c.job_id, ledger.c.kind).where(
    ledger.c.job_id.in_(bindparam("ids", expanding=True)), ledger.c.kind.in_((SETTLE, RELEASE))
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """What one person has: free to spend, and held for jobs that are under way."""

    user_id: str
    available: int
    held: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Closing:
    """The end of one job's reserve: `cost` of what was `reserved` is spent (`kind` SETTLE), or all comes back (RELEASE)."""

    kind: str
    user_id: str
    job_id: str
    reserved: int
    cost: int = 0


def open_account(connection: Connection, user_id: str) -> None:
    """Begin a person's account at zero."""
    connection.execute(accounts.insert(), {"user_id": user_id, "available": 0, "held": 0})


def account(connection: Connection, user_id: str) -> Account:
    """The balances of one person; zero when they have no account."""
    row = connection.execute(select(accounts).where(accounts.c.user_id == user_id)).mappings().first()
    return Account(**row) if row else Account(user_id=user_id, available=0, held=0)


def grant(connection: Connection, user_id: str, amount: int, reason: str, now: float) -> None:
    """Give (or, below zero, take) credit."""
    _shift(connection, user_id, amount, 0)
    _INSERT.run_many(connection, _legs(now, "grant", None, user_id, {GRANTS: -amount, AVAILABLE: amount}, reason))


def reserve(connection: Connection, user_id: str, job_id: str, amount: int, now: float, *, guarded: bool) -> bool:
    """Hold `amount` for a job; False, with nothing changed, when `guarded` and the person has less than that."""
    move = _GUARDED_MOVE if guarded else _MOVE
    moved = move.run(connection, {"owner": user_id, "more": -amount, "more_held": amount, "least": amount})
    if moved != 1:
        return False
    _INSERT.run_many(connection, _legs(now, "reserve", job_id, user_id, {AVAILABLE: -amount, HELD: amount}))
    return True


def close(connection: Connection, closings: Sequence[Closing], now: float) -> list[str]:
    """Close the reserves of some jobs at once; the ids of those that had not been closed before."""
    known = closing_kinds(connection, [each.job_id for each in closings])
    fresh = [each for each in closings if each.job_id not in known]
    legs = [leg for each in fresh for leg in _legs(now, each.kind, each.job_id, each.user_id, _closing_legs(each))]
    if legs:
        _INSERT.run_many(connection, legs)
    for user_id in {each.user_id for each in fresh}:
        own = [each for each in fresh if each.user_id == user_id]
        reserved, cost = sum(each.reserved for each in own), sum(each.cost for each in own)
        _shift(connection, user_id, reserved - cost, -reserved)
    return [each.job_id for each in fresh]


def closing_kinds(connection: Connection, job_ids: Sequence[str]) -> dict[str, str]:
    """How the reserves of some jobs were closed ("settle" or "release"); those still open are left out."""
    if not job_ids:
        return {}
    return {row.job_id: row.kind for row in connection.execute(_CLOSED, {"ids": list(job_ids)})}


def total(connection: Connection) -> int:
    """The sum of all legs: always zero."""
    return int(connection.execute(select(func.coalesce(func.sum(ledger.c.amount), 0))).scalar_one())


def one_at_a_time(connection: Connection, user_id: str | None = None) -> None:
    """Hold one person's account, or (None) all reserving, until this transaction ends. On SQLite only one writes anyway."""
    if connection.dialect.name != "postgresql":
        return
    if user_id is None:
        connection.execute(select(func.pg_advisory_xact_lock(RESERVING)))
    else:
        connection.execute(select(accounts.c.user_id).where(accounts.c.user_id == user_id).with_for_update())


def promised_since(connection: Connection, since: float, user_id: str | None = None) -> int:
    """Micro-dollars that jobs ordered since a moment hold or have spent, of one person or of all: what caps count.

    A job counts on the day of its order alone: what yesterday's gives back today makes no room today.
    """
    ordered = select(ledger.c.job_id).where(_ordered, ledger.c.at >= since)
    if user_id is not None:
        ordered = ordered.where(ledger.c.user_id == user_id)
    legs = ledger.alias("legs")
    statement = select(func.coalesce(func.sum(legs.c.amount), 0)).where(
        legs.c.job_id.in_(ordered), legs.c.account.in_((HELD, SPENT))
    )
    return int(connection.execute(statement).scalar_one())


def _closing_legs(closing: Closing) -> dict[str, int]:
    legs = {HELD: -closing.reserved, AVAILABLE: closing.reserved - closing.cost}
    return legs | ({SPENT: closing.cost} if closing.kind == SETTLE else {})


def _shift(connection: Connection, user_id: str, available: int, held: int) -> None:
    if available or held:
        _MOVE.run(connection, {"owner": user_id, "more": available, "more_held": held})


def _legs(
    now: float, kind: str, job_id: str | None, user_id: str, amounts: dict[str, int], reason: str | None = None
) -> list[dict[str, object]]:
    common = {"at": now, "kind": kind, "job_id": job_id, "user_id": user_id, "reason": reason}
    return [common | {"account": name, "amount": amount} for name, amount in amounts.items()]
