"""One-time links: into a session, or to a new password. Looking at one never uses it up; mail scanners do look."""

from __future__ import annotations

import sys

from vividflow.lifecycle.tools import Tools
from vividflow.records import sessions, users
from vividflow.records.users import User
from vividflow.timing import now

SIGN_IN, RESET = "sign-in", "reset"
RESET_SECONDS = 1800.0


def owner(tools: Tools, secret: str, purpose: str) -> User | None:
    """Whose link it is, without using it up; None when it would not work."""
    with tools.db.reading() as connection:
        user_id = sessions.peek_link(connection, secret, purpose, now())
        user = users.by_id(connection, user_id) if user_id else None
    return user if user and user.suspended_at is None else None


def use(tools: Tools, secret: str, purpose: str) -> User | None:
    """Whose link it was; it works no more. None when it did not work."""
    with tools.db.transaction() as connection:
        user_id = sessions.use_link(connection, secret, purpose, now())
        user = users.by_id(connection, user_id) if user_id else None
    return user if user and user.suspended_at is None else None


def send_reset(tools: Tools, email: str) -> None:
    """Send whoever has this address a link to a new password; nobody learns whether there is somebody."""
    with tools.db.reading() as connection:
        user = users.by_email(connection, email)
    if user is None or user.suspended_at is not None:
        return
    with tools.db.transaction() as connection:
        secret = sessions.make_link(connection, user.id, RESET, now() + RESET_SECONDS)
    show(user.email, f"{tools.settings.public}/reset/{secret}")


def show(email: str, link: str) -> None:
    """Without a mail server the operator passes the link on: a plain line on stderr, where the log goes."""
    # Not through the log itself: it blots out whatever opens a door, as it should everywhere else.
    sys.stderr.write(f"Link for {email.encode('ascii', 'replace').decode()}: {link}\n")
    sys.stderr.flush()
