"""Google's official client on a connection of ours: every request is sent once, every wait and every answer has an end.

The client takes an HTTP client from outside (`HttpOptions.httpx_client`). Ours follows no redirect, reads an answer
whole within the request's own time, and hands everything but a 2xx past the library: its two families of exceptions
(`models` and `interactions` have one each) lose the headers, and one of them the status (google-genai 3.4.0).

Interactions go by `ask`, below the library's resource methods: those make two new pydantic classes of the whole API for
every order: some 27 ms of processor time and a megabyte, which only a full collection takes back, and not all of it.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import httpx

from vividflow import timing
from vividflow.errors import Outcome
from vividflow.providers import outcomes
from vividflow.providers.answer import Answer, NeverSent, NoAnswer

if TYPE_CHECKING:
    from google.genai import Client

VENDOR = "Google"
PUBLIC_BASE = "https://generativelanguage.googleapis.com"
API_VERSION = "v1"
CONNECT_SECONDS = 5.0
CALL_SECONDS = 30.0
HANDS = 256
MOST_BYTES = 64 * 1024 * 1024
NOTHING_LEFT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.LocalProtocolError,
    httpx.UnsupportedProtocol,
)


class Answered(Exception):
    """Carries an answer other than a 2xx past the library."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class GoogleLine:
    """One API key at one base URL. May be used from many threads; the client is made at first use."""

    def __init__(self, *, key: str, base_url: str) -> None:
        self.base_url = base_url or PUBLIC_BASE
        self._key = key
        self._lock = threading.Lock()
        self._made: tuple[Client, httpx.Client] | None = None

    @property
    def client(self) -> Client:
        """The library's client. What it is asked raises `NeverSent`, `NoAnswer` or `Answered`, beside its own mistakes."""
        return self._open()[0]

    def ask(
        self, method: str, path: str, body: dict[str, Any] | None = None, *, seconds: float = CALL_SECONDS
    ) -> Answer:
        """One request with the key to a path of the API, whatever its answer. Raises `NeverSent` or `NoAnswer`."""
        client = self.client
        from google.genai import types

        limit = types.HttpOptions(timeout=int(seconds * 1000))
        try:
            told = client._api_client.request(method, path, dict(body or {}), limit)
        except Answered as other:
            return other.answer
        return Answer(status=200, headers=told.headers or {}, body=(told.body or "").encode())

    def get(self, path: str, *, seconds: float = CALL_SECONDS) -> Answer:
        """One GET without the key (for what is public). Raises `NeverSent` or `NoAnswer`."""
        try:
            response = self._open()[1].get(f"{self.base_url}{path}", timeout=seconds)
        except Answered as told:
            return told.answer
        return Answer(status=response.status_code, headers=response.headers, body=response.content)

    def close(self) -> None:
        """Let go of the connections; the next use makes new ones."""
        with self._lock:
            made, self._made = self._made, None
        if made:
            made[1].close()

    def _open(self) -> tuple[Client, httpx.Client]:
        with self._lock:
            if self._made is None:
                from google.genai import Client, types

                limits = httpx.Limits(max_connections=HANDS, max_keepalive_connections=HANDS)
                plain = httpx.Client(
                    transport=_OneTry(httpx.HTTPTransport(limits=limits)),
                    headers={"Accept-Encoding": "identity"},  # so that a short answer cannot unfold into a long one
                    follow_redirects=False,
                )
                options = types.HttpOptions(
                    base_url=self.base_url,
                    api_version=API_VERSION,
                    timeout=int(CALL_SECONDS * 1000),
                    retry_options=types.HttpRetryOptions(attempts=1),
                    httpx_client=plain,
                )
                self._made = (Client(api_key=self._key, vertexai=False, http_options=options), plain)
            return self._made


def meaning(answer: Answer) -> Outcome:
    """What an answer other than a good one says of the request: see `outcomes.submit_outcome`. 402 goes by its number.

    A wrong key comes as 400 with the reason API_KEY_INVALID; a 429 may say its delay in the body alone.
    """
    error = _error(answer)
    status = 401 if answer.status == 400 and "API_KEY_INVALID" in str(error.get("details")) else answer.status
    wait = outcomes.retry_after_seconds(answer.headers.get("retry-after"))
    detail = str(error.get("message") or "")
    return outcomes.submit_outcome(
        status, vendor=VENDOR, detail=detail, retry_after=wait if wait is not None else _retry_delay(error)
    )


def _error(answer: Answer) -> dict[str, Any]:
    found = answer.object().get("error")
    return found if isinstance(found, dict) else {}


def _retry_delay(error: dict[str, Any]) -> float | None:
    """google.rpc.RetryInfo: `{"retryDelay": "37s"}` among the details."""
    details = error.get("details")
    for each in details if isinstance(details, list) else []:
        told = each.get("retryDelay") if isinstance(each, dict) else None
        if isinstance(told, str) and told.endswith("s"):
            try:
                return float(told[:-1])
            except ValueError:
                return None
    return None


class _OneTry(httpx.BaseTransport):
    """Reads each answer whole within the request's read time-out, which bounds the request altogether here."""

    def __init__(self, wire: httpx.BaseTransport) -> None:
        self._wire = wire

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        limits = request.extensions.get("timeout") or {}
        seconds = limits.get("read") or CALL_SECONDS
        connect = min(CONNECT_SECONDS, seconds)
        request.extensions["timeout"] = {"connect": connect, "read": seconds, "write": seconds, "pool": connect}
        deadline = timing.monotonic() + seconds
        try:
            response = self._wire.handle_request(request)
            try:
                body = _read(response, deadline)
            finally:
                response.close()
        except NOTHING_LEFT as error:
            raise NeverSent(type(error).__name__) from error
        except httpx.HTTPError as error:
            raise NoAnswer(type(error).__name__) from error
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise NoAnswer("compressed although it was asked not to be")
        if not 200 <= response.status_code < 300:
            raise Answered(Answer(status=response.status_code, headers=response.headers, body=body))
        return httpx.Response(response.status_code, headers=response.headers, stream=httpx.ByteStream(body))

    def close(self) -> None:
        self._wire.close()


def _read(response: httpx.Response, deadline: float) -> bytes:
    body = bytearray()
    assert isinstance(response.stream, httpx.SyncByteStream)
    for piece in response.stream:
        body += piece
        if len(body) > MOST_BYTES or timing.monotonic() > deadline:
            raise NoAnswer("too long" if len(body) > MOST_BYTES else "too slow")
    return bytes(body)
