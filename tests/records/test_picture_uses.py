"""Which jobs a picture goes into, on both databases."""

from __future__ import annotations

from typing import Any

from tests.installation import a_job
from tests.people import make_user
from vividflow.lifecycle.tools import Tools
from vividflow.records import jobs
from vividflow.records.picture_uses import Use, uses
from vividflow.records.users import User
from vividflow.timing import new_id

NOW = 1_800_000_000.0


def _job(tools: Tools, user: User, at: float, **more: Any) -> str:
    return a_job(tools.db, user, **({"created_at": NOW + at, "status": "completed"} | more)).id


def test_every_way_a_picture_goes_into_a_job_counts_once(tools: Tools, user: User) -> None:
    first, second, none = new_id(), new_id(), new_id()
    start = _job(tools, user, 1, params={"image_id": first})
    both = _job(tools, user, 2, params={"image_id": first, "last_image_id": first}, status="processing")
    end = _job(tools, user, 3, params={"image_id": second, "last_image_id": first}, status="queued")
    looks = _job(tools, user, 4, params={"reference_ids": [second, first]})
    _job(tools, user, 5, params={"reference_ids": [new_id()]})
    _job(tools, user, 6, params={"prompt": first, "reference_ids": []})
    _job(tools, user, 7)
    with tools.db.reading() as connection:
        found = uses(connection, user.id, [first, second, none], NOW)
        later = uses(connection, user.id, [first], NOW + 3)
    assert found == {
        first: [
            Use(job_id=looks, active=False),
            Use(job_id=end, active=True),
            Use(job_id=both, active=True),
            Use(job_id=start, active=False),
        ],
        second: [Use(job_id=looks, active=False), Use(job_id=end, active=True)],
        none: [],
    }
    assert [use.job_id for use in later[first]] == [looks, end]


def test_what_is_hidden_in_the_trash_or_somebody_elses_is_no_use(tools: Tools, user: User) -> None:
    picture = new_id()
    trashed = _job(tools, user, 1, params={"image_id": picture})
    with tools.db.transaction() as connection:
        jobs.change(connection, trashed, deleted_at=NOW)
    _job(tools, user, 2, params={"image_id": picture}, kind="late")
    _job(tools, make_user(tools), 3, params={"image_id": picture})
    with tools.db.reading() as connection:
        assert uses(connection, user.id, [picture], NOW) == {picture: []}
        assert uses(connection, user.id, [], NOW) == {}
