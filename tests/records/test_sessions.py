"""Sessions and one-time links that have ended are forgotten, the others kept."""

from __future__ import annotations

from vividflow.lifecycle.tools import Tools
from vividflow.records import sessions
from vividflow.records.users import User

NOW = 1_800_000_000.0


def test_what_would_open_nothing_any_more_is_forgotten(tools: Tools, user: User) -> None:
    with tools.db.transaction() as connection:
        fresh = sessions.begin(connection, user.id, "browser", NOW - 3600)
        rested = sessions.begin(connection, user.id, "browser", NOW - sessions.IDLE_SECONDS - 1)
        old = sessions.begin(connection, user.id, "browser", NOW - sessions.ABSOLUTE_SECONDS - 1)
        sessions.touch(connection, {sessions.digest(old): NOW - 60})
        over = sessions.make_link(connection, user.id, "reset", NOW - 1)
        open_still = sessions.make_link(connection, user.id, "reset", NOW + 60)
        sessions.forget_ended(connection, NOW)
        assert sessions.find(connection, fresh) is not None
        assert sessions.find(connection, rested) is None
        assert sessions.find(connection, old) is None
        assert sessions.peek_link(connection, over, "reset", NOW - 10) is None
        assert sessions.peek_link(connection, open_still, "reset", NOW) == user.id
