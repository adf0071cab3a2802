"""What Kling says of an Authorization header: nothing, or one of its codes 1000 to 1004 (providers.md 5.1)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any

LONGEST_SECONDS = 1800
SLACK_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class Account:
    """The keys that open the account: one API key, or the pair that signs tokens."""

    api_key: str
    access_key: str
    secret_key: str


def refusal(header: str | None, account: Account, now: float) -> int | None:
    """The code for a header that does not open the account at `now` (the vendor's clock), or None."""
    if not header:
        return 1001
    scheme, _, token = header.partition(" ")
    if scheme != "Bearer" or not token or " " in token:
        return 1002
    if hmac.compare_digest(token.encode(), account.api_key.encode()):
        return None
    parts = token.split(".")
    if len(parts) != 3:
        return 1002
    head, claims = _object(parts[0]), _object(parts[1])
    mac = hmac.new(account.secret_key.encode(), f"{parts[0]}.{parts[1]}".encode(), hashlib.sha256).digest()
    if head != {"alg": "HS256", "typ": "JWT"} or _bytes(parts[2]) != mac:
        return 1002
    if set(claims) != {"iss", "exp", "nbf"} or claims["iss"] != account.access_key:
        return 1002
    if not all(type(claims[name]) is int for name in ("exp", "nbf")):
        return 1002
    if claims["nbf"] > now:
        return 1003
    if claims["exp"] <= now:
        return 1004
    return 1000 if claims["exp"] > now + LONGEST_SECONDS + SLACK_SECONDS else None


def _object(part: str) -> dict[str, Any]:
    try:
        found = json.loads(_bytes(part) or b"")
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _bytes(part: str) -> bytes | None:
    if "=" in part:
        return None
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        return None
