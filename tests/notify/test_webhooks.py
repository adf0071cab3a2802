from __future__ import annotations

import base64
import json
import time

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from tests.raw_server import RawServer, Seen, reply
from vividflow.notify import webhooks
from vividflow.notify.webhooks import SCHEDULE, DeliveryResult, new_secret, next_try, send, signed_headers
from vividflow.outbound import Door

BODY = json.dumps({"type": "job.completed", "data": {"prompt": "größer – 夜"}}, ensure_ascii=False).encode()


def _try(server: RawServer, answer: bytes, secrets: list[str] | None = None) -> tuple[DeliveryResult, Seen]:
    server.answers["/hook"] = answer
    door = Door([server.netloc])
    result = send(server.url("/hook"), message_id="msg_1", body=BODY, secrets=secrets or [new_secret()], door=door)
    return result, server.seen[-1]


def test_a_delivery_is_verified_by_the_library_of_the_spec() -> None:
    secret = new_secret()
    with RawServer() as server:
        result, seen = _try(server, reply(b"thanks", status="204 No Content"), [secret])
    assert Webhook(secret).verify(seen.body, seen.headers) == json.loads(BODY)
    assert (result.ok, result.status, result.error) == (True, 204, None)
    assert (seen.method, seen.headers["content-type"]) == ("POST", "application/json")
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(seen.body, seen.headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(seen.body.replace(b"completed", b"failed"), seen.headers)


def test_the_id_stays_and_the_time_is_that_of_the_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    secret, headers = new_secret(), []
    with RawServer() as server:
        for late in (0, 100):
            monkeypatch.setattr(webhooks.timing, "now", lambda late=late: time.time() + late)
            headers.append(_try(server, reply(), [secret])[1].headers)
    assert {each["webhook-id"] for each in headers} == {"msg_1"}
    assert 95 <= int(headers[1]["webhook-timestamp"]) - int(headers[0]["webhook-timestamp"]) <= 105
    assert headers[0]["webhook-signature"] != headers[1]["webhook-signature"]
    for each in headers:
        Webhook(secret).verify(BODY, each)


def test_while_a_secret_is_replaced_both_verify() -> None:
    old, new = new_secret(), new_secret()
    headers = signed_headers("msg_1", BODY, [new, old], at=time.time())
    for secret in (old, new):
        Webhook(secret).verify(BODY, headers)


def test_a_secret_is_long_random_and_of_the_spec_form() -> None:
    made = {new_secret() for _ in range(50)}
    assert len(made) == 50
    for secret in made:
        assert secret.startswith("whsec_")
        assert 24 <= len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) <= 64


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_!!!", "c2VjcmV0", "whsec_c2Vjc"])
def test_a_secret_that_is_none_signs_nothing(secret: str) -> None:
    with pytest.raises(ValueError, match="whsec_"):
        signed_headers("m", BODY, [secret], at=0)


def test_a_message_without_secret_or_with_a_forgeable_id_is_not_signed() -> None:
    for message_id, secrets in (("m", []), ("a.b", [new_secret()])):
        with pytest.raises(ValueError, match="message needs"):
            signed_headers(message_id, BODY, secrets, at=0)


@pytest.mark.parametrize(
    ("status", "ok", "disable", "throttle"),
    [
        *((status, True, False, False) for status in (200, 201, 202, 204, 299)),
        *((status, False, False, False) for status in (301, 302, 304, 307, 308, 400, 401, 404, 500, 503)),
        (410, False, True, False),
        *((status, False, False, True) for status in (429, 502, 504)),
    ],
)
def test_what_an_answer_means(status: int, ok: bool, disable: bool, throttle: bool) -> None:
    with RawServer() as server:
        location = server.url("/elsewhere")
        result, _ = _try(server, reply(status=f"{status} X", Location=location, Retry_After="30"))
        assert len(server.seen) == 1
    assert (result.status, result.ok, result.disable, result.throttle) == (status, ok, disable, throttle)
    assert (result.error is None) == ok
    assert result.retry_after == 30


@pytest.mark.parametrize("wait", ["", "soon", "-1", "1e3", "²", "9999999"])
def test_a_wish_that_is_no_number_of_seconds_is_overheard(wait: str) -> None:
    with RawServer() as server:
        result, _ = _try(server, reply(status="429 X", Retry_After=wait))
    assert result.retry_after is None


def test_a_receiver_that_is_not_there_is_a_failure_and_no_exception() -> None:
    with RawServer() as server:
        url, door = server.url("/hook"), Door([server.netloc])
    result = send(url, message_id="m", body=BODY, secrets=[new_secret()], door=door)
    assert (result.status, result.ok, result.error) == (None, False, "The host could not be reached.")


def test_a_receiver_that_never_answers_is_left_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "TIMEOUT_SECONDS", 0.2)
    with RawServer(answers={"/hook": lambda sock, _: sock.recv(1)}) as server:
        result = send(
            server.url("/hook"), message_id="m", body=BODY, secrets=[new_secret()], door=Door([server.netloc])
        )
    assert (result.status, result.error) == (None, "The host took too long.")
    assert 0.15 <= result.seconds < 5


def test_a_receiver_that_turned_internal_is_not_asked() -> None:
    with RawServer() as server:
        for url in (server.url("/hook"), "https://169.254.169.254/", f"https://127.0.0.1:{server.port}/", "ftp://x/"):
            result = send(url, message_id="m", body=BODY, secrets=[new_secret()], door=Door())
            assert (result.status, result.ok) == (None, False)
            assert result.error
        assert server.touched == 0


def test_the_schedule_is_that_of_the_spec_with_jitter() -> None:
    assert SCHEDULE == (0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
    assert next_try(0) == 0
    for tries in range(1, 10):
        waits = {next_try(tries) for _ in range(20)}
        assert len(waits) > 1
        assert all(wait and SCHEDULE[tries] <= wait <= SCHEDULE[tries] * 1.1 for wait in waits)
    assert next_try(10) is None
    assert next_try(11) is None
