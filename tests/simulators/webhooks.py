"""Sending signed webhooks at a set time, with retries, and on order also twice, forged, stale or never."""

from __future__ import annotations

import base64
import hashlib
import heapq
import hmac
import http.client
import itertools
import json
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

FAULTS = ("webhook_dropped", "webhook_duplicate", "webhook_forged", "webhook_old")
TRIES = 4
FIRST_PAUSE = 0.2


def sign(secret: str, identity: str, sent_at: int, body: bytes) -> str:
    """A Standard Webhooks signature with a `whsec_…` secret."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.new(key, f"{identity}.{sent_at}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


FORGED = "whsec_Zm9yZ2VkIGZvcmdlZCBmb3JnZWQgZm9yZ2Vk"
Signature = Callable[[str, int, bytes, bool], str]


def standard(secret: Callable[[], str]) -> Signature:
    """Standard Webhooks signatures with the secret of the moment, or (forged) with another one."""
    return lambda identity, sent_at, body, forged: sign(FORGED if forged else secret(), identity, sent_at, body)


class WebhookSender:
    """A timer thread and a few hands. `counts` has sent (answered 2xx), failed and attempts.

    `signature` makes the header of that name from id, time, body and whether it is to be a forgery; None: nobody signs.
    `tries` is how often one is sent until it is answered, with a pause that doubles.
    """

    def __init__(self, signature: Signature | None) -> None:
        self.counts: Counter[str] = Counter()
        self.tries = TRIES
        self._signature = signature
        self._due: list[tuple[float, int, str, Callable[[], Any], str | None]] = []
        self._number = itertools.count()
        self._changed = threading.Condition()
        self._stopped = False
        self._hands = ThreadPoolExecutor(max_workers=8, thread_name_prefix="webhook")
        self._thread = threading.Thread(target=self._run, name="webhooks", daemon=True)
        self._thread.start()

    def at(self, moment: float, url: str, body: Callable[[], Any], fault: str | None = None) -> None:
        """Send what `body` gives at that moment (seconds since 1970) to `url`."""
        with self._changed:
            heapq.heappush(self._due, (moment, next(self._number), url, body, fault))
            self._changed.notify_all()

    def stop(self) -> None:
        """Send nothing more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        self._thread.join(5)
        self._hands.shutdown(wait=True, cancel_futures=True)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._stopped and (not self._due or self._due[0][0] > time.time()):
                    self._changed.wait(max(0.0, self._due[0][0] - time.time()) if self._due else None)
                if self._stopped:
                    return
                _, _, url, body, fault = heapq.heappop(self._due)
            identity = f"msg_{uuid.uuid4().hex}"
            for _ in range({"webhook_dropped": 0, "webhook_duplicate": 2}.get(fault or "", 1)):
                self._hands.submit(self._deliver, url, body, fault, identity)

    def _deliver(self, url: str, body: Callable[[], Any], fault: str | None, identity: str) -> None:
        raw = json.dumps(body()).encode()
        for number in range(self.tries):
            if self._stopped:
                return
            sent_at = int(time.time()) - (3600 if fault == "webhook_old" else 0)
            headers = {"Content-Type": "application/json"}
            if self._signature:
                headers |= {
                    "webhook-id": identity,
                    "webhook-timestamp": str(sent_at),
                    "webhook-signature": self._signature(identity, sent_at, raw, fault == "webhook_forged"),
                }
            self.counts["attempts"] += 1
            if 200 <= _post(url, raw, headers) < 300:
                self.counts["sent"] += 1
                return
            with self._changed:
                self._changed.wait_for(lambda: self._stopped, FIRST_PAUSE * 2**number)
        self.counts["failed"] += 1


def _post(url: str, body: bytes, headers: dict[str, str]) -> int:
    """The status, without following redirects; 0 when there was no answer."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.netloc, timeout=5)
    try:
        connection.request("POST", f"{parts.path}?{parts.query}" if parts.query else parts.path, body, headers)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()
