"""Links to a stored file that work without a key until they end, for storages that cannot sign by themselves.

Whoever holds the link may fetch. The signature covers key, expiry, method and disposition; it never goes into a log.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from vividflow.storage.keys import checked_key

PREFIX = "/media/"
SIGNATURE = "signature"
DISPOSITIONS = ("inline", "attachment")

_HOUR = 3600
_STEP = 300


class LinkRefused(Exception):
    """The link is not one of ours, or (`expired`) was and has ended; only then may that be told."""

    def __init__(self, *, expired: bool) -> None:
        super().__init__("The link has ended." if expired else "The link is not valid.")
        self.expired = expired


@dataclass(frozen=True, kw_only=True)
class Grant:
    """What a good link allows: this file, shown or saved, until then (seconds since 1970)."""

    key: str
    disposition: str
    expires_at: int


def sign(secret: str, key: str, expires_at: float, disposition: str = "inline") -> str:
    """Path and query of a link to `key` until `expires_at` (seconds since 1970), `inline` or `attachment`.

    `secret` is the installation's. The same arguments give the same link. Raises `ValueError` for another disposition
    or a key that is none.
    """
    if disposition not in DISPOSITIONS:
        raise ValueError(f"a disposition is one of {', '.join(DISPOSITIONS)}")
    ends = int(expires_at)
    signature = _signature(secret, checked_key(key), str(ends), disposition)
    query = urlencode({"expires": ends, "disposition": disposition, SIGNATURE: signature})
    return f"{PREFIX}{quote(key)}?{query}"


def verify(secret: str, key: str, query: Mapping[str, str], *, now: float, method: str = "GET") -> Grant:
    """What the link allows, compared in constant time; HEAD counts as GET. Raises `LinkRefused`."""
    expires, disposition = query.get("expires", ""), query.get("disposition", "")
    verb = "GET" if method == "HEAD" else method
    expected = _signature(secret, key, expires, disposition, verb)
    genuine = hmac.compare_digest(expected.encode(), query.get(SIGNATURE, "").encode("utf-8", "replace"))
    if not genuine:
        raise LinkRefused(expired=False)
    if int(expires) <= now:
        raise LinkRefused(expired=True)
    return Grant(key=key, disposition=disposition, expires_at=int(expires))


def expiry_for_api(now: float) -> int:
    """When a link in an API answer ends: in one to two hours, at a full hour, the same all through an hour."""
    return (int(now) // _HOUR + 2) * _HOUR


def expiry_for_pages(now: float) -> int:
    """When a link in a page ends: in ten to fifteen minutes, the same for five minutes so that a browser may cache."""
    return (int(now) // _STEP + 3) * _STEP


def _signature(secret: str, key: str, expires: str, disposition: str, method: str = "GET") -> str:
    own_key = hmac.new(secret.encode(), b"vividflow signed links 1", hashlib.sha256).digest()
    parts = [part.encode("utf-8", "replace") for part in (method, key, expires, disposition)]
    content = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return base64.urlsafe_b64encode(hmac.new(own_key, content, hashlib.sha256).digest()).rstrip(b"=").decode()
