"""Webhooks to customers after the Standard Webhooks spec: signing, one try at sending, and when to try again.

Spec: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import random
from collections.abc import Sequence
from dataclasses import dataclass
from secrets import token_bytes

from vividflow import timing
from vividflow.errors import Outcome
from vividflow.outbound import Door

SCHEDULE = (0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
TIMEOUT_SECONDS = 15.0
MAX_BODY = 20_000

_PREFIX = "whsec_"
_THROTTLES = frozenset({429, 502, 504})


@dataclass(frozen=True, kw_only=True)
class DeliveryResult:
    """How one try went.

    `status` is None when no answer came; `ok` a 2xx; `disable` that the receiver wants no more (410); `throttle` that
    it is overloaded; `error` one sentence for the owner; `seconds` what the try took; `retry_after` what it asked for.
    """

    status: int | None
    ok: bool
    disable: bool
    throttle: bool
    error: str | None
    seconds: float
    retry_after: float | None = None


def new_secret() -> str:
    """A fresh signing secret: 32 random bytes as `whsec_` and base64."""
    return _PREFIX + base64.b64encode(token_bytes(32)).decode()


def signed_headers(message_id: str, body: bytes, secrets: Sequence[str], *, at: float) -> dict[str, str]:
    """The three headers of one attempt at wall time `at` (seconds); several secrets sign while one replaces another.

    Raises `ValueError` for no secret or one that is not `whsec_` and base64, or a message id with a full stop.
    """
    if not secrets or "." in message_id:
        raise ValueError("a message needs a secret and an id without full stops")
    stamp = str(int(at))
    content = f"{message_id}.{stamp}.".encode() + body
    return {
        "webhook-id": message_id,
        "webhook-timestamp": stamp,
        "webhook-signature": " ".join(_signature(secret, content) for secret in secrets),
    }


def send(url: str, *, message_id: str, body: bytes, secrets: Sequence[str], door: Door) -> DeliveryResult:
    """Try once, within 15 s; never raises for what the receiver does. `message_id` is the same on every try."""
    started = timing.monotonic()
    headers = {
        "Content-Type": "application/json",
        **signed_headers(message_id, body, secrets, at=timing.now()),
    }
    try:
        answer = door.post(url, body=body, headers=headers, timeout=TIMEOUT_SECONDS)
    except Outcome as failure:
        return DeliveryResult(
            status=None,
            ok=False,
            disable=False,
            throttle=False,
            error=failure.message,
            seconds=timing.monotonic() - started,
        )
    wait = answer.headers.get("retry-after", "")
    return DeliveryResult(
        status=answer.status,
        ok=200 <= answer.status < 300,
        disable=answer.status == 410,
        throttle=answer.status in _THROTTLES,
        error=_sentence(answer.status),
        seconds=answer.seconds,
        retry_after=float(wait) if wait.isascii() and wait.isdigit() and len(wait) < 6 else None,
    )


def next_try(tries: int) -> float | None:
    """Seconds to wait after `tries` tries so far, with up to 10 % more as jitter; None when the schedule is used up."""
    if tries >= len(SCHEDULE):
        return None
    return SCHEDULE[tries] * random.uniform(1.0, 1.1)


def _signature(secret: str, content: bytes) -> str:
    encoded = secret.removeprefix(_PREFIX)
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except binascii.Error:
        raise ValueError("a webhook secret is whsec_ and base64") from None
    if not key or not secret.startswith(_PREFIX):
        raise ValueError("a webhook secret is whsec_ and base64")
    return "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()


def _sentence(status: int) -> str | None:
    if 200 <= status < 300:
        return None
    if status == 410:
        return "The receiver answered 410: it wants no more messages."
    if 300 <= status < 400:
        return f"The receiver redirects ({status}); redirects are not followed."
    return f"The receiver answered {status}."
