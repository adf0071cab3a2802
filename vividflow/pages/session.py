"""Who sits at the browser: a signed cookie that holds one secret, a row behind it, and the token that proves our own forms.

Flask-Login is kept behind this file; nothing else imports it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Flask, Request, current_app, g, request
from flask import session as cookie
from flask.sessions import SecureCookieSessionInterface
from flask_login import LoginManager, UserMixin, current_user
from flask_wtf.csrf import CSRFProtect, generate_csrf, validate_csrf
from wtforms import ValidationError

from vividflow.config import Settings
from vividflow.errors import Problem
from vividflow.records import sessions, users
from vividflow.records.sessions import ABSOLUTE_SECONDS, Session
from vividflow.records.users import User
from vividflow.timing import now

KEPT = "s"
TOO_OLD = "This page is too old to send. Nothing was done. Reload it and try again."


@dataclass(frozen=True, kw_only=True)
class Seat(UserMixin):
    """A signed-in browser: the person, and the session that says so."""

    user: User
    session: Session


def set_up(app: Flask, settings: Settings, secret: Callable[[], str]) -> None:
    """Give `app` its cookie, its sign-in and its form tokens. `secret` is asked for at the first cookie, not now."""
    https = settings.public.startswith("https://")
    app.config.update(
        SESSION_COOKIE_NAME="__Host-vf_session" if https else "vf_session",
        SESSION_COOKIE_SECURE=https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
        SESSION_REFRESH_EACH_REQUEST=False,
        PERMANENT_SESSION_LIFETIME=ABSOLUTE_SECONDS,
        # The token lives as long as the session: a page left open over lunch must still be able to send.
        WTF_CSRF_TIME_LIMIT=None,
        # Our forms check it themselves (see `check_csrf`): API keys need none, and one form streams its body.
        WTF_CSRF_CHECK_DEFAULT=False,
    )
    app.session_interface = LazyCookies(secret)
    CSRFProtect(app)
    manager = LoginManager()
    manager.session_protection = ""
    manager.request_loader(_seat_of)
    # Not `init_app`: its remember-me hook reads the session on every answer, so static files would vary by cookie.
    app.login_manager = manager  # pyright: ignore[reportAttributeAccessIssue]


def current_seat() -> Seat | None:
    """The signed-in browser of this request, or None."""
    return current_user._get_current_object() if current_user.is_authenticated else None


def current_session_user() -> User | None:
    """Who is signed in by the browser's cookie, or None; a suspended account is still somebody."""
    seat = current_seat()
    return seat.user if seat else None


def signed_in() -> User:
    """Who is signed in, for views that the table of pages lets nobody else see."""
    user = current_session_user()
    assert user is not None, request.path
    return user


def check_csrf(token: str | None = None) -> None:
    """Prove that one of our own pages sent this: `token`, else the header X-CSRF-Token. Raises `Problem` 403 `invalid_csrf`."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise Problem(403, "invalid_csrf", "This came from another site. Nothing was done.")
    _make_ready()
    try:
        validate_csrf(token or request.headers.get("X-CSRF-Token"))
    except ValidationError as error:
        raise Problem(403, "invalid_csrf", TOO_OLD) from error


def csrf_token() -> str:
    """The token that forms and calls of the page being made send back."""
    _make_ready()
    return generate_csrf()


def begin(user: User) -> None:
    """Sign a person in under a new secret; whatever session the browser had before is over."""
    old = cookie.get(KEPT)
    with _database().transaction() as connection:
        if old:
            sessions.end(connection, old)
        secret = sessions.begin(connection, user.id, request.headers.get("User-Agent", ""), now())
    _forget()
    cookie[KEPT] = secret
    cookie.permanent = True


def end() -> None:
    """Sign this browser out."""
    old = cookie.get(KEPT)
    if old:
        with _database().transaction() as connection:
            sessions.end(connection, old)
    _forget()


def end_others(user: User) -> None:
    """Sign a person out everywhere but here."""
    with _database().transaction() as connection:
        sessions.end_all(connection, user.id, but=cookie.get(KEPT))


class LazyCookies(SecureCookieSessionInterface):
    """Signed cookies whose key is read, or made, when the first one is signed or checked."""

    def __init__(self, secret: Callable[[], str]) -> None:
        self._secret = secret

    def open_session(self, app: Flask, request: Request) -> Any:
        """The cookie's content; an empty one costs nothing."""
        if "HTTP_COOKIE" not in request.environ or self.get_cookie_name(app) not in request.cookies:
            return self.session_class()
        return super().open_session(app, request)

    def get_signing_serializer(self, app: Flask) -> Any:
        """The signer, with a key of its own derived from the installation's secret."""
        self.ready(app)
        return super().get_signing_serializer(app)

    def ready(self, app: Flask) -> None:
        """Have the key in place."""
        if app.secret_key is None:
            app.secret_key = hmac.new(self._secret().encode(), b"vividflow cookies 1", hashlib.sha256).digest()


def _seat_of(asked: Request) -> Seat | None:
    secret = cookie.get(KEPT)
    if not isinstance(secret, str):
        return None
    with _database().reading() as connection:
        session = sessions.find(connection, secret)
        user = users.by_id(connection, session.user_id) if session and session.alive(now()) else None
    if session is None or user is None:
        return None
    current_app.extensions["vividflow"].keys.session_seen(session.hash)
    return Seat(user=user, session=session)


def _forget() -> None:
    cookie.clear()
    for name in ("_login_user", "csrf_token"):
        g.pop(name, None)


def _make_ready() -> None:
    interface = current_app.session_interface
    assert isinstance(interface, LazyCookies)
    interface.ready(current_app)  # pyright: ignore[reportArgumentType]


def _database() -> Any:
    return current_app.extensions["vividflow"].tools.db
