"""Orders placed through the Replicate adapter, for the tests of its parts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.providers.contract import PNG, order_for, wish
from tests.simulators.replicate import ReplicateSimulator
from vividflow.errors import Unknown
from vividflow.providers.base import Operation, Order
from vividflow.providers.replicate import ReplicateProvider

IMAGE = wish(provider_model="wan-video/wan-2.2-i2v-fast", image=PNG)


def submitted(provider: ReplicateProvider, **given: Any) -> tuple[Operation, Order]:
    """An order that went well."""
    order = order_for(provider, wish(), **given)
    return provider.submit(wish(), order), order


def lost(provider: ReplicateProvider, simulator: ReplicateSimulator, fault: str, **more: Any) -> Order:
    """An order whose answer never came."""
    simulator.faults.add(fault, **more)
    order = order_for(provider, wish())
    with pytest.raises(Unknown):
        provider.submit(wish(), order)
    return order
