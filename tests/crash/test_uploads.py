"""The server is killed for real in the middle of a piece, again and again: what it told as received is there, to the byte."""

from __future__ import annotations

import hashlib
import http.client
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.desk import png
from tests.crash.server import Server

PIECES = 6


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server that is not started yet, and stopped in the end."""
    made = Server(environment={"LOG_FORMAT": "json"}, folder=tmp_path)
    yield made
    if made.process is not None and made.process.poll() is None:
        made.term()


@pytest.mark.timeout(180)
def test_a_file_comes_whole_through_a_server_that_is_killed_in_every_piece(server: Server, tmp_path: Path) -> None:
    server.command("create-user", "ada@example.com", "--generate")
    key = server.command("create-key", "ada@example.com")
    server.start()
    data = png(900, 900) + bytes(40_000)  # what stands behind a picture is cut off, but it must come too
    digest = hashlib.sha256(data).hexdigest()
    status, begun = server.call("POST", "/api/v1/uploads", {"name": "a.png", "size": len(data), "sha256": digest}, key)
    assert status == 201, begun
    path, length = f"/api/v1/uploads/{begun['upload_id']}", -(-len(data) // PIECES)

    answers: list[int] = []
    for number in range(PIECES):
        _, told = server.call("GET", path, key=key)
        first = told["received"]
        assert first == number * length
        piece = data[first : first + length]
        with socket.create_connection(("127.0.0.1", server.port)) as line:
            line.sendall(_head(path, key, first, piece, len(data)) + piece[: len(piece) // 2])
            server.kill()
        server.start()
        assert server.call("GET", path, key=key)[1]["received"] == first
        answers.append(_put(server, path, key, first, piece, len(data)))

    assert answers == [200] * (PIECES - 1) + [201]
    _, images = server.call("GET", "/api/v1/images", key=key)
    assert [each["sha256"] for each in images["data"]] == [digest]
    assert [*(tmp_path / "data" / "uploads").iterdir()] == []


def _head(path: str, key: str, first: int, piece: bytes, size: int) -> bytes:
    lines = [
        f"PUT {path} HTTP/1.1",
        "Host: 127.0.0.1",
        f"X-API-Key: {key}",
        f"Content-Length: {len(piece)}",
        f"Content-Range: bytes {first}-{first + len(piece) - 1}/{size}",
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def _put(server: Server, path: str, key: str, first: int, piece: bytes, size: int) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    headers = {"X-API-Key": key, "Content-Range": f"bytes {first}-{first + len(piece) - 1}/{size}"}
    connection.request("PUT", path, piece, headers)
    status = connection.getresponse().status
    connection.close()
    return status
