"""Values of a vendor's answer, read with doubt."""

from __future__ import annotations

from typing import Any

import pytest

from vividflow.providers.answer import LONGEST_ID, Answer, id_of, number_of
from vividflow.providers.outcomes import clean


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"\xff\xfe{}", b"{", b"[" * 200_000, b'{"id":' * 200_000])
def test_what_is_no_object_reads_as_an_empty_one(body: bytes) -> None:
    assert Answer(status=200, body=body).object() == {}


@pytest.mark.parametrize("value", [None, 17, ["x"], "", "x\x00y", "x\ud800", "x\n", "x" * (LONGEST_ID + 1)])
def test_what_neither_a_row_nor_an_address_could_hold_is_no_id(value: Any) -> None:
    assert id_of(value) == ""
    assert id_of("x" * LONGEST_ID) == "x" * LONGEST_ID


@pytest.mark.parametrize("value", [None, True, "3", [3], 10**400, float("nan"), float("inf")])
def test_what_cannot_be_reckoned_with_is_no_number(value: Any) -> None:
    assert number_of(value) is None
    assert (number_of(3), number_of(-0.5)) == (3.0, -0.5)


def test_a_sentence_of_a_vendors_has_nothing_in_it_that_does_not_print() -> None:
    assert clean("too\x00 long\ud800 by\n\tfar") == "too long by far"
