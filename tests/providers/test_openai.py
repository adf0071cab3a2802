"""The order at a server of `/v1/videos`, over real HTTP: sent once whatever happens, and classed rightly."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.providers.conftest import Receiver
from tests.providers.contract import openai_settings
from tests.providers.openai_orders import film, lost, pointed_at, served, submitted
from tests.simulators.openai_videos import KEY, VideosSimulator
from tests.simulators.server import Drip, Endless, Reply, Request, Server, json_reply
from vividflow.errors import Outcome, Refused, Transient, Unknown
from vividflow.providers import openai_place
from vividflow.providers.base import ManyPlaces, OperationStatus
from vividflow.providers.openai_compatible import OpenAIProvider


@pytest.fixture
def server() -> Iterator[VideosSimulator]:
    with served() as simulator:
        yield simulator


@pytest.fixture
def provider(server: VideosSimulator, tmp_path: Path) -> Iterator[OpenAIProvider]:
    with pointed_at(tmp_path, server) as adapter:
        yield adapter


@pytest.mark.parametrize(
    ("fault", "more", "paid"),
    [
        ("accept_then_close", {}, 1),
        ("read_then_close", {}, 0),
        ("half_answer", {}, 1),
        ("html_200", {}, 1),
        ("empty_200", {}, 1),
        ("no_id_200", {}, 1),
        ("redirect", {}, 0),
        *[("error_before", {"status": status}, 0) for status in (408, 409, 425, 500, 502, 503, 504, 418)],
        *[("error_after", {"status": status}, 1) for status in (500, 502, 503, 504)],
    ],
)
def test_an_answer_that_tells_nothing_is_unknown_and_is_never_sent_again(
    server: VideosSimulator, provider: OpenAIProvider, fault: str, more: dict[str, Any], paid: int
) -> None:
    lost(provider, server, fault, **more)
    assert (server.requests, server.paid) == ({"submit": 1}, paid)


@pytest.mark.parametrize(("fault", "paid"), [("read_then_hang", 1), ("hang_unaccepted", 0), ("slow_answer", 1)])
def test_an_answer_that_takes_too_long_is_unknown(
    server: VideosSimulator, provider: OpenAIProvider, monkeypatch: pytest.MonkeyPatch, fault: str, paid: int
) -> None:
    monkeypatch.setattr(openai_place, "SUBMIT_SECONDS", 0.2)
    lost(provider, server, fault, seconds=3600)
    assert (server.requests, server.paid) == ({"submit": 1}, paid)


@pytest.mark.parametrize(
    ("fault", "code", "pauses", "retired"),
    [
        ("unauthorized", "provider_key_refused", True, False),
        ("no_credit", "provider_credit_exhausted", True, False),
        ("forbidden", "provider_forbidden", False, False),
        ("retired", "model_retired", False, True),
        ("invalid", "provider_refused_input", False, False),
        ("content_refused", "content_policy", False, False),
    ],
)
def test_a_certain_refusal_is_one_and_says_what_it_means(
    server: VideosSimulator, provider: OpenAIProvider, fault: str, code: str, pauses: bool, retired: bool
) -> None:
    server.faults.add(fault)
    with pytest.raises(Refused) as caught:
        submitted(provider)
    assert (caught.value.code, caught.value.pauses, caught.value.retired) == (code, pauses, retired)
    assert (server.requests, server.paid) == ({"submit": 1}, 0)


def test_the_servers_reason_is_passed_on_in_either_style(server: VideosSimulator, provider: OpenAIProvider) -> None:
    server.faults.add("invalid")
    with pytest.raises(Refused, match=r"The server “default” refused the input. body.num_frames: Input should be less"):
        submitted(provider)
    with pytest.raises(Refused, match="Unknown parameter: 'seed'"):
        submitted(provider, seed=3)


@pytest.mark.parametrize(("more", "wait"), [({"retry_after": 17}, 17), ({"retry_after": 99999}, 600), ({}, 5)])
def test_a_429_is_a_later_of_the_length_it_says(
    server: VideosSimulator, provider: OpenAIProvider, more: dict[str, Any], wait: float
) -> None:
    server.faults.add("rate_limited", **more)
    with pytest.raises(Transient) as caught:
        submitted(provider)
    assert (caught.value.retry_after, caught.value.counts) == (wait, False)
    assert (server.requests, server.paid) == ({"submit": 1}, 0)


@pytest.mark.parametrize("host", ["http://127.0.0.1:{port}/v1", "http://nowhere.invalid/v1"])
def test_what_was_never_sent_may_be_sent_again(tmp_path: Path, host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pointed_at(tmp_path, openai_base_url=host.format(port=port)) as provider, pytest.raises(Transient) as caught:
        submitted(provider)
    assert (caught.value.code, caught.value.counts) == ("provider_unreachable", True)


@pytest.mark.parametrize("reply", [Endless(body=b"{"), Drip(body=b" " * 1000, seconds=60, pieces=1000)])
def test_an_answer_without_end_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reply: Reply) -> None:
    monkeypatch.setattr("vividflow.providers.openai_line.MOST_BYTES", 100_000)
    monkeypatch.setattr(openai_place, "SUBMIT_SECONDS", 2.0)

    class Babbler(Server):
        def handle(self, request: Request) -> Reply:
            return reply

    babbler = Babbler().start()
    began = time.monotonic()
    with pointed_at(tmp_path, openai_base_url=f"{babbler.url}/v1") as provider, pytest.raises(Unknown):
        submitted(provider)
    assert time.monotonic() - began < 20
    babbler.stop()


@pytest.mark.parametrize("fault", ["unauthorized", "invalid", "error_after", "accept_then_close", "redirect"])
def test_no_error_carries_the_key(server: VideosSimulator, provider: OpenAIProvider, fault: str) -> None:
    server.faults.add(fault)
    with pytest.raises(Outcome) as caught:
        submitted(provider)
    error: BaseException | None = caught.value
    while error is not None:
        assert KEY not in f"{error!r} {error}"
        error = error.__cause__


def test_a_redirect_never_takes_the_key_along(
    server: VideosSimulator, provider: OpenAIProvider, receiver: Receiver
) -> None:
    server.faults.add("redirect", to=f"{receiver.url}/v1/videos")
    with pytest.raises(Unknown):
        submitted(provider)
    assert receiver.got == []


def test_the_environment_neither_redirects_nor_signs_requests(
    server: VideosSimulator, provider: OpenAIProvider, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", receiver.url)
    monkeypatch.delenv("NO_PROXY", raising=False)
    submitted(provider)
    assert receiver.got == []


def test_an_id_is_kept_as_it_is_behind_its_servers_name(tmp_path: Path) -> None:
    asked: list[str] = []

    class Odd(Server):
        def handle(self, request: Request) -> Reply:
            asked.append(request.path)
            return json_reply({"id": "video_bGl0ZWxsbTo=/+ä", "status": "queued"})

    odd = Odd().start()
    with pointed_at(tmp_path, openai_base_url=f"litellm+{odd.url}/v1") as provider:
        operation, order = submitted(provider)
        assert operation.id == "default/video_bGl0ZWxsbTo=/+ä"
        assert provider.poll(operation.id, order).status is OperationStatus.RUNNING
    assert asked == ["/v1/videos", "/v1/videos/video_bGl0ZWxsbTo=/+ä"]
    odd.stop()


# ---- several servers


def test_two_servers_stand_side_by_side_and_neither_learns_the_others_key(tmp_path: Path) -> None:
    with served("openai") as first, served("vllm_omni", key="sk-of-the-second") as second:
        with pointed_at(tmp_path, first, second) as provider:
            assert isinstance(provider, ManyPlaces)
            here, _ = submitted(provider)
            there, order = submitted(provider, provider_model="vllm_omni/wan")
            assert (first.paid, second.paid) == (1, 1)
            assert there.id.startswith("vllm_omni/")
            assert provider.poll(there.id, order).status is OperationStatus.SUCCEEDED
            for place, one in (("default", first), ("vllm_omni", second)):
                at = provider.at(f"{place}/wan")
                assert at.result_headers() == {"Authorization": f"Bearer {one.key}"}
                assert at.own_netlocs() == (f"127.0.0.1:{one.port}",)
            assert (provider.result_headers(), provider.result_hosts()) == ({}, ())
            assert len(provider.own_netlocs()) == 2
        assert set(first.authorizations) == {f"Bearer {KEY}"}
        assert set(second.authorizations) == {"Bearer sk-of-the-second"}
        assert here.id != there.id


def test_a_server_without_a_key_is_sent_no_authorization(tmp_path: Path) -> None:
    with served() as first, served("sglang", key=None) as second:
        with pointed_at(tmp_path, first, second) as provider:
            submitted(provider, provider_model="sglang/wan")
        assert set(second.authorizations) == {None}


@pytest.mark.parametrize("fault", ["unauthorized", "no_credit"])
def test_a_refused_key_is_one_servers_own_and_the_others_take_orders(tmp_path: Path, fault: str) -> None:
    with served() as first, served("sglang") as second:
        first.faults.add(fault)
        with pointed_at(tmp_path, first, second) as provider:
            with pytest.raises(Refused) as caught:
                submitted(provider)
            assert caught.value.pauses
            submitted(provider, provider_model="sglang/wan")


def test_a_server_that_was_taken_out_of_the_settings_is_waited_for(tmp_path: Path) -> None:
    with served() as first:
        with pointed_at(tmp_path, first) as provider:
            operation, order = submitted(provider)
        with pointed_at(tmp_path, openai_servers="den=http://127.0.0.1:9/v1") as other:
            for act in (other.poll, other.cancel):
                with pytest.raises(Transient, match="“default” is not set up here just now"):
                    act(operation.id, order)
            with pytest.raises(Transient):
                other.find(order)
            for refused in (lambda: other.prepare(film()), lambda: other.submit(film(), order)):
                with pytest.raises(Refused):
                    refused()


# ---- models without a row


def test_any_name_on_a_server_is_a_model_and_takes_what_its_dialect_takes(tmp_path: Path) -> None:
    given = "den=sglang+http://a:1/v1;lab=vllm_omni+http://b:1/v1;shop=https://c.example/v1"
    provider = OpenAIProvider(openai_settings(tmp_path, openai_servers=given))
    den, shop = provider.model("den/Wan-AI/Wan2.2-T2V-A14B-Diffusers"), provider.model("shop/x")
    assert (den.id, den.kind) == ("openai/den/Wan-AI/Wan2.2-T2V-A14B-Diffusers", "video")
    assert den.takes == {"image", "seed", "negative_prompt", "steps", "cfg"}
    assert provider.model("lab/x").takes == den.takes | {"audio"}
    assert (shop.takes, shop.limits.seed_max, shop.limits.cfg, shop.limits.steps) == ({"image"}, None, None, None)
    assert (den.limits.duration_range, den.limits.default_duration) == ((1, 60), 4)
    (route,) = den.routes
    assert (route.provider, route.text, route.image) == ("openai", "den/Wan-AI/Wan2.2-T2V-A14B-Diffusers", route.text)
    assert (route.prices[0].usd, route.price_source) == (0, "your own server")


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("attic/wan", "no server called “attic” here. There are: den."),
        ("den", "openai/den/<name>"),
        ("den/a b", "named"),
    ],
)
def test_a_name_that_leads_nowhere_is_refused(tmp_path: Path, name: str, told: str) -> None:
    provider = OpenAIProvider(openai_settings(tmp_path, openai_servers="den=http://a:1/v1"))
    with pytest.raises(Refused, match=told) as caught:
        provider.model(name)
    assert caught.value.code == "model_not_found"
