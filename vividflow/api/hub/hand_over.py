"""Takes a client's connection away from its request thread, so that waiting costs kilobytes and not a thread.

gunicorn offers the socket under a documented environ key. We keep a duplicate and put one end of a dead socket pair
under gunicorn's own descriptor: what gunicorn still writes ends in EPIPE, which it ignores, and its count of
connections stays right.
"""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Mapping
from email.utils import formatdate
from http import HTTPStatus
from wsgiref.types import WSGIEnvironment

KEY = "gunicorn.socket"


def may_take(environ: WSGIEnvironment) -> bool:
    """Whether this request's connection can be handed over: a GET or POST by plain HTTP/1 under gunicorn.

    Not under Flask's own server or test client, not with TLS in gunicorn (an SSLSocket has no duplicate), not by
    HTTP/2 (one connection, many requests). A POST's body has to be read before.
    """
    sock = environ.get(KEY)
    return (
        isinstance(sock, socket.socket)
        and not isinstance(sock, ssl.SSLSocket)
        and environ.get("REQUEST_METHOD") in ("GET", "POST")
        and environ.get("HTTP_VERSION") != "2"
    )


def take(environ: WSGIEnvironment) -> socket.socket:
    """The connection of this request, non-blocking and ours alone; gunicorn is left with a dead one.

    Only after `may_take`, and as the last act of a view. Raises OSError when descriptors have run out; the request can
    then still be answered.
    """
    theirs: socket.socket = environ[KEY]
    dead, peer = socket.socketpair()
    peer.close()
    with dead:
        ours = theirs.dup()
        try:
            os.dup2(dead.fileno(), theirs.fileno(), inheritable=False)
        except OSError:
            ours.close()
            raise
    ours.setblocking(False)
    return ours


def head_bytes(status: int, headers: Mapping[str, str]) -> bytes:
    """The status line and headers of a whole HTTP answer, up to and with the empty line.

    Adds Date and `Connection: close`. Raises ValueError for a line break in a header.
    """
    phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else ""
    lines = [f"HTTP/1.1 {status} {phrase}", f"Date: {formatdate(usegmt=True)}"]
    for name, value in headers.items():
        if name.lower() in ("connection", "date", "transfer-encoding"):
            continue
        if not {"\r", "\n", "\0"}.isdisjoint(name + value):
            raise ValueError(f"line break in header {name!r}")
        lines.append(f"{name}: {value}")
    lines.append("Connection: close")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
