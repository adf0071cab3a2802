"""Ranges over a real socket, each compared with the file: `python -m tests.api.ranges` prints the table."""

from __future__ import annotations

import http.client
import tempfile
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

from tests.crash.house import house, place, wait_for_end
from tests.crash.server import Server
from tests.simulators.clips import clip
from tests.simulators.replicate import ReplicateSimulator


@dataclass(frozen=True, kw_only=True)
class Row:
    """One request and what came back; `right` says whether status, headers and bytes are those of the file."""

    method: str
    asked: str
    status: int
    content_range: str
    length: str
    bytes: int
    right: bool

    def __str__(self) -> str:
        verdict = "right" if self.right else "WRONG"
        return f"{self.method:4} {self.asked:44} {self.status} {self.content_range:26} {self.length:>8} {self.bytes:>8} {verdict}"


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A request, and the slice of the file that must come: None is the whole, an int a status without a body."""

    headers: dict[str, str]
    want: tuple[int, int] | int | None
    method: str = "GET"


def wishes(size: int, etag: str, modified: str) -> list[Wish]:
    """Every kind of range that a file of `size` bytes can be asked for; pairs are [first, end)."""
    last = size - 1
    ranges: dict[str, tuple[int, int] | int | None] = {
        "bytes=0-0": (0, 1),
        "bytes=0-": (0, size),
        "bytes=0-99": (0, 100),
        "bytes=1-1": (1, 2),
        "bytes=100-199": (100, 200),
        f"bytes={last}-{last}": (last, size),
        f"bytes={last}-": (last, size),
        f"bytes=10-{size * 2}": (10, size),
        f"bytes=0-{last}": (0, size),
        "bytes=-1": (last, size),
        "bytes=-500": (size - 500, size),
        f"bytes=-{size}": (0, size),
        f"bytes=-{size * 3}": (0, size),
        f"bytes={size}-": 416,
        f"bytes={size}-{size + 5}": 416,
        "bytes=99999999999-": 416,
        "bytes=-0": 416,
        "bytes=5-4": None,
        "bytes=": None,
        "bytes=a-b": None,
        "bytes=1-2-3": None,
        "bytes=--5": None,
        "items=0-5": None,
        "0-5": None,
        "bytes=0-1,5-6": None,
        "BYTES=0-4": (0, 5),
        "bytes= 0-4": (0, 5),
        "bytes=00-04": (0, 5),
    }
    asked = [Wish(headers={"Range": text}, want=want) for text, want in ranges.items()]
    asked += [
        Wish(headers={}, want=None),
        Wish(headers={"If-None-Match": etag}, want=304),
        Wish(headers={"If-None-Match": f'"x", {etag}'}, want=304),
        Wish(headers={"If-None-Match": "*"}, want=304),
        Wish(headers={"If-None-Match": '"x"'}, want=None),
        Wish(headers={"Range": "bytes=0-4", "If-Range": etag}, want=(0, 5)),
        Wish(headers={"Range": "bytes=0-4", "If-Range": '"x"'}, want=None),
        Wish(headers={"Range": "bytes=0-4", "If-Range": f"W/{etag}"}, want=None),
        Wish(headers={"Range": "bytes=0-4", "If-None-Match": etag}, want=304),
        Wish(headers={}, want=None, method="HEAD"),
        Wish(headers={"Range": "bytes=0-4"}, want=None, method="HEAD"),
        Wish(headers={"If-None-Match": etag}, want=304, method="HEAD"),
    ]
    if modified:
        asked.append(Wish(headers={"If-Modified-Since": modified}, want=304))
    return asked


def table(server: Server, path: str, headers: dict[str, str], film: bytes) -> list[Row]:
    """Ask for everything at `path`; a row each."""
    _, first, _ = _ask(server, "HEAD", path, headers)
    etag = first["etag"]
    return [_row(server, path, headers, film, wish) for wish in wishes(len(film), etag, first.get("last-modified", ""))]


def _row(server: Server, path: str, headers: dict[str, str], film: bytes, wish: Wish) -> Row:
    status, told, body = _ask(server, wish.method, path, headers | wish.headers)
    size = len(film)
    match wish.want:
        case (first, end):
            expected = (206, f"bytes {first}-{end - 1}/{size}", str(end - first), film[first:end])
        case 416:
            expected = (416, f"bytes */{size}", told.get("content-length", ""), body)
        case 304:
            expected = (304, "", told.get("content-length", ""), b"")
        case _:
            expected = (200, "", str(size), film)
    if wish.method == "HEAD":
        expected = (*expected[:3], b"")
    got = (status, told.get("content-range", ""), told.get("content-length", ""), body)
    return Row(
        method=wish.method,
        asked=", ".join(f"{name}: {value}" for name, value in wish.headers.items())[:44],
        status=status,
        content_range=told.get("content-range", ""),
        length=told.get("content-length", ""),
        bytes=len(body),
        right=got == expected,
    )


def _ask(server: Server, method: str, path: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def play(folder: Path) -> dict[str, list[Row]]:
    """A finished clip by its key address and by its signed link; the tables of both."""
    provider = ReplicateSimulator(movie=clip(0.5), generation_seconds=0.3).start()
    try:
        with house(folder, provider) as (server, key):
            (job_id,) = place(server, key, 1)
            (ended,) = wait_for_end(server, key, [job_id], within=60)
            (made,) = provider.predictions.values()
            film = provider.film(made)
            link = urllib.parse.urlsplit(ended["result_url"])
            return {
                "download": table(server, f"/api/v1/videos/jobs/{job_id}/download", {"X-API-Key": key}, film),
                "signed link": table(server, f"{link.path}?{link.query}", {}, film),
            }
    finally:
        provider.stop()


def main() -> int:
    """Print both tables; 1 when a row is wrong."""
    with tempfile.TemporaryDirectory(prefix="vf-ranges-") as folder:
        tables = play(Path(folder))
    for name, rows in tables.items():
        print(f"{name}: {len(rows)} requests, {sum(not row.right for row in rows)} wrong")
        for row in rows:
            print(f"  {row}")
    return int(any(not row.right for rows in tables.values() for row in rows))


if __name__ == "__main__":
    raise SystemExit(main())
