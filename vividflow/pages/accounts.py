"""Accounts as the pages make and change them."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import text

from vividflow.errors import FieldError, Problem
from vividflow.lifecycle.accounts import accept_email, keep_account, new_account
from vividflow.lifecycle.tools import Tools
from vividflow.pages import words
from vividflow.passwords import LONGEST, SHORTEST, hash_password
from vividflow.records import sessions, users
from vividflow.records.users import User

LONGEST_NAME = 80


def is_first(tools: Tools) -> bool:
    """Whether there is no account yet."""
    with tools.db.reading() as connection:
        return users.count(connection) == 0


def check(email: str, name: str, password: str) -> str:
    """The address as it is kept. Raises `Problem` 422 with an error for each field that will not do."""
    errors: list[FieldError] = []
    address = ""
    try:
        address = accept_email(email)
    except Problem:
        detail = "Enter an email address, such as mina@example.com."
        errors.append(FieldError(param="email", code="invalid_email", detail=detail))
    errors += [*check_name(name), *check_password_rule(password)]
    if errors:
        raise Problem(422, errors[0].code, errors[0].detail, param=errors[0].param, errors=tuple(errors))
    return address


def check_name(name: str) -> list[FieldError]:
    """What is wrong with a name, if anything."""
    if 1 <= len(name) <= LONGEST_NAME and name.isprintable():
        return []
    detail = f"Enter a name of at most {LONGEST_NAME} characters."
    return [FieldError(param="name", code="invalid_name", detail=detail)]


def check_password_rule(password: str) -> list[FieldError]:
    """What is wrong with a password to be, if anything."""
    if SHORTEST <= len(password) <= LONGEST:
        return []
    detail = f"A password has {SHORTEST} characters or more; this one has {len(password)}."
    if len(password) > LONGEST:
        detail = f"A password has at most {LONGEST:,} characters."
    return [FieldError(param="password", code="invalid_password", detail=detail)]


def make(tools: Tools, *, email: str, name: str, password: str, time_zone: str) -> User:
    """A new account; the first one of an installation is its admin.

    Takes the time of a password hash whether or not the address is free. Raises `Problem` 409 `email_taken`.
    """
    new = new_account(tools.settings, email=email, password=password, time_zone=known_zone(time_zone))
    try:
        with tools.db.transaction() as connection:
            if not tools.db.on_sqlite:  # of two first sign-ups at once only one may become admin
                connection.execute(text("LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE"))
            user = replace(new, name=name, role="user" if users.count(connection) else "admin")
            keep_account(connection, user)
    except Problem as taken:
        detail = "This address cannot be used. If it is yours, sign in or reset the password."
        raise Problem(409, taken.code, detail, param="email") from taken
    return user


def set_password(tools: Tools, user_id: str, password: str) -> None:
    """A new password; every session of the account ends."""
    hashed = hash_password(tools.settings, password)
    with tools.db.transaction() as connection:
        users.change(connection, user_id, password_hash=hashed)
        sessions.end_all(connection, user_id)


def known_zone(name: str) -> str:
    """`name` if it is a time zone that we know, else UTC."""
    return name if name and str(words.zone(name[:64])) == name else "UTC"
