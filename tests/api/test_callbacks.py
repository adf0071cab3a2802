"""Callbacks of providers, as they arrive over HTTP."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook

from tests.api.desk import Desk
from tests.people import WEBHOOK_SECRET
from vividflow.records import orders
from vividflow.timing import new_id, now

TOKEN = "t" * 32


@pytest.fixture
def signed(desk_for: Callable[..., Desk], monkeypatch: pytest.MonkeyPatch) -> Desk:
    """An application with an order of Replicate's under way, whose callbacks are signed with a known secret."""
    desk = desk_for(replicate_api_token="r8_test", limit_anonymous="3/minute")
    job = desk.finished(status="failed")
    order = orders.OrderRow(
        id=new_id(),
        job_id=job.id,
        n=1,
        provider="replicate",
        provider_model="m",
        state=orders.ACCEPTED,
        token=TOKEN,
        request={},
        request_hash="h",
        fence=1,
        quoted=0,
        outputs=[],
        intent_at=now(),
        operation_id="p1",
    )
    with desk.tools.db.transaction() as connection:
        orders.insert(connection, order)
    provider = desk.tools.provider("replicate")
    monkeypatch.setattr(provider, "callback_secret", lambda *_: WEBHOOK_SECRET)
    return desk


def headers_for(body: bytes, secret: str = WEBHOOK_SECRET) -> dict[str, str]:
    """What a signed message carries, by the official library."""
    moment = datetime.now(UTC)
    return {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(secret).sign("msg_1", moment, body.decode()),
    }


def test_a_signed_callback_is_taken_in_without_a_key(signed: Desk) -> None:
    body = json.dumps({"id": "p1", "status": "succeeded"}).encode()
    answer = signed.client.post(f"/api/callbacks/replicate/{TOKEN}", data=body, headers=headers_for(body))
    assert (answer.status_code, answer.get_json()) == (200, {"received": True})


def test_a_forged_or_altered_callback_is_refused(signed: Desk) -> None:
    body = json.dumps({"id": "p1", "status": "succeeded"}).encode()
    other = "whsec_" + base64.b64encode(b"another secret of length 24").decode()
    for headers in ({}, headers_for(body, other), headers_for(body + b" ")):
        answer = signed.client.post(f"/api/callbacks/replicate/{TOKEN}", data=body, headers=headers)
        assert (answer.status_code, answer.get_json()["code"]) == (401, "bad_signature")


@pytest.mark.parametrize(
    "path", ["replicate/unknown", "nobody/" + TOKEN, "local/x", "replicate/" + "x" * 300, "replicate/%00"]
)
def test_an_unknown_token_is_not_there(signed: Desk, path: str) -> None:
    answer = signed.client.post(f"/api/callbacks/{path}", data=b"{}")
    assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")


def test_guessing_tokens_is_limited_and_true_callbacks_are_not(signed: Desk) -> None:
    statuses = [signed.client.post(f"/api/callbacks/replicate/guess{n}", data=b"{}").status_code for n in range(5)]
    assert statuses == [404, 404, 404, 429, 429]
    body = json.dumps({"id": "p1", "status": "succeeded"}).encode()
    assert (
        signed.client.post(f"/api/callbacks/replicate/{TOKEN}", data=body, headers=headers_for(body)).status_code == 200
    )


def test_a_callback_of_more_than_a_megabyte_is_not_read(signed: Desk) -> None:
    answer = signed.client.post(f"/api/callbacks/replicate/{TOKEN}", data=b"x" * (1024 * 1024 + 1))
    assert (answer.status_code, answer.get_json()["code"]) == (413, "body_too_large")
