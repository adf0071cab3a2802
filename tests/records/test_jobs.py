"""Jobs in lists: a person's own, in order, without what is hidden or in the trash."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from tests.installation import a_job, an_asset
from tests.people import make_user
from vividflow.lifecycle.tools import Tools
from vividflow.records import assets, deliveries, due, idempotency, job_events, jobs, orders, pauses, renditions
from vividflow.records.jobs import Job
from vividflow.records.renditions import Rendition
from vividflow.records.users import User
from vividflow.timing import new_id

NOW = 1_800_000_000.0


@dataclass
class Shelf:
    """A person's jobs on the database of the test."""

    tools: Tools
    user: User

    def job(self, **more: Any) -> Job:
        return a_job(self.tools.db, self.user, **more)

    def page(self, **wanted: Any) -> list[str]:
        with self.tools.db.reading() as connection:
            return [each.id for each in jobs.page(connection, self.user.id, limit=wanted.pop("limit", 50), **wanted)]


@pytest.fixture
def shelf(tools: Tools, user: User) -> Shelf:
    return Shelf(tools, user)


def test_a_list_is_newest_first_and_goes_on_behind_the_last_one_even_among_equals(shelf: Shelf) -> None:
    ids = sorted(new_id() for _ in range(3))
    made = [shelf.job(id=each, created_at=NOW) for each in ids]
    newest = shelf.job(created_at=NOW + 1)
    assert shelf.page() == [newest.id, *reversed(ids)]
    assert shelf.page(limit=2) == [newest.id, ids[2]]
    assert shelf.page(after=made[2]) == [ids[1], ids[0]]
    assert shelf.page(after=made[0]) == []


def test_a_list_is_narrowed_by_status_model_kind_and_words(shelf: Shelf) -> None:
    done = shelf.job(status="completed", model="wan2.2", prompt="A Lighthouse at 100% dusk", due_at=None)
    queued = shelf.job(status="queued", model="local", prompt="a harbour_wall")
    assert shelf.page(status="completed") == [done.id]
    assert shelf.page(model="local") == [queued.id]
    assert set(shelf.page(kind="video")) == {done.id, queued.id}
    assert shelf.page(kind="film") == []
    assert shelf.page(words="LIGHTHOUSE") == [done.id]
    assert shelf.page(words="100%") == [done.id]
    assert shelf.page(words="r_w") == [queued.id]
    assert shelf.page(words="_") == [queued.id]


def test_what_is_hidden_in_the_trash_or_somebody_else_s_is_in_no_list(shelf: Shelf, tools: Tools) -> None:
    shown = shelf.job()
    shelf.job(kind="late")
    shelf.job(kind="delivery")
    shelf.job(deleted_at=NOW)
    a_job(tools.db, make_user(tools))
    done = shelf.job(status="completed", due_at=None, created_at=NOW)
    assert set(shelf.page()) == {shown.id, done.id}
    with tools.db.reading() as connection:
        assert [each.id for each in jobs.active(connection, shelf.user.id)] == [shown.id]
        assert jobs.count_waiting(connection, shelf.user.id) == 2
        assert jobs.own(connection, "somebody else", shown.id) is None


def test_a_job_knows_how_many_start_before_it(shelf: Shelf, tools: Tools) -> None:
    first = shelf.job(created_at=NOW)
    mine = shelf.job(created_at=NOW + 1)
    a_job(tools.db, make_user(tools), created_at=NOW + 2)
    urgent = a_job(tools.db, make_user(tools), created_at=NOW + 3, priority=5)
    with tools.db.transaction() as connection:
        assert jobs.ahead_of(connection, urgent) == 0
        assert jobs.ahead_of(connection, mine) == 2
        assert jobs.to_front(connection, mine)
        assert jobs.ahead_of(connection, jobs.by_id(connection, mine.id) or mine) == 1
        assert jobs.ahead_of(connection, jobs.by_id(connection, first.id) or first) == 2


def test_a_percent_is_written_only_under_the_fence_and_says_whether_it_is_wanted(shelf: Shelf, tools: Tools) -> None:
    job = shelf.job(status="processing", fence=4)
    with tools.db.transaction() as connection:
        assert jobs.report(connection, job, 30, NOW) == (True, 1)
        assert jobs.report(connection, job.but(fence=3), 40, NOW) == (False, 0)
        jobs.ask_to_cancel(connection, job.id, NOW)
        jobs.ask_to_cancel(connection, job.id, NOW + 5)
        assert jobs.report(connection, job, 50, NOW) == (False, 1)
        now = jobs.by_id(connection, job.id)
        told = [each.data["progress"] for each in job_events.of_job(connection, job.id)]
    assert now is not None
    assert (now.progress, now.cancel_requested_at, told) == (50, NOW, [30, 50])


def test_what_the_worker_writes_is_not_for_people_to_change(shelf: Shelf, tools: Tools) -> None:
    job = shelf.job()
    with pytest.raises(AssertionError), tools.db.transaction() as connection:
        jobs.change(connection, job.id, status="completed")


def test_events_are_a_person_s_own_from_the_last_one_seen(shelf: Shelf, tools: Tools) -> None:
    one, other = shelf.job(), shelf.job()
    rows = [
        {"job_id": job.id, "user_id": shelf.user.id, "at": NOW, "name": "status", "data": {}}
        for job in (one, other, one)
    ]
    with tools.db.transaction() as connection:
        assert job_events.newest_id(connection) == 0
        job_events.insert_many(connection, rows)
        job_events.insert_many(connection, [])
        seen = job_events.after(connection, 0, user_id=shelf.user.id)
        last = job_events.newest_id(connection)
        assert [each.job_id for each in seen] == [one.id, other.id, one.id]
        assert last == seen[-1].id
        assert len(job_events.after(connection, seen[0].id, user_id=shelf.user.id, job_id=one.id)) == 1
        assert job_events.after(connection, last, user_id=shelf.user.id) == []
        assert job_events.after(connection, 0, user_id="somebody else") == []


def test_nobody_asked_for_is_nobody_taken(tools: Tools) -> None:
    with tools.db.transaction() as connection:
        assert due.free(connection, [], NOW) == []
        assert due.lease(connection, [], 1, NOW, NOW) == []
        assert jobs.store(connection, []) == 0
        assert due.set_free(connection, NOW) == 0


def test_a_worker_counts_what_it_and_nobody_holds_on_a_provider(shelf: Shelf, tools: Tools) -> None:
    shelf.job(status="processing", lease_owner=1)
    shelf.job(status="processing", lease_owner=2)
    shelf.job(status="processing")
    shelf.job(status="queued")
    with tools.db.reading() as connection:
        assert due.running_on(connection, "replicate") == 3
        assert due.running_on(connection, "replicate", 1) == 2
        assert due.running_on(connection, "local") == 0


def test_leases_are_renewed_under_their_fence_and_owner_alone(shelf: Shelf, tools: Tools) -> None:
    held, stale, foreign = (shelf.job(lease_owner=n, lease_until=NOW, fence=7) for n in (1, 1, 2))
    with tools.db.transaction() as connection:
        lost = due.renew(connection, {held.id: 7, stale.id: 6, foreign.id: 7}, 1, NOW + 90)
        kept = jobs.by_id(connection, held.id)
    assert lost == {stale.id, foreign.id}
    assert kept is not None
    assert (kept.lease_until, kept.due_at) == (NOW + 90, NOW + 90)


def test_files_are_found_by_key_and_by_the_bytes_that_were_given_and_the_trash_is_in_no_list(
    shelf: Shelf, tools: Tools
) -> None:
    job = shelf.job()
    made = an_asset(tools.db, shelf.user, job_id=job.id)
    given = an_asset(tools.db, shelf.user, kind="image", given_sha256="aa")
    poster = Rendition(
        id="r", asset_id=made.id, name="poster_480", storage_key="p", mime="image/jpeg", size=1, sha256="b",
        created_at=NOW,
    )  # fmt: skip
    with tools.db.transaction() as connection:
        renditions.insert(connection, poster)
        assert assets.by_storage_key(connection, made.storage_key) == made
        assert assets.by_storage_key(connection, "elsewhere") is None
        assert assets.by_given(connection, shelf.user.id, "aa", "image") == given
        assert assets.by_given(connection, shelf.user.id, "aa", "video") is None
        assert assets.by_given(connection, "somebody else", "aa", "image") is None
        assert assets.by_any_id(connection, given.id) == given
        assets.change(connection, given.id, deleted_at=NOW)
        assert assets.uploads(connection, shelf.user.id, "image", limit=5) == []
        assert [each.id for each in assets.in_trash_since(connection, NOW + 1)] == [given.id]
        assert assets.of_job(connection, job.id) == made
        assert renditions.by_storage_key(connection, "p") == poster
        assert renditions.by_storage_key(connection, "elsewhere") is None
        assert renditions.of_asset(connection, made.id) == [poster]
        assert renditions.delete_of_asset(connection, made.id) == ["p"]
        assert assets.delete_of_job(connection, job.id) == [made.storage_key]
        assert assets.all_of_job(connection, job.id) == []
        assets.delete(connection, given.id)
        assert assets.by_id(connection, shelf.user.id, given.id) is None


def _order(job: Job, n: int, **more: Any) -> orders.OrderRow:
    values: dict[str, Any] = {
        "id": new_id(), "job_id": job.id, "n": n, "provider": "replicate", "provider_model": "m", "state": orders.DONE,
        "token": new_id(), "request": {}, "request_hash": "alike", "fence": 1, "quoted": 5, "intent_at": NOW,
    }  # fmt: skip
    return orders.OrderRow(**(values | more))


def test_orders_of_equal_input_are_told_apart(shelf: Shelf, tools: Tools) -> None:
    one, other = shelf.job(), shelf.job()
    mine = _order(one, 2, state=orders.UNKNOWN)
    with tools.db.transaction() as connection:
        orders.insert(connection, _order(one, 1, operation_id="older"))
        orders.insert(connection, mine)
        assert orders.bound_operations(connection, mine) == {"older"}
        assert not orders.siblings_open(connection, mine)
        orders.insert(connection, _order(other, 1, state=orders.INTENT))
        assert orders.siblings_open(connection, mine)
        assert orders.newest_of(connection, one.id) == mine
        assert orders.newest_of(connection, "no job") is None
        assert orders.by_token(connection, "replicate", mine.token) == mine
        assert orders.by_token(connection, "gemini", mine.token) is None
        assert orders.count_open(connection) == 2


def test_a_pause_is_replaced_and_ends_by_itself(tools: Tools) -> None:
    with tools.db.transaction() as connection:
        for until in (NOW + 60, NOW + 90):
            pauses.pause(connection, pauses.Pause(provider="replicate", reason="refused", since=NOW, until=until))
        assert pauses.now_paused(connection, NOW + 89)["replicate"].until == NOW + 90
        assert pauses.now_paused(connection, NOW + 90) == {}


def test_a_message_keeps_what_came_of_each_try(shelf: Shelf, tools: Tools) -> None:
    message = deliveries.Delivery(
        id="msg_1", user_id=shelf.user.id, about_job_id="j", url="https://example.com", event="job.completed",
        body="{}", created_at=NOW,
    )  # fmt: skip
    with tools.db.transaction() as connection:
        deliveries.insert(connection, message)
        deliveries.note(connection, "msg_1", status=500, error="It broke.", delivered_at=None)
        deliveries.note(connection, "msg_1", status=204, error=None, delivered_at=NOW + 5)
        told = deliveries.by_id(connection, "msg_1")
        assert told is not None
        assert (told.tries, told.last_status, told.last_error, told.delivered_at) == (2, 204, None, NOW + 5)
        deliveries.delete_about(connection, "j")
        assert deliveries.by_id(connection, "msg_1") is None


def test_answers_are_kept_for_a_day(shelf: Shelf, tools: Tools) -> None:
    reply = idempotency.Reply(
        user_id=shelf.user.id, address="/a", key="k", fingerprint="f", status=202, body="{}", created_at=NOW
    )
    with tools.db.transaction() as connection:
        idempotency.insert(connection, reply)
        assert idempotency.find(connection, shelf.user.id, "/a", "k", NOW + idempotency.KEPT_SECONDS) == reply
        assert idempotency.find(connection, shelf.user.id, "/a", "k", NOW + idempotency.KEPT_SECONDS + 1) is None
        assert idempotency.find(connection, shelf.user.id, "/a", "another", NOW) is None
        assert idempotency.forget_old(connection, NOW + idempotency.KEPT_SECONDS) == 0
        assert idempotency.forget_old(connection, NOW + idempotency.KEPT_SECONDS + 1) == 1
