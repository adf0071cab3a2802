"""Checking a signed callback: Standard Webhooks, as Replicate and others sign theirs.

The official client's own check lets old messages pass (its tolerance is off by default), so this one is ours; its
oracle in the tests is the `standardwebhooks` library.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping

from vividflow import timing

TOLERANCE_SECONDS = 300


def signature_holds(headers: Mapping[str, str], raw_body: bytes, secret: str) -> bool:
    """Whether a listed signature is ours over these raw bytes, and the message is at most 300 s off our clock.

    `headers` are looked up whatever their case; `secret` is `whsec_…`.
    """
    low = {name.lower(): value for name, value in headers.items()}
    identity, sent_at = low.get("webhook-id", ""), low.get("webhook-timestamp", "")
    if not identity or not sent_at.isascii() or not sent_at.isdigit() or len(sent_at) > 12:
        return False
    if abs(timing.now() - int(sent_at)) > TOLERANCE_SECONDS:
        return False
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (binascii.Error, ValueError):
        return False
    signed = f"{identity}.{sent_at}.".encode() + raw_body
    ours = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())
    listed = [each.partition(",") for each in low.get("webhook-signature", "").split(" ")]
    return any(hmac.compare_digest(ours, given.encode()) for version, _, given in listed if version == "v1")
