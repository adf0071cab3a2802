"""Callbacks that Google signs: believed only with a genuine token that is valid now."""

from __future__ import annotations

import base64
import json
import time
from typing import Any

import pytest

from tests.providers.conftest import Clock, Receiver
from tests.providers.contract import order_for
from tests.providers.gemini_orders import omni, submitted
from tests.simulators.gemini import GeminiSimulator
from tests.simulators.google_signer import Signer
from vividflow.errors import Transient, Unknown
from vividflow.providers.gemini import GeminiProvider

EVENT = {"type": "interaction.completed", "version": "v1", "data": {"id": "v1_abc"}}
BODY = json.dumps(EVENT).encode()


def headers(token: str, ago: float = 0) -> dict[str, str]:
    """What a callback carries."""
    return {"Webhook-Id": "msg_1", "Webhook-Timestamp": str(int(time.time() - ago)), "Webhook-Signature": token}


@pytest.mark.parametrize(
    "claims", [{}, EVENT, {"data": json.dumps(EVENT["data"])}, {"data": {"id": "interactions/v1_abc"}}]
)
def test_a_genuine_event_names_its_run_in_the_token_or_in_the_body(
    gemini: GeminiSimulator, omni_provider: GeminiProvider, claims: dict[str, Any]
) -> None:
    assert omni_provider.verify_callback(headers(gemini.signer.token(claims)), BODY) == "v1_abc"


def test_what_the_token_says_wins_over_the_body(gemini: GeminiSimulator, omni_provider: GeminiProvider) -> None:
    told = headers(gemini.signer.token(EVENT))
    assert omni_provider.verify_callback(told, BODY.replace(b"v1_abc", b"v1_other")) == "v1_abc"


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": 1},
        {"exp": "never"},
        {"iat": time.time() + 3600},
        {"nbf": time.time() + 3600},
        {"iat": "now"},
        {"iat": True, "exp": time.time() + 60},
    ],
)
def test_a_token_out_of_its_time_is_not_believed(
    gemini: GeminiSimulator, omni_provider: GeminiProvider, claims: dict[str, Any]
) -> None:
    assert omni_provider.verify_callback(headers(gemini.signer.token(EVENT | claims)), BODY) is None


def test_forged_altered_and_broken_tokens_are_not_believed(
    gemini: GeminiSimulator, omni_provider: GeminiProvider
) -> None:
    good = gemini.signer.token(EVENT)
    head, claims, signature = good.split(".")
    other = base64.urlsafe_b64encode(json.dumps(EVENT | {"exp": time.time() + 9}).encode()).decode().rstrip("=")
    for token in (
        gemini.signer.token(EVENT, forged=True),
        gemini.signer.token(EVENT, alg="none"),
        gemini.signer.token(EVENT, alg="HS256"),
        gemini.signer.token(EVENT, kid=7),
        gemini.signer.token(EVENT, kid="sim-ec"),
        f"{head}.{other}.{signature}",
        f"{head}.{claims}.",
        f"{head}.{claims}",
        f"{head}.{claims}.{signature[:-4]}",
        f"{head}.{claims}.!!!!",
        "ä.ö.ü",
        "",
        "." * 20000,
    ):
        assert omni_provider.verify_callback(headers(token), BODY) is None, token[:80]
    assert omni_provider.verify_callback(headers(good), BODY) == "v1_abc"


@pytest.mark.parametrize("moment", ["", "soon", "²", "1" * 400])
def test_without_a_time_of_now_nothing_is_believed(
    gemini: GeminiSimulator, omni_provider: GeminiProvider, moment: str
) -> None:
    good = headers(gemini.signer.token(EVENT))
    assert omni_provider.verify_callback(good | {"Webhook-Timestamp": moment}, BODY) is None
    assert omni_provider.verify_callback(headers(gemini.signer.token(EVENT), ago=310), BODY) is None
    assert gemini.requests == {}


@pytest.mark.parametrize("body", [b"{}", b"[]", b"\xff", b'{"data": 7}', b'{"data": {"id": 7}}', b'{"data": "x"}', b""])
def test_a_genuine_event_without_a_run_tells_nothing(
    gemini: GeminiSimulator, omni_provider: GeminiProvider, body: bytes
) -> None:
    assert omni_provider.verify_callback(headers(gemini.signer.token({})), body) is None


def test_keys_are_asked_for_once_and_new_ones_are_learned_once_a_minute(
    gemini: GeminiSimulator, omni_provider: GeminiProvider, clock: Clock
) -> None:
    for _ in range(3):
        assert omni_provider.verify_callback(headers(gemini.signer.token(EVENT)), BODY)
    assert gemini.requests == {"keys": 1}
    gemini.signer = Signer("sim-2")
    for _ in range(3):
        assert omni_provider.verify_callback(headers(gemini.signer.token(EVENT)), BODY) is None
    assert gemini.requests == {"keys": 1}
    clock.ahead = 61
    assert omni_provider.verify_callback(headers(gemini.signer.token(EVENT), ago=-61), BODY) == "v1_abc"
    assert gemini.requests == {"keys": 2}


@pytest.mark.parametrize("fault", ["keys_error", "keys_garbage"])
def test_without_the_keys_a_callback_is_neither_believed_nor_refused(
    gemini: GeminiSimulator, omni_provider: GeminiProvider, fault: str
) -> None:
    gemini.faults.add(fault)
    with pytest.raises(Transient):
        omni_provider.verify_callback(headers(gemini.signer.token(EVENT)), BODY)
    assert omni_provider.verify_callback(headers(gemini.signer.token(EVENT)), BODY) == "v1_abc"


@pytest.mark.parametrize("signed_event", [True, False])
def test_an_end_is_told_signed_under_the_orders_own_address(
    gemini: GeminiSimulator, omni_provider: GeminiProvider, receiver: Receiver, signed_event: bool
) -> None:
    gemini.signed_event = signed_event
    operation, _ = submitted(omni_provider, callback_url=f"{receiver.url}/api/callbacks/gemini/tok-1")
    (told,) = receiver.wait_for(1)
    assert told.path == "/api/callbacks/gemini/tok-1"
    assert omni_provider.verify_callback(told.headers, told.body) == operation.id


def test_a_lost_answer_is_told_by_the_callback(
    gemini: GeminiSimulator, omni_provider: GeminiProvider, receiver: Receiver
) -> None:
    gemini.faults.add("accept_then_close")
    order = order_for(omni_provider, omni(), callback_url=f"{receiver.url}/tok")
    with pytest.raises(Unknown):
        omni_provider.submit(omni(), order)
    (told,) = receiver.wait_for(1)
    assert omni_provider.verify_callback(told.headers, told.body) in gemini.interactions
    assert told.json()["data"]["user_metadata"] == {"order": order.id, "token": order.token}


def test_forged_and_old_ones_are_refused(
    gemini: GeminiSimulator, omni_provider: GeminiProvider, receiver: Receiver
) -> None:
    for fault in ("webhook_forged", "webhook_old"):
        gemini.faults.add(fault)
        submitted(omni_provider, callback_url=f"{receiver.url}/tok")
    believed = [omni_provider.verify_callback(each.headers, each.body) for each in receiver.wait_for(2)]
    assert believed == [None, None]
