"""Titles and favourites: one's own, short, on one line, and never in the way of the worker."""

from __future__ import annotations

import pytest

from tests.people import make_user
from vividflow.errors import Problem
from vividflow.lifecycle import orders as placing
from vividflow.lifecycle.naming import LONGEST_TITLE, favour, rename
from vividflow.lifecycle.tools import Tools
from vividflow.lifecycle.wish import Wish
from vividflow.records import jobs
from vividflow.records.jobs import Job
from vividflow.records.users import User
from vividflow.timing import new_id, now


def _job(tools: Tools, user: User) -> str:
    return placing.place(tools, user, Wish(prompt="a lighthouse", model="local"))[1]["job_id"]


def _row(tools: Tools, job_id: str) -> Job:
    with tools.db.reading() as connection:
        found = jobs.by_id(connection, job_id)
    assert found is not None
    return found


def test_a_title_is_kept_trimmed_and_an_empty_one_takes_it_away(tools: Tools) -> None:
    user = make_user(tools)
    job_id = _job(tools, user)
    assert rename(tools, user, job_id, "  <b>Leuchtturm</b> 灯台 \u202e🌊 ").title == "<b>Leuchtturm</b> 灯台 \u202e🌊"
    assert _row(tools, job_id).title == "<b>Leuchtturm</b> 灯台 \u202e🌊"
    assert rename(tools, user, job_id, "x" * LONGEST_TITLE).title == "x" * LONGEST_TITLE
    assert rename(tools, user, job_id, "   ").title is None
    rename(tools, user, job_id, "again")
    assert rename(tools, user, job_id, None).title is None
    assert _row(tools, job_id).title is None


@pytest.mark.parametrize("title", ["two\nlines", "a\x00b", "a\x07", "half \ud83d", "x" * (LONGEST_TITLE + 1)])
def test_a_title_that_cannot_be_shown_is_refused_and_the_old_one_stays(tools: Tools, title: str) -> None:
    user = make_user(tools)
    job_id = _job(tools, user)
    rename(tools, user, job_id, "Before")
    with pytest.raises(Problem) as refused:
        rename(tools, user, job_id, title)
    assert (refused.value.status, refused.value.code, refused.value.param) == (422, "invalid_title", "title")
    assert _row(tools, job_id).title == "Before"


def test_a_favourite_keeps_the_time_of_its_first_mark(tools: Tools) -> None:
    user = make_user(tools)
    job_id = _job(tools, user)
    first = favour(tools, user, job_id, True).favourite_at
    assert first is not None
    assert favour(tools, user, job_id, True).favourite_at == first
    assert _row(tools, job_id).favourite_at == first
    assert favour(tools, user, job_id, False).favourite_at is None
    assert _row(tools, job_id).favourite_at is None


def test_another_person_s_job_a_missing_one_and_one_in_the_trash_look_alike(tools: Tools) -> None:
    user, other = make_user(tools), make_user(tools)
    job_id, trashed = _job(tools, user), _job(tools, other)
    with tools.db.transaction() as connection:
        jobs.change(connection, trashed, deleted_at=now())
    for asked in (job_id, trashed, new_id()):
        for act in (
            lambda job_id: rename(tools, other, job_id, "mine"),
            lambda job_id: favour(tools, other, job_id, True),
        ):
            with pytest.raises(Problem) as refused:
                act(asked)
            assert (refused.value.status, refused.value.code) == (404, "job_not_found")
    assert (_row(tools, job_id).title, _row(tools, job_id).favourite_at) == (None, None)
