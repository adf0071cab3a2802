"""Replicate, through its official client. Facts: providers.md 3; what an answer means: `outcomes.py`."""

from __future__ import annotations

import base64
import threading
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import SplitResult, quote, urlencode, urlsplit

from vividflow import timing
from vividflow.config import Settings
from vividflow.errors import Outcome, Permanent, Refused, Transient, Unknown
from vividflow.providers import outcomes
from vividflow.providers.answer import Answer, NeverSent, NoAnswer
from vividflow.providers.base import (
    CancelOutcome,
    CannotAsk,
    GenerationRequest,
    Operation,
    OperationStatus,
    Order,
    Picture,
)
from vividflow.providers.callbacks import signature_holds
from vividflow.providers.listed import LIST_SECONDS, picked
from vividflow.providers.model import Model
from vividflow.providers.registry import load_registry
from vividflow.providers.replicate_by_schema import input_by_schema
from vividflow.providers.replicate_inputs import INPUTS, model_input
from vividflow.providers.replicate_line import ReplicateLine
from vividflow.providers.replicate_open import OpenModels, pinned
from vividflow.providers.replicate_runs import VENDOR, Run, identity, read_run, tells_all
from vividflow.providers.replicate_search import CERTAIN_NO_SECONDS, Search

SUBMIT_SECONDS = 60.0
CALL_SECONDS = 30.0
LOOK_UP_SECONDS = 10.0
UPLOAD_SECONDS = 60.0
LONGEST_RUN_SECONDS = 30 * 60
SHORTEST_RUN_SECONDS = 5

MOST_DATA_URL = 256_000
FRESH_SECONDS = 120.0
KEY_REFUSED_SECONDS = 30.0
SECRET_SECONDS = 3600.0
# How far from our own times of asking and of the answer Replicate may say that a prediction was created.
BEFORE_SECONDS, AFTER_SECONDS = 5.0, 2.0
SECRET_SECONDS_IN_DOUBT = 60.0


class ReplicateProvider:
    """The adapter of Replicate's predictions. `certain_no_seconds` is how long an absence is doubted."""

    name = "replicate"

    def __init__(self, settings: Settings, *, certain_no_seconds: float = CERTAIN_NO_SECONDS) -> None:
        token = settings.replicate_key or ""
        self._base = urlsplit(settings.replicate_base_url)
        self._line = ReplicateLine(token=token, base_url=settings.replicate_base_url)
        self._token = token
        self._result_hosts = load_registry(settings.models_file).vendors[self.name].result_hosts
        self._search = Search(
            self._list_page,
            base_path=self._base.path,
            submit_seconds=SUBMIT_SECONDS,
            certain_no_seconds=certain_no_seconds,
        )
        self._open = OpenModels(self._look_up)
        longest = min(settings.job_deadline_seconds, LONGEST_RUN_SECONDS)
        self._cancel_after = f"{max(int(longest), SHORTEST_RUN_SECONDS)}s"
        self._lock = threading.Lock()
        self._secret: tuple[str, float] | None = None

    # ---- the contract

    def prepare(self, request: GenerationRequest) -> dict[str, Any]:
        """`{"input": {…}}` in the model's own words; pictures up to 256 kB as data URLs, others uploaded (free)."""
        name, _ = pinned(request.provider_model)
        if name in INPUTS:
            return {"input": model_input(request, self._place)}
        try:
            schema = self._open.described(name).schema
        except Refused as gone:
            raise Refused("model_retired", gone.message, retired=True) from gone
        return {"input": input_by_schema(request, schema, self._place)}

    def model(self, name: str) -> Model:
        """Any model of Replicate's by its id `owner/name`, as its own schema describes it; without a price.

        Raises `Refused` (`model_not_found`, `model_retired`, `model_not_mapped`) or `Transient`.
        """
        return self._open.model(name)

    def uploads(self, request: GenerationRequest) -> bool:
        """Whether a picture is too large for a data URL."""
        pictures = (request.image, request.last_image)
        return any(picture is not None and _inline(picture) is None for picture in pictures)

    def submit(self, request: GenerationRequest, order: Order) -> Operation:
        """One POST. The callback address carries the order's token, so that a lost answer is learned all the same."""
        body: dict[str, Any] = {"input": order.request["input"]}
        if order.callback_url:
            body |= {"webhook": order.callback_url, "webhook_events_filter": ["start", "completed"]}
        name, version = pinned(order.provider_model)
        path = f"/v1/models/{quote(name)}/predictions"
        if version:  # only official models have an address of their own
            path, body = "/v1/predictions", body | {"version": version}
        headers = {"Cancel-After": self._cancel_after}
        try:
            answer = self._line.send("POST", path, json=body, headers=headers, seconds=SUBMIT_SECONDS)
        except NeverSent as error:
            raise outcomes.unreachable(VENDOR) from error
        except NoAnswer as error:
            raise Unknown("outcome_unknown", f"{VENDOR}'s answer was lost; asking whether it arrived.") from error
        found = answer.object()
        if answer.good and identity(found):
            return self._read(found)
        raise _meaning(answer)

    def poll(self, operation_id: str, order: Order) -> Operation:
        """One GET. A prediction that nobody knows two minutes after the order is lost for good (paid or not: not known)."""
        answer = self._ask("GET", f"/v1/predictions/{quote(operation_id, safe='')}")
        found = answer.object()
        if answer.good and identity(found) == operation_id:
            return self._read(found)
        if answer.status == 404 and timing.now() - order.intent_at > FRESH_SECONDS:
            raise Permanent("operation_lost", f"{VENDOR} no longer knows this run.")
        raise _for_now(answer)

    def find(self, order: Order) -> Operation | CannotAsk | None:
        """Look for the order's input among the account's predictions. Raises `Transient` when there is no answer."""
        found = self._search.find(order)
        return self._read(found) if isinstance(found, dict) else found

    def cancel(self, operation_id: str, order: Order) -> CancelOutcome:
        """One POST, which may be repeated. Stopping a run that has begun is charged."""
        answer = self._ask("POST", f"/v1/predictions/{quote(operation_id, safe='')}/cancel")
        if answer.status in (400, 404, 409, 410, 422):
            return CancelOutcome.ENDED
        found = answer.object()
        if not answer.good or identity(found) != operation_id:
            raise _for_now(answer)
        operation = self._read(found)
        if operation.cancelled:
            return CancelOutcome.STOPPED
        return CancelOutcome.ASKED if operation.status is OperationStatus.RUNNING else CancelOutcome.ENDED

    def look_through(self, orders: Sequence[Order]) -> Mapping[str, Operation]:
        """The newest hundred of what was created while `orders` were placed. Raises `Transient`."""
        since = min(order.intent_at for order in orders) - BEFORE_SECONDS
        until = max(order.accepted_at or order.intent_at + SUBMIT_SECONDS for order in orders) + AFTER_SECONDS
        query = {"created_after": timing.iso(since), "created_before": timing.iso(until)}
        page = self._list_page(f"/v1/predictions?{urlencode(query)}", LIST_SECONDS)
        runs = [run for run in page["results"] if isinstance(run, dict)]
        return picked(runs, orders, identity=identity, believed=lambda run, _: tells_all(run), read=self._read)

    def result_hosts(self) -> Sequence[str]:
        """Where Replicate keeps results, as the registry says."""
        return self._result_hosts

    def result_headers(self) -> dict[str, str]:
        """The key."""
        return {"Authorization": f"Bearer {self._token}"}

    def own_netlocs(self) -> Sequence[str]:
        """The configured base URL's `host:port`."""
        return (_netloc(self._base),)

    # ---- callbacks

    def verify_callback(self, headers: Mapping[str, str], raw_body: bytes) -> str | None:
        """The prediction id of a callback that Replicate signed within the last 300 s, else None. Only a hint to look.

        Raises `Transient` when the signing secret cannot be had: answer 503, and Replicate sends it again.
        """
        known = self.callback_secret()
        found = verify_callback(headers, raw_body, known)
        if found:
            return found
        # The secret may have been changed; forged messages make us ask for it once a minute at most.
        fresh = self.callback_secret(SECRET_SECONDS_IN_DOUBT)
        return verify_callback(headers, raw_body, fresh) if fresh != known else None

    def callback_secret(self, most_seconds: float = SECRET_SECONDS) -> str:
        """The account's signing secret (`whsec_…`), not older than `most_seconds`. Raises `Transient`."""
        with self._lock:
            known = self._secret
        if known and timing.monotonic() - known[1] < most_seconds:
            return known[0]
        answer = self._ask("GET", "/v1/webhooks/default/secret")
        key = answer.object().get("key")
        if not answer.good or not isinstance(key, str):
            raise _for_now(answer)
        with self._lock:
            self._secret = (key, timing.monotonic())
        return key

    def close(self) -> None:
        """Let go of the connections."""
        self._line.close()

    # ---- how it is done

    def _ask(self, method: str, path: str, seconds: float = CALL_SECONDS) -> Answer:
        try:
            return self._line.send(method, path, seconds=seconds)
        except (NeverSent, NoAnswer) as error:
            raise outcomes.unreachable(VENDOR) from error

    def _place(self, picture: Picture) -> str:
        inline = _inline(picture)
        if inline is not None:
            return inline
        name = f"image.{picture.mime.partition('/')[2] or 'bin'}"
        try:
            files = {"content": (name, picture.data, picture.mime)}
            answer = self._line.send("POST", "/v1/files", files=files, seconds=UPLOAD_SECONDS)
        except (NeverSent, NoAnswer) as error:
            raise outcomes.unreachable(VENDOR) from error
        urls = answer.object().get("urls")
        address = urls.get("get") if isinstance(urls, dict) else None
        if answer.good and isinstance(address, str):
            return address
        meaning = _meaning(answer)
        raise meaning if isinstance(meaning, Refused | Transient) else outcomes.unreachable(VENDOR)

    def _look_up(self, path: str) -> dict[str, Any] | None:
        answer = self._ask("GET", path, LOOK_UP_SECONDS)
        if answer.status == 404:
            return None
        if not answer.good or not answer.object():
            raise _for_now(answer)
        return answer.object()

    def _list_page(self, path: str, seconds: float = CALL_SECONDS) -> dict[str, Any]:
        answer = self._ask("GET", path, seconds)
        page = answer.object()
        if not answer.good or not isinstance(page.get("results"), list):
            raise _for_now(answer)
        return page

    def _read(self, run: Run) -> Operation:
        return read_run(run, self._headers_for)

    def _headers_for(self, url: str) -> dict[str, str]:
        """The key, for the base host and for Replicate's result hosts over TLS; nothing for any other host."""
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        ours = parts.scheme == self._base.scheme and _netloc(parts) == _netloc(self._base)
        theirs = parts.scheme == "https" and any(f".{host}".endswith(f".{each}") for each in self._result_hosts)
        return self.result_headers() if ours or theirs else {}


def verify_callback(headers: Mapping[str, str], raw_body: bytes, secret: str) -> str | None:
    """The prediction id in a callback signed with `secret` at most 300 s ago, else None."""
    if not signature_holds(headers, raw_body, secret):
        return None
    return identity(Answer(status=200, body=raw_body).object()) or None


def _inline(picture: Picture) -> str | None:
    """The picture as a data URL, or None when that would be too long (256 kB is the service's limit)."""
    head = f"data:{picture.mime};base64,"
    if len(head) + (len(picture.data) + 2) // 3 * 4 > MOST_DATA_URL:
        return None
    return head + base64.b64encode(picture.data).decode()


def _meaning(answer: Answer) -> Outcome:
    """What an answer without an order in it says of the request that it answers."""
    wait = outcomes.retry_after_seconds(answer.headers.get("retry-after"))
    return outcomes.submit_outcome(answer.status, vendor=VENDOR, detail=_detail(answer), retry_after=wait)


def _for_now(answer: Answer) -> Transient:
    """What it says of a request that changes nothing: always that it may be repeated."""
    meaning = _meaning(answer)
    if isinstance(meaning, Transient):
        return meaning
    if isinstance(meaning, Refused) and meaning.pauses:
        return Transient(meaning.code, meaning.message, retry_after=KEY_REFUSED_SECONDS, counts=False)
    return outcomes.unreachable(VENDOR)


def _detail(answer: Answer) -> str:
    told = answer.object()
    return " ".join(str(told[name]) for name in ("title", "detail") if isinstance(told.get(name), str))


def _netloc(parts: SplitResult) -> str:
    host = (parts.hostname or "").lower()
    return f"{host}:{parts.port or (443 if parts.scheme == 'https' else 80)}"
