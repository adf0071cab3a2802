"""The queue: fair turns, leases and fences, suspects, drain, and one worker on a data folder."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from sqlalchemy import update

import job_queue
from job_queue import LONGEST_REST_SECONDS, JobQueue, Worker
from tests.people import make_user
from vividflow.config import Settings
from vividflow.errors import Problem
from vividflow.lifecycle import crew
from vividflow.lifecycle import orders as placing
from vividflow.lifecycle.answers import Advance, Wait
from vividflow.lifecycle.moving import NotAllowed
from vividflow.lifecycle.states import Lane
from vividflow.lifecycle.tools import Tools, build_tools
from vividflow.lifecycle.wish import Wish
from vividflow.records import due, job_events, jobs, ledger, orders, pauses, rate_tokens
from vividflow.records.jobs import Job
from vividflow.records.users import User
from vividflow.timing import now


@pytest.fixture
def tools(tools_for: Callable[..., Tools]) -> Tools:
    """Tools of a machine with places for 64 jobs at once."""
    return tools_for(media_hands=63)


def _place(tools: Tools, user: User, count: int = 1, **wish: object) -> list[str]:
    asked = [Wish(**({"prompt": f"clip {n}", "model": "local"} | wish)) for n in range(count)]  # type: ignore[arg-type]
    return [placing.place(tools, user, each)[1]["job_id"] for each in asked]


def _job(tools: Tools, job_id: str) -> Job:
    with tools.db.reading() as connection:
        found = jobs.by_id(connection, job_id)
    assert found is not None
    return found


def _wait(wanted: Callable[[], bool], seconds: float = 10.0) -> None:
    end = time.monotonic() + seconds
    while not wanted():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_the_person_with_the_fewest_running_has_the_next_turn(tools: Tools) -> None:
    greedy, modest = make_user(tools), make_user(tools)
    _place(tools, greedy, 50)
    (one,) = _place(tools, modest)
    begun, again = JobQueue(tools, 1).claim_starts(2)
    assert again == 0.0
    assert one in [job.id for job in begun]
    assert {job.state for job in begun} == {"submitting"}


def test_what_no_hand_is_free_for_stays_in_the_queue(tools_for: Callable[..., Tools]) -> None:
    tools = tools_for(media_hands=2)
    _place(tools, make_user(tools), 9)
    queue = JobQueue(tools, 1)
    assert [len(queue.claim_starts(9)[0]) for _ in range(2)] == [3, 0]


def test_a_job_that_died_alone_waits_until_the_worker_has_settled(tools: Tools, user: User) -> None:
    _place(tools, user)
    queue = JobQueue(tools, 1)
    queue.claim_starts(1)
    with tools.db.transaction() as connection:
        due.set_free(connection, now())
    assert queue.claim_suspects(settled=False) == []
    assert len(queue.claim_suspects(settled=True)) == 1


def test_priority_comes_before_fairness_and_front_before_age(tools: Tools) -> None:
    admin = make_user(tools, admin=True)
    first, second, third = _place(tools, admin, 3)
    (urgent,) = _place(tools, admin, priority=5)
    queue = JobQueue(tools, 1)
    queue.front(admin, third)
    begun, _ = queue.claim_starts(4)
    assert [job.id for job in begun] == [urgent, third, first, second]


def test_a_person_s_cap_is_kept(tools_for: Callable[..., Tools]) -> None:
    tools = tools_for(user_running=2, media_hands=63)
    _place(tools, make_user(tools), 5)
    begun, _ = JobQueue(tools, 1).claim_starts(10)
    again, _ = JobQueue(tools, 1).claim_starts(10)
    assert (len(begun), len(again)) == (2, 0)


def test_two_claimers_never_get_the_same_job(tools: Tools, user: User) -> None:
    placed = _place(tools, user, 60)
    got: list[str] = []

    def claim(owner: int) -> None:
        for _ in range(12):
            begun, _again = JobQueue(tools, owner).claim_starts(5)
            got.extend(job.id for job in begun)

    threads = [threading.Thread(target=claim, args=(n,)) for n in (1, 2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == sorted(placed)
    with tools.db.reading() as connection:
        assert all(len(orders.all_of(connection, job_id)) == 1 for job_id in placed)


def test_a_stale_fence_changes_nothing(tools: Tools, user: User) -> None:
    _place(tools, user)
    queue = JobQueue(tools, 1)
    (job,), _ = queue.claim_starts(1)
    with tools.db.transaction() as connection:
        assert due.set_free(connection, now(), owner=1) == 1
    assert queue.commit(job, Advance(to="failed")) is None
    assert _job(tools, job.id).state == "submitting"
    with tools.db.reading() as connection:
        assert ledger.closing_kinds(connection, [job.id]) == {}


def test_a_step_cannot_go_where_its_table_does_not_lead(tools: Tools, user: User) -> None:
    _place(tools, user)
    queue = JobQueue(tools, 1)
    (job,), _ = queue.claim_starts(1)
    with pytest.raises(NotAllowed):
        queue.commit(job, Advance(to="completed"))


def test_the_intent_is_there_before_the_step_and_a_second_open_order_is_impossible(tools: Tools, user: User) -> None:
    _place(tools, user)
    (job,), _ = JobQueue(tools, 1).claim_starts(1)
    with tools.db.reading() as connection:
        order = orders.newest_of(connection, job.id)
    assert order is not None
    assert (order.state, order.fence) == ("intent", job.fence)
    from dataclasses import replace

    from sqlalchemy.exc import IntegrityError

    with pytest.raises(IntegrityError), tools.db.transaction() as connection:
        orders.insert(connection, replace(order, id="another", n=2, token="another"))


def test_a_nudge_during_a_step_is_not_lost(tools: Tools, user: User) -> None:
    (job_id,) = _place(tools, user)
    queue = JobQueue(tools, 1)
    (job,), _ = queue.claim_starts(1)
    with tools.db.transaction() as connection:
        jobs.nudge(connection, job_id, now())
    queue.commit(job, Advance(to="generating", after=3600))
    assert (_job(tools, job_id).due_at or 0) <= now()


def test_a_look_is_not_a_failure_and_a_failure_is_counted(tools: Tools, user: User) -> None:
    (job_id,) = _place(tools, user)
    queue = JobQueue(tools, 1)
    (job,), _ = queue.claim_starts(1)
    looked = queue.commit(job, Wait(seconds=0))
    assert looked is not None
    assert looked.failures == 0
    failed = queue.commit(looked, Wait(seconds=0, failed=True))
    assert failed is not None
    assert failed.failures == 1
    assert _job(tools, job_id).failures == 1


def test_suspects_of_a_crash_run_in_ever_smaller_company_until_one_dies_alone(tools: Tools, user: User) -> None:
    _place(tools, user, 8)
    queue = JobQueue(tools, 1)
    held, _ = queue.claim_starts(8)
    sizes = []
    culprit: list[str] = []
    for _ in range(20):
        with tools.db.transaction() as connection:
            due.set_free(connection, now())
            culprit = due.poisoned(connection, now())
        if culprit:
            break
        held = queue.claim_suspects()
        sizes.append(len(held))
    assert sizes[:3] == [4, 2, 1]
    assert set(sizes[3:]) == {1}
    assert [_job(tools, job_id).crashes for job_id in culprit] == [3]


def test_a_suspect_that_does_a_step_is_cleared(tools: Tools, user: User) -> None:
    _place(tools, user)
    queue = JobQueue(tools, 1)
    queue.claim_starts(1)
    with tools.db.transaction() as connection:
        due.set_free(connection, now())
    (suspect,) = queue.claim_suspects()
    assert (suspect.crashes, suspect.company) == (1, 1)
    cleared = queue.commit(suspect, Wait(seconds=0))
    assert cleared is not None
    assert (cleared.crashes, cleared.company) == (0, None)


def test_a_job_that_brought_the_worker_down_three_times_fails_free_and_others_go_on(tools: Tools) -> None:
    person = make_user(tools, credit=1000)
    poison, other = _place(tools, person, 2, duration=1, resolution="480p")
    with tools.db.transaction() as connection:
        from sqlalchemy import update

        connection.execute(
            update(jobs.jobs)
            .where(jobs.jobs.c.id == poison)
            .values(crashes=3, company=1, state="submitting", status="processing", lane="calls")
        )
    worker = Worker(tools)
    worker.start()
    try:
        _wait(lambda: _job(tools, poison).over and _job(tools, other).over, 30)
    finally:
        worker.stop(20)
    assert (_job(tools, poison).error_code, _job(tools, poison).charged) == ("crashed_three_times", False)
    assert _job(tools, other).status == "completed"


def test_a_job_that_waited_too_long_for_its_turn_fails_free(tools_for: Callable[..., Tools]) -> None:
    tools = tools_for(queue_deadline_seconds=0.2)
    with tools.db.transaction() as connection:
        pauses.pause(connection, pauses.Pause(provider="local", reason="resting", since=now(), until=now() + 60))
    (job_id,) = _place(tools, make_user(tools))
    worker = Worker(tools)
    worker.start()
    try:
        _wait(lambda: _job(tools, job_id).over)
    finally:
        worker.stop(20)
    assert _job(tools, job_id).error_code == "queue_deadline_exceeded"
    with tools.db.reading() as connection:
        assert ledger.closing_kinds(connection, [job_id]) == {job_id: "release"}


def test_a_paused_provider_gets_no_orders(tools: Tools, user: User) -> None:
    with tools.db.transaction() as connection:
        pauses.pause(connection, pauses.Pause(provider="local", reason="resting", since=now(), until=now() + 60))
    _place(tools, user)
    begun, again = JobQueue(tools, 1).claim_starts(5)
    assert begun == []
    assert again is None  # nobody's turn comes before somebody lifts it
    with tools.db.transaction() as connection:
        pauses.lift(connection, "local")
    tools.standing.forget()
    assert len(JobQueue(tools, 1).claim_starts(5)[0]) == 1


def test_a_rate_s_tokens_are_spent_and_come_back(tools: Tools) -> None:
    with tools.db.transaction() as connection:
        assert rate_tokens.available(connection, "b", per_minute=60, burst=6, now=100.0) == 6
        rate_tokens.take(connection, "b", 6, per_minute=60, burst=6, now=100.0)
        assert rate_tokens.available(connection, "b", per_minute=60, burst=6, now=100.0) == 0
        assert rate_tokens.available(connection, "b", per_minute=60, burst=6, now=103.0) == 3
        assert rate_tokens.available(connection, "b", per_minute=60, burst=6, now=1000.0) == 6


def test_on_sqlite_one_worker_leads_and_the_next_takes_over(tools_for: Callable[..., Tools]) -> None:
    first, second = Worker(tools_for()), Worker(tools_for())
    if not first.tools.db.on_sqlite:
        first.start()
        second.start()
        _wait(lambda: first.leading and second.leading)
    else:
        first.start()
        _wait(lambda: first.leading)
        second.start()
        time.sleep(0.2)
        assert not second.leading
        first.stop(5)
        _wait(lambda: second.leading)
    first.stop(5)
    second.stop(5)


def test_a_worker_survives_its_own_mistakes(tools: Tools, user: User, monkeypatch: pytest.MonkeyPatch) -> None:
    worker = Worker(tools)
    stumbled = threading.Event()
    real = worker._turn

    def once() -> float:
        if not stumbled.is_set():
            stumbled.set()
            raise RuntimeError("a mistake")
        return real()

    monkeypatch.setattr(worker, "_turn", once)
    worker.start()
    try:
        (job_id,) = _place(tools, user, duration=1, resolution="480p")
        _wait(lambda: _job(tools, job_id).over, 30)
    finally:
        worker.stop(20)
    assert stumbled.is_set()
    assert _job(tools, job_id).status == "completed"


def test_draining_puts_a_rendering_job_down_for_the_next_worker(tools: Tools, user: User) -> None:
    (job_id,) = _place(tools, user, duration=30, resolution="1080p")
    worker = Worker(tools)
    worker.start()
    _wait(lambda: _job(tools, job_id).state == "generating")
    began = time.monotonic()
    assert worker.stop(10)
    assert time.monotonic() - began < 5
    job = _job(tools, job_id)
    assert (job.state, job.lease_owner, job.crashes) == ("generating", None, 0)


def test_a_thousand_waiting_jobs_cost_rows_and_no_threads(tools: Tools, user: User) -> None:
    ids = _place(tools, user, 300)
    with tools.db.transaction() as connection:
        from sqlalchemy import update

        waiting = {"state": "generating", "status": "processing", "lane": "calls", "due_at": now() + 3600}
        connection.execute(update(jobs.jobs).values(**waiting))
    before = threading.active_count()
    worker = Worker(tools)
    worker.start()
    _wait(lambda: worker.leading)
    time.sleep(0.3)
    assert threading.active_count() - before == 1
    worker.stop(5)
    assert len(ids) == 300


def test_every_move_leaves_an_event_in_order(tools: Tools, user: User) -> None:
    (job_id,) = _place(tools, user, duration=1, resolution="480p")
    worker = Worker(tools)
    worker.start()
    try:
        _wait(lambda: _job(tools, job_id).over, 30)
    finally:
        worker.stop(20)
    with tools.db.reading() as connection:
        events = job_events.after(connection, 0, user_id=user.id, job_id=job_id)
    assert [event.id for event in events] == sorted(event.id for event in events)
    assert events[0].data["status"] == "queued"
    assert (events[-1].name, events[-1].data["status"]) == ("done", "completed")
    risen = [event.data["progress"] or 0 for event in events]
    assert risen == sorted(risen)
    assert Lane.LOOP == "loop"


def test_only_a_queued_job_of_one_s_own_can_be_put_to_the_front(tools: Tools, user: User) -> None:
    (job_id,) = _place(tools, user)
    queue = JobQueue(tools, 1)
    with pytest.raises(Problem) as foreign:
        queue.front(make_user(tools), job_id)
    assert (foreign.value.status, foreign.value.code) == (404, "job_not_found")
    queue.claim_starts(1)
    with pytest.raises(Problem) as running:
        queue.front(user, job_id)
    assert (running.value.status, running.value.code) == (409, "not_queued")


def test_what_is_asked_of_a_job_that_is_not_there_is_answered_alike(tools: Tools, user: User) -> None:
    (job_id,) = _place(tools, user)
    queue = JobQueue(tools, 1)
    with pytest.raises(Problem) as foreign:
        queue.cancel(make_user(tools), job_id)
    with pytest.raises(Problem) as missing:
        queue.cancel(user, "no-such-job")
    assert (foreign.value.code, foreign.value.detail) == (missing.value.code, missing.value.detail)


def test_a_cancel_that_cannot_be_says_why_and_a_second_one_changes_nothing(tools: Tools, user: User) -> None:
    (job_id,) = _place(tools, user)
    queue = JobQueue(tools, 1)
    (job,), _ = queue.claim_starts(1)
    assert queue.cancel(user, job_id)[0] == 202
    asked = _job(tools, job_id).cancel_requested_at
    code, told = queue.cancel(user, job_id)
    assert (code, told["cancel_requested"]) == (202, True)
    assert _job(tools, job_id).cancel_requested_at == asked
    (made_id,) = _place(tools, user)
    _write(tools, made_id, state="finishing", status="processing")
    with pytest.raises(Problem) as made:
        queue.cancel(user, made_id)
    assert (made.value.status, made.value.code) == (409, "cannot_cancel")
    assert "made and paid" in made.value.detail
    assert job.id == job_id


def test_what_somebody_holds_or_what_is_over_is_not_given_up(tools: Tools, user: User) -> None:
    held, paid, queued = _place(tools, user, 3)
    queue = JobQueue(tools, 1)
    _write(tools, held, lease_owner=1)
    _write(tools, paid, state="completed", status="completed", due_at=None)
    for job_id in (held, paid, queued, "no-such-job"):
        queue.give_up(job_id, "gone_wrong", "It went wrong. You were not charged.")
    assert [_job(tools, job_id).status for job_id in (held, paid, queued)] == ["queued", "completed", "failed"]
    assert _job(tools, queued).error_code == "gone_wrong"


def test_what_is_done_after_the_commit_is_not_done_without_it(tools: Tools, user: User) -> None:
    _place(tools, user, 2)
    queue = JobQueue(tools, 1)
    (one, other), _ = queue.claim_starts(2)
    done: list[str] = []
    assert queue.commit(one, Advance(to="reconciling", then=lambda: done.append("one"))) is not None
    assert queue.commit(other.but(fence=99), Advance(to="reconciling", then=lambda: done.append("other"))) is None
    assert done == ["one"]


def _write(tools: Tools, job_id: str, **columns: object) -> None:
    with tools.db.transaction() as connection:
        connection.execute(update(jobs.jobs).where(jobs.jobs.c.id == job_id).values(**columns))


# ---- turns of a worker's loop, one at a time


@dataclass
class Turns:
    """A leading worker without its thread: its hands stop at `gate` with whatever step they were given."""

    worker: Worker
    gate: threading.Event
    begun: list[str]

    def turn(self) -> float:
        """One turn of the loop; the seconds until the next."""
        return self.worker._turn()

    def finish(self) -> None:
        """Let the hands go on, and wait until they hold nothing."""
        self.gate.set()
        assert self.worker._crew.held.wait_until_empty(20)


@pytest.fixture
def turns_of(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Tools], Turns]]:
    made: list[Turns] = []

    def make(tools: Tools) -> Turns:
        turns = Turns(Worker(tools), threading.Event(), [])

        def step(job: Job, _tools: Tools) -> Wait:
            turns.begun.append(job.id)
            assert turns.gate.wait(20)
            return Wait(seconds=3600)

        monkeypatch.setattr(crew, "run_step", step)
        assert turns.worker._lead.take()
        turns.worker.leading = True
        made.append(turns)
        return turns

    yield make
    for turns in made:
        turns.gate.set()
        turns.worker.stop(20)
        turns.worker._crew.dismiss()
        turns.worker._lead.give_up()


def test_what_no_hand_is_free_for_stays_queued_until_one_is(
    tools_for: Callable[..., Tools], turns_of: Callable[[Tools], Turns]
) -> None:
    tools = tools_for(calls_hands=1, media_hands=63)
    first, second = _place(tools, make_user(tools), 2)
    turns = turns_of(tools)
    turns.turn()
    assert turns.turn() > 0.01  # not asked again at once
    assert (_job(tools, first).status, _job(tools, second).status) == ("processing", "queued")
    assert tools.ears.watch.wait(5)  # what the claim itself nudged
    turns.finish()
    _wait(lambda: tools.ears.watch.wait(0.01) or turns.worker._crew.idle(Lane.CALLS) == 1)
    turns.turn()
    assert _job(tools, second).status == "processing"


def test_suspects_of_a_crash_run_before_all_else_and_in_small_company(
    tools: Tools, user: User, turns_of: Callable[[Tools], Turns]
) -> None:
    suspects = _place(tools, user, 4)
    JobQueue(tools, 7).claim_starts(4)
    with tools.db.transaction() as connection:
        due.set_free(connection, now())
    (innocent,) = _place(tools, user)
    turns = turns_of(tools)
    turns.turn()
    assert len(turns.worker._crew.held) == 2
    assert turns.turn() == LONGEST_REST_SECONDS  # nothing else begins beside them
    assert _job(tools, innocent).status == "queued"
    turns.finish()
    turns.turn()
    turns.finish()
    assert sorted(turns.begun) == sorted(suspects)
    turns.turn()  # the quarantine ends
    turns.turn()
    assert _job(tools, innocent).status == "processing"


def test_a_suspect_that_died_alone_waits_until_the_worker_has_settled(
    tools: Tools, user: User, turns_of: Callable[[Tools], Turns], monkeypatch: pytest.MonkeyPatch
) -> None:
    (suspect,) = _place(tools, user)
    JobQueue(tools, 7).claim_starts(1)
    with tools.db.transaction() as connection:
        due.set_free(connection, now())
    turns = turns_of(tools)
    clock = [1000.0]
    monkeypatch.setattr(job_queue, "monotonic", lambda: clock[0])
    turns.worker._led_since = clock[0]
    turns.turn()
    assert len(turns.worker._crew.held) == 0
    clock[0] += job_queue.SETTLED_SECONDS + 1
    turns.turn()
    assert turns.worker._crew.held.fences().keys() == {suspect}


def test_when_much_moves_a_claim_waits_a_moment_for_company(
    tools: Tools, user: User, turns_of: Callable[[Tools], Turns]
) -> None:
    turns = turns_of(tools)
    turns.turn()
    (job_id,) = _place(tools, user)
    turns.worker._crew.pace.moved(1000)
    turns.worker._claimed_at = job_queue.monotonic() + 5
    assert turns.turn() > 0
    assert _job(tools, job_id).status == "queued"
    turns.worker._claimed_at = 0.0
    turns.turn()
    assert _job(tools, job_id).status == "processing"


def test_a_worker_that_is_told_to_stop_begins_nothing(
    tools: Tools, user: User, turns_of: Callable[[Tools], Turns]
) -> None:
    turns = turns_of(tools)
    (job_id,) = _place(tools, user)
    assert not turns.worker.alive
    assert turns.worker.stop(1)
    turns.turn()
    assert _job(tools, job_id).status == "queued"


def test_a_job_due_later_is_rested_for_until_then(tools: Tools, user: User, turns_of: Callable[[Tools], Turns]) -> None:
    turns = turns_of(tools)
    _write(tools, _place(tools, user)[0], due_at=now() + 1.0, state="generating", status="processing", lane="calls")
    assert 0.5 < turns.turn() <= 1.0
    _write(tools, _place(tools, user)[0], due_at=now() - 1.0, state="generating", status="processing", lane="calls")
    turns.turn()
    assert len(turns.worker._crew.held) == 1


def test_a_worker_alone_drains_at_a_signal_and_ends_at_once_at_another_wish(
    database_url: str, settings_for: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_for(database_url=database_url)
    handlers: dict[int, Callable[..., None]] = {}
    clock, exits = [1000.0], []
    monkeypatch.setattr(Settings, "from_environment", lambda *_: settings)
    monkeypatch.setattr("vividflow.logs.set_up", lambda *_: None)
    monkeypatch.setattr(job_queue.signal, "signal", handlers.__setitem__)
    monkeypatch.setattr(job_queue.os, "_exit", exits.append)
    ended: list[int] = []
    thread = threading.Thread(target=lambda: ended.append(job_queue.main()))
    thread.start()
    _wait(lambda: len(handlers) == 2)
    tools = build_tools(settings)
    try:
        (job_id,) = _place(tools, make_user(tools), duration=1, resolution="480p")
        _wait(lambda: _job(tools, job_id).over, 30)
        monkeypatch.setattr(job_queue, "monotonic", lambda: clock[0])
        handlers[signal.SIGTERM](signal.SIGTERM, None)
        handlers[signal.SIGTERM](signal.SIGTERM, None)  # the same one, sent to the process and to its group
        assert exits == []
        clock[0] += job_queue.SAME_SIGNAL_SECONDS + 0.1
        handlers[signal.SIGINT](signal.SIGINT, None)
        assert exits == [1]
        thread.join(20)
        assert (ended, _job(tools, job_id).status) == ([0], "completed")
    finally:
        handlers[signal.SIGTERM](signal.SIGTERM, None)
        thread.join(20)
        tools.db.close()
