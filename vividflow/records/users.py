"""People with an account."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Boolean, Column, Connection, Table, Text, false, func, select, true, update

from vividflow.db.schema import Moment, Money, metadata

users = Table(
    "users",
    metadata,
    Column("id", Text, primary_key=True),
    Column("email", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("password_hash", Text),
    Column("role", Text, nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("theme", Text, nullable=False),
    Column("webhook_secret", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("suspended_at", Moment),
    Column("shortcuts", Boolean, nullable=False, server_default=true()),
    Column("usage_alert", Money),
    Column("sign_prompts", Boolean, nullable=False, server_default=false()),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class User:
    """One account. `role` is "admin" or "user", `theme` "system", "light" or "dark", `email` lower case.

    `shortcuts` says whether single keys act in the pages, `usage_alert` above how many micro-dollars in a month they warn,
    `sign_prompts` whether signed files carry the prompt.
    """

    id: str
    email: str
    name: str
    password_hash: str | None
    role: str
    time_zone: str
    theme: str
    webhook_secret: str
    created_at: float
    suspended_at: float | None = None
    shortcuts: bool = True
    usage_alert: int | None = None
    sign_prompts: bool = False

    @property
    def is_admin(self) -> bool:
        """Whether the account may see and change what belongs to the installation."""
        return self.role == "admin"


def insert(connection: Connection, user: User) -> None:
    """Add an account. Raises `sqlalchemy.exc.IntegrityError` when the address is taken."""
    connection.execute(users.insert(), {name: getattr(user, name) for name in User.__dataclass_fields__})


def by_id(connection: Connection, user_id: str) -> User | None:
    """The account with this id."""
    row = connection.execute(select(users).where(users.c.id == user_id)).mappings().first()
    return User(**row) if row else None


def by_email(connection: Connection, email: str) -> User | None:
    """The account with this address, in any case of letters."""
    row = connection.execute(select(users).where(users.c.email == email.strip().lower())).mappings().first()
    return User(**row) if row else None


def hold(connection: Connection, user_id: str) -> None:
    """Let no other transaction pass here for this account until this one ends; on SQLite none writes beside it anyway."""
    connection.execute(select(users.c.id).where(users.c.id == user_id).with_for_update())


def count(connection: Connection) -> int:
    """How many accounts there are."""
    return connection.execute(select(func.count()).select_from(users)).scalar_one()


def change(connection: Connection, user_id: str, **columns: object) -> None:
    """Write new values into columns of one account."""
    connection.execute(update(users).where(users.c.id == user_id).values(**columns))
