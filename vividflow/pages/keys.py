"""API keys: made here and shown once, revoked here by name."""

from __future__ import annotations

from flask import Response

from vividflow.errors import Problem
from vividflow.pages import session
from vividflow.pages.shell import fields, house, render, to
from vividflow.records import api_keys
from vividflow.records.api_keys import ApiKey
from vividflow.records.users import User
from vividflow.timing import now

LIVES = (("", "Never"), ("30", "In 30 days"), ("90", "In 90 days"), ("365", "In a year"))
LONGEST_NAME = 60
MOST_KEYS = 100
DAY = 86400.0


def listing() -> Response:
    """The keys there are, and the form for a new one."""
    return _page(session.signed_in())


def make() -> Response:
    """A new key, shown this one time."""
    user, given = session.signed_in(), fields("name", "days")
    name, days = given["name"], given["days"]
    if not 1 <= len(name) <= LONGEST_NAME or not name.isprintable():
        return _page(
            user, name=name, days=days, errors={"name": f"Give it a name of at most {LONGEST_NAME} characters."}
        )
    if days not in dict(LIVES):
        days = ""
    moment = now()
    key, bare = api_keys.mint(user.id, name, moment, moment + int(days) * DAY if days else None)
    with house().tools.db.transaction() as connection:
        if len(_open(api_keys.of_user(connection, user.id))) >= MOST_KEYS:
            raise Problem(409, "too_many_keys", f"You have {MOST_KEYS} keys. Revoke one that nothing uses.")
        api_keys.insert(connection, key)
    return _page(user, fresh={"bare": bare, "name": name}, status=201)


def ask(key_id: str) -> Response:
    """The question before a key is revoked, for browsers without script."""
    return render("developers/revoke.html", key=_key(session.signed_in(), key_id))


def revoke(key_id: str) -> Response:
    """Close a key for good, at once."""
    user = session.signed_in()
    with house().tools.db.transaction() as connection:
        done = api_keys.revoke(connection, user.id, key_id, now())
    if not done:
        raise _missing()
    house().keys.forget()
    return to("/developers/keys", said="revoked")


def _page(user: User, *, status: int | None = None, errors: dict[str, str] | None = None, **values: object) -> Response:
    with house().tools.db.reading() as connection:
        keys = _open(api_keys.of_user(connection, user.id))
    shown = {"keys": keys, "lives": LIVES, "errors": errors or {}, "fresh": None, "days": ""}
    return render("developers/keys.html", status or (422 if errors else 200), **(shown | values))


def _key(user: User, key_id: str) -> ApiKey:
    with house().tools.db.reading() as connection:
        keys = _open(api_keys.of_user(connection, user.id))
    found = next((key for key in keys if key.id == key_id), None)
    if found is None:
        raise _missing()
    return found


def _open(keys: list[ApiKey]) -> list[ApiKey]:
    return [key for key in keys if key.revoked_at is None]


def _missing() -> Problem:
    return Problem(404, "key_not_found", "There is no such key.")
