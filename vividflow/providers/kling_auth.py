"""How Kling knows us: one API key, or an access key and a secret key that sign a token for each request (providers.md 5.1)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from email.utils import parsedate_to_datetime
from typing import Any

from pydantic import SecretStr

from vividflow import timing
from vividflow.config import Settings

TOKEN_SECONDS = 1800
SKEW_SECONDS = 5
# A Date further away than this is no clock that is merely wrong.
MOST_CLOCK_SECONDS = 7 * 86400.0


class KlingKey:
    """What is put into the Authorization header. An API key wins over the pair. May be used from many threads."""

    def __init__(self, settings: Settings) -> None:
        self._api_key = _plain(settings.kling_api_key)
        self._access_key = _plain(settings.kling_access_key)
        self._secret_key = _plain(settings.kling_secret_key)
        self._ahead = 0.0

    def bearer(self) -> str:
        """The API key, or a token that was signed this moment."""
        return self._api_key or signed(self._access_key, self._secret_key, timing.now() + self._ahead)

    def renew(self, date: str | None) -> bool:
        """After a token was refused for its times: whether the next one will be different.

        It will follow the vendor's clock, as its Date header tells it, where ours is wrong. An API key never changes.
        """
        if self._api_key:
            return False
        try:
            ahead = parsedate_to_datetime(date or "").timestamp() - timing.now()
        except (ValueError, TypeError, OverflowError):
            ahead = 0.0
        self._ahead = ahead if abs(ahead) <= MOST_CLOCK_SECONDS else 0.0
        return True

    def blot(self, text: str) -> str:
        """`text` without any of the keys."""
        for each in (self._api_key, self._access_key, self._secret_key):
            text = text.replace(each, "…") if each else text
        return text


def signed(access_key: str, secret_key: str, moment: float) -> str:
    """A token of `access_key` from 5 s before `moment` (seconds since 1970) until half an hour after it."""
    claims = {"iss": access_key, "exp": int(moment) + TOKEN_SECONDS, "nbf": int(moment) - SKEW_SECONDS}
    return jwt(claims, secret_key)


def jwt(claims: dict[str, Any], secret: str) -> str:
    """`claims` as a compact JSON Web Token, HS256 (RFC 7519)."""
    head = _encoded(json.dumps({"alg": "HS256", "typ": "JWT"}, separators=(",", ":")).encode())
    body = _encoded(json.dumps(claims, separators=(",", ":")).encode())
    mac = hmac.new(secret.encode(), f"{head}.{body}".encode(), hashlib.sha256).digest()
    return f"{head}.{body}.{_encoded(mac)}"


def missing(settings: Settings) -> str | None:
    """Which variable is absent or cannot be a key, as a sentence, or None when there is a way in."""
    api, access, secret = settings.kling_api_key, settings.kling_access_key, settings.kling_secret_key
    if api:
        return _flaw("KLING_API_KEY", api)
    if not access and not secret:
        return "Set KLING_API_KEY, or KLING_ACCESS_KEY and KLING_SECRET_KEY, to use Kling."
    if not access or not secret:
        absent, there = ("KLING_ACCESS_KEY", "KLING_SECRET_KEY")[:: 1 if not access else -1]
        return f"Set {absent} beside {there} to use Kling."
    return _flaw("KLING_ACCESS_KEY", access) or _flaw("KLING_SECRET_KEY", secret)


def _flaw(name: str, key: SecretStr) -> str | None:
    text = key.get_secret_value()
    good = text.isascii() and text.isprintable() and " " not in text
    return None if good else f"{name} holds characters that no key has."


def _plain(key: SecretStr | None) -> str:
    return key.get_secret_value() if key else ""


def _encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
