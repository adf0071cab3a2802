"""What the studio keeps beside jobs: drafts, public links, uploads that arrive in pieces."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from vividflow.lifecycle.tools import Tools
from vividflow.records import drafts, jobs, shares, uploads
from vividflow.records.drafts import Draft
from vividflow.records.jobs import Job
from vividflow.records.shares import Share
from vividflow.records.uploads import Upload
from vividflow.records.users import User
from vividflow.timing import new_id

NOW = 1_800_000_000.0


def _draft(user: User, version: int, **fields: Any) -> Draft:
    return Draft(user_id=user.id, page="create", fields=fields, version=version, updated_at=NOW + version)


def test_a_draft_is_saved_only_over_the_one_that_was_seen(tools: Tools, user: User) -> None:
    with tools.db.transaction() as connection:
        assert drafts.find(connection, user.id, "create") is None
        assert drafts.save(connection, _draft(user, 1, prompt="a"))
        assert drafts.save(connection, _draft(user, 2, prompt="b"))
        assert not drafts.save(connection, _draft(user, 2, prompt="another window"))
        assert not drafts.save(connection, _draft(user, 1, prompt="a late one"))
        assert drafts.find(connection, user.id, "create") == _draft(user, 2, prompt="b")
        drafts.forget(connection, user.id, "create")
        assert not drafts.save(connection, _draft(user, 3, prompt="c"))


def test_a_link_lives_until_its_time_or_its_end(tools: Tools, user: User) -> None:
    job = _job(user)
    share = Share(id=new_id(), job_id=job.id, user_id=user.id, created_at=NOW, expires_at=NOW + 60, show_name=True)
    endless = Share(id=new_id(), job_id=job.id, user_id=user.id, created_at=NOW + 1)
    with tools.db.transaction() as connection:
        jobs.insert(connection, job)
        shares.insert(connection, share)
        assert shares.of_job(connection, user.id, job.id) == share
        shares.insert(connection, endless)
        assert shares.of_job(connection, user.id, job.id) == endless
        assert shares.of_job(connection, new_id(), job.id) is None
        shares.change(connection, share.id, expires_at=NOW + 90, show_name=False, show_prompt=True)
        assert shares.by_id(connection, share.id) == replace(
            share, expires_at=NOW + 90, show_name=False, show_prompt=True
        )
        assert shares.by_id(connection, endless.id) == endless
        assert share.alive(NOW + 59)
        assert not share.alive(NOW + 60)
        assert endless.alive(NOW * 2)
        assert shares.end(connection, new_id(), job.id, NOW) == 0
        assert shares.end(connection, user.id, job.id, NOW + 2) == 2
        ended = shares.by_id(connection, share.id)
        assert ended is not None
        assert not ended.alive(NOW + 3)
        assert shares.of_job(connection, user.id, job.id) is None
        shares.delete_of_job(connection, job.id)
        assert shares.by_id(connection, share.id) is None


def test_an_upload_that_nobody_goes_on_with_is_forgotten(tools: Tools, user: User) -> None:
    old = Upload(id=new_id(), user_id=user.id, name="a.png", size=10, created_at=NOW, updated_at=NOW)
    fresh = Upload(id=new_id(), user_id=user.id, name="b.png", size=10, created_at=NOW, updated_at=NOW + 9)
    with tools.db.transaction() as connection:
        uploads.insert(connection, old)
        uploads.insert(connection, fresh)
        uploads.change(connection, fresh.id, received=4)
        assert uploads.own(connection, new_id(), fresh.id) is None
        assert uploads.forget_before(connection, NOW + 5) == [old.id]
        assert uploads.forget_before(connection, NOW + 5) == []
        assert uploads.own(connection, user.id, old.id) is None
        found = uploads.own(connection, user.id, fresh.id)
        assert found is not None
        assert (found.received, found.size) == (4, 10)


def test_of_two_who_go_on_with_an_upload_one_does(tools: Tools, user: User) -> None:
    upload = Upload(id=new_id(), user_id=user.id, name="a.png", size=10, created_at=NOW, updated_at=NOW)
    later = Upload(id=new_id(), user_id=user.id, name="b.png", size=10, created_at=NOW + 1, updated_at=NOW)
    with tools.db.transaction() as connection:
        uploads.insert(connection, upload)
        uploads.insert(connection, later)
        assert uploads.unfinished(connection, user.id) == [later, upload]
        assert uploads.unfinished(connection, new_id()) == []
        assert uploads.advance(connection, upload, 4, NOW + 2)
        assert not uploads.advance(connection, upload, 6, NOW + 3)
        found = uploads.own(connection, user.id, upload.id)
        assert found is not None
        assert (found.received, found.updated_at) == (4, NOW + 2)
        uploads.change(connection, upload.id, asset_id="made")
        assert not uploads.advance(connection, found, 6, NOW + 3)
        assert uploads.unfinished(connection, user.id) == [later]
        assert uploads.known(connection, [upload.id, "none"]) == {upload.id}
        assert not uploads.forget(connection, new_id(), upload.id)
        assert uploads.forget(connection, user.id, upload.id)
        assert not uploads.forget(connection, user.id, upload.id)


def _job(user: User) -> Job:
    return Job(
        id=new_id(),
        user_id=user.id,
        kind="video",
        state="completed",
        status="completed",
        stage="completed",
        lane="loop",
        created_at=NOW,
        updated_at=NOW,
    )
