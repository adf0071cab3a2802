"""What every provider must keep, whatever its vendor does: `CHECKS` run for each row of the catalog (test_contract.py).

A new vendor adds a rig: its adapter on its simulator, and a model to order.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.simulators.gemini import KEY as GEMINI_KEY
from tests.simulators.gemini import GeminiSimulator
from tests.simulators.kling import API_KEY as KLING_KEY
from tests.simulators.kling import KlingSimulator
from tests.simulators.openai_videos import VideosSimulator
from tests.simulators.replicate import TOKEN, ReplicateSimulator
from tests.simulators.vertex import PROJECT, VertexSimulator
from tests.simulators.vertex import TOKEN as ACCESS_TOKEN
from vividflow import timing
from vividflow.config import Settings
from vividflow.providers.base import (
    CancelOutcome,
    CannotAsk,
    Film,
    GenerationRequest,
    Operation,
    OperationStatus,
    Order,
    Picture,
    Provider,
)
from vividflow.providers.catalog import PROVIDERS
from vividflow.providers.registry import load_registry

PNG = Picture(data=b"\x89PNG\r\n\x1a\n" + bytes(500), mime="image/png", width=640, height=360)


def settings(data_dir: Path, **given: Any) -> Settings:
    """Settings that read no file."""
    return Settings.from_environment(env_file=None, data_dir=data_dir, **given)


def replicate_settings(url: str, data_dir: Path, **given: Any) -> Settings:
    """Settings that point Replicate at `url`."""
    return settings(data_dir, replicate_api_token=TOKEN, replicate_base_url=url, **given)


def kling_settings(url: str, data_dir: Path, **given: Any) -> Settings:
    """Settings that point Kling at `url`; with an API key unless `given` names another way in."""
    key = {} if "kling_access_key" in given else {"kling_api_key": KLING_KEY}
    return settings(
        data_dir, **{"kling_base_url": url, "kling_access_key": None, "kling_secret_key": None} | key | given
    )


def gemini_settings(url: str, data_dir: Path, **given: Any) -> Settings:
    """Settings that point Gemini at `url`."""
    return settings(data_dir, gemini_api_key=GEMINI_KEY, google_gemini_base_url=url, **given)


def openai_settings(data_dir: Path, *servers: VideosSimulator, **given: Any) -> Settings:
    """Settings with these servers: the first is `default`, the others are called by their dialects."""
    plain: dict[str, Any] = {}
    if servers:
        plain = {"openai_base_url": f"{servers[0].dialect}+{servers[0].base}", "openai_api_key": servers[0].key}
        plain["openai_servers"] = ";".join(f"{each.dialect}={each.dialect}+{each.base}" for each in servers[1:])
        plain["openai_server_keys"] = ";".join(f"{each.dialect}={each.key}" for each in servers[1:] if each.key)
    return settings(data_dir, **plain | given)


def vertex_settings(url: str, data_dir: Path, **given: Any) -> Settings:
    """Settings that point Vertex and its bucket at `url`."""
    plain: dict[str, Any] = {
        "google_cloud_project": PROJECT,
        "google_oauth_access_token": ACCESS_TOKEN,
        "google_vertex_base_url": url,
        "storage_emulator_host": url,
        "vertex_output_uri": "gs://films/veo",
    }
    return settings(data_dir, **plain | given)


def veo(**given: Any) -> GenerationRequest:
    """A request for Veo 3.1 without a picture, changed by `given`."""
    plain = {"model": "veo3.1", "provider_model": "veo-3.1-generate-001", "duration": 8, "resolution": "720p"}
    return wish(**plain | {"audio": True} | given)


def wish(**given: Any) -> GenerationRequest:
    """A request for the model of `wan2.2` without a picture, changed by `given`."""
    plain: dict[str, Any] = {
        "model": "wan2.2",
        "provider_model": "wan-video/wan-2.2-t2v-fast",
        "prompt": "a lighthouse at dawn",
        "duration": 5,
        "resolution": "480p",
        "aspect_ratio": "16:9",
        "seed": 7,
    }
    return GenerationRequest(**plain | given)


def order_for(provider: Provider, request: GenerationRequest, **given: Any) -> Order:
    """A fresh order for a request, prepared as the lifecycle does it."""
    plain: dict[str, Any] = {
        "id": timing.new_id(),
        "token": timing.new_id(),
        "intent_at": timing.now(),
        "provider_model": request.provider_model,
    }
    plain |= given
    if "request" not in plain:
        plain["request"] = provider.prepare(request)
    return Order(**plain)


def clip_by_kling(**given: Any) -> GenerationRequest:
    """A request for Kling 3 without a picture, changed by `given`."""
    plain: dict[str, Any] = {"model": "kling3", "provider_model": "text2video/kling-v3", "resolution": "720p"}
    return wish(**plain | {"seed": None} | given)


def another(request: GenerationRequest, number: int) -> GenerationRequest:
    """The same request but for its seed, or its prompt where the model takes no seed."""
    if request.seed is not None:
        return replace(request, seed=number)
    return replace(request, prompt=f"{request.prompt}, take {number}")


@dataclass(frozen=True, kw_only=True)
class Rig:
    """One vendor ready to be ordered from; `paid` is how many orders it has taken, where that can be known.

    `simulator` is what stands for the vendor, None for what is made here.
    """

    provider: Provider
    request: GenerationRequest
    paid: Callable[[], int] | None = None
    simulator: Any = None


@contextmanager
def _local(folder: Path) -> Iterator[Rig]:
    provider = PROVIDERS["local"].build(settings(folder))
    yield Rig(provider=provider, request=wish(model="local", provider_model="local", audio=True))


@contextmanager
def _replicate(folder: Path) -> Iterator[Rig]:
    simulator = ReplicateSimulator(generation_seconds=60).start()
    provider = PROVIDERS["replicate"].build(replicate_settings(simulator.url, folder))
    yield Rig(provider=provider, request=wish(), paid=lambda: simulator.paid, simulator=simulator)
    provider.close()  # pyright: ignore[reportAttributeAccessIssue]
    simulator.stop()


@contextmanager
def _kling(folder: Path) -> Iterator[Rig]:
    simulator = KlingSimulator(generation_seconds=60).start()
    provider = PROVIDERS["kling"].build(kling_settings(simulator.url, folder))
    yield Rig(provider=provider, request=clip_by_kling(), paid=lambda: simulator.paid, simulator=simulator)
    provider.close()  # pyright: ignore[reportAttributeAccessIssue]
    simulator.stop()


@contextmanager
def _gemini(folder: Path) -> Iterator[Rig]:
    simulator = GeminiSimulator(generation_seconds=60).start()
    provider = PROVIDERS["gemini"].build(gemini_settings(simulator.url, folder))
    request = wish(model="omni1.2", provider_model="gemini-omni-1.2-flash", resolution="720p")
    yield Rig(provider=provider, request=request, paid=lambda: simulator.paid, simulator=simulator)
    provider.close()  # pyright: ignore[reportAttributeAccessIssue]
    simulator.stop()


@contextmanager
def _openai(folder: Path) -> Iterator[Rig]:
    simulator = VideosSimulator(dialect="vllm_omni", generation_seconds=60).start()
    provider = PROVIDERS["openai"].build(openai_settings(folder, simulator))
    request = wish(model="openai/default/wan", provider_model="default/wan")
    yield Rig(provider=provider, request=request, paid=lambda: simulator.paid, simulator=simulator)
    provider.close()  # pyright: ignore[reportAttributeAccessIssue]
    simulator.stop()


@contextmanager
def _vertex(folder: Path) -> Iterator[Rig]:
    simulator = VertexSimulator(generation_seconds=60).start()
    provider = PROVIDERS["vertex"].build(vertex_settings(simulator.url, folder))
    yield Rig(provider=provider, request=veo(), paid=lambda: simulator.paid, simulator=simulator)
    provider.close()  # pyright: ignore[reportAttributeAccessIssue]
    simulator.stop()


RIGS: dict[str, Callable[[Path], AbstractContextManager[Rig]]] = {
    "local": _local,
    "replicate": _replicate,
    "gemini": _gemini,
    "vertex": _vertex,
    "kling": _kling,
    "openai": _openai,
}


def preparing_is_free_and_may_be_repeated(rig: Rig) -> None:
    """What will be sent is plain JSON, equal each time, and nothing is ordered by it."""
    for request in (rig.request, another(rig.request, 8)):
        first, again = rig.provider.prepare(request), rig.provider.prepare(request)
        assert first == again == json.loads(json.dumps(first))
        assert not rig.provider.uploads(request)
    assert rig.provider.prepare(rig.request) != rig.provider.prepare(another(rig.request, 8))
    assert rig.paid is None or rig.paid() == 0


def an_order_gets_an_id_and_can_be_looked_at(rig: Rig) -> None:
    """One submit, one payment, and a look that finds it."""
    order = order_for(rig.provider, rig.request)
    operation = rig.provider.submit(rig.request, order)
    assert operation.id
    assert operation.status is OperationStatus.RUNNING
    assert rig.provider.poll(operation.id, order).id == operation.id
    assert rig.paid is None or rig.paid() == 1


def asking_for_an_order_never_orders(rig: Rig) -> None:
    """`find` answers with one of its three kinds, and changes nothing."""
    order = order_for(rig.provider, rig.request)
    found = rig.provider.find(order)
    assert found is None or isinstance(found, Operation | CannotAsk)
    assert rig.paid is None or rig.paid() == 0


def an_operation_of_another_order_is_not_adopted(rig: Rig) -> None:
    """What is bound elsewhere is not found a second time."""
    order = order_for(rig.provider, rig.request)
    operation = rig.provider.submit(rig.request, order)
    second = order_for(rig.provider, rig.request, bound=frozenset({operation.id}))
    assert not isinstance(rig.provider.find(second), Operation)


def a_cancel_says_what_it_brought(rig: Rig) -> None:
    """An outcome, not an exception; and it may be repeated."""
    order = order_for(rig.provider, rig.request)
    operation = rig.provider.submit(rig.request, order)
    first, again = (rig.provider.cancel(operation.id, order) for _ in range(2))
    assert {first, again} <= set(CancelOutcome)


def the_key_goes_to_named_hosts_only(rig: Rig) -> None:
    """Result headers come with the hosts that may have them, and are in no text."""
    provider = rig.provider
    assert all(isinstance(each, str) and each for each in (*provider.result_hosts(), *provider.own_netlocs()))
    assert all(":" in each for each in provider.own_netlocs())
    if provider.result_headers():
        assert provider.own_netlocs()
    for value in provider.result_headers().values():
        assert value not in repr(provider) + json.dumps(provider.prepare(rig.request))


def many_threads_may_order_at_once(rig: Rig) -> None:
    """Sixteen orders from eight threads are sixteen operations."""

    def one(number: int) -> str:
        request = another(rig.request, number)
        return rig.provider.submit(request, order_for(rig.provider, request)).id

    with ThreadPoolExecutor(8) as hands:
        ids = list(hands.map(one, range(16)))
    assert len(set(ids)) == 16
    assert rig.paid is None or rig.paid() == 16


def a_video_goes_on_where_the_registry_says_so(rig: Rig) -> None:
    """The model takes the video as the registry allows it; its bytes stay out of what is kept, and it is paid once."""
    model = next((each for each in load_registry().models if each.id == rig.request.model), None)
    if model is None or model.limits.extend is None:
        return
    data, extend = b"\0\0\0\x18ftypisom" + bytes(2000), model.limits.extend
    sha256 = hashlib.sha256(data).hexdigest()
    film = Film(sha256=sha256, mime="video/mp4", size=len(data), read=lambda: data)
    request = replace(rig.request, extend=film, duration=extend.adds[0])
    order = order_for(rig.provider, request)
    assert len(json.dumps(order.request)) < 2000
    assert order.request != rig.provider.prepare(replace(request, extend=None))
    assert rig.provider.submit(request, order).status is OperationStatus.RUNNING
    assert rig.paid is None or rig.paid() == 1


CHECKS: tuple[Callable[[Rig], None], ...] = (
    preparing_is_free_and_may_be_repeated,
    an_order_gets_an_id_and_can_be_looked_at,
    asking_for_an_order_never_orders,
    an_operation_of_another_order_is_not_adopted,
    a_cancel_says_what_it_brought,
    the_key_goes_to_named_hosts_only,
    many_threads_may_order_at_once,
    a_video_goes_on_where_the_registry_says_so,
)
