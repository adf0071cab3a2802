"""One file being filled from one or several answers: limits, hash, and going on where a stream broke."""

from __future__ import annotations

import hashlib
import http.client
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from vividflow import timing
from vividflow.errors import Outcome, Permanent, Transient
from vividflow.outbound.wire import PIECE, Patience, told

RESUMES = 3
_GONE = frozenset({401, 403, 404, 410})
_LATER = frozenset({408, 416, 425, 429})


class LinkGone(Permanent):
    """The host answered 401, 403, 404 or 410 (`status`): a provider may have a fresh link, a user must give another."""

    def __init__(self, status: int) -> None:
        super().__init__("link_gone", f"The link does not work any more or never did (HTTP {status}).")
        self.status = status


@dataclass(frozen=True, kw_only=True)
class Fetched:
    """What lies in the sink now: bytes, SHA-256 in hex, the type the host claims ("" if none), and where it was."""

    size: int
    sha256: str
    mime: str
    final_url: str
    status: int


class Download:
    """Writes into `file`, which must be empty, at most `max_bytes`."""

    def __init__(
        self,
        file: BinaryIO,
        *,
        max_bytes: int,
        patience: Patience,
        on_progress: Callable[[int, int | None], None] | None = None,
    ) -> None:
        self.size = 0
        self.hash = hashlib.sha256()
        self._file = file
        self._max = max_bytes
        self._patience = patience
        self._on_progress = on_progress
        self._told_at = 0.0
        self._etag = ""
        self._resumes = 0

    def asks_for(self) -> dict[str, str]:
        """The headers that ask for the rest; none at the beginning."""
        return {"Range": f"bytes={self.size}-", "If-Range": self._etag} if self.size else {}

    def take(self, answer: http.client.HTTPResponse) -> bool:
        """Write what comes: True when the file is whole, False when asking for the rest is worth it.

        Raises `LinkGone`, `Permanent` (too_large, link_refused), `Transient` (cut_short, timed_out, bad_answer,
        http_…), and `OSError` from writing.
        """
        self._place(answer)
        before = self.size
        try:
            self._pour(answer, None if answer.length is None else self.size + answer.length)
        except Transient:
            self._etag = answer.getheader("ETag", self._etag if answer.status == 206 else "")
            self._resumes += 1
            strong = self._etag.startswith('"')
            if not strong or self.size <= before or self._resumes > RESUMES or self._patience.over():
                raise
            return False
        return True

    def _place(self, answer: http.client.HTTPResponse) -> None:
        if answer.status == 206 and self.size:
            same = answer.getheader("ETag", self._etag) == self._etag
            if not same or not answer.getheader("Content-Range", "").startswith(f"bytes {self.size}-"):
                raise Transient("bad_answer", "The host sent another part of the file than it was asked for.")
        elif answer.status == 200:
            if self.size:
                self._file.seek(0)
                self._file.truncate()
                self.size, self.hash = 0, hashlib.sha256()
        else:
            raise _judged(answer)
        if answer.getheader("Content-Encoding", "identity").lower() != "identity":
            raise Transient("bad_answer", "The host sent the file compressed although it was asked not to.")

    def _pour(self, answer: http.client.HTTPResponse, total: int | None) -> None:
        if total is not None and total > self._max:
            raise self._too_large()
        while total is None or self.size < total:
            with told("cut_short"):
                piece = answer.read1(PIECE if total is None else min(PIECE, total - self.size))
            if not piece:
                break
            if self.size + len(piece) > self._max:
                raise self._too_large()
            self._file.write(piece)
            self.hash.update(piece)
            self.size += len(piece)
            if timing.monotonic() - self._told_at >= 0.5:
                self._tell(total)
        if total is not None and self.size < total:
            raise Transient("cut_short", f"The download broke off after {self.size} of {total} bytes.")
        self._tell(total)

    def _tell(self, total: int | None) -> None:
        self._told_at = timing.monotonic()
        if self._on_progress:
            self._on_progress(self.size, total)

    def _too_large(self) -> Permanent:
        return Permanent("too_large", f"The file is larger than the {self._max} bytes that are taken.")


def _judged(answer: http.client.HTTPResponse) -> Outcome:
    status = answer.status
    if status in _GONE:
        return LinkGone(status)
    if status in _LATER or status >= 500:
        wait = answer.getheader("Retry-After", "")
        seconds = min(float(wait), 600.0) if re.fullmatch(r"[0-9]{1,6}", wait) else None
        sentence = f"The host cannot give the file just now (HTTP {status})."
        return Transient(f"http_{status}", sentence, retry_after=seconds, counts=status != 429)
    if status < 300:
        return Transient("bad_answer", f"The host answered without the file (HTTP {status}).")
    return Permanent("link_refused", f"The host refused to give the file (HTTP {status}).")
