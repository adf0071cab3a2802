"""One server that speaks `/v1/videos`, as an adapter: an order is one POST, everything else may be asked again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from vividflow import timing
from vividflow.errors import Outcome, Permanent, Refused, Transient, Unknown
from vividflow.providers import outcomes
from vividflow.providers.answer import Answer, NeverSent, NoAnswer
from vividflow.providers.base import CancelOutcome, CannotAsk, GenerationRequest, Operation, OperationStatus, Order
from vividflow.providers.listed import LIST_SECONDS, PAGE, picked
from vividflow.providers.model import Route
from vividflow.providers.openai_fields import body_of, fields_of
from vividflow.providers.openai_line import VideoLine
from vividflow.providers.openai_runs import identity, operation_id, path_of, read_job, tells_all, vendor_of
from vividflow.providers.openai_search import NoList, Search
from vividflow.providers.openai_servers import VideoServer

SUBMIT_SECONDS = 60.0
CALL_SECONDS = 30.0
KEY_REFUSED_SECONDS = 30.0
NOT_THERE = (404, 410)
NO_SUCH_ADDRESS = (404, 405, 501)


class ServerPlace:
    """The adapter of one server. What it says of a key or of credit is about itself: each server is an account of its own."""

    name = "openai"

    def __init__(self, server: VideoServer, *, certain_no_seconds: float) -> None:
        self.server = server
        self._vendor = vendor_of(server)
        self._line = VideoLine(server)
        self._search = Search(server, self._list, submit_seconds=SUBMIT_SECONDS, certain_no_seconds=certain_no_seconds)

    # ---- the contract

    def prepare(self, request: GenerationRequest, route: Route | None = None) -> dict[str, Any]:
        """`{"fields": {…}}` in the server's own words. The picture is no part of it: `submit` sends its bytes."""
        model = request.provider_model.partition("/")[2]
        return {"fields": fields_of(request, model, self.server.dialect, route)}

    def uploads(self, request: GenerationRequest) -> bool:
        """Never: a picture goes with the order."""
        return False

    def submit(self, request: GenerationRequest, order: Order) -> Operation:
        """One POST of `order.request` with the request's picture."""
        body = body_of(order.request["fields"], request.image, self.server.dialect)
        try:
            answer = self._line.send("POST", "/videos", seconds=SUBMIT_SECONDS, **body)
        except NeverSent as error:
            raise outcomes.unreachable(self._vendor) from error
        except NoAnswer as error:
            raise Unknown(
                "outcome_unknown", f"The answer of {_lower(self._vendor)} was lost; asking whether it arrived."
            ) from error
        found = answer.object()
        if answer.good and identity(found):
            return read_job(found, self.server)
        raise self._meaning(answer)

    def poll(self, operation_id: str, order: Order) -> Operation:
        """One GET. A job that the server does not know any more is lost for good: it keeps them in memory, mostly."""
        answer = self._ask("GET", path_of(operation_id))
        found = answer.object()
        if answer.good and self._owns(found, operation_id):
            return read_job(found, self.server)
        age = timing.now() - order.intent_at
        # A 404 without an object is a gateway's own, not the server's.
        if answer.status in NOT_THERE and found and age > self.server.dialect.lost_after:
            raise Permanent(
                "operation_lost",
                f"{self._vendor} no longer knows this video; it was probably restarted. You were not charged. Try again.",
            )
        raise self._for_now(answer)

    def find(self, order: Order) -> Operation | CannotAsk | None:
        """Look for the order in the list of jobs. Raises `Transient` when there is no answer."""
        found = self._search.find(order)
        return read_job(found, self.server) if isinstance(found, dict) else found

    def look_through(self, orders: Sequence[Order]) -> Mapping[str, Operation]:
        """The newest hundred jobs. Raises `Transient`, also where there is no list."""
        try:
            answer = self._list({"limit": str(PAGE), "order": "desc"}, LIST_SECONDS)
        except NoList as none:
            raise Transient("no_list", f"{self._vendor} has no list of videos.") from none
        jobs = [job for job in answer.object()["data"] if isinstance(job, dict) and identity(job)]
        return picked(
            jobs,
            orders,
            identity=lambda job: operation_id(self.server, job),
            believed=lambda job, _: tells_all(job, self.server),
            read=lambda job: read_job(job, self.server),
        )

    def cancel(self, operation_id: str, order: Order) -> CancelOutcome:
        """DELETE where it stops a run. A finished job is let alone: DELETE would take its film away."""
        if not self.server.dialect.stops:
            return CancelOutcome.IMPOSSIBLE
        seen = self._ask("GET", path_of(operation_id))
        if seen.status in NOT_THERE:
            return CancelOutcome.ENDED
        if not seen.good or not self._owns(seen.object(), operation_id):
            raise self._for_now(seen)
        if read_job(seen.object(), self.server).status is not OperationStatus.RUNNING:
            return CancelOutcome.ENDED
        answer = self._ask("DELETE", path_of(operation_id))
        if answer.good:
            return CancelOutcome.STOPPED
        if answer.status == 409:
            return CancelOutcome.ASKED
        if answer.status in NO_SUCH_ADDRESS:
            return CancelOutcome.ENDED
        raise self._for_now(answer)

    def result_hosts(self) -> Sequence[str]:
        """None besides the base host."""
        return ()

    def result_headers(self) -> dict[str, str]:
        """The server's own key, if it has one."""
        return self.server.headers

    def own_netlocs(self) -> Sequence[str]:
        """The `host:port` of its address."""
        return (self.server.netloc,)

    def verify_callback(self, headers: Mapping[str, str], raw_body: bytes) -> str | None:
        """Never: such servers call nobody."""
        return None

    def close(self) -> None:
        """Let go of the client."""
        self._line.close()

    # ---- how it is done

    def _ask(
        self, method: str, path: str, params: Mapping[str, str] | None = None, seconds: float = CALL_SECONDS
    ) -> Answer:
        try:
            return self._line.send(method, path, seconds=seconds, params=params)
        except (NeverSent, NoAnswer) as error:
            raise outcomes.unreachable(self._vendor) from error

    def _list(self, query: Mapping[str, str], seconds: float = CALL_SECONDS) -> Answer:
        answer = self._ask("GET", "/videos", query, seconds)
        if answer.status in NO_SUCH_ADDRESS:
            raise NoList
        if not answer.good or not isinstance(answer.object().get("data"), list):
            raise self._for_now(answer)
        return answer

    def _owns(self, found: dict[str, Any], operation: str) -> bool:
        return bool(identity(found)) and operation_id(self.server, found) == operation

    def _meaning(self, answer: Answer) -> Outcome:
        """What an answer without a job in it says of the request that it answers."""
        wait = outcomes.retry_after_seconds(answer.headers.get("retry-after"))
        meaning = outcomes.submit_outcome(answer.status, vendor=self._vendor, detail=_detail(answer), retry_after=wait)
        if isinstance(meaning, Refused) and meaning.retired:
            told = f"{self._vendor} has no such model, or makes no videos at its address. You were not charged."
            return Refused(meaning.code, told, retired=True)
        return meaning

    def _for_now(self, answer: Answer) -> Transient:
        """What it says of a request that changes nothing: always that it may be repeated."""
        meaning = self._meaning(answer)
        if isinstance(meaning, Transient):
            return meaning
        if answer.status in (401, 402):
            return Transient(meaning.code, meaning.message, retry_after=KEY_REFUSED_SECONDS, counts=False)
        return outcomes.unreachable(self._vendor)


def _detail(answer: Answer) -> str:
    """The server's own sentence: OpenAI's `error`, FastAPI's `detail` (a text, or a list of complaints), or `message`."""
    told = answer.object()
    error, detail = told.get("error"), told.get("detail")
    if isinstance(error, dict):
        return " ".join(str(error[name]) for name in ("code", "message") if error.get(name))
    if isinstance(detail, list):
        each = [item for item in detail if isinstance(item, dict)]
        return "; ".join(f"{'.'.join(map(str, item.get('loc') or ()))}: {item.get('msg')}" for item in each)
    return next((text for text in (error, detail, told.get("message")) if isinstance(text, str)), "")


def _lower(vendor: str) -> str:
    return vendor[0].lower() + vendor[1:]
