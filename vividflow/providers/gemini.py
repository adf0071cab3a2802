"""Gemini Omni by API key, through the Interactions API (providers.md 2.4); what an answer means: `outcomes.py`.

A lost order cannot be asked for: there is no list, and labels are not searchable. Its callback alone can tell of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import SplitResult, quote, urlsplit

from vividflow import timing
from vividflow.config import Settings
from vividflow.errors import Permanent, Refused, Transient, Unknown
from vividflow.providers import outcomes
from vividflow.providers.answer import Answer, NeverSent, NoAnswer
from vividflow.providers.base import CancelOutcome, CannotAsk, GenerationRequest, Operation, OperationStatus, Order
from vividflow.providers.gemini_inputs import video_body, with_pictures
from vividflow.providers.gemini_runs import identity, read_run
from vividflow.providers.google_keys import TOLERANCE_SECONDS, GoogleKeys
from vividflow.providers.google_line import (
    API_VERSION,
    PUBLIC_BASE,
    VENDOR,
    GoogleLine,
    meaning,
)
from vividflow.providers.registry import load_registry

SUBMIT_SECONDS = 60.0
RUNS = "interactions"
FRESH_SECONDS = 120.0
CALLBACK_SECONDS = 900.0
KEY_REFUSED_SECONDS = 30.0
_FILE = re.compile(r"(?:.*/)?files/([A-Za-z0-9_-]+)(?::download)?")


class GeminiProvider:
    """The adapter of Gemini's background interactions."""

    name = "gemini"

    def __init__(self, settings: Settings) -> None:
        self._key = settings.gemini_key or ""
        self._line = GoogleLine(key=self._key, base_url=settings.google_gemini_base_url)
        self._base = urlsplit(self._line.base_url)
        self._keys = GoogleKeys(self._line.get)
        self._result_hosts = load_registry(settings.models_file).vendors[self.name].result_hosts

    # ---- the contract

    def prepare(self, request: GenerationRequest) -> dict[str, Any]:
        """The input, the settings and the form of the answer; pictures by their SHA-256."""
        return video_body(request)

    def uploads(self, request: GenerationRequest) -> bool:
        """Pictures travel in the order itself."""
        return False

    def submit(self, request: GenerationRequest, order: Order) -> Operation:
        """One POST. Where Google can reach us, the callback address and our own id beside it come back with each event."""
        more: dict[str, Any] = {}
        if order.callback_url:
            told = {"order": order.id, "token": order.token}
            more = {"webhook_config": {"uris": [order.callback_url], "user_metadata": told}}
        body = with_pictures(order.request, request)
        try:
            sent = body | more | {"model": order.provider_model, "background": True, "store": True}
            answer = self._line.ask("post", RUNS, sent | {"labels": {"order": order.id}}, seconds=SUBMIT_SECONDS)
        except NeverSent as error:
            raise outcomes.unreachable(VENDOR) from error
        except NoAnswer as error:
            raise Unknown("outcome_unknown", f"{VENDOR}'s answer was lost; waiting for its callback.") from error
        found = answer.object()
        if answer.good and identity(found):
            return self._read(found)
        raise meaning(answer)

    def poll(self, operation_id: str, order: Order) -> Operation:
        """One GET. An interaction that nobody knows two minutes after the order is lost for good (paid or not: not known)."""
        answer = self._ask("get", f"{RUNS}/{quote(operation_id, safe='')}")
        found = answer.object()
        if answer.good and identity(found) == operation_id:
            return self._read(found)
        if answer.status == 404 and timing.now() - order.intent_at > FRESH_SECONDS:
            raise Permanent("operation_lost", f"{VENDOR} no longer knows this run.")
        raise _for_now(answer)

    def find(self, order: Order) -> Operation | CannotAsk | None:
        """Nobody can be asked. As long as a callback may still come the answer is "not yet", then never."""
        waiting = order.callback_url is not None and timing.now() < order.intent_at + CALLBACK_SECONDS
        return CannotAsk.NOT_YET if waiting else CannotAsk.NEVER

    def cancel(self, operation_id: str, order: Order) -> CancelOutcome:
        """One POST, which may be repeated. Whether stopping a run that has begun is charged is not documented."""
        answer = self._ask("post", f"{RUNS}/{quote(operation_id, safe='')}/cancel")
        if answer.status in (400, 404, 409, 410):
            return CancelOutcome.ENDED
        found = answer.object()
        if not answer.good or identity(found) != operation_id:
            raise _for_now(answer)
        operation = self._read(found)
        if operation.cancelled:
            return CancelOutcome.STOPPED
        return CancelOutcome.ASKED if operation.status is OperationStatus.RUNNING else CancelOutcome.ENDED

    def result_hosts(self) -> Sequence[str]:
        """Where Google keeps results beside the base host, as the registry says."""
        return self._result_hosts

    def result_headers(self) -> dict[str, str]:
        """The key."""
        return {"x-goog-api-key": self._key}

    def own_netlocs(self) -> Sequence[str]:
        """The base URL's `host:port`."""
        return (_netloc(self._base),)

    def verify_callback(self, headers: Mapping[str, str], raw_body: bytes) -> str | None:
        """The interaction of an event that Google signed within the last 300 s, else None. Only a hint to look.

        The event is read from the signed token where it is in there, else from the body. Raises `Transient` when the
        keys cannot be had: answer 503, and Google sends it again.
        """
        low = {name.lower(): value for name, value in headers.items()}
        sent_at = low.get("webhook-timestamp", "")
        if not re.fullmatch(r"[0-9]{1,12}", sent_at) or abs(timing.now() - int(sent_at)) > TOLERANCE_SECONDS:
            return None
        claims = self._keys.claims(low.get("webhook-signature", ""))
        if claims is None:
            return None
        return _about(claims) or _about(Answer(status=200, body=raw_body).object())

    def close(self) -> None:
        """Let go of the connections."""
        self._line.close()

    # ---- how it is done

    def _ask(self, method: str, path: str) -> Answer:
        try:
            return self._line.ask(method, path)
        except (NeverSent, NoAnswer) as error:
            raise outcomes.unreachable(VENDOR) from error

    def _read(self, found: dict[str, Any]) -> Operation:
        return read_run(found, self._place)

    def _place(self, uri: str) -> str:
        """A file of Google's is fetched from the configured base, whatever host its address names (as the library does)."""
        parts = urlsplit(uri)
        file = _FILE.fullmatch(parts.path)
        known = (_netloc(self._base), _netloc(urlsplit(PUBLIC_BASE)))
        if file and (not parts.netloc or _netloc(parts) in known):
            return f"{self._line.base_url}/{API_VERSION}/files/{file[1]}:download?alt=media"
        return uri


def _about(event: dict[str, Any]) -> str | None:
    data = event.get("data")
    if isinstance(data, str):
        try:
            data = json.loads(data)
        except (ValueError, RecursionError):
            return None
    return identity(data) or None if isinstance(data, dict) else None


def _for_now(answer: Answer) -> Transient:
    """What an answer says of a request that changes nothing: always that it may be repeated."""
    found = meaning(answer)
    if isinstance(found, Transient):
        return found
    if isinstance(found, Refused) and found.pauses:
        return Transient(found.code, found.message, retry_after=KEY_REFUSED_SECONDS, counts=False)
    return outcomes.unreachable(VENDOR)


def _netloc(parts: SplitResult) -> str:
    host = (parts.hostname or "").lower()
    return f"{host}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
