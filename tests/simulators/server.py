"""What every provider simulator shares: a small, fast HTTP server on loopback, replies that misbehave, and a box of faults.

One thread a connection, keep-alive, thousands of requests. A subclass answers `handle(request)` with a `Reply`.
"""

from __future__ import annotations

import json
import random
import re
import socket
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import parse_qsl, unquote, urlsplit

PIECE = 16 * 1024


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request; header names are lower case."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body as JSON, None when it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None


@dataclass(kw_only=True)
class Reply:
    """An answer, sent whole. `seconds` passes before its first byte."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0
    length: int | None = None

    def send(self, connection: socket.socket, stopping: threading.Event) -> bool:
        """Send it; whether the connection may be used again."""
        stopping.wait(self.seconds)
        connection.sendall(self.head() + self.body)
        return True

    def head(self) -> bytes:
        """Status line and headers."""
        length = len(self.body) if self.length is None else self.length
        lines = [f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}"]
        if length >= 0:
            lines.append(f"Content-Length: {length}")
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


@dataclass(kw_only=True)
class Head(Reply):
    """The headers of an answer to HEAD."""

    def send(self, connection: socket.socket, stopping: threading.Event) -> bool:
        connection.sendall(self.head())
        return True


@dataclass(kw_only=True)
class Close(Reply):
    """No answer: after `seconds` the connection is closed."""

    def send(self, connection: socket.socket, stopping: threading.Event) -> bool:
        stopping.wait(self.seconds)
        return False


@dataclass(kw_only=True)
class Half(Reply):
    """The headers and half of the body, then the connection is closed."""

    def send(self, connection: socket.socket, stopping: threading.Event) -> bool:
        stopping.wait(self.seconds)
        connection.sendall(self.head() + self.body[: len(self.body) // 2])
        return False


@dataclass(kw_only=True)
class Drip(Reply):
    """The body in `pieces` pieces over `seconds`."""

    pieces: int = 20

    def send(self, connection: socket.socket, stopping: threading.Event) -> bool:
        connection.sendall(self.head())
        step = max(1, -(-len(self.body) // self.pieces))
        for start in range(0, len(self.body), step):
            connection.sendall(self.body[start : start + step])
            stopping.wait(self.seconds / self.pieces)
        return True


@dataclass(kw_only=True)
class Endless(Reply):
    """A body without length and without end."""

    length: int | None = -1

    def send(self, connection: socket.socket, stopping: threading.Event) -> bool:
        connection.sendall(self.head() + self.body)
        while not stopping.is_set():
            connection.sendall(bytes(PIECE))
        return False


def json_reply(value: Any, status: int = 200, **headers: str) -> Reply:
    """`value` as JSON; header names are given with underscores."""
    named = {name.replace("_", "-"): text for name, text in headers.items()}
    return Reply(status=status, body=json.dumps(value).encode(), headers={"Content-Type": "application/json"} | named)


@dataclass(kw_only=True)
class SimFault:
    """A fault that waits to happen: `times` left (None: always), with chance `p`; `more` are its own values."""

    name: str
    times: int | None = 1
    p: float = 1.0
    more: dict[str, Any] = field(default_factory=dict)


class FaultBox:
    """The faults that were ordered; each stage of a request takes the first of its own. Raises on unknown names."""

    def __init__(self, stages: dict[str, tuple[str, ...]]) -> None:
        self.stages = stages
        self.taken: Counter[str] = Counter()
        self._waiting: list[SimFault] = []
        self._lock = threading.Lock()

    def add(self, name: str, times: int | None = 1, p: float = 1.0, **more: Any) -> None:
        """Order `times` of a fault."""
        if not any(name in names for names in self.stages.values()):
            raise ValueError(f"no fault {name!r}; there are {self.stages}")
        with self._lock:
            self._waiting.append(SimFault(name=name, times=times, p=p, more=more))

    def clear(self) -> None:
        """Forget what has not happened yet."""
        with self._lock:
            self._waiting.clear()

    def take(self, stage: str) -> SimFault | None:
        """The next fault of that stage, used up once."""
        if not self._waiting:
            return None
        with self._lock:
            for fault in self._waiting:
                if fault.name in self.stages[stage] and (fault.p >= 1 or random.random() < fault.p):
                    if fault.times is not None:
                        fault.times -= 1
                        if fault.times <= 0:
                            self._waiting.remove(fault)
                    self.taken[fault.name] += 1
                    return fault
        return None


class Server:
    """The loopback server. `latency` seconds pass in each request, half of them before it is handled."""

    def __init__(self, *, port: int = 0, latency: float = 0.0) -> None:
        self.latency = latency
        self.stopping = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", port), backlog=1024)
        self.port: int = self._socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._acceptor = threading.Thread(target=self._accept, name="simulator", daemon=True)

    def handle(self, request: Request) -> Reply:
        """Answer one request; called from many threads."""
        raise NotImplementedError

    def start(self) -> Self:
        """Begin to accept."""
        self._acceptor.start()
        return self

    def stop(self) -> None:
        """Close everything; hanging replies end at once."""
        self.stopping.set()
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        with self._lock:
            for connection in self._open:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        if self._acceptor.is_alive():
            self._acceptor.join(5)

    def _accept(self) -> None:
        while not self.stopping.is_set():
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._open.add(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as incoming:
            try:
                while not self.stopping.is_set():
                    request = _read(incoming, connection)
                    if request is None:
                        return
                    if self.latency:
                        self.stopping.wait(self.latency / 2)
                    reply = self.handle(request)
                    if self.latency:
                        self.stopping.wait(self.latency / 2)
                    if not reply.send(connection, self.stopping) or request.headers.get("connection") == "close":
                        return
            except (OSError, ValueError):
                return  # the other side went away, or does not speak HTTP
            finally:
                with self._lock:
                    self._open.discard(connection)


def _read(incoming: Any, connection: socket.socket) -> Request | None:
    line = incoming.readline(65537)
    if not line.strip():
        return None
    method, target, _ = line.decode("latin-1").split(" ", 2)
    headers: dict[str, str] = {}
    while (line := incoming.readline(65537)) not in (b"\r\n", b"\n", b""):
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    body = b""
    if headers.get("expect", "").lower() == "100-continue":
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    if "chunked" in headers.get("transfer-encoding", ""):
        while size := int(incoming.readline().split(b";")[0], 16):
            body += incoming.read(size)
            incoming.readline()
        incoming.readline()
    elif length := int(headers.get("content-length", 0)):
        body = incoming.read(length)
        if len(body) < length:
            return None
    parts = urlsplit(target)
    query = dict(parse_qsl(parts.query)) if parts.query else {}
    return Request(method=method, path=unquote(parts.path), query=query, headers=headers, body=body)


def ranged(request: Request, body: bytes, headers: dict[str, str]) -> Reply:
    """`body` as a whole or, when one Range is asked for (and If-Range agrees), that part of it; HEAD gets the headers."""
    headers = {"Accept-Ranges": "bytes"} | headers
    wanted = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers.get("range", ""))
    agreed = request.headers.get("if-range", headers.get("ETag")) == headers.get("ETag")
    if request.method == "HEAD":
        return Head(headers=headers, length=len(body))
    if not wanted or not agreed:
        return Reply(body=body, headers=headers)
    first = int(wanted[1])
    last = min(int(wanted[2] or len(body) - 1), len(body) - 1)
    if first > last:
        return Reply(status=416, headers={"Content-Range": f"bytes */{len(body)}"})
    part = {"Content-Range": f"bytes {first}-{last}/{len(body)}"}
    return Reply(status=206, body=body[first : last + 1], headers=headers | part)
