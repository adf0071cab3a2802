"""Kling, by plain HTTP (providers.md 5). What a code means: `kling_codes.py`; how a lost order is found: by our own id.

Every order carries our order id as `external_task_id`, which is unique for the account and can be asked for in place of
the vendor's. So a lost answer has a definite yes, and a definite no.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

from vividflow import timing
from vividflow.config import Settings
from vividflow.errors import Outcome, Permanent, Unknown
from vividflow.outbound.address import DEFAULT_PORTS, pair
from vividflow.providers import outcomes
from vividflow.providers.absence import CERTAIN_NO_SECONDS, Absences
from vividflow.providers.answer import Answer, NeverSent, NoAnswer
from vividflow.providers.base import CancelOutcome, CannotAsk, GenerationRequest, Operation, Order
from vividflow.providers.kling_auth import KlingKey
from vividflow.providers.kling_codes import NO_SUCH_THING, STALE_TOKEN, VENDOR, code_of, is_open, meaning, told
from vividflow.providers.kling_inputs import path_of, video_body, with_pictures
from vividflow.providers.kling_line import KlingLine
from vividflow.providers.kling_runs import belongs, identity, read_task, task_of, tasks_of, tells_all
from vividflow.providers.listed import LIST_SECONDS, PAGE, picked
from vividflow.providers.model import PictureLimits
from vividflow.providers.registry import Registry, load_registry

log = logging.getLogger(__name__)
SUBMIT_SECONDS = 60.0
CALL_SECONDS = 60.0
FRESH_SECONDS = 120.0


class KlingProvider:
    """The adapter of Kling's video tasks. `certain_no_seconds` is how long an absence is doubted."""

    name = "kling"

    def __init__(self, settings: Settings, *, certain_no_seconds: float = CERTAIN_NO_SECONDS) -> None:
        self._key = KlingKey(settings)
        self._line = KlingLine(key=self._key, base_url=settings.kling_base_url)
        self._base = urlsplit(settings.kling_base_url)
        registry = load_registry(settings.models_file)
        facts = registry.vendors[self.name]
        self._result_hosts, self._unit_usd = facts.result_hosts, facts.unit_usd
        self._pictures = _picture_limits(registry)
        self._absences = Absences(submit_seconds=SUBMIT_SECONDS, rest=certain_no_seconds)

    # ---- the contract

    def prepare(self, request: GenerationRequest) -> dict[str, Any]:
        """The body in Kling's words, without our id; pictures by their SHA-256."""
        return video_body(request, self._pictures.get(request.provider_model, PictureLimits()))

    def uploads(self, request: GenerationRequest) -> bool:
        """Pictures travel in the order itself."""
        return False

    def submit(self, request: GenerationRequest, order: Order) -> Operation:
        """One POST with our order id. A token that was refused for its times is renewed once: nothing was taken by then."""
        body = with_pictures(order.request, request) | {"external_task_id": order.id}
        if order.callback_url:
            body["callback_url"] = order.callback_url
        try:
            answer = self._send("POST", path_of(order.provider_model), seconds=SUBMIT_SECONDS, body=body)
        except NeverSent as error:
            raise outcomes.unreachable(VENDOR) from error
        except NoAnswer as error:
            raise Unknown("outcome_unknown", f"{VENDOR}'s answer was lost; asking whether it arrived.") from error
        task = task_of(answer)
        if identity(task) and belongs(task, order):
            return read_task(task, self._unit_usd)
        raise self._meaning(answer)

    def poll(self, operation_id: str, order: Order) -> Operation:
        """One GET. A task that nobody knows two minutes after the order is lost for good (paid or not: not known)."""
        answer = self._ask(order, operation_id)
        task = task_of(answer)
        if identity(task) == operation_id and belongs(task, order):
            return read_task(task, self._unit_usd)
        if _says_no(answer) and timing.now() - order.intent_at > FRESH_SECONDS:
            raise Permanent("operation_lost", f"{VENDOR} no longer knows this run.")
        raise outcomes.for_now(self._meaning(answer), VENDOR)

    def find(self, order: Order) -> Operation | CannotAsk | None:
        """Ask by our own id: the task, or (once a POST that was cut off cannot arrive any more) a certain no.

        Raises `Transient` when there is no answer.
        """
        answer = self._ask(order, order.id)
        task = task_of(answer)
        if identity(task) and belongs(task, order):
            return CannotAsk.NOT_YET if identity(task) in order.bound else read_task(task, self._unit_usd)
        if _says_no(answer):
            return None if self._absences.long_enough(order) else CannotAsk.NOT_YET
        raise outcomes.for_now(self._meaning(answer), VENDOR)

    def cancel(self, operation_id: str, order: Order) -> CancelOutcome:
        """There is no such call: what was ordered is made and paid."""
        return CancelOutcome.IMPOSSIBLE

    def look_through(self, orders: Sequence[Order]) -> Mapping[str, Operation]:
        """The newest hundred tasks of the kind of `orders`. Raises `Transient`."""
        path = f"{path_of(orders[0].provider_model)}?pageNum=1&pageSize={PAGE}"
        try:
            answer = self._send("GET", path, seconds=LIST_SECONDS)
        except (NeverSent, NoAnswer) as error:
            raise outcomes.unreachable(VENDOR) from error
        tasks = tasks_of(answer)
        if tasks is None:
            raise outcomes.for_now(self._meaning(answer), VENDOR)
        return picked(
            tasks,
            orders,
            identity=identity,
            believed=lambda task, order: belongs(task, order) and tells_all(task),
            read=lambda task: read_task(task, self._unit_usd),
        )

    def result_hosts(self) -> Sequence[str]:
        """None: results lie with carriers whose names are not published, and fetching them needs no key."""
        return self._result_hosts

    def result_headers(self) -> dict[str, str]:
        """Nothing: the key stays with the API."""
        return {}

    def own_netlocs(self) -> Sequence[str]:
        """The configured base URL's `host:port`."""
        return (pair(self._base.hostname or "", self._base.port or DEFAULT_PORTS[self._base.scheme]),)

    def verify_callback(self, headers: Mapping[str, str], raw_body: bytes) -> str | None:
        """The task that a callback speaks of, None when it speaks of none. Nobody signs it: a hint to look, nothing more."""
        return identity(told(Answer(status=200, body=raw_body))) or None

    def close(self) -> None:
        """Let go of the connections."""
        self._line.close()

    # ---- how it is done

    def _send(self, method: str, path: str, *, seconds: float, body: dict[str, Any] | None = None) -> Answer:
        answer = self._line.send(method, path, seconds=seconds, body=body)
        code = code_of(answer)
        if code in STALE_TOKEN and not is_open(answer) and self._key.renew(answer.headers.get("date")):
            # A certain refusal: the token is read before the order. So this is not a second order.
            log.warning("Kling refused the token for its times (code %s); sent once more with a fresh one", code)
            answer = self._line.send(method, path, seconds=seconds, body=body)
        return answer

    def _ask(self, order: Order, name: str) -> Answer:
        try:
            path = f"{path_of(order.provider_model)}/{quote(name, safe='')}"
            return self._send("GET", path, seconds=CALL_SECONDS)
        except (NeverSent, NoAnswer) as error:
            raise outcomes.unreachable(VENDOR) from error

    def _meaning(self, answer: Answer) -> Outcome:
        message = told(answer).get("message")
        return meaning(answer, self._key.blot(message) if isinstance(message, str) else "")


def _says_no(answer: Answer) -> bool:
    """Whether Kling itself says that there is no such task. A page of somebody between us says nothing."""
    return code_of(answer) == NO_SUCH_THING and not is_open(answer)


def _picture_limits(registry: Registry) -> dict[str, PictureLimits]:
    found: dict[str, PictureLimits] = {}
    for route in (route for model in registry.models for route in model.routes if route.provider == KlingProvider.name):
        names = route.image.values() if isinstance(route.image, Mapping) else [route.image]
        found |= {name: route.picture for name in names if name}
    return found
