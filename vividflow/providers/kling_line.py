"""The line to Kling: plain HTTP, each request sent once, with a deadline on every wait and a limit on every answer.

There is no official client for Python. Nothing is repeated, no redirect followed, no proxy variable read.
"""

from __future__ import annotations

import json
import threading
from typing import Any

import httpx

from vividflow import timing
from vividflow.providers.answer import Answer, NeverSent, NoAnswer
from vividflow.providers.kling_auth import KlingKey

CONNECT_SECONDS = 5.0
HANDS = 256
MOST_BYTES = 4 * 1024 * 1024
NOTHING_LEFT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.LocalProtocolError,
    httpx.UnsupportedProtocol,
)


class KlingLine:
    """One account at one base URL. May be used from many threads; the client is made at first use."""

    def __init__(self, *, key: KlingKey, base_url: str) -> None:
        self._key = key
        self._base_url = base_url
        self._lock = threading.Lock()
        self._made: httpx.Client | None = None

    def send(self, method: str, path: str, *, seconds: float, body: dict[str, Any] | None = None) -> Answer:
        """Send one request, once, and read its whole answer within about `seconds`, whatever its status.

        Raises `NeverSent` or `NoAnswer`.
        """
        deadline = timing.monotonic() + seconds
        timeout = httpx.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds))
        headers = {"Authorization": f"Bearer {self._key.bearer()}", "Accept-Encoding": "identity"}
        content = None
        if body is not None:
            headers["Content-Type"], content = "application/json", json.dumps(body).encode()
        client = self._client()
        try:
            request = client.build_request(
                method, f"{self._base_url}{path}", headers=headers, content=content, timeout=timeout
            )
            response = client.send(request, stream=True)
        except NOTHING_LEFT as error:
            raise NeverSent(type(error).__name__) from error
        except httpx.HTTPError as error:
            raise NoAnswer(type(error).__name__) from error
        try:
            return Answer(status=response.status_code, headers=response.headers, body=_read(response, deadline))
        except httpx.HTTPError as error:
            raise NoAnswer(type(error).__name__) from error
        finally:
            response.close()

    def close(self) -> None:
        """Let go of the connections; the next `send` makes new ones."""
        with self._lock:
            made, self._made = self._made, None
        if made:
            made.close()

    def _client(self) -> httpx.Client:
        with self._lock:
            if self._made is None:
                limits = httpx.Limits(max_connections=HANDS, max_keepalive_connections=HANDS)
                wire = httpx.HTTPTransport(limits=limits, retries=0)
                self._made = httpx.Client(transport=wire, follow_redirects=False)
            return self._made


def _read(response: httpx.Response, deadline: float) -> bytes:
    body = bytearray()
    for piece in response.iter_bytes():
        body += piece
        if len(body) > MOST_BYTES or timing.monotonic() > deadline:
            raise NoAnswer("too long" if len(body) > MOST_BYTES else "too slow")
    return bytes(body)
