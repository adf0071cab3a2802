"""Who signs links for Google's store: a service account's own key, or IAM's signBlob for a machine's account.

A call of signBlob costs a tenth of a second and may be forbidden, so its answers are kept, only a few are asked for in a
second, and after a refusal nobody asks for a while; our own links stand in.
"""

from __future__ import annotations

import base64
import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from vividflow.storage.base import StorageGone
from vividflow.storage.google import google_told
from vividflow.storage.v4 import Signing
from vividflow.timing import monotonic

if TYPE_CHECKING:
    from google.cloud import storage

log = logging.getLogger(__name__)

IAM = "https://iamcredentials.googleapis.com"
_TIMEOUT = (2.0, 3.0)
_A_SECOND = 8
_REST_SECONDS = 300.0
_KEPT = 4096


class CannotSign(Exception):
    """These credentials do not sign, or not now."""


def signing_of(client: storage.Client, *, iam: str = IAM) -> Signing | None:
    """How links are signed with the client's credentials; None where they never can (a bare token, an emulator).

    The `sign` of a machine's account raises `CannotSign`. Raises `StorageGone` when the metadata host does not answer.
    """
    from google.auth.credentials import Signing as Signs
    from google.oauth2.service_account import Credentials

    credentials: Any = client._credentials
    if isinstance(credentials, Credentials):
        return _named(credentials.signer_email, lambda _, text: credentials.sign_bytes(text.encode()).hex())
    email = credentials.signer_email if isinstance(credentials, Signs) else _machine_account(client)
    return _named(email, _Far(client, email, iam)) if email and "@" in email else None


def _named(identity: str, sign: Callable[[str, str], str]) -> Signing:
    return Signing(
        algorithm="GOOG4-RSA-SHA256",
        prefix="X-Goog",
        scope="auto/storage/goog4_request",
        identity=identity,
        sign=sign,
    )


def _machine_account(client: storage.Client) -> str | None:
    from google.auth.transport.requests import Request

    credentials: Any = client._credentials
    email = getattr(credentials, "service_account_email", None)
    if email == "default":  # the name is learned with the first token
        ask = Request()
        with google_told("the metadata host"):
            credentials.refresh(lambda *given, **named: ask(*given, **named | {"timeout": _TIMEOUT[1]}))
        email = credentials.service_account_email
    return email


class _Far:
    def __init__(self, client: storage.Client, email: str, iam: str) -> None:
        self._client = client
        self._address = f"{iam}/v1/projects/-/serviceAccounts/{email}:signBlob"
        self._kept: dict[str, str] = {}
        self._asked: deque[float] = deque(maxlen=_A_SECOND)
        self._rests_until = 0.0
        self._lock = threading.Lock()

    def __call__(self, _date: str, text: str) -> str:
        with self._lock:
            if kept := self._kept.get(text):
                return kept
            moment = monotonic()
            full = len(self._asked) == _A_SECOND and moment - self._asked[0] < 1.0
            if full or moment < self._rests_until:
                raise CannotSign
            self._asked.append(moment)
        try:
            signature = self._ask(text)
        except StorageGone as refused:
            log.warning("links of the bucket are not signed for a while: %s", refused)
            with self._lock:
                self._rests_until = monotonic() + _REST_SECONDS
            raise CannotSign from refused
        with self._lock:
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            self._kept[text] = signature
        return signature

    def _ask(self, text: str) -> str:
        payload = {"payload": base64.b64encode(text.encode()).decode()}
        with google_told("IAM"):
            answer = self._client._http.post(self._address, json=payload, timeout=_TIMEOUT)
            if answer.status_code != 200:
                raise StorageGone(f"IAM answered HTTP {answer.status_code} to signBlob")
            return base64.b64decode(answer.json()["signedBlob"]).hex()
