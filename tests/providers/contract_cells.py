"""What a vendor offers and how it can go wrong, one cell each: `CELLS` run for each row of the catalog that offers them.

Whether it does is asked of the registry (or, where a vendor describes its models itself, of that), never written here.
A new vendor adds its own words for the four refusals to `WORDS`, unless it has the usual ones.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.paid_vendors import LOOK, PAID_VENDORS, SUBMIT
from tests.providers.contract import Rig, order_for
from tests.providers.contract_offers import asked_for, taking
from tests.simulators.meddler import Meddler, Meeting
from tests.simulators.server import Reply
from tests.simulators.strange import STRANGE
from vividflow.errors import Refused, Transient, Unknown
from vividflow.providers.base import (
    CancelOutcome,
    CannotAsk,
    Operation,
    OperationStatus,
    Order,
    Picture,
)
from vividflow.providers.catalog import PROVIDERS
from vividflow.providers.registry import load_registry

ENDED_WITHIN_SECONDS = 10.0
GARBAGE = ("html", "empty", "null", "list", "number", "not JSON", "empty object", "wrong types", "odd numbers", "deep")
USUAL = {name: (name, {}) for name in ("retired", "no_credit", "rate_limited", "filtered", "lost")} | {
    "filtered": ("nsfw_failed", {}),
    "lost": ("accept_then_close", {}),
}
WORDS: Mapping[str, Mapping[str, tuple[str, Mapping[str, Any]]]] = {
    "kling": {
        "retired": ("refused", {"code": 1203}),
        "no_credit": ("refused", {"code": 1102}),
        "rate_limited": ("refused", {"code": 1302}),
        "filtered": ("policy_failed", {}),
    },
    "vertex": {"filtered": ("filtered", {})},
    # What is made here can be told to rehearse these; it has no credit, no route that dies and no answer to garble.
    "local": {"lost": ("accept_lost", {}), "rate_limited": ("rate_limit", {}), "filtered": ("content", {})},
}


@dataclass(frozen=True, kw_only=True)
class Cell:
    """`offered` says whether a vendor has it, by its models and routes; `check` fails where the contract is broken."""

    name: str
    offered: Callable[[str], bool]
    check: Callable[[Rig], None]


def _made_elsewhere(vendor: str) -> bool:
    return load_registry().vendors[vendor].lane != "media"


# ---- what is sent


def _takes(*names: str) -> Callable[[Rig], None]:
    """Such an order is accepted by a strict vendor with every picture in it, paid once, and ends with a result."""

    def check(rig: Rig) -> None:
        request = asked_for(rig.provider.name, *names)
        bodies: list[bytes] = []
        if rig.simulator is not None:
            rig.simulator.generation_seconds = 0.0
            _meddled(rig).spoil(
                SUBMIT, lambda meeting: (bodies.append(meeting.request.body), meeting.answer())[1], None
            )
        order = order_for(rig.provider, request)
        operation = rig.provider.submit(request, order)
        sent = b"".join(bodies) or json.dumps(order.request).encode()
        pictures = [*filter(None, (request.image, request.last_image)), *request.references]
        assert all(_is_in(picture, sent) for picture in pictures), f"not all of {len(pictures)} pictures were sent"
        assert rig.paid is None or rig.paid() == 1
        if rig.simulator is None:
            assert rig.provider.poll(operation.id, order).id == operation.id
        else:
            assert _ended(rig, operation.id, order).status is OperationStatus.SUCCEEDED

    return check


def _is_in(picture: Picture, sent: bytes) -> bool:
    ways = (picture.data, base64.b64encode(picture.data), hashlib.sha256(picture.data).hexdigest().encode())
    return any(way in sent for way in ways)


def _can_be_cancelled(rig: Rig) -> None:
    request = asked_for(rig.provider.name)
    order = order_for(rig.provider, request)
    operation = rig.provider.submit(request, order)
    first, again = (rig.provider.cancel(operation.id, order) for _ in range(2))
    assert first in (CancelOutcome.STOPPED, CancelOutcome.ASKED)
    assert again is not CancelOutcome.IMPOSSIBLE
    assert rig.paid is None or rig.paid() == 1


# ---- what goes wrong


def _a_lost_answer(rig: Rig) -> None:
    """It is unknown, not failed; asking finds this very order or cannot tell, never says no, and orders nothing."""
    request, more = asked_for(rig.provider.name), _told(rig, "lost")
    if rig.simulator is not None:
        rig.simulator.generation_seconds = 0.0
    order = order_for(rig.provider, request, **more)
    with pytest.raises(Unknown):
        rig.provider.submit(request, order)
    end, found = time.monotonic() + ENDED_WITHIN_SECONDS, rig.provider.find(order)
    while found is CannotAsk.NOT_YET and rig.provider.name == "vertex" and time.monotonic() < end:
        time.sleep(0.02)  # its film lies in the bucket a moment later
        found = rig.provider.find(order)
    assert isinstance(found, Operation | CannotAsk), found
    assert rig.paid is None or rig.paid() == 1
    if isinstance(found, Operation):
        assert rig.provider.poll(found.id, order).id == found.id


def _a_filtered_clip(rig: Rig) -> None:
    """The vendor's content check is told as such."""
    request, more = asked_for(rig.provider.name), _told(rig, "filtered")
    order = order_for(rig.provider, request, **more)
    if rig.simulator is None:
        with pytest.raises(Refused) as told:
            rig.provider.submit(request, order)
        assert told.value.code == "content_policy"
        return
    rig.simulator.generation_seconds = 0.0
    ended = _ended(rig, rig.provider.submit(request, order).id, order)
    assert (ended.status, ended.error_code) == (OperationStatus.FAILED, "content_policy")


def _a_retired_model(rig: Rig) -> None:
    refused = _refused(rig, "retired", Refused)
    assert isinstance(refused, Refused)
    assert (refused.code, refused.retired, refused.pauses) == ("model_retired", True, False)


def _no_credit(rig: Rig) -> None:
    refused = _refused(rig, "no_credit", Refused)
    assert isinstance(refused, Refused)
    assert (refused.code, refused.pauses) == ("provider_credit_exhausted", True)


def _too_many_requests(rig: Rig) -> None:
    later = _refused(rig, "rate_limited", Transient)
    assert isinstance(later, Transient)
    assert (later.code, later.counts) == ("rate_limited", False)
    assert later.retry_after


def _garbage(rig: Rig) -> None:
    """No answer makes an order known that is not, or raises what is not in the contract."""
    request = asked_for(rig.provider.name)
    meddler = _meddled(rig)
    order = order_for(rig.provider, request)
    operation = rig.provider.submit(request, order)
    for name in GARBAGE:
        meddler.spoil(LOOK, _answered(name), None)
        with contextlib.suppress(Transient):
            assert rig.provider.poll(operation.id, order).id == operation.id, name
        meddler.spoil(SUBMIT, _answered(name), None)
        lost = order_for(rig.provider, request)
        with contextlib.suppress(Unknown):
            # Only an answer that has the order's own id in it may be taken for one.
            assert rig.provider.submit(request, lost).id, name
            assert name in ("wrong types", "odd numbers"), name
    assert rig.paid is not None
    assert rig.paid() == 1 + len(GARBAGE)


def _answered(name: str) -> Callable[[Meeting], Reply]:
    return lambda meeting: STRANGE[name](meeting.answer())


def _refused(rig: Rig, what: str, kind: type[Exception]) -> Exception:
    """What the paid request raises; nothing was taken."""
    request, more = asked_for(rig.provider.name), _told(rig, what)
    with pytest.raises(kind) as told:
        rig.provider.submit(request, order_for(rig.provider, request, **more))
    assert rig.paid is None or rig.paid() == 0
    return told.value


def _told(rig: Rig, what: str) -> dict[str, Any]:
    """Have the vendor misbehave so; what the order itself must carry for it."""
    name, more = WORDS.get(rig.provider.name, {}).get(what) or USUAL[what]
    if rig.simulator is None:
        return {"fault": name}
    rig.simulator.faults.add(name, **more)
    return {}


def _ended(rig: Rig, operation_id: str, order: Order) -> Operation:
    end = time.monotonic() + ENDED_WITHIN_SECONDS
    while (seen := rig.provider.poll(operation_id, order)).status is OperationStatus.RUNNING:
        assert time.monotonic() < end, seen
        time.sleep(0.01)
    return seen


def _meddled(rig: Rig) -> Meddler:
    return Meddler(rig.simulator, PAID_VENDORS[rig.provider.name].phase, lambda phase, _: phase)


def _source(*names: str) -> Callable[[str], bool]:
    return lambda vendor: taking(vendor, *names) is not None


CELLS: dict[str, Cell] = {
    each.name: each
    for each in (
        Cell(name="text", offered=_source(), check=_takes()),
        Cell(name="image", offered=_source("image"), check=_takes("image")),
        Cell(name="last frame", offered=_source("image", "last_image"), check=_takes("image", "last_image")),
        Cell(name="references", offered=_source("references"), check=_takes("references")),
        Cell(name="cancel", offered=lambda vendor: load_registry().vendors[vendor].cancel, check=_can_be_cancelled),
        Cell(name="lost answer", offered=lambda _: True, check=_a_lost_answer),
        Cell(name="filtered", offered=lambda _: True, check=_a_filtered_clip),
        Cell(name="retired", offered=_made_elsewhere, check=_a_retired_model),
        Cell(name="402", offered=_made_elsewhere, check=_no_credit),
        Cell(name="429", offered=lambda _: True, check=_too_many_requests),
        Cell(name="garbage", offered=_made_elsewhere, check=_garbage),
    )
}


def offered() -> Iterator[tuple[str, str]]:
    """Every (vendor, cell) that there is."""
    for vendor in PROVIDERS:
        yield from ((vendor, name) for name, cell in CELLS.items() if cell.offered(vendor))
