"""The queue: claim, commit, lanes, leases, drain. The only file that claims or commits a job.

A worker is one loop that answers "how long until next time" and some hands. `python job_queue.py` runs one alone.
"""

from __future__ import annotations

import logging
import os
import random
import signal
import threading
from typing import Any

from sqlalchemy import Connection

from vividflow.config import Settings
from vividflow.errors import Complaints, LeaseLost, Problem
from vividflow.lifecycle.answers import Advance, Answer, Wait
from vividflow.lifecycle.capacity import capacity_of, looks_allowed, spend
from vividflow.lifecycle.carrying import Carrier
from vividflow.lifecycle.crew import Crew
from vividflow.lifecycle.diverting import diverted
from vividflow.lifecycle.ending import end
from vividflow.lifecycle.kinds import table_of
from vividflow.lifecycle.lead import Lead
from vividflow.lifecycle.moving import event_of, moved
from vividflow.lifecycle.orders import missing
from vividflow.lifecycle.refunds import cancel_offer
from vividflow.lifecycle.rounds import Rounds
from vividflow.lifecycle.standing import Gate
from vividflow.lifecycle.states import Lane
from vividflow.lifecycle.together import gathered
from vividflow.lifecycle.tools import Tools, build_tools
from vividflow.lifecycle.turns import Turns
from vividflow.records import due, job_events, jobs
from vividflow.records.jobs import Job
from vividflow.records.users import User
from vividflow.timing import monotonic, now

log = logging.getLogger(__name__)

STANDBY_SECONDS = 1.0
LONGEST_REST_SECONDS, HELD_UP_SECONDS = 2.0, 0.05
# First steps written in one transaction, at most: a person who places a job meanwhile waits for it.
AT_ONCE = 512
DIVERTED_AT_ONCE = 200
CLAIM_PATIENCE_SECONDS = 0.003
DRAIN_SECONDS = 70.0
SETTLED_SECONDS = 10.0
# One signal may arrive twice: sent to the process and to its group.
SAME_SIGNAL_SECONDS = 0.5
Move = tuple[Job, Answer, tuple[int, float] | None]


class JobQueue:
    """Claims and commits, and the two things a person can do to a row of theirs: cancel it, and put it to the front."""

    def __init__(self, tools: Tools, owner: int = 0) -> None:
        self.tools = tools
        self.owner = owner
        self._turns = Turns()

    def claim_starts(self, hands: int) -> tuple[list[Job], float | None]:
        """Let waiting jobs take their first step inside one transaction: those that need a hand, seconds until asking again.

        By fair turn, within each provider's capacity and rate, as long as some of `hands` are left. None: nobody waits.
        """
        tools, moment = self.tools, now()
        tools.standing.known()  # read here if at all, not inside the transaction
        cap = tools.settings.user_running
        if tools.db.on_sqlite and self._turns.over:  # one worker claims alone: nobody has to wait while it ranks
            with tools.db.reading() as connection:
                self._turns.rank(connection, moment, cap, shut=self._shut)
            if not self._turns.more:
                return [], None
        begun: list[Job] = []
        with tools.db.transaction() as connection:
            if not tools.db.on_sqlite:
                self._turns.rank(connection, moment, cap, hands, shut=self._shut)
            for provider in self._turns.providers():
                while (room := hands - sum(job.lease_owner is not None for job in begun)) > 0 and len(begun) < AT_ONCE:
                    if provider is not None:
                        room = capacity_of(connection, tools, provider, moment, room, self.owner)
                    if room <= 0 or not (ids := self._turns.next(provider, room)):
                        break
                    free = due.free(connection, ids, moment)
                    if provider is not None:
                        spend(connection, tools, provider, "submits", len(free), moment)
                    begun += self._decide(connection, free, moment)
        for job in begun:
            tools.changed(job.user_id, job.id)
        again = (0.0 if begun else HELD_UP_SECONDS) if self._turns.more else None
        return [job for job in begun if job.lease_owner is not None], again

    def claim_due(self, lane: Lane, hands: int) -> list[list[Job]]:
        """Take the leases of the jobs that have been due longest in a lane, within the providers' rates for looks.

        A list for each of `hands` at most: of one job, or of several that one request answers for.
        """
        moment = now()
        with self.tools.db.transaction(CLAIM_PATIENCE_SECONDS) as connection:
            found = due.due_in_lane(connection, lane, moment, hands)
            if len(found) == hands and len(gathered(self.tools, found)) < hands:  # there may be more that go along
                found = due.due_in_lane(connection, lane, moment, max(hands, AT_ONCE))
            groups = looks_allowed(connection, self.tools, found, moment, hands)
            until = moment + self.tools.settings.lease_seconds
            ids = [job_id for group in groups for job_id in group]
            leased = {job.id: job for job in due.lease(connection, ids, self.owner, until, moment)}
        held = ([leased[job_id] for job_id in group if job_id in leased] for group in groups)
        return [group for group in held if group]

    def divert(self, provider: str, after: tuple[float, str]) -> tuple[float, str] | None:
        """Send queued jobs of a provider that is shut by another route, a page of them from behind `after`.

        The (created at, id) of the page's last job, None when that was all.
        """
        moment = now()
        with self.tools.db.transaction() as connection:
            found = due.queued_on(connection, provider, after, DIVERTED_AT_ONCE)
            moves: list[Move] = [
                (job, answer, None) for job in found if (answer := diverted(job, self.tools)) is not None
            ]
            gone = self._write(connection, moves, moment) if moves else []
        for job in gone:
            self.tools.changed(job.user_id, job.id)
        if gone:
            self.tools.nudge()
        return (found[-1].created_at, found[-1].id) if len(found) == DIVERTED_AT_ONCE else None

    def claim_suspects(self, settled: bool = True) -> list[Job]:
        """Take as many jobs that a crash made suspect as may run together now; those that died alone once `settled`."""
        moment = now()
        with self.tools.db.transaction() as connection:
            ids, _ = due.suspects(connection, moment, settled)
            return due.lease(connection, ids, self.owner, moment + self.tools.settings.lease_seconds, moment)

    def commit(self, job: Job, answer: Answer, *, keep: bool = False, patience: float = 0.0) -> Job | None:
        """Write what a step answered, with its event, money and messages; the job as it is now, None if the lease was lost.

        With `keep`, a job that goes on at once stays in the hand that has it.
        """
        try:
            return self.commit_all([(job, answer, keep)], patience=patience)[0]
        except LeaseLost:
            log.info("lost the lease of %s", job.id)
            return None

    def commit_all(self, work: list[tuple[Job, Answer, bool]], *, patience: float = 0.0) -> list[Job]:
        """As `commit` for each (job, answer, keep), in one transaction.

        Raises `LeaseLost` with nothing written when one of them lost its lease.
        """
        moment = now()
        lease = self._lease(moment)
        with self.tools.db.transaction(patience) as connection:
            moves = [(job, answer, lease if keep else None) for job, answer, keep in work]
            moved_on = self._write(connection, moves, moment)
        for (job, answer, _), new in zip(work, moved_on, strict=True):
            if isinstance(answer, Advance) and answer.then is not None:
                answer.then()
            if new.changes != job.changes:
                self.tools.changed(new.user_id, new.id)
        if any(new.over or (new.lease_owner is None and (new.due_at or moment) <= moment) for new in moved_on):
            self.tools.nudge()
        return moved_on

    def cancel(self, user: User, job_id: str) -> tuple[int, dict[str, Any]]:
        """Cancel a person's job: 200 when it is over with, 202 when the provider is being asked. Raises `Problem` 404, 409."""
        with self.tools.db.transaction() as connection:
            job = self._own(connection, user, job_id)
            offer = cancel_offer(self.tools, job)
            if not offer["possible"] and job.cancel_requested_at is None:
                code = "job_finished" if job.over else "cannot_cancel"
                raise Problem(409, code, f"It cannot be cancelled: {offer['reason']}", extra={"cancel": offer})
            if job.status == jobs.QUEUED and job.lease_owner is None:
                asked, free = job.but(cancel_requested_at=now()), Advance(to="cancelled", changes={"charged": False})
                (job,) = self._write(connection, [(asked, free, None)], now())
            else:
                jobs.ask_to_cancel(connection, job.id, now())
        self.tools.nudge()
        self.tools.changed(user.id, job_id)
        told = {"job_id": job.id, "status": job.status, "cancel_requested": not job.over}
        if job.over:
            return 200, told | {"message": "Cancelled. You were not charged."}
        return 202, told | {"cancel": offer, "message": "It is being stopped; the status tells when it has."}

    def front(self, user: User, job_id: str) -> dict[str, Any]:
        """Put a queued job before its owner's other queued jobs. Raises `Problem` 404, 409 not_queued."""
        with self.tools.db.transaction() as connection:
            job = self._own(connection, user, job_id)
            if not jobs.to_front(connection, job):
                raise Problem(409, "not_queued", f"Only a queued job can be moved; this one is {job.status}.")
        self.tools.changed(user.id, job_id)
        return {"job_id": job.id, "status": job.status, "message": "It is first among your queued jobs."}

    def give_up(self, job_id: str, code: str, message: str) -> None:
        """Fail a job that nobody holds, for a reason that lies outside its steps; free of charge."""
        with self.tools.db.reading() as connection:
            job = jobs.by_id(connection, job_id)
        if job is None or job.lease_owner is not None or "failed" not in table_of(job.kind)[job.state].next:
            return
        reason = {"error_code": code, "error_message": message, "charged": False}
        self.commit(job, Advance(to="failed", changes=reason))

    def _shut(self, provider: str) -> bool:
        return self.tools.standing.of_provider(provider).gate is Gate.SHUT

    def _own(self, connection: Connection, user: User, job_id: str) -> Job:
        job = jobs.own(connection, user.id, job_id)
        if job is None:
            raise missing()
        return job

    def _lease(self, moment: float) -> tuple[int, float]:
        return self.owner, moment + self.tools.settings.lease_seconds

    def _decide(self, connection: Connection, free: list[Job], moment: float) -> list[Job]:
        moves: list[Move] = []
        for job in free:
            decide = table_of(job.kind)[job.state].decide
            answer = decide(job, self.tools, connection) if decide else Wait(seconds=0)
            moves.append((job, answer, self._lease(moment)))
        return self._write(connection, moves, moment) if moves else []

    def _write(self, connection: Connection, moves: list[Move], moment: float) -> list[Job]:
        pairs: list[tuple[Job, Job]] = []
        for job, answer, lease in moves:
            pairs.append((job, moved(job, answer, self.tools, moment, lease)))
            for write in answer.writes:
                write(connection)
        over = [new for old, new in pairs if new.over and not old.over]
        if over:
            ended = {job.id: job for job in end(connection, self.tools, over, moment)}
            pairs = [(old, ended.get(new.id, new)) for old, new in pairs]
        if jobs.store(connection, pairs) != len(pairs):
            raise LeaseLost
        job_events.insert_many(connection, [event for old, new in pairs if (event := event_of(old, new))])
        return [new for _, new in pairs]


class Worker:
    """One worker: a daemon thread that looks at what is due, and the hands that do it.

    On SQLite it runs in exactly one process on a data folder (`worker.lock`); others stand by. On PostgreSQL any number
    run side by side, each with a liveness lock of its own.
    """

    def __init__(self, tools: Tools) -> None:
        self.tools = tools
        self.queue = JobQueue(tools, owner=random.SystemRandom().randrange(1, 2**31 - 1))
        self._stop = threading.Event()
        self._led_since = 0.0
        self._crew = Crew(tools, self.queue.commit_all, self._stop)
        self._lead = Lead(tools, self.queue.owner)
        self._carrier = Carrier(tools)
        self._rounds = Rounds(
            tools, self.queue.owner, self._lead, self._crew.held, self._carrier, self.queue.give_up, self.queue.divert
        )
        self._quarantine = False
        self._claimed_at = 0.0
        self._thread: threading.Thread | None = None
        self.leading = False

    @property
    def _settled(self) -> bool:
        """Whether this worker has lived long enough that its next death would tell of a job, not of a machine in trouble."""
        return monotonic() > self._led_since + SETTLED_SECONDS

    @property
    def alive(self) -> bool:
        """Whether the worker's thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Begin, in a daemon thread that outlives its own mistakes."""
        self._thread = threading.Thread(target=self.run, name="worker", daemon=True)
        self._thread.start()

    def stop(self, seconds: float = DRAIN_SECONDS) -> bool:
        """Drain: claim nothing more, finish what was ordered, put down the rest; False if that took longer than `seconds`."""
        self._stop.set()
        self.tools.nudge()
        end_at = monotonic() + seconds
        free = self._crew.held.wait_until_empty(seconds)
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(max(0.1, end_at - monotonic()))
        return free

    def run(self) -> None:
        """The worker's whole life, in the calling thread, until `stop`."""
        while not self._stop.is_set():
            try:
                if not self.leading and self._lead.take():
                    self.leading, self._led_since = True, monotonic()
                if self.leading:
                    self.tools.ears.watch.wait(self._turn())
                else:
                    self._stop.wait(STANDBY_SECONDS)
            except Exception:  # a worker that dies of a mistake would stop every job: say what broke, rest, go on
                log.exception("the worker stumbled and goes on")
                self._stop.wait(1.0)
        self._crew.held.wait_until_empty(DRAIN_SECONDS)
        self._crew.dismiss()
        self._carrier.stop()
        self.leading = False
        self._lead.give_up()

    # ---- one turn of the loop

    def _turn(self) -> float:
        """Begin what is due and free hands allow; seconds until the next look is worth while."""
        if self._stop.is_set():
            return 0.05
        self._rounds.make()
        suspects: list[str] = []
        with self.tools.db.reading() as connection:
            soon = due.next_due(connection)
            if soon.pop(due.SUSPECT) is not None:
                suspects, _ = due.suspects(connection, now(), self._settled)
        if suspects or self._quarantine:
            return self._isolate(bool(suspects))
        self._crew.hungry = False
        moment, rest = now(), LONGEST_REST_SECONDS
        # Media is so slow that nothing gathers there; what else is due may wait a moment for company.
        early = self._claimed_at + self._crew.pace.patience - monotonic()
        for lane, at in soon.items():
            if at is None:
                continue
            idle = self._crew.idle(Lane.CALLS if lane == "loop" else Lane(lane))
            if at > moment:
                rest = min(rest, at - moment)
            elif not idle:
                self._crew.hungry = True
            elif early > 0 and lane != Lane.MEDIA:
                rest = min(rest, early)
            elif lane == "loop":
                started, again = self.queue.claim_starts(idle)
                self._begin([[job] for job in started])
                rest = rest if again is None else min(rest, again)
            else:
                taken = self.queue.claim_due(Lane(lane), idle)
                self._begin(taken)
                rest = min(rest, 0.0 if taken else 0.02)
        return rest

    def _begin(self, taken: list[list[Job]]) -> None:
        if taken:
            self._claimed_at = monotonic()
            self._crew.take(taken)

    def _isolate(self, waiting: bool) -> float:
        if len(self._crew.held):
            self._crew.hungry = True
            return LONGEST_REST_SECONDS
        self._quarantine = False
        if waiting:
            taken = self.queue.claim_suspects(self._settled)
            self._quarantine = bool(taken)
            self._begin([[job] for job in taken])
        return 0.0


def main() -> int:
    """Run a worker alone until SIGTERM or SIGINT; a second signal ends it at once."""
    from vividflow.db.migrate import ensure_schema
    from vividflow.logs import set_up

    try:
        settings = Settings.from_environment()
        set_up(settings)
        tools = build_tools(settings)
    except Complaints as wrong:
        raise SystemExit(f"The worker cannot start:\n{wrong}") from None
    ensure_schema(tools.db, settings.data_dir)
    worker = Worker(tools)
    asked = threading.Event()

    first = 0.0

    def on_signal(_number: int, _frame: object) -> None:
        nonlocal first
        if not asked.is_set():
            first = monotonic()
            asked.set()
        elif monotonic() > first + SAME_SIGNAL_SECONDS:
            os._exit(1)

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    worker.start()
    log.info("worker started", extra={"database": tools.db.version()})
    while not asked.wait(1.0):
        pass
    worker.stop()
    tools.ears.watch.close()
    tools.decoder.close()
    tools.db.close()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
