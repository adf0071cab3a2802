"""Invitations name one address, end, and cannot be made by anybody else."""

from __future__ import annotations

import pytest

from vividflow.lifecycle.invites import invited, make_invite


def test_an_invitation_names_its_address_until_it_ends() -> None:
    token = make_invite("secret", "ada@example.com", 100.0)
    assert invited("secret", token, 99.0) == "ada@example.com"
    assert invited("secret", token, 100.0) is None


@pytest.mark.parametrize("token", ["", "x", "a.b", "😀", make_invite("another", "ada@example.com", 100.0)])
def test_what_we_did_not_sign_invites_nobody(token: str) -> None:
    assert invited("secret", token, 1.0) is None
