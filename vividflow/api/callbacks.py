"""Callbacks of providers: a hint to look now, believed only when signed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vividflow.api.address import Call
from vividflow.api.reading import read_all
from vividflow.errors import Problem
from vividflow.lifecycle.callbacks import receive

MOST_BYTES = 1024 * 1024
LONGEST_TOKEN = 200
TOO_LARGE = "A callback has at most 1 MiB."


def take(call: Call) -> tuple[int, Mapping[str, Any]]:
    """200 once the hint is written down; 404 for an unknown token; 401 for a signature that does not hold."""
    provider, token = call.ids["provider"], call.ids["token"]
    if _plausible(call, provider, token):
        raw = read_all(call.request, MOST_BYTES, TOO_LARGE)
        if receive(call.house.tools, provider, token, dict(call.request.headers), raw):
            return 200, {"received": True}
    call.house.limits.spend("anonymous", call.request.remote_addr or "")
    raise Problem(404, "not_found", "There is no order that waits for this callback.")


def _plausible(call: Call, provider: str, token: str) -> bool:
    vendors = call.house.tools.registry.vendors
    return provider in vendors and len(token) <= LONGEST_TOKEN and token.isascii() and token.isprintable()
