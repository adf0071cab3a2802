"""A gate before somebody's emulator of a bucket: counts what is really stored under each key, and breaks lines at chosen puts."""

from __future__ import annotations

import http.client
import json
import sys
import threading
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

MOMENTS = ("before", "inside", "after")
"""When a put is broken: before the bucket hears of it, with half of its body there, or done but not answered."""


class _Quiet(ThreadingHTTPServer):
    """Its clients are killed all the time."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class Gate:
    """`stored` counts puts that the bucket took, by key. `breaker(moment)` is called in the n-th put from `arm` on."""

    def __init__(self, url: str, prefix: str) -> None:
        self.stored: Counter[str] = Counter()
        self.breaker: Callable[[], None] = lambda: None
        self._behind = urlsplit(url).netloc
        self._prefix = f"{prefix}/"
        self._lock = threading.Lock()
        self._armed: tuple[int, str] | None = None
        gate = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                gate._pass(self)

            do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = handle_any

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = _Quiet(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def arm(self, number: int, moment: str) -> None:
        """Break the `number`-th put from now on at a moment of `MOMENTS`."""
        with self._lock:
            self._armed = (number, moment)

    def close(self) -> None:
        """Let nobody through any more."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def _pass(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        moment = self._moment(request)
        if moment == "before":
            self._broken(request)
            return
        if moment == "inside":
            self._send(request, body[: len(body) // 2], whole=len(body))
            self._broken(request)
            return
        status, headers, answer = self._send(request, body, whole=len(body)) or (502, [], b"")
        key = self._key(request, status, answer)
        if key is not None:
            with self._lock:
                self.stored[key.removeprefix(self._prefix)] += 1
        if moment == "after":
            self._broken(request)
            return
        try:
            request.send_response(status)
            for name, value in headers:
                if name.lower() not in ("transfer-encoding", "connection", "server", "date"):
                    request.send_header(name, value)
            if not any(name.lower() == "content-length" for name, _ in headers):
                request.send_header("Content-Length", str(len(answer)))
            request.end_headers()
            if request.command != "HEAD":
                request.wfile.write(answer)
        except OSError:
            request.close_connection = True

    def _send(
        self, request: BaseHTTPRequestHandler, body: bytes, *, whole: int
    ) -> tuple[int, list[tuple[str, str]], bytes] | None:
        line = http.client.HTTPConnection(self._behind, timeout=30)
        try:
            line.putrequest(request.command, request.path, skip_host=True, skip_accept_encoding=True)
            for name, value in request.headers.items():
                if name.lower() not in ("connection", "expect", "content-length"):
                    line.putheader(name, value)
            if whole or request.command in ("PUT", "POST"):
                line.putheader("Content-Length", str(whole))
            line.endheaders()
            line.send(body)
            if len(body) < whole:
                return None
            answer = line.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            line.close()

    def _moment(self, request: BaseHTTPRequestHandler) -> str | None:
        if not _puts(request):
            return None
        with self._lock:
            if self._armed is None:
                return None
            number, moment = self._armed
            self._armed = (number - 1, moment) if number > 1 else None
            return moment if number <= 1 else None

    def _broken(self, request: BaseHTTPRequestHandler) -> None:
        self.breaker()
        request.close_connection = True

    def _key(self, request: BaseHTTPRequestHandler, status: int, answer: bytes) -> str | None:
        """The key that the bucket now holds because of this request."""
        if not _puts(request) or status != 200:
            return None
        where = urlsplit(request.path)
        query = parse_qs(where.query, keep_blank_values=True)
        if where.path.startswith("/upload/storage/"):
            told: dict[str, Any] = json.loads(answer) if answer[:1] == b"{" else {}
            return told.get("name")
        if "partNumber" in query or "uploads" in query:
            return None
        return unquote(where.path.lstrip("/").partition("/")[2])


def _puts(request: BaseHTTPRequestHandler) -> bool:
    """Whether it stores something of the library."""
    return request.command in ("PUT", "POST") and "vividflow-probe" not in request.path
