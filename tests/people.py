"""People for tests."""

from __future__ import annotations

from vividflow.lifecycle.tools import Tools
from vividflow.records import api_keys, ledger, users
from vividflow.records.users import User
from vividflow.timing import new_id, now

WEBHOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def make_user(tools: Tools, *, admin: bool = False, credit: int = 0) -> User:
    """An account, with `credit` micro-dollars granted."""
    person = User(
        id=new_id(),
        email=f"{new_id()}@example.com",
        name="Mina",
        password_hash=None,
        role="admin" if admin else "user",
        time_zone="UTC",
        theme="system",
        webhook_secret=WEBHOOK_SECRET,
        created_at=now(),
    )
    with tools.db.transaction() as connection:
        users.insert(connection, person)
        ledger.open_account(connection, person.id)
        if credit:
            ledger.grant(connection, person.id, credit, "for the test", now())
    return person


def make_key(tools: Tools, user: User, name: str = "test") -> str:
    """A bare API key of a person."""
    key, bare = api_keys.mint(user.id, name, now())
    with tools.db.transaction() as connection:
        api_keys.insert(connection, key)
    return bare
