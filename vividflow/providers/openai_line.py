"""The HTTP of `/v1/videos`: every request is sent once, follows nothing, and has an end.

No connection is kept: servers of this kind close idle ones after five seconds, and a paid request must not be the one
that notices.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import httpx

from vividflow import __version__, timing
from vividflow.providers.answer import Answer, NeverSent, NoAnswer
from vividflow.providers.openai_servers import VideoServer

CONNECT_SECONDS = 5.0
MOST_CONNECTIONS = 256
MOST_BYTES = 16 * 1024 * 1024
NOTHING_LEFT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.LocalProtocolError,
    httpx.UnsupportedProtocol,
)

File = tuple[str, bytes, str]


class VideoLine:
    """One server. May be used from many threads; the client is made at first use."""

    def __init__(self, server: VideoServer) -> None:
        self._server = server
        self._lock = threading.Lock()
        self._made: httpx.Client | None = None

    def send(
        self,
        method: str,
        path: str,
        *,
        seconds: float,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        form: Mapping[str, str | File] | None = None,
    ) -> Answer:
        """Send one request and read its whole answer within about `seconds`, whatever its status.

        `form` goes as multipart/form-data, with files or without. Raises `NeverSent` or `NoAnswer`.
        """
        deadline = timing.monotonic() + seconds
        timeout = httpx.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds))
        # A part without a file name is a plain field: that way a form without files is multipart too.
        files = {name: (None, value) if isinstance(value, str) else value for name, value in (form or {}).items()}
        client = self._client()
        try:
            request = client.build_request(
                method, f"{self._server.url}{path}", params=params, json=json, files=files or None, timeout=timeout
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
        """Let go of the client; the next `send` makes a new one."""
        with self._lock:
            made, self._made = self._made, None
        if made:
            made.close()

    def _client(self) -> httpx.Client:
        with self._lock:
            if self._made is None:
                limits = httpx.Limits(max_connections=MOST_CONNECTIONS, max_keepalive_connections=0)
                named = {"User-Agent": f"VividFlow/{__version__}", "Accept-Encoding": "identity"}
                self._made = httpx.Client(
                    headers=named | self._server.headers, limits=limits, follow_redirects=False, trust_env=False
                )
            return self._made


def _read(response: httpx.Response, deadline: float) -> bytes:
    body = bytearray()
    for piece in response.iter_raw():
        body += piece
        if len(body) > MOST_BYTES or timing.monotonic() > deadline:
            raise NoAnswer("too long" if len(body) > MOST_BYTES else "too slow")
    return bytes(body)
