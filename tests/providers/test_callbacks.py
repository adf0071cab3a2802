"""Callbacks: believed only when signed and fresh."""

from __future__ import annotations

import base64
import time
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from tests.providers.conftest import Clock, Receiver
from tests.providers.replicate_orders import submitted
from tests.simulators.replicate import ReplicateSimulator
from vividflow.errors import Transient, Unknown
from vividflow.providers.replicate import ReplicateProvider, verify_callback

BODY = b'{"id": "p1", "status": "succeeded"}'
SECRET = "whsec_" + base64.b64encode(b"k" * 24).decode()


def signed(body: bytes = BODY, secret: str = SECRET, ago: float = 0) -> dict[str, str]:
    """Headers as the reference library makes them."""
    moment = datetime.fromtimestamp(int(time.time() - ago), UTC)
    signature = Webhook(secret).sign("msg_1", moment, body.decode())
    return {
        "Webhook-Id": "msg_1",
        "Webhook-Timestamp": str(int(moment.timestamp())),
        "Webhook-Signature": signature,
    }


@pytest.mark.parametrize("ago", [0, 290, -290])
def test_a_callback_that_the_reference_library_signs_is_believed(ago: float) -> None:
    assert verify_callback(signed(ago=ago), BODY, SECRET) == "p1"


def test_one_good_signature_of_several_is_enough() -> None:
    headers = signed()
    headers["Webhook-Signature"] = f"v1,AAAA v1a,x {headers['Webhook-Signature']} v1,ÄÖ"
    assert verify_callback(headers, BODY, SECRET) == "p1"


def test_forged_old_altered_and_broken_callbacks_are_not() -> None:
    good = signed()
    other = "whsec_" + base64.b64encode(b"x" * 24).decode()
    assert verify_callback(signed(secret=other), BODY, SECRET) is None
    assert verify_callback(signed(ago=310), BODY, SECRET) is None
    assert verify_callback(signed(ago=-310), BODY, SECRET) is None
    assert verify_callback(good, BODY + b" ", SECRET) is None
    assert verify_callback({}, BODY, SECRET) is None
    assert verify_callback(good, BODY, "whsec_not base64!") is None
    for name, value in (
        ("Webhook-Id", "msg_2"),
        ("Webhook-Id", ""),
        ("Webhook-Timestamp", "soon"),
        ("Webhook-Timestamp", "1" * 400),
        ("Webhook-Timestamp", "²"),
        ("Webhook-Signature", ""),
        ("Webhook-Signature", good["Webhook-Signature"].replace("v1,", "v2,")),
    ):
        assert verify_callback(good | {name: value}, BODY, SECRET) is None, name


@pytest.mark.parametrize("body", [b"{}", b"[]", b"\xff\xfe", b'{"id": 7}', b""])
def test_a_signed_callback_without_an_id_tells_nothing(body: bytes) -> None:
    import hashlib
    import hmac

    sent_at = str(int(time.time()))
    mac = hmac.new(b"k" * 24, f"msg_1.{sent_at}.".encode() + body, hashlib.sha256).digest()
    headers = {"webhook-id": "msg_1", "webhook-timestamp": sent_at}
    headers["webhook-signature"] = f"v1,{base64.b64encode(mac).decode()}"
    assert verify_callback(headers, body, SECRET) is None


def test_start_and_end_are_told_signed_under_the_orders_own_address(
    simulator: ReplicateSimulator, provider: ReplicateProvider, receiver: Receiver
) -> None:
    operation, _ = submitted(provider, callback_url=f"{receiver.url}/api/callbacks/replicate/tok-1")
    got = receiver.wait_for(2)
    assert {each.path for each in got} == {"/api/callbacks/replicate/tok-1"}
    assert {provider.verify_callback(each.headers, each.body) for each in got} == {operation.id}
    assert simulator.requests["secret"] == 1
    assert simulator.by_webhook == {f"{receiver.url}/api/callbacks/replicate/tok-1": 1}


def test_a_lost_answer_is_told_by_the_callback(
    simulator: ReplicateSimulator, provider: ReplicateProvider, receiver: Receiver
) -> None:
    simulator.faults.add("accept_then_close")
    with pytest.raises(Unknown):
        submitted(provider, callback_url=f"{receiver.url}/tok")
    told = receiver.wait_for(1)[0]
    assert provider.verify_callback(told.headers, told.body) in simulator.predictions


def test_duplicates_keep_their_id_and_forged_or_old_ones_are_refused(
    simulator: ReplicateSimulator, provider: ReplicateProvider, receiver: Receiver
) -> None:
    simulator.faults.add("webhook_duplicate")
    simulator.faults.add("webhook_forged")
    submitted(provider, callback_url=f"{receiver.url}/tok")
    got = receiver.wait_for(3)
    ids = [each.headers["webhook-id"] for each in got]
    assert len(set(ids)) == 2
    believed = [provider.verify_callback(each.headers, each.body) is not None for each in got]
    assert believed.count(False) == 1
    simulator.faults.add("webhook_old", times=2)
    submitted(provider, callback_url=f"{receiver.url}/tok")
    assert [provider.verify_callback(each.headers, each.body) for each in receiver.wait_for(5)[3:]] == [None, None]


def test_a_callback_that_was_not_taken_is_sent_again(
    simulator: ReplicateSimulator, provider: ReplicateProvider, receiver: Receiver
) -> None:
    simulator.faults.add("webhook_dropped")  # the start
    receiver.answers = [503]
    submitted(provider, callback_url=f"{receiver.url}/tok")
    first, again = receiver.wait_for(2)
    assert first.headers["webhook-id"] == again.headers["webhook-id"]


def test_a_new_secret_is_learned_and_forgers_make_us_ask_once_a_minute(
    simulator: ReplicateSimulator, provider: ReplicateProvider, clock: Clock
) -> None:
    simulator.webhook_secret = SECRET
    assert provider.verify_callback(signed(), BODY) == "p1"
    simulator.webhook_secret = "whsec_" + base64.b64encode(b"n" * 24).decode()
    for _ in range(3):
        assert provider.verify_callback(signed(secret=simulator.webhook_secret), BODY) is None
    assert simulator.requests == {"secret": 1}
    clock.ahead = 61
    fresh = signed(secret=simulator.webhook_secret, ago=-61)
    assert provider.verify_callback(fresh, BODY) == "p1"
    assert simulator.requests == {"secret": 2}


def test_without_the_secret_a_callback_is_neither_believed_nor_refused(
    simulator: ReplicateSimulator, provider: ReplicateProvider
) -> None:
    simulator.faults.add("secret_error")
    with pytest.raises(Transient):
        provider.verify_callback(signed(), BODY)
