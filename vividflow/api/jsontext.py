"""JSON as every answer has it."""

from __future__ import annotations

import json
from typing import Any

_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def dump(body: Any) -> bytes:
    """`body` as compact JSON. Raises `ValueError` for NaN and infinities, which are not JSON."""
    return _encode(body).encode()
