"""Who may pass: an API key in a header, or the browser's session with its CSRF token."""

from __future__ import annotations

from importlib.util import find_spec
from wsgiref.types import WSGIEnvironment

from flask import Request

from vividflow.api.caller import Caller
from vividflow.api.key_ring import KeyRing
from vividflow.errors import Problem

HOW = "Send your API key as X-API-Key or as Authorization: Bearer."
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def given_key(environ: WSGIEnvironment) -> str | None:
    """The bare key of a request: `X-API-Key` or `Authorization: Bearer …`; None when there is neither.

    Two different keys open nothing, nor does another scheme of Authorization; beside an X-API-Key that is left to proxies.
    """
    key: str | None = environ.get("HTTP_X_API_KEY")
    header: str | None = environ.get("HTTP_AUTHORIZATION")
    if header is None:
        return None if key is None else key.strip()
    scheme, _, rest = header.strip().partition(" ")
    if scheme.lower() != "bearer":
        return "" if key is None else key.strip()
    return rest.strip() if key is None or key.strip() == rest.strip() else ""


def caller_of(request: Request, ring: KeyRing) -> Caller | None:
    """Who asks; None for nobody in particular.

    Raises `Problem` 401 for a key that does not open (a present but wrong key never falls back to the session), 403 for a
    suspended account or a missing CSRF token.
    """
    bare = given_key(request.environ)
    if bare is None:
        caller = _by_session(request)
    else:
        caller = ring.find(bare)
        if caller is None:
            raise Problem(401, "invalid_key", f"The API key is malformed, wrong, revoked or expired. {HOW}")
    if caller is not None and caller.user.suspended_at is not None:
        raise Problem(403, "account_suspended", "This account is suspended. Ask an administrator.")
    return caller


def require(caller: Caller | None) -> Caller:
    """The caller, who must be somebody. Raises `Problem` 401."""
    if caller is None:
        raise Problem(401, "missing_key", HOW)
    return caller


def require_admin(caller: Caller | None) -> Caller:
    """The caller, who must be an administrator. Raises `Problem` 401 or 403."""
    known = require(caller)
    if not known.user.is_admin:
        raise Problem(403, "admin_only", "Only an administrator may do this.")
    return known


def _by_session(request: Request) -> Caller | None:
    if "HTTP_COOKIE" not in request.environ or not _PAGES:
        return None
    from vividflow.pages import session

    user = session.current_session_user()
    if user is None:
        return None
    if request.method not in SAFE:
        session.check_csrf()
    return Caller(user=user, session=True)


_PAGES = find_spec("vividflow.pages") is not None and find_spec("vividflow.pages.session") is not None
