"""A connected socket on which every wait is bounded: for the head of an answer, for the next byte, for all of it.

`http.client` alone bounds each single `recv`, so a host that drips byte by byte could hold a thread for ever.
"""

from __future__ import annotations

import http.client
import io
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from vividflow import timing
from vividflow.errors import LeaseLost, Transient

PIECE = 256 * 1024
_SLICE_SECONDS = 1.0
_SENTENCES = {
    "connect_failed": "The host could not be reached.",
    "tls_failed": "The host could not prove who it is (TLS).",
    "no_answer": "The host closed the connection without a proper answer.",
    "cut_short": "The download broke off.",
}


class Patience:
    """How long one exchange may take, in seconds: in all, to connect, for the head, between two bytes.

    `keep_going` is asked about once a second; what it raises goes through, False becomes `LeaseLost`.
    """

    def __init__(
        self,
        *,
        total: float,
        connect: float,
        head: float,
        idle: float,
        keep_going: Callable[[], bool | None] | None = None,
    ) -> None:
        self._deadline = timing.monotonic() + total
        self._connect, self._head, self._idle = connect, head, idle
        self._keep_going = keep_going
        self._head_by: float | None = None

    def for_connect(self) -> float:
        """Seconds a connection, a handshake or a sending may take now. Raises `TimeoutError` when none are left."""
        self._still_wanted()
        return min(self._connect, self._left(self._deadline))

    def expect_head(self) -> None:
        """From now on the whole head of the answer must come within its time."""
        self._head_by = timing.monotonic() + self._head

    def expect_body(self) -> None:
        """From now on only the time between two bytes counts, and the whole."""
        self._head_by = None

    def slices(self) -> Iterator[float]:
        """Short time-outs, one after the other, then `TimeoutError`: this one wait has lasted too long."""
        until = min(self._deadline, self._head_by or timing.monotonic() + self._idle)
        while True:
            self._still_wanted()
            yield min(_SLICE_SECONDS, self._left(until))

    def over(self) -> bool:
        """Whether the time for all of it is used up."""
        return timing.monotonic() >= self._deadline

    def _left(self, until: float) -> float:
        left = until - timing.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def _still_wanted(self) -> None:
        if self._keep_going and self._keep_going() is False:
            raise LeaseLost


class Line:
    """The socket as `http.client` wants it. Closing is left to whoever opened it."""

    def __init__(self, sock: socket.socket, patience: Patience) -> None:
        self._sock, self._patience = sock, patience

    def sendall(self, data: bytes) -> None:
        """Send everything within the time for a connection."""
        self._sock.settimeout(self._patience.for_connect())
        self._sock.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        """What the answer is read from."""
        return io.BufferedReader(_Reader(self._sock, self._patience), PIECE)

    def close(self) -> None:
        """Nothing: `http.client` closes before the body is read."""


class _Reader(io.RawIOBase):
    def __init__(self, sock: socket.socket, patience: Patience) -> None:
        self._sock, self._patience = sock, patience

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        for seconds in self._patience.slices():
            self._sock.settimeout(seconds)
            try:
                return self._sock.recv_into(buffer)
            except TimeoutError:
                continue
        raise TimeoutError


@contextmanager
def told(code: str) -> Iterator[None]:
    """What the network throws, as `Transient` with `code` (or timed_out), in words that carry no address."""
    try:
        yield
    except TimeoutError as error:
        raise Transient("timed_out", "The host took too long.") from error
    except (OSError, http.client.HTTPException) as error:
        raise Transient(code, _SENTENCES[code]) from error
