"""Passwords are kept as Argon2id hashes only, and a wrong one costs the same whether or not there is an account."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import pytest
from pwdlib import PasswordHash

from tests.installation import settings_in
from vividflow.errors import Problem
from vividflow.passwords import accept_password, check_password, hash_password


def test_only_the_password_itself_opens(tmp_path: Path) -> None:
    settings = settings_in(tmp_path)
    hashed = hash_password(settings, "correct horse")
    assert hashed.startswith("$argon2id$")
    assert "m=64," in hashed
    assert hashed != hash_password(settings, "correct horse")
    assert check_password(settings, "correct horse", hashed)
    for wrong in ("correct horsE", "", "correct horse" * 1000):
        assert not check_password(settings, wrong, hashed)


@pytest.mark.parametrize("hashed", [None, "", "no hash", "$2b$12$abcdefghijklmnopqrstuv"])
def test_where_there_is_no_hash_nothing_opens(tmp_path: Path, hashed: str | None) -> None:
    assert not check_password(settings_in(tmp_path), "correct horse", hashed)


def test_a_missing_account_costs_a_hash_too(tmp_path: Path) -> None:
    with patch.object(PasswordHash, "hash", autospec=True) as hashing:
        check_password(settings_in(tmp_path), "correct horse", None)
    hashing.assert_called_once()


@pytest.mark.parametrize("text", ["", "123456789", "x" * 1025])
def test_a_password_has_10_to_1024_characters(text: str) -> None:
    with pytest.raises(Problem) as refused:
        accept_password(text)
    assert (refused.value.status, refused.value.code, refused.value.param) == (422, "invalid_password", "password")


@pytest.mark.parametrize("text", ["1234567890", "x" * 1024, "ж" * 10])
def test_what_is_long_enough_is_taken_as_it_is(text: str) -> None:
    assert accept_password(text) == text
