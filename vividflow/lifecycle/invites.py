"""Invitations: a signed address that lets one person make one account where sign-up is by invitation.

Nothing is kept: the account itself is what uses an invitation up, for an address can only be taken once.
"""

from __future__ import annotations

from itsdangerous import BadData, URLSafeSerializer

INVITED_SECONDS = 7 * 86400.0
_SALT = "vividflow invite 1"


def make_invite(secret: str, email: str, ends_at: float) -> str:
    """A token for `email` that works until `ends_at`, seconds since 1970."""
    return str(URLSafeSerializer(secret, salt=_SALT).dumps([email, ends_at]))


def invited(secret: str, token: str, now: float) -> str | None:
    """Whom a token invites; None for one that we did not make, or that has ended."""
    try:
        email, ends_at = URLSafeSerializer(secret, salt=_SALT).loads(token)
    except BadData:
        return None
    return email if now < ends_at else None
