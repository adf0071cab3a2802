"""How an account begins: checked, with its own signing secret for webhooks and an empty balance."""

from __future__ import annotations

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from vividflow.config import Settings
from vividflow.errors import Problem
from vividflow.notify.webhooks import new_secret
from vividflow.passwords import accept_password, hash_password
from vividflow.records import ledger, users
from vividflow.records.users import User
from vividflow.timing import new_id, now


def accept_email(text: str) -> str:
    """`text` as we keep it, in lower case. Raises `Problem` 422 `invalid_email`; asks no name server."""
    from email_validator import EmailNotValidError, validate_email

    try:
        return validate_email(text.strip(), check_deliverability=False, test_environment=True).normalized.lower()
    except EmailNotValidError as error:
        raise Problem(422, "invalid_email", f"That is no e-mail address: {error}", param="email") from None


def new_account(
    settings: Settings, *, email: str, password: str | None, role: str = "user", time_zone: str = "UTC"
) -> User:
    """A checked account, not yet kept; hashing the password takes a while, so call it outside any transaction.

    Raises `Problem` 422 `invalid_email` or `invalid_password`.
    """
    address = accept_email(email)
    return User(
        id=new_id(),
        email=address,
        name=address.partition("@")[0],
        password_hash=None if password is None else hash_password(settings, accept_password(password)),
        role=role,
        time_zone=time_zone,
        theme="system",
        webhook_secret=new_secret(),
        created_at=now(),
    )


def keep_account(connection: Connection, user: User) -> None:
    """Keep a new account and open its balance. Raises `Problem` 409 `email_taken`."""
    taken = Problem(409, "email_taken", f"There is an account for {user.email} already.", param="email")
    if users.by_email(connection, user.email) is not None:
        raise taken
    try:
        users.insert(connection, user)
    except IntegrityError:
        raise taken from None
    ledger.open_account(connection, user.id)
