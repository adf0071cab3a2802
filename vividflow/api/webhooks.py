"""Webhooks: the secret that signs what is sent to a webhook_url."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vividflow.api.address import Call


def secret(call: Call) -> tuple[int, Mapping[str, Any]]:
    """The caller's own signing secret, as the Standard Webhooks libraries take it."""
    return 200, {"secret": call.caller.user.webhook_secret}
