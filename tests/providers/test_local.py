"""The local provider: free, and as faulty as it is told to be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.providers.contract import PNG, order_for, settings, wish
from vividflow.errors import Complaints, Refused, Transient, Unknown
from vividflow.providers.base import CancelOutcome, GenerationRequest, Operation, OperationStatus
from vividflow.providers.faults import Fault, FaultName
from vividflow.providers.local import LocalProvider

REQUEST = wish(model="local", provider_model="local")


def local(folder: Path, faults: str = "") -> LocalProvider:
    return LocalProvider(settings(folder, local_faults=faults))


def submit(provider: LocalProvider, request: GenerationRequest = REQUEST, **given: Any) -> Operation:
    return provider.submit(request, order_for(provider, request, **given))


def test_an_order_is_answered_at_once_and_leaves_nothing_behind(tmp_path: Path) -> None:
    provider = local(tmp_path)
    order = order_for(provider, REQUEST)
    operation = provider.submit(REQUEST, order)
    assert (operation.id, operation.status) == (f"local-{order.id}", OperationStatus.RUNNING)
    assert provider.find(order) is None
    assert provider.cancel(operation.id, order) is CancelOutcome.STOPPED
    assert provider.fault_for(order.id) is None
    assert list(tmp_path.iterdir()) == []


def test_pictures_are_prepared_as_their_digest(tmp_path: Path) -> None:
    body = local(tmp_path).prepare(wish(image=PNG))
    assert len(body["image"]) == 64
    assert "last_image" not in body


def test_unreadable_faults_stop_the_start(tmp_path: Path) -> None:
    with pytest.raises(Complaints, match="LOCAL_FAULTS: 'explode' is no fault"):
        local(tmp_path, "explode")


def test_a_lost_acceptance_is_found_again_even_after_a_restart(tmp_path: Path) -> None:
    provider = local(tmp_path, "accept_lost:times=1")
    order = order_for(provider, REQUEST)
    with pytest.raises(Unknown):
        provider.submit(REQUEST, order)
    found = local(tmp_path).find(order)
    assert isinstance(found, Operation)
    assert found.id == f"local-{order.id}"
    assert provider.find(order_for(provider, REQUEST)) is None
    assert submit(provider).status is OperationStatus.RUNNING


def test_a_rate_limit_is_only_a_later(tmp_path: Path) -> None:
    provider = local(tmp_path, "rate_limit:times=1,seconds=3")
    order = order_for(provider, REQUEST)
    with pytest.raises(Transient) as caught:
        provider.submit(REQUEST, order)
    assert (caught.value.retry_after, caught.value.counts) == (3, False)
    assert provider.submit(REQUEST, order).status is OperationStatus.RUNNING


def test_a_content_refusal_is_final_and_free(tmp_path: Path) -> None:
    with pytest.raises(Refused) as caught:
        submit(local(tmp_path, "content"))
    assert caught.value.code == "content_policy"
    assert not caught.value.pauses


@pytest.mark.parametrize("name", ["stall", "late"])
def test_faults_of_the_rendering_are_carried_to_it(tmp_path: Path, name: str) -> None:
    provider = local(tmp_path, f"{name}:seconds=4")
    order = order_for(provider, REQUEST)
    assert provider.submit(REQUEST, order).status is OperationStatus.RUNNING
    assert provider.fault_for(order.id) == provider.fault_for(order.id) == Fault(name=FaultName(name), seconds=4)


def test_only_the_first_rendering_is_spoiled(tmp_path: Path) -> None:
    provider = local(tmp_path, "corrupt")
    order = order_for(provider, REQUEST)
    provider.submit(REQUEST, order)
    assert provider.fault_for(order.id) == Fault(name=FaultName.CORRUPT)
    assert provider.fault_for(order.id) is None


def test_a_job_may_ask_for_its_own_fault(tmp_path: Path) -> None:
    provider = local(tmp_path, "stall")
    order = order_for(provider, REQUEST, fault="content")
    with pytest.raises(Refused, match="content check"):
        provider.submit(REQUEST, order)
    other = order_for(provider, REQUEST)
    provider.submit(REQUEST, other)
    assert provider.fault_for(other.id) == Fault(name=FaultName.STALL)


def test_a_jobs_own_fault_is_known_after_a_restart_too(tmp_path: Path) -> None:
    late = Fault(name=FaultName.LATE, seconds=2)
    assert local(tmp_path).fault_for("an-order-of-before", "late:seconds=2") == late


def test_a_jobs_own_rate_limit_counts_over_its_orders_and_then_ends(tmp_path: Path) -> None:
    provider = local(tmp_path)
    with pytest.raises(Transient):
        submit(provider, fault="rate_limit")
    assert submit(provider, fault="rate_limit").status is OperationStatus.RUNNING
    with pytest.raises(Transient):
        submit(provider, wish(model="local", provider_model="local", seed=8), fault="rate_limit")


def test_a_jobs_unreadable_fault_refuses_that_job_alone(tmp_path: Path) -> None:
    provider = local(tmp_path)
    with pytest.raises(Refused, match="X-Local-Fault: 'explode'"):
        submit(provider, fault="explode")
    assert submit(provider).status is OperationStatus.RUNNING
