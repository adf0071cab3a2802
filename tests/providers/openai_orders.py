"""Orders placed with simulated servers of `/v1/videos`, for the tests of the adapter's parts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.providers.contract import openai_settings, order_for, wish
from tests.simulators.openai_videos import VideosSimulator
from vividflow.errors import Unknown
from vividflow.providers.base import GenerationRequest, Operation, Order
from vividflow.providers.openai_compatible import OpenAIProvider

DIALECTS = ("openai", "sglang", "vllm_omni", "litellm")


def film(**given: Any) -> GenerationRequest:
    """A request for a model of the server called `default`."""
    plain: dict[str, Any] = {"model": "openai/default/wan", "provider_model": "default/wan", "seed": None}
    return wish(**plain | given)


@contextmanager
def served(dialect: str = "openai", **given: Any) -> Iterator[VideosSimulator]:
    """A server of that kind."""
    server = VideosSimulator(dialect=dialect, movie=b"a film", **given).start()
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def pointed_at(folder: Path, *servers: VideosSimulator, **given: Any) -> Iterator[OpenAIProvider]:
    """The adapter, with a certain no after no rest at all."""
    adapter = OpenAIProvider(openai_settings(folder, *servers, **given), certain_no_seconds=0.0)
    try:
        yield adapter
    finally:
        adapter.close()


def submitted(provider: OpenAIProvider, **given: Any) -> tuple[Operation, Order]:
    """An order that went well."""
    request = film(**given)
    order = order_for(provider, request)
    return provider.submit(request, order), order


def lost(provider: OpenAIProvider, simulator: VideosSimulator, fault: str, **more: Any) -> Order:
    """An order whose answer never came."""
    simulator.faults.add(fault, **more)
    order = order_for(provider, film())
    with pytest.raises(Unknown):
        provider.submit(film(), order)
    return order
