"""Prompts made richer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vividflow.api.address import Call
from vividflow.api.bodies import Enhance
from vividflow.lifecycle.enhance import enhance


def create(call: Call) -> tuple[int, Mapping[str, Any]]:
    """The richer prompt beside the original, and what made it."""
    body = call.body
    assert isinstance(body, Enhance)
    made = enhance(call.house.tools, call.caller.user, body.prompt)
    return 200, {"prompt": made.prompt, "original": made.original, "source": made.source}
