"""Checking a callback that Google signed: an RS256 JSON Web Token against Google's published keys.

The token proves that Google speaks; that the callback is about our order is proved by its address, which only Google and
we know. Checked with `cryptography`, which Google's own sign-in library brings along.
"""

from __future__ import annotations

import base64
import binascii
import json
import threading
from collections.abc import Callable
from typing import Any

from vividflow import timing
from vividflow.providers import outcomes
from vividflow.providers.answer import Answer, NeverSent, NoAnswer, number_of
from vividflow.providers.google_line import VENDOR

KEYS_PATH = "/.well-known/jwks.json"
KEYS_SECONDS = 3600.0
KEYS_SECONDS_IN_DOUBT = 60.0
TOLERANCE_SECONDS = 300
LONGEST_TOKEN = 16 * 1024
MOST_KEYS = 64
LEAST_BITS, MOST_BITS = 2048, 8192

Keys = dict[str, tuple[int, int]]


class GoogleKeys:
    """`get` brings the answer at a path of Google's base URL (raises `NeverSent` or `NoAnswer`)."""

    def __init__(self, get: Callable[[str], Answer]) -> None:
        self._get = get
        self._lock = threading.Lock()
        self._known: tuple[Keys, float] | None = None

    def claims(self, token: str) -> dict[str, Any] | None:
        """What a genuine token that is valid now says, None for any other. Raises `Transient` when no keys can be had.

        The keys are kept for an hour; a token of an unknown key makes us ask again, once a minute at most.
        """
        parts = token.split(".")
        if len(token) > LONGEST_TOKEN or len(parts) != 3:
            return None
        head, claims, signature = _object(parts[0]), _object(parts[1]), _bytes(parts[2])
        if head is None or claims is None or signature is None or head.get("alg") != "RS256":
            return None
        kid = head.get("kid")
        if not isinstance(kid, str):
            return None
        key = self._keys(KEYS_SECONDS).get(kid) or self._keys(KEYS_SECONDS_IN_DOUBT).get(kid)
        if key is None or not _holds(key, f"{parts[0]}.{parts[1]}".encode(), signature):
            return None
        return claims if _valid_now(claims) else None

    def _keys(self, most_seconds: float) -> Keys:
        with self._lock:
            known = self._known
        if known and timing.monotonic() - known[1] < most_seconds:
            return known[0]
        try:
            answer = self._get(KEYS_PATH)
        except (NeverSent, NoAnswer) as error:
            raise outcomes.unreachable(VENDOR) from error
        listed = answer.object().get("keys")
        if not answer.good or not isinstance(listed, list):
            raise outcomes.unreachable(VENDOR)
        keys = dict(filter(None, map(_key, listed[:MOST_KEYS])))
        with self._lock:
            self._known = (keys, timing.monotonic())
        return keys


def _key(listed: object) -> tuple[str, tuple[int, int]] | None:
    """A published key as its id, and modulus and exponent; None for what is no RSA key for signatures."""
    if not isinstance(listed, dict) or listed.get("kty") != "RSA" or listed.get("use", "sig") != "sig":
        return None
    kid, modulus, exponent = listed.get("kid"), _bytes(listed.get("n")), _bytes(listed.get("e"))
    if not isinstance(kid, str) or not modulus or not exponent:
        return None
    n, e = int.from_bytes(modulus), int.from_bytes(exponent)
    return (kid, (n, e)) if LEAST_BITS <= n.bit_length() <= MOST_BITS else None


def _holds(key: tuple[int, int], signed: bytes, signature: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicNumbers
    from cryptography.hazmat.primitives.hashes import SHA256

    try:
        RSAPublicNumbers(key[1], key[0]).public_key().verify(signature, signed, PKCS1v15(), SHA256())
    except (InvalidSignature, ValueError):
        return False
    return True


def _valid_now(claims: dict[str, Any]) -> bool:
    """Whether it has not run out and was not made in the future; without an end it must be fresh."""
    now = timing.now()
    begins = [number_of(claims[name]) for name in ("iat", "nbf") if name in claims]
    ends = number_of(claims["exp"]) if "exp" in claims else begins[0] if begins else None
    if ends is None or ends <= now - TOLERANCE_SECONDS:
        return False
    return all(each is not None and each < now + TOLERANCE_SECONDS for each in begins)


def _object(part: str) -> dict[str, Any] | None:
    raw = _bytes(part)
    try:
        found = json.loads(raw) if raw else None
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _bytes(part: object) -> bytes | None:
    if not isinstance(part, str) or not part.isascii():
        return None
    try:
        return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
