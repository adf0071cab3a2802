"""How an account begins: an address that is one, a password that is kept as a hash, a balance of nothing."""

from __future__ import annotations

import pytest

from vividflow.errors import Problem
from vividflow.lifecycle.accounts import accept_email, keep_account, new_account
from vividflow.lifecycle.tools import Tools
from vividflow.passwords import check_password
from vividflow.records import ledger, users


def _new(tools: Tools, email: str = "Ada.Lovelace@Example.com", password: str | None = None) -> users.User:
    return new_account(tools.settings, email=email, password=password)


def test_an_account_has_a_name_a_secret_of_its_own_and_no_password_in_clear(tools: Tools) -> None:
    one, other = _new(tools, password="correct horse battery"), _new(tools, "b@example.com")
    assert (one.email, one.name, one.role) == ("ada.lovelace@example.com", "ada.lovelace", "user")
    assert "correct horse" not in str(one)
    assert check_password(tools.settings, "correct horse battery", one.password_hash)
    assert other.password_hash is None
    assert one.webhook_secret != other.webhook_secret


@pytest.mark.parametrize("text", ["ada", "ada@", "a b@example.com", "ada@example.com, b@example.com", ""])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(Problem) as refused:
        accept_email(text)
    assert (refused.value.status, refused.value.code, refused.value.param) == (422, "invalid_email", "email")


def test_a_password_too_short_is_refused(tools: Tools) -> None:
    with pytest.raises(Problem) as refused:
        _new(tools, password="short")
    assert (refused.value.status, refused.value.code) == (422, "invalid_password")


def test_a_kept_account_has_nothing_and_its_address_is_taken(tools: Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = _new(tools)
    with tools.db.transaction() as connection:
        keep_account(connection, kept)
        assert ledger.account(connection, kept.id).available == 0
    with pytest.raises(Problem) as taken, tools.db.transaction() as connection:
        keep_account(connection, _new(tools, "ADA.lovelace@example.com"))
    assert (taken.value.status, taken.value.code) == (409, "email_taken")
    monkeypatch.setattr(users, "by_email", lambda *_: None)  # somebody else was faster, between the look and the insert
    with pytest.raises(Problem) as faster, tools.db.transaction() as connection:
        keep_account(connection, _new(tools))
    assert faster.value.code == "email_taken"
