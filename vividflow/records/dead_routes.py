"""Dead routes: a model that an account's provider no longer offers. Kept until an operator says otherwise."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Column, Connection, Table, Text, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from vividflow.db.schema import Moment, metadata

dead_routes = Table(
    "dead_routes",
    metadata,
    Column("account", Text, primary_key=True),
    Column("provider_model", Text, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("since", Moment, nullable=False),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class DeadRoute:
    """The provider said of `provider_model`, to whoever has `account`, that it is gone; `reason` is its sentence."""

    account: str
    provider_model: str
    reason: str
    since: float


def bury(connection: Connection, new: DeadRoute) -> None:
    """Mark a route as dead; one that is marked already stays as it is."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    values = {name: getattr(new, name) for name in DeadRoute.__dataclass_fields__}
    connection.execute(dialect.insert(dead_routes).values(values).on_conflict_do_nothing())


def revive(connection: Connection, provider: str, provider_model: str) -> int:
    """Take the mark away, whichever account of the provider it was; how many marks there were."""
    own = dead_routes.c.account.startswith(f"{provider}#") | dead_routes.c.account.startswith(f"{provider}/")
    return connection.execute(delete(dead_routes).where(own, dead_routes.c.provider_model == provider_model)).rowcount


def all_of(connection: Connection) -> list[DeadRoute]:
    """Every mark, oldest first."""
    rows = connection.execute(select(dead_routes).order_by(dead_routes.c.since, dead_routes.c.provider_model))
    return [DeadRoute(**row) for row in rows.mappings()]
