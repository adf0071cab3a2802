"""The paid POST through Google's client, over real HTTP: sent once whatever happens, and classed rightly."""

from __future__ import annotations

import base64
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.providers.conftest import Clock, Receiver
from tests.providers.contract import PNG, gemini_settings, order_for
from tests.providers.gemini_orders import lost, omni, submitted
from tests.simulators.gemini import KEY, GeminiSimulator
from tests.simulators.server import Drip, Endless, Reply, Request, Server
from vividflow.errors import Outcome, Refused, Transient, Unknown
from vividflow.providers import gemini as adapter
from vividflow.providers.base import CannotAsk
from vividflow.providers.gemini import GeminiProvider


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
    gemini: GeminiSimulator, omni_provider: GeminiProvider, fault: str, more: dict[str, Any], paid: int
) -> None:
    order = lost(omni_provider, gemini, fault, **more)
    assert (gemini.requests, gemini.paid) == ({"submit": 1}, paid)
    assert omni_provider.find(order) is CannotAsk.NEVER
    assert gemini.requests == {"submit": 1}


@pytest.mark.parametrize(("fault", "paid"), [("read_then_hang", 1), ("hang_unaccepted", 0), ("slow_answer", 1)])
def test_an_answer_that_takes_too_long_is_unknown(
    gemini: GeminiSimulator, omni_provider: GeminiProvider, monkeypatch: pytest.MonkeyPatch, fault: str, paid: int
) -> None:
    monkeypatch.setattr(adapter, "SUBMIT_SECONDS", 0.3)
    lost(omni_provider, gemini, fault, seconds=3600)
    assert (gemini.requests, gemini.paid) == ({"submit": 1}, paid)


@pytest.mark.parametrize(
    ("fault", "code", "pauses", "retired"),
    [
        ("unauthorized", "provider_key_refused", True, False),
        ("wrong_key", "provider_key_refused", True, False),
        ("no_credit", "provider_credit_exhausted", True, False),
        ("forbidden", "provider_forbidden", False, False),
        ("retired", "model_retired", False, True),
        ("invalid", "provider_refused_input", False, False),
        ("content_refused", "content_policy", False, False),
    ],
)
def test_a_certain_refusal_is_one_and_says_what_it_means(
    gemini: GeminiSimulator, omni_provider: GeminiProvider, fault: str, code: str, pauses: bool, retired: bool
) -> None:
    gemini.faults.add(fault)
    with pytest.raises(Refused) as caught:
        submitted(omni_provider)
    assert (caught.value.code, caught.value.pauses, caught.value.retired) == (code, pauses, retired)
    assert (gemini.requests, gemini.paid) == ({"submit": 1}, 0)


def test_a_model_that_is_gone_is_retired(gemini: GeminiSimulator, omni_provider: GeminiProvider) -> None:
    request = omni(provider_model="gemini-omni-flash-preview")
    with pytest.raises(Refused) as caught:
        omni_provider.submit(request, order_for(omni_provider, request))
    assert (caught.value.code, caught.value.retired) == ("model_retired", True)


@pytest.mark.parametrize(
    ("fault", "more", "wait"),
    [
        ("rate_limited", {"retry_after": 17}, 17),
        ("rate_limited", {"retry_after": 99999}, 600),
        ("rate_limited", {}, 5),
        ("rate_limited_in_body", {}, 37),
        ("rate_limited_in_body", {"delay": "1.5s"}, 1.5),
        ("rate_limited_in_body", {"delay": "soons"}, 5),
    ],
)
def test_a_429_is_a_later_of_the_length_it_says(
    gemini: GeminiSimulator, omni_provider: GeminiProvider, fault: str, more: dict[str, Any], wait: float
) -> None:
    gemini.faults.add(fault, **more)
    with pytest.raises(Transient) as caught:
        submitted(omni_provider)
    assert (caught.value.retry_after, caught.value.counts) == (wait, False)
    assert (gemini.requests, gemini.paid) == ({"submit": 1}, 0)


@pytest.mark.parametrize("host", ["127.0.0.1", "nowhere.invalid"])
def test_what_was_never_sent_may_be_sent_again(tmp_path: Path, host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    provider = GeminiProvider(gemini_settings(f"http://{host}:{port}", tmp_path))
    with pytest.raises(Transient) as caught:
        submitted(provider)
    assert (caught.value.code, caught.value.counts) == ("provider_unreachable", True)
    provider.close()


class Odd(Server):
    """Answers everything with one reply."""

    def __init__(self, reply: Reply) -> None:
        super().__init__()
        self.reply = reply

    def handle(self, request: Request) -> Reply:
        return self.reply


@pytest.mark.parametrize(
    "reply",
    [
        Endless(body=b"{"),
        Drip(body=b" " * 1000, seconds=60, pieces=1000),
        Reply(body=b'{"id": "v1_x"}', headers={"Content-Encoding": "gzip", "Content-Type": "application/json"}),
    ],
    ids=["endless", "dripping", "said to be gzip"],
)
def test_an_answer_without_end_or_that_cannot_be_unpacked_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reply: Reply
) -> None:
    monkeypatch.setattr("vividflow.providers.google_line.MOST_BYTES", 100_000)
    monkeypatch.setattr(adapter, "SUBMIT_SECONDS", 1.0)
    server = Odd(reply).start()
    provider = GeminiProvider(gemini_settings(server.url, tmp_path))
    with pytest.raises(Unknown):
        submitted(provider)
    provider.close()
    server.stop()


@pytest.mark.parametrize("fault", ["unauthorized", "invalid", "error_after", "accept_then_close", "redirect"])
def test_no_error_carries_the_key(gemini: GeminiSimulator, omni_provider: GeminiProvider, fault: str) -> None:
    gemini.faults.add(fault)
    with pytest.raises(Outcome) as caught:
        submitted(omni_provider)
    error: BaseException | None = caught.value
    while error is not None:
        assert KEY not in f"{error!r} {error}"
        error = error.__cause__


def test_a_redirect_never_takes_the_key_along(
    gemini: GeminiSimulator, omni_provider: GeminiProvider, receiver: Receiver
) -> None:
    gemini.faults.add("redirect", to=f"{receiver.url}/elsewhere")
    with pytest.raises(Unknown):
        submitted(omni_provider)
    assert receiver.got == []


def test_the_order_says_all_that_was_asked_for(gemini: GeminiSimulator, omni_provider: GeminiProvider) -> None:
    _, order = submitted(omni_provider, callback_url="https://video.example.com/api/callbacks/gemini/tok")
    (sent,) = gemini.submitted
    assert sent == {
        "model": "gemini-omni-1.2-flash",
        "input": [{"type": "user_input", "content": [{"type": "text", "text": "a lighthouse at dawn"}]}],
        "generation_config": {"video_config": {"task": "text_to_video"}, "seed": 7},
        "response_format": {
            "type": "video", "aspect_ratio": "16:9", "duration": "5s", "resolution": "720p", "delivery": "uri",
        },
        "background": True,
        "store": True,
        "labels": {"order": order.id},
        "webhook_config": {
            "uris": ["https://video.example.com/api/callbacks/gemini/tok"],
            "user_metadata": {"order": order.id, "token": order.token},
        },
    }  # fmt: skip


def test_without_an_address_no_callback_is_asked_for(gemini: GeminiSimulator, omni_provider: GeminiProvider) -> None:
    submitted(omni_provider)
    assert "webhook_config" not in gemini.submitted[0]


LAST, THIRD = replace(PNG, data=PNG.data + b"last"), replace(PNG, data=PNG.data + b"third", mime="image/jpeg")


@pytest.mark.parametrize(
    ("given", "task", "sent"),
    [
        ({"image": PNG}, "image_to_video", [PNG]),
        ({"image": PNG, "last_image": LAST}, "image_to_video", [PNG, LAST]),
        ({"references": (PNG, LAST, THIRD)}, "reference_to_video", [PNG, LAST, THIRD]),
    ],
)
def test_pictures_are_sent_as_bytes_in_their_order_and_kept_as_hashes(
    gemini: GeminiSimulator, omni_provider: GeminiProvider, given: dict[str, Any], task: str, sent: list[Any]
) -> None:
    request = omni(**given)
    order = order_for(omni_provider, request)
    omni_provider.submit(request, order)
    body = gemini.submitted[0]
    images = [part for part in body["input"][0]["content"] if part["type"] == "image"]
    assert [(base64.b64decode(each["data"]), each["mime_type"]) for each in images] == [(p.data, p.mime) for p in sent]
    assert body["generation_config"]["video_config"] == {"task": task}
    assert all("data" not in part for part in order.request["input"][0]["content"])


def test_references_beside_a_start_image_are_refused_before_anything_is_paid(
    gemini: GeminiSimulator, omni_provider: GeminiProvider
) -> None:
    with pytest.raises(Refused, match="cannot be combined"):
        omni_provider.prepare(omni(image=PNG, references=(LAST,)))
    assert gemini.paid == 0


@pytest.mark.parametrize(
    ("model", "seconds"),
    [("gemini-omni-1.1-flash", 3), ("gemini-omni-1.1-flash", 10), ("gemini-omni-1.2-flash", 15)],
)
@pytest.mark.parametrize("resolution", ["360p", "1080p", "4k"])
def test_every_length_and_size_that_is_offered_is_taken(
    gemini: GeminiSimulator, omni_provider: GeminiProvider, model: str, seconds: float, resolution: str
) -> None:
    request = omni(provider_model=model, duration=seconds, resolution=resolution, aspect_ratio="9:16")
    omni_provider.submit(request, order_for(omni_provider, request))
    assert gemini.submitted[0]["response_format"]["duration"] == f"{seconds}s"
    assert gemini.paid == 1


def test_a_lost_order_waits_for_its_callback_and_then_no_more(omni_provider: GeminiProvider, clock: Clock) -> None:
    order = order_for(omni_provider, omni(), callback_url="https://video.example.com/tok")
    assert omni_provider.find(order) is CannotAsk.NOT_YET
    clock.ahead = 901
    assert omni_provider.find(order) is CannotAsk.NEVER
