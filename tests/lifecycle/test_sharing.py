"""Public links: one a video, under its owner's terms, dead at once when they say so; and nobody can make one up."""

from __future__ import annotations

import base64
import uuid
from typing import Any

import pytest
import time_machine

from tests.installation import a_job, an_asset
from tests.people import make_user
from vividflow.errors import Problem
from vividflow.lifecycle import sharing
from vividflow.lifecycle.orders import Once, replay
from vividflow.lifecycle.sharing import DAY_SECONDS, FILE_SECONDS, Shown, Terms, open_link, switch_off, switch_on
from vividflow.lifecycle.tools import Tools
from vividflow.records import assets, jobs, renditions, users
from vividflow.records.jobs import Job
from vividflow.records.renditions import Rendition
from vividflow.records.shares import Share
from vividflow.records.users import User
from vividflow.timing import new_id

NOW = 1_800_000_000.0
DONE = {"state": "completed", "status": "completed", "stage": "completed", "due_at": None}


def done(tools: Tools, user: User, **more: Any) -> Job:
    asset = an_asset(tools.db, user)
    result = {"asset_id": asset.id}
    return a_job(tools.db, user, prompt="A lake", result=result, **(DONE | more))


def token_in(tools: Tools, body: dict[str, Any]) -> str:
    start = f"{tools.settings.public}/s/"
    assert body["url"].startswith(start)
    return body["url"].removeprefix(start)


def shared(tools: Tools, user: User, job: Job, **terms: Any) -> str:
    return token_in(tools, switch_on(tools, user, job.id, Terms(**terms))[1])


def opened(tools: Tools, token: str) -> Shown:
    found = open_link(tools, token)
    assert found is not None
    return found


def test_a_link_shows_what_its_owner_allows_and_nothing_more(tools: Tools, user: User) -> None:
    job = done(tools, user)
    poster = Rendition(
        id=new_id(),
        asset_id=job.result["asset_id"],
        name="poster_480",
        storage_key="k/p",
        mime="image/webp",
        size=1,
        sha256="00",
        created_at=NOW,
    )
    with tools.db.transaction() as connection:
        renditions.insert(connection, poster)
    with time_machine.travel(NOW, tick=False):
        status, body = switch_on(tools, user, job.id, Terms())
        assert status == 201
        assert (body["show_name"], body["show_prompt"]) == (False, False)
        assert (body["created_at"], body["expires_at"]) == ("2027-01-15T08:00:00.000Z", "2027-02-14T08:00:00.000Z")
        found = opened(tools, token_in(tools, body))
        assert (found.maker, found.prompt, found.job.id) == (None, None, job.id)
        assert found.posters == {"poster_480": poster}
        assert opened(tools, shared(tools, user, job, show_name=True)).maker == "Mina"
        assert opened(tools, shared(tools, user, job, show_prompt=True)).prompt == "A lake"


def test_other_terms_keep_the_link_and_a_dead_one_never_comes_back(tools: Tools, user: User) -> None:
    job = done(tools, user)
    with time_machine.travel(NOW, tick=False) as clock:
        first = shared(tools, user, job, days=1)
        status, body = switch_on(tools, user, job.id, Terms(days=None, show_name=True))
        assert (status, token_in(tools, body), body["expires_at"]) == (200, first, None)
        assert switch_on(tools, user, job.id, Terms(keep=True, show_name=True))[1] == body
        clock.shift(400 * DAY_SECONDS)
        assert opened(tools, first).maker == "Mina"
        assert switch_off(tools, user, job.id)
        assert not switch_off(tools, user, job.id)
        assert open_link(tools, first) is None
        second = shared(tools, user, job, days=7)
        assert second != first
        assert open_link(tools, first) is None
        clock.shift(7 * DAY_SECONDS - 1)
        assert opened(tools, second).share.show_name is False
        with tools.db.reading() as connection:
            assert sharing.current(connection, user, job.id) is not None
        clock.shift(1)
        assert open_link(tools, second) is None
        with tools.db.reading() as connection:
            assert sharing.current(connection, user, job.id) is None
        assert not switch_off(tools, user, job.id)
        third = shared(tools, user, job)
        assert third not in (first, second)
        opened(tools, third)


def test_the_trash_a_suspension_and_a_lost_file_end_what_is_shown(tools: Tools, user: User) -> None:
    job = done(tools, user)
    token = shared(tools, user, job)
    with tools.db.transaction() as connection:
        jobs.change(connection, job.id, deleted_at=NOW)
    assert open_link(tools, token) is None
    with tools.db.transaction() as connection:
        jobs.change(connection, job.id, deleted_at=None)
    opened(tools, token)
    with tools.db.transaction() as connection:
        connection.execute(users.users.update().values(suspended_at=NOW))
    assert open_link(tools, token) is None
    with tools.db.transaction() as connection:
        connection.execute(users.users.update().values(suspended_at=None))
        assets.delete(connection, job.result["asset_id"])
    assert open_link(tools, token) is None


def test_nobody_can_make_a_link_up(tools: Tools, user: User) -> None:
    token = shared(tools, user, done(tools, user))
    opened(tools, token)
    unknown = sharing.token_of(tools.secret, new_id())
    foreign = sharing.token_of("another secret", new_id())
    raw = base64.urlsafe_b64decode(f"{token}=")
    bare = base64.urlsafe_b64encode(raw[:16] + bytes(16)).rstrip(b"=").decode()
    spelled = token[:-1] + chr(ord(token[-1]) + 1)
    for each in (unknown, foreign, bare, spelled, token[:-1], f"{token}A", "", "x", "é" * 43, "A" * 43, "../../etc"):
        assert open_link(tools, each) is None, each
    assert str(uuid.UUID(bytes=raw[:16])) not in token


@pytest.mark.parametrize("status", ["queued", "processing", "failed", "cancelled"])
def test_only_what_is_there_can_be_shared(tools: Tools, user: User, status: str) -> None:
    job = a_job(tools.db, user, state=status, status=status, stage=status, due_at=None)
    with pytest.raises(Problem) as refused:
        switch_on(tools, user, job.id, Terms())
    assert (refused.value.status, refused.value.code) == (404, "no_result")


def test_somebody_else_s_video_a_missing_one_and_one_in_the_trash_look_alike(tools: Tools, user: User) -> None:
    other = make_user(tools)
    job, trashed = done(tools, user), done(tools, other, deleted_at=NOW)
    token = shared(tools, user, job)

    def ask(job_id: str) -> None:
        with tools.db.reading() as connection:
            sharing.current(connection, other, job_id)

    for job_id in (job.id, trashed.id, new_id()):
        acts = (
            ask,
            lambda job_id: switch_on(tools, other, job_id, Terms()),
            lambda job_id: switch_off(tools, other, job_id),
        )
        for act in acts:
            with pytest.raises(Problem) as refused:
                act(job_id)
            assert (refused.value.status, refused.value.code) == (404, "job_not_found")
    opened(tools, token)


def test_a_key_that_comes_again_gets_the_first_answer(tools: Tools, user: User) -> None:
    job = done(tools, user)
    once = Once(address=f"POST /api/v1/videos/jobs/{job.id}/share", key="k1", fingerprint="f1")
    status, body = switch_on(tools, user, job.id, Terms(), once=once)
    known = replay(tools, user.id, once)
    assert known == (status, body | {"__replayed__": True})


def test_the_files_behind_a_link_outlive_it_by_minutes_at_most(tools: Tools) -> None:
    share = Share(id=new_id(), job_id=new_id(), user_id=new_id(), created_at=NOW)
    key = f"users/{share.user_id}/{share.job_id}/original.mp4"

    def ends(share: Share, moment: float) -> int:
        link = sharing.file_link(tools, share, key, moment)
        return int(link.partition("expires=")[2].partition("&")[0])

    for moment in (NOW, NOW + 59.9):
        assert FILE_SECONDS - 60 < ends(share, moment) - moment <= FILE_SECONDS
    soon = Share(id=share.id, job_id=share.job_id, user_id=share.user_id, created_at=NOW, expires_at=NOW + 20)
    assert ends(soon, NOW) == NOW + 20


def test_who_shared_what_is_written_down_without_the_link(
    tools: Tools, user: User, caplog: pytest.LogCaptureFixture
) -> None:
    job = done(tools, user)
    with caplog.at_level("INFO", logger="vividflow.lifecycle.sharing"):
        token = shared(tools, user, job, days=7)
        switch_off(tools, user, job.id)
        switch_off(tools, user, job.id)
    assert [record.message for record in caplog.records] == ["public link on", "public link off"]
    said = [record.__dict__ for record in caplog.records]
    assert all((each["user_id"], each["job_id"]) == (user.id, job.id) for each in said)
    assert said[0]["ends"] > said[0]["created"]
    assert token not in str(said)
