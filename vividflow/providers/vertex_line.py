"""Google's own client's line to Vertex: one request a call, a deadline on every wait and a limit on every answer.

Left alone, google-genai 3.4 follows redirects with the token attached, waits without end, reads answers of any size, and
raises whatever its parser stumbles over after the paid order exists. The transport below ends the first three; `_call`
sorts what is raised into four kinds. The client is kept here: a temporary one closes its connections when collected.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import httpx2

from vividflow import timing
from vividflow.config import Settings
from vividflow.providers.vertex_key import KeyRefused, KeyUnreachable, VertexKey

if TYPE_CHECKING:
    from google.genai import Client, types

CONNECT_SECONDS = 5.0
SUBMIT_SECONDS = 60.0
LOOK_SECONDS = 30.0
INLINE_LOOK_SECONDS = 120.0
HANDS = 256
INLINE_HANDS = 4  # an answer that carries the video takes some ten times its size in memory while it is read
MOST_BYTES = 4 * 1024**2
MOST_INLINE_BYTES = 192 * 1024**2
PAID = ":predictLongRunning"
NOTHING_LEFT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.LocalProtocolError,
    httpx2.ProxyError,
)
UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, RecursionError)


class NeverSent(Exception):
    """The request certainly did not arrive."""


class NoAnswer(Exception):
    """The request may have arrived, but nothing that can be read came back in time."""


class Told(Exception):
    """An answer other than 200: its HTTP status, the service's sentence, error details, Retry-After as it came."""

    def __init__(self, status: int, message: str, details: list[dict[str, Any]], retry_after: str | None) -> None:
        super().__init__(status)
        self.status = status
        self.message = message
        self.details = details
        self.retry_after = retry_after


class VertexLine:
    """One project at one base URL. May be used from many threads; client and key are made at first use."""

    def __init__(self, settings: Settings, *, inline: bool) -> None:
        self._settings = settings
        self._key = VertexKey(settings)
        self._most = MOST_INLINE_BYTES if inline else MOST_BYTES
        self._look_seconds = INLINE_LOOK_SECONDS if inline else LOOK_SECONDS
        self._turn = threading.BoundedSemaphore(INLINE_HANDS) if inline else nullcontext()
        self._lock = threading.Lock()
        self._wire: _Wire | None = None
        self._made: Client | None = None

    def order(
        self, model: str, source: types.GenerateVideosSource, config: types.GenerateVideosConfig
    ) -> types.GenerateVideosOperation:
        """One paid POST. Raises `NeverSent`, `NoAnswer`, `Told`, `KeyRefused`."""
        with_time = config.model_copy(update={"http_options": _within(SUBMIT_SECONDS)})
        return self._call(lambda client: client.models.generate_videos(model=model, source=source, config=with_time))

    def look(self, name: str) -> types.GenerateVideosOperation:
        """What has become of an operation; raises as `order` does."""
        from google.genai import types

        asked = types.GenerateVideosOperation.model_validate({"name": name})
        config = types.GetOperationConfig(http_options=_within(self._look_seconds))
        with self._turn:
            return self._call(lambda client: client.operations.get(asked, config=config))

    def close(self) -> None:
        """Let go of the connections; the next call makes new ones."""
        with self._lock:
            made, wire, self._made, self._wire = self._made, self._wire, None, None
        if made is not None:
            made.close()
        if wire is not None:
            wire.close()

    def _call(self, act: Callable[[Client], Any]) -> Any:
        from google.auth.exceptions import GoogleAuthError, TransportError
        from google.genai.errors import APIError

        client, wire = self._client()
        wire.sent.clear()
        try:
            self._key.freshen()
            return act(client)
        except APIError as error:
            raise _told(error) from error
        except NOTHING_LEFT as error:
            raise NeverSent(type(error).__name__) from error
        except httpx2.HTTPError as error:
            raise NoAnswer(type(error).__name__) from error
        except (KeyUnreachable, TransportError) as error:
            raise NeverSent(type(error).__name__) from error
        except GoogleAuthError as error:
            raise KeyRefused(type(error).__name__) from error
        except UNREADABLE as error:  # the client could not make its own objects of what it got, or of what it was given
            raise (NoAnswer if wire.sent else NeverSent)(type(error).__name__) from error

    def _client(self) -> tuple[Client, _Wire]:
        with self._lock:
            if self._made is None or self._wire is None:
                from google.genai import Client, types

                settings, self._wire = self._settings, _Wire(self._most)
                options = types.HttpOptions(
                    base_url=settings.google_vertex_base_url or None,
                    timeout=round(self._look_seconds * 1000),
                    headers={"Accept-Encoding": "identity"},
                    # Handed over whole: GOOGLE_GENAI_HTTP_CLIENT could choose another library for a transport of ours.
                    httpx_client=httpx2.Client(transport=self._wire, follow_redirects=False),
                )
                self._made = Client(
                    vertexai=True,
                    credentials=self._key.credentials(),
                    project=settings.google_cloud_project,
                    location=settings.google_cloud_location,
                    http_options=options,
                )
            return self._made, self._wire


class _Sent(threading.local):
    """Whether the calling thread's request was handed to the wire."""

    yes = False

    def clear(self) -> None:
        self.yes = False

    def __bool__(self) -> bool:
        return self.yes


class _Wire(httpx2.BaseTransport):
    """Connects within seconds, stops reading at a deadline and at a size, and keeps no idle connection for what is paid.

    An order never rides on an old connection: one that the service is just closing would make it an unknown.
    """

    def __init__(self, most: int) -> None:
        tls: ssl.SSLContext = httpx2.create_ssl_context()
        limits = httpx2.Limits(max_connections=HANDS, max_keepalive_connections=HANDS)
        fresh = httpx2.Limits(max_connections=HANDS, max_keepalive_connections=0)
        self.sent = _Sent()
        self._most = most
        self._kept = httpx2.HTTPTransport(verify=tls, limits=limits)
        self._fresh = httpx2.HTTPTransport(verify=tls, limits=fresh)

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send one request; the answer's body is read by the client, within the limits."""
        timeout = dict(request.extensions.get("timeout") or {})
        seconds = timeout.get("read") or LOOK_SECONDS
        timeout["connect"] = min(CONNECT_SECONDS, seconds)
        request.extensions = {**request.extensions, "timeout": timeout}
        deadline = timing.monotonic() + seconds
        self.sent.yes = True
        wire = self._fresh if request.url.path.endswith(PAID) else self._kept
        answer = wire.handle_request(request)
        if answer.headers.get("content-encoding", "identity").lower() != "identity":
            answer.close()
            raise httpx2.DecodingError("compressed although it was asked not to be")
        body = _Limited(answer.stream, deadline, self._most)  # pyright: ignore[reportArgumentType]
        return httpx2.Response(
            answer.status_code, headers=answer.headers, stream=body, extensions=answer.extensions, request=request
        )

    def close(self) -> None:
        """Close the connections."""
        self._kept.close()
        self._fresh.close()


class _Limited(httpx2.SyncByteStream):
    """A body that ends at `deadline` and at `most` bytes."""

    def __init__(self, inner: httpx2.SyncByteStream, deadline: float, most: int) -> None:
        self._inner = inner
        self._deadline = deadline
        self._left = most

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._inner:
            self._left -= len(piece)
            if self._left < 0:
                raise httpx2.DecodingError("the answer is too long")
            if timing.monotonic() > self._deadline:
                raise httpx2.ReadTimeout("the answer comes too slowly")
            yield piece

    def close(self) -> None:
        self._inner.close()


def _within(seconds: float) -> types.HttpOptions:
    from google.genai import types

    return types.HttpOptions(timeout=round(seconds * 1000))


def _told(error: Any) -> Told:
    headers = getattr(error.response, "headers", None)
    body = error.details.get("error", error.details) if isinstance(error.details, dict) else {}
    details = body.get("details") if isinstance(body, dict) else None
    return Told(
        error.code,
        error.message if isinstance(error.message, str) else "",
        [each for each in details if isinstance(each, dict)] if isinstance(details, list) else [],
        headers.get("retry-after") if headers is not None else None,
    )
