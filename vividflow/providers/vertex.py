"""Veo through google-genai in Vertex mode. Facts: providers.md 2.1 and 2.3; what an answer means: `vertex_outcomes.py`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from vividflow import timing
from vividflow.config import Settings
from vividflow.errors import Permanent, Transient, Unknown
from vividflow.providers import outcomes, vertex_outcomes
from vividflow.providers.answer import id_of
from vividflow.providers.base import (
    CancelOutcome,
    CannotAsk,
    GenerationRequest,
    Operation,
    OperationStatus,
    Order,
    Output,
)
from vividflow.providers.vertex_inputs import body_of, config_of, source_of
from vividflow.providers.vertex_key import KeyRefused
from vividflow.providers.vertex_line import NeverSent, NoAnswer, Told, VertexLine
from vividflow.providers.vertex_outcomes import VENDOR
from vividflow.providers.vertex_search import IN_BUCKET, LONGEST_RUN_SECONDS, Bucket, place_of

OPERATION = re.compile(r"[A-Za-z0-9_./:@-]+/operations/[A-Za-z0-9_.:-]+")
LOST = "outcome_unknown"


class VertexProvider:
    """The adapter of Veo. With a bucket (VERTEX_OUTPUT_URI) results are written there, without one they come inline."""

    name = "vertex"

    def __init__(self, settings: Settings) -> None:
        self._output = settings.vertex_output
        self._base = settings.google_vertex_base_url
        self._line = VertexLine(settings, inline=self._output is None)
        self._bucket = Bucket(settings)

    # ---- the contract

    def prepare(self, request: GenerationRequest) -> dict[str, Any]:
        """Parameters, and pictures and a video by their hashes. Raises `Refused` for what Veo takes in no case."""
        return body_of(request, self._output)

    def uploads(self, request: GenerationRequest) -> bool:
        """Never: pictures and videos go with the order, or lie in the bucket already."""
        return False

    def submit(self, request: GenerationRequest, order: Order) -> Operation:
        """One POST, whose result will lie in a place of the order's own."""
        source = source_of(request, order.request.get("output"))
        config = config_of(request, order.request, place_of(order, None))
        try:
            made = self._line.order(order.provider_model, source, config)
        except NeverSent as error:
            raise outcomes.unreachable(VENDOR) from error
        except KeyRefused as error:
            raise vertex_outcomes.key_refused() from error
        except Told as told:
            raise vertex_outcomes.meaning(told) from told
        except NoAnswer as error:
            raise Unknown(LOST, f"{VENDOR}'s answer was lost; asking whether it arrived.") from error
        name = id_of(made.name)
        if not OPERATION.fullmatch(name):
            raise Unknown(LOST, f"{VENDOR}'s answer names no order; asking whether it arrived.")
        return Operation(id=name, status=OperationStatus.RUNNING)

    def poll(self, operation_id: str, order: Order) -> Operation:
        """One POST that changes nothing. An order that was found by its result is over, and the result is its id."""
        place = place_of(order, self._output)
        if operation_id.startswith(IN_BUCKET):
            return vertex_outcomes.succeeded(operation_id, Output(gs_uri=operation_id))
        try:
            found = self._line.look(operation_id)
        except NeverSent as error:
            raise outcomes.unreachable(VENDOR) from error
        except KeyRefused as error:
            raise vertex_outcomes.key_refused_for_now(vertex_outcomes.key_refused()) from error
        except NoAnswer as error:
            raise vertex_outcomes.unreadable() from error
        except Told as told:
            if told.status in (404, 410):
                return self._forgotten(operation_id, order, place)
            raise vertex_outcomes.for_now(told) from told
        return vertex_outcomes.read(found, operation_id, place)

    def find(self, order: Order) -> Operation | CannotAsk | None:
        """Whether the order's result lies in its place: a yes, or that it cannot be told. Never a certain no."""
        place = place_of(order, self._output)
        return self._bucket.find(order, place) if place else CannotAsk.NEVER

    def cancel(self, operation_id: str, order: Order) -> CancelOutcome:
        """Veo has no way to stop a clip that was ordered; it is made and paid."""
        return CancelOutcome.IMPOSSIBLE

    def result_hosts(self) -> Sequence[str]:
        """None: results are fetched with the storage client, or come inline."""
        return ()

    def result_headers(self) -> dict[str, str]:
        """None."""
        return {}

    def verify_callback(self, headers: Mapping[str, str], raw_body: bytes) -> str | None:
        """Vertex calls nobody back."""
        return None

    def own_netlocs(self) -> Sequence[str]:
        """The configured base URL's `host:port`, if one is set."""
        if not self._base:
            return ()
        parts = urlsplit(self._base)
        return (f"{(parts.hostname or '').lower()}:{parts.port or (443 if parts.scheme == 'https' else 80)}",)

    def close(self) -> None:
        """Let go of the connections."""
        self._line.close()

    # ---- how it is done

    def _forgotten(self, operation_id: str, order: Order, place: str | None) -> Operation:
        """The service does not know the operation (any more): its result may lie there all the same."""
        uri = self._bucket.result(place) if place else None
        if uri is not None:
            return vertex_outcomes.succeeded(operation_id, Output(gs_uri=uri))
        if timing.now() - order.intent_at > LONGEST_RUN_SECONDS:
            raise Permanent("operation_lost", f"{VENDOR} no longer knows this clip.")
        raise Transient("operation_unknown", f"{VENDOR} does not know this clip just now; asking again.")
