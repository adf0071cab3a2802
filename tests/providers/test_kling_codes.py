"""What each of Kling's codes means for a paid order, alone and beside a status that says something else."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.simulators.kling_faults import STATUS_OF
from vividflow.errors import Outcome, Refused, Transient, Unknown
from vividflow.providers import outcomes
from vividflow.providers.answer import Answer
from vividflow.providers.kling_codes import CODES, code_of, meaning

REFUSED: dict[int, tuple[str, bool]] = {
    1000: ("provider_key_refused", True),
    1001: ("provider_key_refused", True),
    1002: ("provider_key_refused", True),
    1003: ("provider_key_refused", True),
    1004: ("provider_key_refused", True),
    1100: ("provider_forbidden", True),
    1101: ("provider_credit_exhausted", True),
    1102: ("provider_credit_exhausted", True),
    1103: ("provider_forbidden", True),
    1200: ("provider_refused_input", False),
    1201: ("provider_refused_input", False),
    1202: ("provider_refused_input", False),
    1203: ("model_retired", False),
    1300: ("content_policy", False),
    1301: ("content_policy", False),
    1304: ("provider_forbidden", True),
}
LATER = {1302: 5.0, 1303: 30.0}
UNKNOWN = (5000, 5001, 5002)


def answer(code: object, status: int = 200, **headers: str) -> Answer:
    return Answer(status=status, body=json.dumps({"code": code}).encode(), headers=headers)


def test_every_code_has_its_row() -> None:
    assert sorted(CODES) == sorted([*REFUSED, *LATER, *UNKNOWN]) == sorted(STATUS_OF)


@pytest.mark.parametrize("own_status", [True, False], ids=["its own status", "status 200"])
@pytest.mark.parametrize("code", REFUSED)
def test_a_refusal_is_certain_and_says_whether_the_provider_rests(code: int, own_status: bool) -> None:
    found = meaning(answer(code, STATUS_OF[code] if own_status else 200))
    assert isinstance(found, Refused)
    assert (found.code, found.pauses, found.retired) == (*REFUSED[code], code == 1203)


@pytest.mark.parametrize("code", [1100, 1101, 1102, 1304])
def test_a_429_that_is_no_rate_limit_is_not_waited_out(code: int) -> None:
    assert isinstance(meaning(answer(code, 429, **{"retry-after": "5"})), Refused)


@pytest.mark.parametrize(("code", "seconds"), LATER.items())
def test_a_full_queue_and_a_rate_are_waited_out_and_use_up_no_patience(code: int, seconds: float) -> None:
    for status in (429, 200):
        found = meaning(answer(code, status))
        assert isinstance(found, Transient)
        assert (found.code, found.retry_after, found.counts) == ("rate_limited", seconds, False)
    longer = meaning(answer(code, 429, **{"retry-after": "90"}))
    assert isinstance(longer, Transient)
    assert longer.retry_after == 90
    most = meaning(answer(code, 429, **{"retry-after": "99999"}))
    assert isinstance(most, Transient)
    assert most.retry_after == outcomes.MOST_RETRY_AFTER_SECONDS


@pytest.mark.parametrize("code", UNKNOWN)
def test_trouble_of_the_vendor_is_unknown(code: int) -> None:
    assert isinstance(meaning(answer(code, STATUS_OF[code])), Unknown)
    assert isinstance(meaning(answer(code, 200)), Unknown)
    assert isinstance(meaning(answer(code, 400)), Unknown)


@given(st.sampled_from(sorted(CODES)) | st.integers() | st.none() | st.text(), st.integers(500, 599))
def test_a_5xx_is_never_a_refusal_whatever_its_code(code: object, status: int) -> None:
    assert isinstance(meaning(answer(code, status)), Unknown)


@given(
    st.binary()
    | st.builds(
        lambda value: json.dumps(value).encode(),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
            lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["code", "data", "message"]), inner),
        ),
    ),
    st.integers(100, 599),
)
def test_any_answer_has_a_meaning_and_a_good_status_without_a_listed_code_is_unknown(body: bytes, status: int) -> None:
    given_answer = Answer(status=status, body=body)
    found = meaning(given_answer)
    assert isinstance(found, Outcome)
    if 200 <= status < 300 and code_of(given_answer) not in CODES:
        assert isinstance(found, Unknown)


@pytest.mark.parametrize("status", [301, 307, 408, 409, 425])
def test_a_status_that_leaves_the_outcome_open_does_so_beside_any_code(status: int) -> None:
    for code in (1101, 1201, 1301):
        assert isinstance(meaning(answer(code, status)), Unknown)


@pytest.mark.parametrize(
    "detail",
    [
        "external_task_id has been used",
        "external_task_id: must be unique",
        "Duplicate task id",
        "this task already exists",
        "externalTaskId conflict",
    ],
)
def test_a_refusal_of_our_own_number_is_a_reason_to_ask(detail: str) -> None:
    assert isinstance(meaning(answer(1201, 400), detail), Unknown)
    assert isinstance(meaning(answer(1200, 400), detail), Unknown)
    assert isinstance(meaning(answer(1301, 400), detail), Refused)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "provider_refused_input"),
        (401, "provider_key_refused"),
        (403, "provider_forbidden"),
        (404, "model_retired"),
    ],
)
def test_without_a_code_the_status_decides(status: int, code: str) -> None:
    for body in (b"", b"<html></html>", b'{"code": 0}', b'{"code": null}', b'{"code": 1999}', b"[]"):
        found = meaning(Answer(status=status, body=body))
        assert isinstance(found, Refused)
        assert found.code == code


@pytest.mark.parametrize(
    ("given_code", "found"),
    [(0, 0), (1203, 1203), ("1203", 1203), ("0", 0), (True, None), (1.5, None), ("x", None), ("9" * 5000, None)],
)
def test_a_code_is_a_whole_number_or_its_digits(given_code: object, found: int | None) -> None:
    assert code_of(answer(given_code)) == found
