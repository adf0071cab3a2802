"""The local provider: free, needs no key, and makes a preview with ffmpeg instead of calling a vendor.

There is nobody to ask here: `submit` answers an id, and the `generating` step of a job on the media lane renders the
clip itself. What the lifecycle calls for it, in order:

1. `prepare`, `submit`, `find`, `cancel` as with every vendor; `accept_lost`, `rate_limit` and `content` come out of
   `submit` as the usual errors.
2. `fault_for(order.id, order.fault)` once for each rendering. `STALL`: never finish, the deadline ends it. `LATE`:
   render only when `fault.seconds` have passed since generating began. `CORRUPT`: spoil the file that was rendered and
   go on, so that its proof fails; an order meets this once, so the next rendering is sound. Everything else: render.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from vividflow.config import Settings
from vividflow.errors import Complaints, Refused, Transient, Unknown
from vividflow.providers.base import (
    CancelOutcome,
    CannotAsk,
    Film,
    GenerationRequest,
    Operation,
    OperationStatus,
    Order,
    Picture,
)
from vividflow.providers.faults import Fault, FaultName, Faults

FAULT_HEADER = "X-Local-Fault"
REMEMBERED = 1000


class LocalProvider:
    """The adapter of `local`. Raises `Complaints` when LOCAL_FAULTS cannot be read."""

    name = "local"

    def __init__(self, settings: Settings) -> None:
        self._everywhere = Faults.parse(settings.local_faults)
        self._asked_for: dict[str, Faults] = {}
        self._spoiled: dict[str, None] = {}
        self._lock = threading.Lock()
        # Not in the scratch folder, which is emptied at start: an accepted order must be found again after a crash.
        self._accepted: Path = settings.data_dir / "local-accepted"

    def prepare(self, request: GenerationRequest) -> dict[str, Any]:
        """What will be rendered, as plain values; pictures and a video by their SHA-256."""
        return {name: _plain(value) for name, value in vars(request).items() if value not in (None, ())}

    def uploads(self, request: GenerationRequest) -> bool:
        """Nothing leaves this machine."""
        return False

    def submit(self, request: GenerationRequest, order: Order) -> Operation:
        """Answer an id at once, or the fault that this order has drawn."""
        fault = self._faults_of(order.id, order.fault, order.request).draw(order.id)
        match fault:
            case Fault(name=FaultName.RATE_LIMIT, seconds=wait):
                message = "The local renderer rehearses a busy hour."
                raise Transient("rate_limited", message, retry_after=wait, counts=False)
            case Fault(name=FaultName.CONTENT):
                message = "The content check refused this prompt (a rehearsal). Change it and try again."
                raise Refused("content_policy", message)
            case Fault(name=FaultName.ACCEPT_LOST):
                self._accepted.mkdir(parents=True, exist_ok=True)
                (self._accepted / order.id).touch()
                raise Unknown("outcome_unknown", "The answer of the local renderer was lost (a rehearsal).")
        return _running(order)

    def poll(self, operation_id: str, order: Order) -> Operation:
        """Always running: the lifecycle renders, and knows itself when it is done."""
        return _running(order)

    def find(self, order: Order) -> Operation | CannotAsk | None:
        """The order whose answer was lost on purpose; for every other one a certain no."""
        return _running(order) if (self._accepted / order.id).exists() else None

    def cancel(self, operation_id: str, order: Order) -> CancelOutcome:
        """Stopped: nothing runs elsewhere."""
        return CancelOutcome.STOPPED

    def result_hosts(self) -> Sequence[str]:
        """None: results are files here."""
        return ()

    def result_headers(self) -> dict[str, str]:
        """None."""
        return {}

    def verify_callback(self, headers: Mapping[str, str], raw_body: bytes) -> str | None:
        """Never: nobody calls back from here."""
        return None

    def own_netlocs(self) -> Sequence[str]:
        """None."""
        return ()

    def fault_for(self, order_id: str, fault: str | None = None) -> Fault | None:
        """What an order meets while it is rendered: by its own `fault` (the header) if any, else by LOCAL_FAULTS.

        The same at each call, but `CORRUPT` only at the first. Raises `Refused` when `fault` cannot be read.
        """
        drawn = self._faults_of(order_id, fault, None).draw(order_id)
        if drawn is None or drawn.name is not FaultName.CORRUPT:
            return drawn
        with self._lock:
            again = order_id in self._spoiled
            _remember(self._spoiled, order_id, None)
        return None if again else drawn

    def _faults_of(self, order_id: str, fault: str | None, request: dict[str, Any] | None) -> Faults:
        """The rules for an order. A job ordered again sends an equal request, so `times` counts over its orders."""
        if not fault:
            return self._everywhere
        with self._lock:
            known = self._asked_for.get(order_id)
            if known is None:
                wish = f"{fault}\n{json.dumps(request, sort_keys=True)}"
                known = self._asked_for.get(wish) or _parsed(fault)
                _remember(self._asked_for, wish, known)
                _remember(self._asked_for, order_id, known)
            return known


def _remember(memory: dict[str, Any], key: str, value: Any) -> None:
    memory[key] = value
    while len(memory) > REMEMBERED:
        del memory[next(iter(memory))]


def _running(order: Order) -> Operation:
    return Operation(id=f"local-{order.id}", status=OperationStatus.RUNNING)


def _plain(value: Any) -> Any:
    match value:
        case Picture(data=data):
            return hashlib.sha256(data).hexdigest()
        case Film(sha256=sha256):
            return sha256
        case tuple():
            return [_plain(each) for each in value]
    return value


def _parsed(text: str) -> Faults:
    try:
        return Faults.parse(text, FAULT_HEADER, for_one_job=True)
    except Complaints as error:
        raise Refused("invalid_fault", str(error)) from None
