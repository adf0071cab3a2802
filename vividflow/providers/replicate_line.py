"""The official Replicate client's line to the service, with a deadline on every wait and a limit on every answer.

Requests go through the client's own HTTP connection (`Client._client`: its base URL, key, headers and transport), one
level below its resource methods. Above that level `create` waits for ever, a status word that is new to it raises
after the paid prediction exists, Retry-After is thrown away, and a refused GET sleeps for minutes inside the call.
Below it nothing of that happens, and nothing is lost but objects that we would take apart again (replicate 1.0.7).
"""

from __future__ import annotations

import itertools
import ssl
import threading
from typing import Any

import httpx

from vividflow import timing
from vividflow.providers.answer import Answer, NeverSent, NoAnswer

CONNECT_SECONDS = 5.0
HANDS = 256
POOLS = 8  # each request walks all connections of its pool: with 64 hands in one pool that costs a third more
MOST_BYTES = 64 * 1024 * 1024
RETRIED_BY_THE_CLIENT = (429, 503, 504)
NOTHING_LEFT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.LocalProtocolError,
    httpx.UnsupportedProtocol,
)


class ReplicateLine:
    """One account at one base URL. May be used from many threads; the clients are made at first use."""

    def __init__(self, *, token: str, base_url: str) -> None:
        self._token = token
        self._base_url = base_url
        self._lock = threading.Lock()
        self._turns = itertools.count()
        self._made: dict[int, httpx.Client] = {}
        self._tls: ssl.SSLContext | None = None

    def send(
        self,
        method: str,
        path: str,
        *,
        seconds: float,
        json: Any = None,
        files: Any = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Send one request, once, and read its whole answer within about `seconds`, whatever its status.

        Raises `NeverSent` or `NoAnswer`.
        """
        deadline = timing.monotonic() + seconds
        timeout = httpx.Timeout(seconds, connect=min(CONNECT_SECONDS, seconds))
        client = self._client()
        try:
            request = client.build_request(method, path, json=json, files=files, headers=headers, timeout=timeout)
            response = client.send(request, stream=True)
        except _Answered as early:
            return early.answer
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
            made, self._made = self._made, {}
        for client in made.values():
            client.close()

    def _client(self) -> httpx.Client:
        turn = next(self._turns) % POOLS
        with self._lock:
            if turn not in self._made:
                from replicate.client import Client

                self._tls = self._tls or httpx.create_ssl_context()
                limits = httpx.Limits(max_connections=HANDS, max_keepalive_connections=HANDS)
                wire = _OneTry(httpx.HTTPTransport(verify=self._tls, limits=limits))
                self._made[turn] = Client(api_token=self._token, base_url=self._base_url, transport=wire)._client
            return self._made[turn]


class _Answered(Exception):
    """Carries an answer past the client's own retry loop."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class _OneTry(httpx.BaseTransport):
    """Keeps the client from sleeping and repeating a GET: a wait costs a row here, not a hand."""

    def __init__(self, wire: httpx.BaseTransport) -> None:
        self._wire = wire

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._wire.handle_request(request)
        if request.method != "POST" and response.status_code in RETRIED_BY_THE_CLIENT:
            response.close()
            raise _Answered(Answer(status=response.status_code, headers=response.headers))
        return response

    def close(self) -> None:
        self._wire.close()


def _read(response: httpx.Response, deadline: float) -> bytes:
    body = bytearray()
    for piece in response.iter_bytes():
        body += piece
        if len(body) > MOST_BYTES or timing.monotonic() > deadline:
            raise NoAnswer("too long" if len(body) > MOST_BYTES else "too slow")
    return bytes(body)
