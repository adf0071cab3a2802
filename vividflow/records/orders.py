"""Orders: one row for each paid submission. The intent is written before the paid request, the provider's id right after."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Double,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    func,
    or_,
    select,
    update,
)

from vividflow.db.prepared import Prepared
from vividflow.db.schema import Json, Moment, Money, metadata
from vividflow.records.jobs import jobs

INTENT, ACCEPTED, REFUSED, UNKNOWN, DONE, LOST = "intent", "accepted", "refused", "unknown", "done", "lost"
# LOST: a person said that it never ran. The provider may still tell otherwise.
OPEN = (INTENT, ACCEPTED, UNKNOWN)
BOUND_SECONDS = 3600.0

orders = Table(
    "orders",
    metadata,
    Column("id", Text, primary_key=True),
    Column("job_id", Text, ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("n", Integer, nullable=False),
    Column("provider", Text, nullable=False),
    Column("provider_model", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("token", Text, nullable=False, unique=True),
    Column("request", Json, nullable=False),
    Column("request_hash", Text, nullable=False),
    Column("fence", Integer, nullable=False),
    Column("quoted", Money, nullable=False),
    Column("cost", Money),
    Column("operation_id", Text),
    Column("outputs", Json, nullable=False),
    Column("error_code", Text),
    Column("error_message", Text),
    Column("charged", Boolean),
    Column("seconds", Double),
    Column("intent_at", Moment, nullable=False),
    Column("accepted_at", Moment),
    Column("asked_at", Moment),
    Column("ended_at", Moment),
    UniqueConstraint("job_id", "n"),
    UniqueConstraint("provider", "operation_id"),
)
_open = orders.c.state.in_(OPEN)
Index("uq_orders_one_open", orders.c.job_id, unique=True, sqlite_where=_open, postgresql_where=_open)
Index("ix_orders_like", orders.c.provider, orders.c.request_hash)
Index("ix_orders_intent_at", orders.c.intent_at)
_NEWEST = select(orders).where(orders.c.job_id == bindparam("owner")).order_by(orders.c.n.desc()).limit(1)


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderRow:
    """One paid submission of a job: the `n`-th. `fence` is the claim that meant to send it; amounts micro-dollars."""

    id: str
    job_id: str
    n: int
    provider: str
    provider_model: str
    state: str
    token: str
    request: dict[str, Any]
    request_hash: str
    fence: int
    quoted: int
    intent_at: float
    cost: int | None = None
    operation_id: str | None = None
    outputs: list[dict[str, Any]] = field(default_factory=list)
    error_code: str | None = None
    error_message: str | None = None
    charged: bool | None = None
    seconds: float | None = None
    accepted_at: float | None = None
    asked_at: float | None = None
    ended_at: float | None = None


def insert(connection: Connection, order: OrderRow) -> None:
    """Write the intent. Raises `sqlalchemy.exc.IntegrityError` when the job has an open order already."""
    connection.execute(orders.insert(), {name: getattr(order, name) for name in OrderRow.__dataclass_fields__})


def newest_of(connection: Connection, job_id: str) -> OrderRow | None:
    """A job's last order."""
    found = connection.execute(_NEWEST, {"owner": job_id}).mappings().first()
    return OrderRow(**found) if found else None


def all_of(connection: Connection, job_id: str) -> list[OrderRow]:
    """A job's orders, first to last."""
    rows = connection.execute(select(orders).where(orders.c.job_id == job_id).order_by(orders.c.n)).mappings()
    return [OrderRow(**row) for row in rows]


def by_token(connection: Connection, provider: str, token: str) -> OrderRow | None:
    """The order that a callback's address names."""
    found = connection.execute(select(orders).where(orders.c.token == token, orders.c.provider == provider))
    row = found.mappings().first()
    return OrderRow(**row) if row else None


def change(connection: Connection, order_id: str, **columns: object) -> None:
    """Write new values into columns of one order."""
    _changing(tuple(columns)).run(connection, columns | {"own_id": order_id})


@cache
def _changing(names: tuple[str, ...]) -> Prepared:
    statement = (
        update(orders).where(orders.c.id == bindparam("own_id")).values({name: bindparam(name) for name in names})
    )
    return Prepared(statement, (*names, "own_id"))


def bound_operations(connection: Connection, order: OrderRow) -> frozenset[str]:
    """Operation ids that other orders of the provider own: those with the same input, and all since an hour before."""
    lately = orders.c.accepted_at >= order.intent_at - BOUND_SECONDS
    statement = select(orders.c.operation_id).where(
        orders.c.provider == order.provider,
        or_(orders.c.request_hash == order.request_hash, lately),
        orders.c.id != order.id,
        orders.c.operation_id.is_not(None),
    )
    return frozenset(connection.execute(statement).scalars())


def is_bound(connection: Connection, order: OrderRow, operation_id: str) -> bool:
    """Whether another order of the provider owns that operation."""
    statement = select(func.count()).where(
        orders.c.provider == order.provider, orders.c.operation_id == operation_id, orders.c.id != order.id
    )
    return connection.execute(statement).scalar_one() > 0


def siblings_open(connection: Connection, order: OrderRow) -> bool:
    """Whether another order with the same input still awaits the answer that would give it its operation id."""
    statement = select(func.count()).where(
        orders.c.provider == order.provider,
        orders.c.request_hash == order.request_hash,
        orders.c.id != order.id,
        orders.c.state.in_((INTENT, UNKNOWN)),
    )
    return connection.execute(statement).scalar_one() > 0


def namesakes_open(connection: Connection, order: OrderRow) -> bool:
    """Whether another order with an equal prompt for the same model, whatever else differs, awaits its operation id."""
    own = select(jobs.c.prompt).where(jobs.c.id == order.job_id).scalar_subquery()
    statement = (
        select(func.count())
        .select_from(orders.join(jobs, jobs.c.id == orders.c.job_id))
        .where(
            orders.c.provider == order.provider,
            orders.c.provider_model == order.provider_model,
            orders.c.id != order.id,
            orders.c.state.in_((INTENT, UNKNOWN)),
            jobs.c.prompt == own,
        )
    )
    return connection.execute(statement).scalar_one() > 0


def not_over(connection: Connection, user_id: str) -> list[str]:
    """The ids of a person's orders that have stored nothing yet and may still do so, late ones too."""
    over = orders.c.state.in_((DONE, REFUSED))
    mine = orders.join(jobs, jobs.c.id == orders.c.job_id)
    return list(
        connection.execute(select(orders.c.id).select_from(mine).where(jobs.c.user_id == user_id, ~over)).scalars()
    )


def count_open(connection: Connection) -> int:
    """How many orders await their end."""
    return connection.execute(select(func.count()).where(orders.c.state.in_(OPEN))).scalar_one()
