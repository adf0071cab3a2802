"""Buckets for the simulated Veo's results: a small GCS-shaped store of its own, or an emulator that is reached by HTTP."""

from __future__ import annotations

import base64
import hashlib
import threading
import urllib.request
from typing import Any, Protocol
from urllib.parse import quote

from google_crc32c import value as crc32c

from tests.simulators.server import Reply, Request, json_reply, ranged
from tests.simulators.vertex_faults import problem


class Bucket(Protocol):
    """Where a finished film goes."""

    def put(self, bucket: str, name: str, data: bytes) -> None:
        """Write an object."""
        ...


class OwnBucket:
    """Objects in memory, listed and read in the JSON API's words; every bucket exists."""

    def __init__(self) -> None:
        self._objects: dict[tuple[str, str], bytes] = {}
        self._lock = threading.Lock()

    def put(self, bucket: str, name: str, data: bytes) -> None:
        """Write an object."""
        with self._lock:
            self._objects[bucket, name] = data

    def get(self, bucket: str, name: str) -> bytes | None:
        """An object's bytes, or None."""
        return self._objects.get((bucket, name))

    def clear(self) -> None:
        """Forget all objects."""
        with self._lock:
            self._objects.clear()

    def names(self) -> list[str]:
        """All objects as gs:// addresses."""
        with self._lock:
            return [f"gs://{bucket}/{name}" for bucket, name in self._objects]

    def list(self, bucket: str, query: dict[str, str]) -> Reply:
        """One page of the objects under a prefix; the token is the last name of the page before."""
        prefix, after = query.get("prefix", ""), query.get("pageToken", "")
        with self._lock:
            found = sorted((n, d) for (b, n), d in self._objects.items() if b == bucket and n.startswith(prefix))
        rest = [(name, data) for name, data in found if name > after]
        page = rest[: int(query.get("maxResults", 1000))]
        answer: dict[str, Any] = {"kind": "storage#objects", "items": [_facts(bucket, *each) for each in page]}
        if len(page) < len(rest):
            answer["nextPageToken"] = page[-1][0]
        return json_reply(answer)

    def read(self, request: Request, bucket: str, name: str) -> Reply:
        """An object's facts, or with `alt=media` its bytes."""
        data = self.get(bucket, name)
        if data is None:
            return problem(404, f"No such object: {bucket}/{name}")
        if request.query.get("alt") != "media" and not request.path.startswith("/download/"):
            return json_reply(_facts(bucket, name, data))
        return ranged(request, data, headers_of(data))


class EmulatedBucket:
    """An emulator of Google Cloud Storage at `url`, which makes the bucket if it is new there."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    def put(self, bucket: str, name: str, data: bytes) -> None:
        """Write an object."""
        target = f"{self._url}/upload/storage/v1/b/{quote(bucket)}/o?uploadType=media&name={quote(name, safe='')}"
        request = urllib.request.Request(target, data=data, method="POST", headers={"Content-Type": "video/mp4"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            answer.read()


def headers_of(data: bytes) -> dict[str, str]:
    """The headers of an object's bytes."""
    return {
        "Content-Type": "video/mp4",
        "ETag": f'"{_md5(data)}"',
        "X-Goog-Hash": f"crc32c={_crc(data)},md5={_md5(data)}",
    }


def _facts(bucket: str, name: str, data: bytes) -> dict[str, Any]:
    return {
        "kind": "storage#object",
        "id": f"{bucket}/{name}/1",
        "bucket": bucket,
        "name": name,
        "size": str(len(data)),
        "contentType": "video/mp4",
        "generation": "1",
        "metageneration": "1",
        "md5Hash": _md5(data),
        "crc32c": _crc(data),
        "etag": _md5(data),
    }


def _md5(data: bytes) -> str:
    return base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode()


def _crc(data: bytes) -> str:
    return base64.b64encode(crc32c(data).to_bytes(4, "big")).decode()
