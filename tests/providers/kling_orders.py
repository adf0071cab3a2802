"""Orders placed through the Kling adapter, for the tests of its parts."""

from __future__ import annotations

from typing import Any

import pytest

from tests.providers.contract import clip_by_kling, order_for
from tests.simulators.kling import KlingSimulator
from tests.simulators.kling_pictures import png
from vividflow.errors import Unknown
from vividflow.providers.base import GenerationRequest, Operation, Order, Picture
from vividflow.providers.kling import KlingProvider


def picture(width: int = 640, height: int = 360, mime: str = "image/png") -> Picture:
    """A real picture of that size."""
    return Picture(data=png(width, height), mime=mime, width=width, height=height)


def from_picture(**given: Any) -> GenerationRequest:
    """A request for Kling 3 that starts from a picture."""
    return clip_by_kling(**{"provider_model": "image2video/kling-v3", "image": picture()} | given)


def submitted(
    provider: KlingProvider, request: GenerationRequest | None = None, **given: Any
) -> tuple[Operation, Order]:
    """An order that went well."""
    asked = request or clip_by_kling()
    order = order_for(provider, asked, **given)
    return provider.submit(asked, order), order


def lost(provider: KlingProvider, simulator: KlingSimulator, fault: str, **more: Any) -> Order:
    """An order whose answer never came, or said nothing."""
    simulator.faults.add(fault, **more)
    order = order_for(provider, clip_by_kling())
    with pytest.raises(Unknown):
        provider.submit(clip_by_kling(), order)
    return order
