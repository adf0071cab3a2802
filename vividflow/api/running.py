"""Idempotency keys whose first request is still running in this process."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from vividflow.api.uploads import Upload
from vividflow.errors import Problem
from vividflow.lifecycle.orders import Once

LONGEST_KEY = 255


class Running:
    """Lets one request with a given key run at a time; across processes the database's unique key does it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now: set[tuple[str, str, str]] = set()

    @contextmanager
    def alone(self, user_id: str, once: Once | None) -> Iterator[None]:
        """Hold the key while the block runs. Raises `Problem` 409 when another request holds it."""
        if once is None:
            yield
            return
        name = (user_id, once.address, once.key)
        with self._lock:
            if name in self._now:
                detail = "The first request with this Idempotency-Key is still running. Ask again in a moment."
                raise Problem(409, "idempotency_in_progress", detail, param="Idempotency-Key", retry_after=1)
            self._now.add(name)
        try:
            yield
        finally:
            with self._lock:
                self._now.discard(name)


def once_of(header: str, address: str, fields: Mapping[str, Any], files: Mapping[str, Upload]) -> Once:
    """The idempotency key of a request with a fingerprint of its parsed fields and the hash of each file.

    Raises `Problem` 422 for a key that is empty, longer than 255 characters or not visible ASCII.
    """
    key = header.strip()
    if not key or len(key) > LONGEST_KEY or not (key.isascii() and key.isprintable()):
        detail = f"Idempotency-Key has 1 to {LONGEST_KEY} visible ASCII characters."
        raise Problem(422, "invalid_idempotency_key", detail, param="Idempotency-Key")
    content = {"fields": dict(fields), "files": {name: upload.sha256 for name, upload in files.items()}}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), default=list)
    return Once(address=address, key=key, fingerprint=hashlib.sha256(text.encode()).hexdigest())
