"""Links signed the way Amazon (AWS4) and Google (GOOG4) agree on: the same canonical request under two sets of names.

Written here because both libraries sign for the present second: an answer's link must stay the same for an hour, so the
date of signing follows from the end. Sources: Amazon S3 API reference, "Authenticating requests: using query parameters";
Cloud Storage, "Signatures, V4 signing process".
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

from vividflow.timing import now

MOST_SECONDS = 7 * 86400
_STEP_SECONDS = 7200


@dataclass(frozen=True, kw_only=True)
class Signing:
    """One service's names: `algorithm`, the `prefix` of its parameters, its `scope` after the date, who signs, and how.

    `sign` makes the signature (hex) of a date (YYYYMMDD) and a text. `more` are parameters that every link carries.
    """

    algorithm: str
    prefix: str
    scope: str
    identity: str
    sign: Callable[[str, str], str] = field(repr=False)
    more: Mapping[str, str] = field(default_factory=dict, repr=False)

    def link(self, address: str, *, expires_at: float, params: Mapping[str, str]) -> str:
        """`address` (its path already quoted) as a link for GET until `expires_at`; the same arguments, the same link.

        Raises `ValueError` for an end more than seven days away.
        """
        life = _STEP_SECONDS * max(1, math.ceil((expires_at - now()) / _STEP_SECONDS))
        if life > MOST_SECONDS:
            raise ValueError("a signed link lives seven days at most")
        stamp = datetime.fromtimestamp(int(expires_at) - life, UTC).strftime("%Y%m%dT%H%M%SZ")
        scope = f"{stamp[:8]}/{self.scope}"
        query = {**params, **self.more} | {
            f"{self.prefix}-Algorithm": self.algorithm,
            f"{self.prefix}-Credential": f"{self.identity}/{scope}",
            f"{self.prefix}-Date": stamp,
            f"{self.prefix}-Expires": str(life),
            f"{self.prefix}-SignedHeaders": "host",
        }
        where = urlsplit(address)
        asked = "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in sorted(query.items()))
        request = "\n".join(("GET", where.path, asked, f"host:{where.netloc}\n", "host", "UNSIGNED-PAYLOAD"))
        text = "\n".join((self.algorithm, stamp, scope, hashlib.sha256(request.encode()).hexdigest()))
        return f"{address}?{asked}&{self.prefix}-Signature={self.sign(stamp[:8], text)}"


def _quoted(text: str) -> str:
    return quote(text, safe="-_.~")
