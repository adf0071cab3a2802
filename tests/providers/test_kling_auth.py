"""Keys and tokens: signed afresh for each request, renewed once after a refusal for their times, shown to nobody."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.providers.conftest import Clock
from tests.providers.contract import kling_settings, settings
from tests.providers.kling_orders import submitted
from tests.simulators.kling import ACCESS_KEY, ACCOUNT, API_KEY, SECRET_KEY, KlingSimulator
from tests.simulators.kling_tokens import Account, refusal
from vividflow.errors import Refused, Transient, Unknown
from vividflow.providers.kling import KlingProvider
from vividflow.providers.kling_auth import jwt, missing, signed

# The example that jwt.io shows for HS256.
EXAMPLE = (
    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ"
    ".SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"
)
PAIR = {"kling_access_key": ACCESS_KEY, "kling_secret_key": SECRET_KEY}


@pytest.fixture
def by_pair(kling_simulator: KlingSimulator, tmp_path: Path) -> Iterator[KlingProvider]:
    """An adapter that signs tokens."""
    adapter = KlingProvider(kling_settings(kling_simulator.url, tmp_path, **PAIR))
    yield adapter
    adapter.close()


def test_a_token_is_signed_as_the_standard_says() -> None:
    claims = {"sub": "1234567890", "name": "John Doe", "iat": 1516239022}
    assert jwt(claims, "your-256-bit-secret") == EXAMPLE


@given(
    st.text(min_size=1),
    st.text(min_size=1),
    st.floats(0, 4e9, allow_nan=False),
    st.integers(-4, 1799),
)
def test_every_token_opens_its_account_while_it_lasts_and_no_other(
    access: str, secret: str, moment: float, later: int
) -> None:
    account = Account(api_key="unused", access_key=access, secret_key=secret)
    header = f"Bearer {signed(access, secret, moment)}"
    assert refusal(header, account, int(moment) + later) is None
    assert refusal(header, account, moment - 7) == 1003
    assert refusal(header, account, moment + 1801) == 1004
    assert refusal(header, Account(api_key="u", access_key=access, secret_key=secret + "x"), moment) == 1002
    assert refusal(header, Account(api_key="u", access_key=access + "x", secret_key=secret), moment) == 1002


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, 1001),
        ("", 1001),
        ("Basic abc", 1002),
        ("Bearer", 1002),
        ("Bearer  twice", 1002),
        ("Bearer a.b.c", 1002),
        (f"Bearer {EXAMPLE}", 1002),
        (f"Bearer {jwt({'iss': ACCESS_KEY, 'exp': 2000, 'nbf': 0, 'iat': 1}, SECRET_KEY)}", 1002),
        (f"Bearer {jwt({'iss': ACCESS_KEY, 'exp': '2000', 'nbf': 0}, SECRET_KEY)}", 1002),
        (f"Bearer {jwt({'iss': ACCESS_KEY, 'exp': 90000, 'nbf': 0}, SECRET_KEY)}", 1000),
        (f"Bearer {API_KEY}", None),
    ],
)
def test_the_simulator_is_as_strict_with_tokens(header: str | None, code: int | None) -> None:
    assert refusal(header, ACCOUNT, 1000.0) == code


def test_an_api_key_goes_as_it_is_and_wins_over_the_pair(kling_simulator: KlingSimulator, tmp_path: Path) -> None:
    provider = KlingProvider(kling_settings(kling_simulator.url, tmp_path, **PAIR, kling_api_key=API_KEY))
    submitted(provider)
    assert kling_simulator.authorizations == [f"Bearer {API_KEY}"]
    provider.close()


def test_each_request_gets_a_token_of_its_moment(
    by_pair: KlingProvider, kling_simulator: KlingSimulator, clock: Clock
) -> None:
    operation, order = submitted(by_pair)
    clock.ahead = 3
    by_pair.poll(operation.id, order)
    first, second = kling_simulator.authorizations
    assert first != second
    assert kling_simulator.requests == {"submit": 1, "poll": 1}


@pytest.mark.parametrize("code", [1003, 1004])
def test_a_token_refused_for_its_times_is_renewed_once_and_the_order_is_placed_once(
    by_pair: KlingProvider, kling_simulator: KlingSimulator, code: int, caplog: pytest.LogCaptureFixture
) -> None:
    kling_simulator.faults.add("token_refused", code=code)
    with caplog.at_level(logging.WARNING):
        submitted(by_pair)
    assert (kling_simulator.requests, kling_simulator.paid) == ({"unauthenticated": 1, "submit": 1}, 1)
    assert f"refused the token for its times (code {code})" in caplog.text
    assert SECRET_KEY not in caplog.text


@pytest.mark.parametrize("code", [1003, 1004])
def test_a_token_refused_twice_is_a_refusal_that_speaks_of_the_clock(
    by_pair: KlingProvider, kling_simulator: KlingSimulator, code: int
) -> None:
    kling_simulator.faults.add("token_refused", times=None, code=code)
    with pytest.raises(Refused, match="clock of this machine") as caught:
        submitted(by_pair)
    assert (caught.value.code, caught.value.pauses) == ("provider_key_refused", True)
    assert (kling_simulator.requests, kling_simulator.paid) == ({"unauthenticated": 2}, 0)


@pytest.mark.parametrize("ahead", [-7200.0, -60.0, 60.0, 7200.0])
def test_a_machine_whose_clock_is_wrong_follows_the_vendors(
    by_pair: KlingProvider, kling_simulator: KlingSimulator, ahead: float
) -> None:
    kling_simulator.ahead = ahead
    operation, order = submitted(by_pair)
    by_pair.poll(operation.id, order)
    refused = kling_simulator.requests["unauthenticated"]
    assert (kling_simulator.requests["submit"], kling_simulator.paid) == (1, 1)
    assert refused == (0 if 0 <= ahead <= 1800 else 1)


def test_a_date_beyond_belief_is_not_followed(by_pair: KlingProvider, kling_simulator: KlingSimulator) -> None:
    kling_simulator.ahead = 30 * 86400.0
    with pytest.raises(Refused):
        submitted(by_pair)
    kling_simulator.ahead = 0
    submitted(by_pair)
    assert kling_simulator.paid == 1


@pytest.mark.parametrize("code", [1000, 1001, 1002])
def test_other_refusals_of_the_key_are_not_asked_again(
    by_pair: KlingProvider, kling_simulator: KlingSimulator, code: int
) -> None:
    kling_simulator.faults.add("token_refused", code=code)
    with pytest.raises(Refused) as caught:
        submitted(by_pair)
    assert (caught.value.code, caught.value.pauses) == ("provider_key_refused", True)
    assert (kling_simulator.requests, kling_simulator.paid) == ({"unauthenticated": 1}, 0)


def test_an_api_key_cannot_be_renewed(kling: KlingProvider, kling_simulator: KlingSimulator) -> None:
    kling_simulator.faults.add("token_refused", code=1004)
    with pytest.raises(Refused):
        submitted(kling)
    assert kling_simulator.requests == {"unauthenticated": 1}


def test_a_lost_answer_to_the_second_post_is_unknown_and_is_not_sent_a_third_time(
    by_pair: KlingProvider, kling_simulator: KlingSimulator
) -> None:
    kling_simulator.faults.add("token_refused")
    kling_simulator.faults.add("accept_then_close")
    with pytest.raises(Unknown):
        submitted(by_pair)
    assert (kling_simulator.requests, kling_simulator.paid) == ({"unauthenticated": 1, "submit": 1}, 1)


def test_a_look_whose_key_is_refused_is_put_off(kling: KlingProvider, kling_simulator: KlingSimulator) -> None:
    operation, order = submitted(kling)
    kling_simulator.faults.add("token_refused", code=1002)
    with pytest.raises(Transient) as caught:
        kling.poll(operation.id, order)
    assert (caught.value.code, caught.value.retry_after, caught.value.counts) == ("provider_key_refused", 30, False)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({}, "Set KLING_API_KEY, or KLING_ACCESS_KEY and KLING_SECRET_KEY, to use Kling."),
        ({"kling_access_key": "a"}, "Set KLING_SECRET_KEY beside KLING_ACCESS_KEY to use Kling."),
        ({"kling_secret_key": "s"}, "Set KLING_ACCESS_KEY beside KLING_SECRET_KEY to use Kling."),
        ({"kling_api_key": "k k"}, "KLING_API_KEY holds characters that no key has."),
        ({"kling_access_key": "a", "kling_secret_key": "s\n"}, "KLING_SECRET_KEY holds characters that no key has."),
        ({"kling_access_key": "ä", "kling_secret_key": "s"}, "KLING_ACCESS_KEY holds characters that no key has."),
        ({"kling_api_key": "k"}, None),
        ({"kling_access_key": "a", "kling_secret_key": "s"}, None),
        ({"kling_api_key": "k", "kling_access_key": "a"}, None),
    ],
)
def test_what_is_missing_is_named(given: dict[str, str], sentence: str | None, tmp_path: Path) -> None:
    nothing = dict.fromkeys(("kling_api_key", "kling_access_key", "kling_secret_key"))
    assert missing(settings(tmp_path, **nothing | given)) == sentence


@pytest.mark.parametrize("secret", [API_KEY, "eyJhbGciOi.eyJpc3MiOi.sig"])
def test_a_key_that_the_vendor_quotes_back_is_blotted_out(
    kling: KlingProvider, kling_simulator: KlingSimulator, secret: str
) -> None:
    kling_simulator.faults.add("refused", code=1201, message=f"bad field near {secret} here")
    with pytest.raises(Refused) as caught:
        submitted(kling)
    assert secret not in caught.value.message
    assert "bad field near" in caught.value.message
