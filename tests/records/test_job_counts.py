"""Counts of a person's jobs by status, on both databases."""

from __future__ import annotations

from job_queue import JobQueue
from tests.people import make_user
from vividflow.lifecycle import orders, trash
from vividflow.lifecycle.tools import Tools
from vividflow.lifecycle.wish import Wish
from vividflow.records import job_counts
from vividflow.records.users import User


def test_own_jobs_are_counted_by_status_without_the_trash(tools: Tools, user: User) -> None:
    ids = [orders.place(tools, user, Wish(prompt="A quiet lake"))[1]["job_id"] for _ in range(4)]
    orders.place(tools, make_user(tools), Wish(prompt="Somebody else's lake"))
    queue = JobQueue(tools)
    for job_id in ids[:2]:
        queue.cancel(user, job_id)
    trash.remove(tools, user, ids[0])
    with tools.db.reading() as connection:
        assert job_counts.by_status(connection, user.id) == {"queued": 2, "cancelled": 1}
        assert job_counts.by_status(connection, "nobody") == {}
