"""Accounts, keys and sessions: found by what people hold, and by nothing else."""

from __future__ import annotations

import pytest

from tests.people import make_user
from vividflow.lifecycle.tools import Tools
from vividflow.records import api_keys, sessions, users
from vividflow.records.users import User

NOW = 1_800_000_000.0


def test_a_key_is_shown_once_and_kept_as_a_hash(tools: Tools, user: User) -> None:
    key, bare = api_keys.mint(user.id, "laptop", NOW)
    assert bare.startswith(f"vf_{key.id}_")
    assert bare not in str(key)
    with tools.db.transaction() as connection:
        api_keys.insert(connection, key)
        assert api_keys.by_bare_key(connection, bare) == key


@pytest.mark.parametrize(
    "change",
    [
        lambda bare: bare[:-1] + ("A" if bare[-1] != "A" else "B"),
        lambda bare: "vf_0000000000_" + bare.split("_", 2)[2],
        lambda bare: bare.replace("vf_", "xx_", 1),
        lambda bare: bare[:-1],
        lambda bare: bare.replace("_", ""),
        lambda bare: bare[:-1] + "é",
        lambda _: "",
    ],
)
def test_what_is_nearly_a_key_opens_nothing(tools: Tools, user: User, change: object) -> None:
    key, bare = api_keys.mint(user.id, "laptop", NOW)
    with tools.db.transaction() as connection:
        api_keys.insert(connection, key)
        assert api_keys.by_bare_key(connection, change(bare)) is None  # type: ignore[operator]


def test_a_key_ends_when_it_is_revoked_or_its_time_is_over(tools: Tools, user: User) -> None:
    ending, bare = api_keys.mint(user.id, "for a day", NOW, NOW + 86400)
    assert (ending.usable(NOW + 86399), ending.usable(NOW + 86400)) == (True, False)
    stranger = make_user(tools)
    with tools.db.transaction() as connection:
        api_keys.insert(connection, ending)
        assert not api_keys.revoke(connection, stranger.id, ending.id, NOW)
        assert api_keys.revoke(connection, user.id, ending.id, NOW)
        assert not api_keys.revoke(connection, user.id, ending.id, NOW)
        revoked = api_keys.by_bare_key(connection, bare)
    assert revoked is not None
    assert not revoked.usable(NOW)


def test_a_person_s_keys_are_listed_newest_first_with_their_last_use(tools: Tools, user: User) -> None:
    (old, _), (new, _) = api_keys.mint(user.id, "old", NOW), api_keys.mint(user.id, "new", NOW + 1)
    with tools.db.transaction() as connection:
        api_keys.insert(connection, old)
        api_keys.insert(connection, new)
        api_keys.touch(connection, {old.id: NOW + 50, "unknown": NOW})
        listed = api_keys.of_user(connection, user.id)
        assert api_keys.of_user(connection, "somebody else") == []
    assert [(each.name, each.last_used_at) for each in listed] == [("new", None), ("old", NOW + 50)]


def test_a_session_ends_after_rest_after_a_week_or_when_it_is_closed(tools: Tools, user: User) -> None:
    with tools.db.transaction() as connection:
        secret = sessions.begin(connection, user.id, "Firefox " * 100, NOW)
        other = sessions.begin(connection, user.id, "Safari", NOW + 10)
        session = sessions.find(connection, secret)
        assert session is not None
        assert secret not in str(session)
        assert len(session.agent) == 200
        assert session.alive(NOW + sessions.IDLE_SECONDS - 1)
        assert not session.alive(NOW + sessions.IDLE_SECONDS)
        sessions.touch(connection, {session.hash: NOW + sessions.ABSOLUTE_SECONDS - 1})
        seen = sessions.of_user(connection, user.id)
        assert [each.agent[:6] for each in seen] == ["Firefo", "Safari"]
        assert seen[0].alive(NOW + sessions.ABSOLUTE_SECONDS - 1)
        assert not seen[0].alive(NOW + sessions.ABSOLUTE_SECONDS)
        sessions.end(connection, other)
        assert [each.hash for each in sessions.of_user(connection, user.id)] == [session.hash]


def test_all_sessions_but_the_own_one_can_be_closed(tools: Tools, user: User) -> None:
    stranger = make_user(tools)
    with tools.db.transaction() as connection:
        mine = sessions.begin(connection, user.id, "here", NOW)
        sessions.begin(connection, user.id, "there", NOW)
        theirs = sessions.begin(connection, stranger.id, "elsewhere", NOW)
        sessions.end_all(connection, user.id, but=mine)
        assert [each.agent for each in sessions.of_user(connection, user.id)] == ["here"]
        sessions.end_all(connection, user.id)
        assert sessions.find(connection, mine) is None
        assert sessions.find(connection, theirs) is not None


def test_a_link_works_once_for_what_it_was_made_and_until_it_is_over(tools: Tools, user: User) -> None:
    with tools.db.transaction() as connection:
        secret = sessions.make_link(connection, user.id, "sign-in", NOW + 900)
        assert sessions.peek_link(connection, secret, "sign-in", NOW) == user.id
        assert sessions.use_link(connection, secret, "reset", NOW) is None
        assert sessions.use_link(connection, secret, "sign-in", NOW + 900) is None
        assert sessions.use_link(connection, secret, "sign-in", NOW + 899) == user.id
        assert sessions.use_link(connection, secret, "sign-in", NOW) is None
        assert sessions.peek_link(connection, secret, "sign-in", NOW) is None


def test_an_account_is_found_by_its_address_in_any_case_of_letters(tools: Tools, user: User) -> None:
    admin = make_user(tools, admin=True)
    with tools.db.transaction() as connection:
        assert users.by_email(connection, f"  {user.email.upper()} ") == user
        assert users.by_email(connection, "nobody@example.com") is None
        assert users.by_id(connection, "nobody") is None
        assert users.count(connection) == 2
        users.change(connection, user.id, theme="dark")
        assert users.by_id(connection, user.id) != user
    assert (user.is_admin, admin.is_admin) == (False, True)
