"""Orders placed through the Gemini adapter, for the tests of its parts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.providers.contract import order_for, wish
from tests.simulators.gemini import GeminiSimulator
from vividflow.errors import Unknown
from vividflow.providers.base import GenerationRequest, Operation, Order
from vividflow.providers.gemini import GeminiProvider


def omni(**given: Any) -> GenerationRequest:
    """A request for `omni1.2` without a picture, changed by `given`."""
    plain = {"model": "omni1.2", "provider_model": "gemini-omni-1.2-flash", "resolution": "720p"}
    return wish(**plain | given)


def submitted(provider: GeminiProvider, **given: Any) -> tuple[Operation, Order]:
    """An order that went well."""
    order = order_for(provider, omni(), **given)
    return provider.submit(omni(), order), order


def lost(provider: GeminiProvider, simulator: GeminiSimulator, fault: str, **more: Any) -> Order:
    """An order whose answer never came."""
    simulator.faults.add(fault, **more)
    order = order_for(provider, omni())
    with pytest.raises(Unknown):
        provider.submit(omni(), order)
    return order
