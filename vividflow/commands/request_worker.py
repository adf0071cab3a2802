"""gunicorn's thread worker, hardened against slow clients.

Measured with gunicorn 27.0 and 16 threads: 16 connections that send nothing stop every answer for 5 s, 16 that stop in
the middle of their headers for ever, and each client that keeps its side open after `Connection: close` holds the
accepting thread for 2 s. Here a connection takes a thread only when it has something to say, a request must keep
arriving, and the lingering close happens in the request thread.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
import time
from functools import partial
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

PATIENCE_SECONDS = 20.0  # for a request to arrive, plus the time its bytes take at the slowest pace we put up with
SLOWEST_BYTES_PER_SECOND = 16 * 1024
BLIND_PATIENCE_SECONDS = 600.0  # where the kernel does not count bytes for us
LINGER_SECONDS = 0.5
STUCK_SECONDS = 30  # how long a client may read nothing of what we send
PENDING_AT_STOP_SECONDS = 1.0
RECEIVED_OFFSET = 128  # of tcpi_bytes_received in Linux's struct tcp_info (linux/tcp.h, since 4.1)


class RequestWorker(ThreadWorker):
    """One process, many request threads, none of which a slow client can keep for long."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._arriving: dict[TConn, tuple[float, int | None]] = {}

    def enqueue_req(self, conn: TConn) -> None:
        """A new connection gets a thread when its first byte is here, not before."""
        if not conn.initialized and hasattr(socket, "TCP_USER_TIMEOUT"):
            with contextlib.suppress(OSError):
                conn.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, STUCK_SECONDS * 1000)
        if conn.initialized or conn.data_ready or self._has_data(conn):
            conn.data_ready = True
            super().enqueue_req(conn)
            return
        conn.sock.setblocking(False)
        conn.timeout = time.monotonic() + self.cfg.keepalive
        self.pending_conns.append(conn)
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def handle(self, conn: TConn) -> Any:
        """Serve one request; in a request thread."""
        self._arriving[conn] = (time.monotonic(), _received(conn.sock))
        try:
            keep = super().handle(conn)
        finally:
            self._arriving.pop(conn, None)
        if keep is False:
            _linger(conn.sock)
        return keep

    def notify(self) -> None:
        """About once a second, while serving and while draining."""
        super().notify()
        now = time.monotonic()
        for conn, (since, before) in list(self._arriving.items()):
            if now - since > PATIENCE_SECONDS:
                self._hurry(conn, now - since, before)
        if not self.alive:
            for conn in self.pending_conns:
                conn.timeout = min(conn.timeout or now, now + PENDING_AT_STOP_SECONDS)

    @staticmethod
    def _has_data(conn: TConn) -> bool:
        try:
            conn.sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True

    @staticmethod
    def _hurry(conn: TConn, age: float, before: int | None) -> None:
        received = _received(conn.sock)
        if received is None or before is None:
            allowed = BLIND_PATIENCE_SECONDS
        else:
            allowed = PATIENCE_SECONDS + (received - before) / SLOWEST_BYTES_PER_SECOND
        if age > allowed:
            # Ends only reading: a request that has arrived is still answered, on a connection that then closes.
            with contextlib.suppress(OSError):
                conn.sock.shutdown(socket.SHUT_RD)


def _received(sock: socket.socket) -> int | None:
    """How many bytes the kernel has received on this connection; None where it does not say."""
    if not hasattr(socket, "TCP_INFO"):
        return None
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, RECEIVED_OFFSET + 8)
    except OSError:
        return None
    return struct.unpack_from("=Q", info, RECEIVED_OFFSET)[0] if len(info) >= RECEIVED_OFFSET + 8 else None


def _linger(sock: socket.socket) -> None:
    """Say that we are done and give the client a moment to close (RFC 9112 section 9.6), here and not in the poller."""
    end = time.monotonic() + LINGER_SECONDS
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_WR)
        while (left := end - time.monotonic()) > 0:
            sock.settimeout(left)
            if not sock.recv(4096):
                break
        sock.shutdown(socket.SHUT_RD)
