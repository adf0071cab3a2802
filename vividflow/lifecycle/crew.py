"""The crew of one worker: hands that do steps, the jobs they hold, and the desk where their answers are written down."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable
from dataclasses import replace

from vividflow import logs
from vividflow.errors import LeaseLost
from vividflow.lifecycle.answers import Advance, Answer, Wait
from vividflow.lifecycle.desk import Desk
from vividflow.lifecycle.hands import Hands
from vividflow.lifecycle.held import Grip, Held
from vividflow.lifecycle.kinds import table_of
from vividflow.lifecycle.pace import Pace
from vividflow.lifecycle.run import run_step
from vividflow.lifecycle.states import Lane
from vividflow.lifecycle.together import look_through
from vividflow.lifecycle.tools import Seen, Tools
from vividflow.records.jobs import Job

log = logging.getLogger(__name__)

# With no more hands at work than these nobody is waited for: their answers would not come soon enough to share a commit.
CROWD = 4
# More answers than this on the desk: the disk is slower than the hands, which get nothing new until they are written.
DESK_FULL = 512
TROUBLE_SECONDS = 1.0

Work = tuple[Job, Answer, bool]
CommitAll = Callable[[list[Work]], list[Job]]


class Crew:
    """Does the steps of the jobs it is given, has `commit_all` write the answers, and goes on with those that stay in hand.

    `hungry` asks for a nudge as soon as a hand is free; once `stopping` is set nothing is kept.
    """

    def __init__(self, tools: Tools, commit_all: CommitAll, stopping: threading.Event) -> None:
        self._tools = tools
        self._commit_all = commit_all
        self._stopping = stopping
        self._hands = {
            Lane.CALLS: Hands("calls", tools.settings.calls_hands, self._freed),
            Lane.MEDIA: Hands("media", tools.settings.media_hands or os.cpu_count() or 1, self._freed),
        }
        self.pace = Pace()
        self._desk = Desk(self._write_down, patience=self._patience)
        self.held = Held()
        self.hungry = False

    def idle(self, lane: Lane) -> int:
        """How many jobs of a lane could be begun at once."""
        return 0 if self._desk.waiting > DESK_FULL else max(0, self._hands[lane].idle)

    def take(self, groups: list[list[Job]]) -> None:
        """Begin the next step of these, which the caller has claimed; each group is looked at by one hand, together."""
        self.held.take([job for group in groups for job in group])
        for group in groups:
            work = self._work_together if len(group) > 1 else self._work_alone
            self._hands[Lane(group[0].lane)].give(lambda work=work, group=group: work(group))

    def dismiss(self) -> None:
        """Nothing more will be taken: the threads may go."""
        for each in (*self._hands.values(), self._desk):
            each.dismiss()

    def _work_alone(self, group: list[Job]) -> None:
        self._work(group[0], {})

    def _work_together(self, group: list[Job]) -> None:
        told: dict[str, Seen] = {}
        try:
            told = look_through(group, self._tools)
        finally:  # whatever broke, each is put down
            for job in group:
                if job.id in told:
                    self._work(job, told[job.id])
                else:
                    self._desk.hand_in((job, Wait(seconds=0.0)))

    def _work(self, job: Job, seen: Seen) -> None:
        handed_in = False
        try:
            grip = Grip(self._tools, self.held, job, self._stopping.is_set)
            answer = self._step(job, grip, seen)
            if grip.told:
                job = job.but(progress=grip.progress, changes=job.changes + grip.told)
            self._desk.hand_in((job, answer))
            handed_in = True
        finally:
            if not handed_in:
                self.held.put_down(job.id)

    def _step(self, job: Job, grip: Grip, seen: Seen) -> Answer:
        with logs.bound(job_id=job.id, request_id=job.request_id):
            try:
                return run_step(job, replace(self._tools, keep_going=grip.keep_going, report=grip.report, seen=seen))
            except LeaseLost:
                return Wait(seconds=0.0)

    def _freed(self) -> None:
        if self.hungry or self._stopping.is_set():
            self._tools.nudge()

    # ---- the desk's thread

    def _patience(self) -> float:
        others = sum(hands.busy for hands in self._hands.values())
        return self.pace.patience if others > CROWD and not self._stopping.is_set() else 0.0

    def _write_down(self, pile: list[tuple[Job, Answer]]) -> None:
        room = {lane: hands.idle for lane, hands in self._hands.items()}
        work: list[Work] = []
        for job, answer in pile:
            lane = _next_lane(job, answer, self._tools)
            keep = lane is not None and not self._stopping.is_set() and (lane == job.lane or room[lane] > 0)
            if lane is not None and keep:
                room[lane] -= 1
            work.append((job, answer, keep))
        self.pace.moved(len(work))
        written = self._written(work)
        if any(isinstance(new, Exception) for new in written):
            self._stopping.wait(TROUBLE_SECONDS)
        for (job, _), new in zip(pile, written, strict=True):
            if isinstance(new, Job) and new.lease_owner is not None:
                self.take([[new]])
            else:
                self.held.put_down(job.id)

    def _written(self, work: list[Work]) -> list[Job | Exception | None]:
        try:
            return [*self._commit_all(work)]
        except Exception as trouble:
            if len(work) > 1:  # one that cannot be written must not take the others along
                return [new for each in work for new in self._written([each])]
            job = work[0][0]
            if isinstance(trouble, LeaseLost):
                log.info("lost the lease of %s", job.id)
                return [None]
            # The answer stands but could not be written; with its lease running out the step is done again, never the order.
            log.exception("could not write what became of %s", job.id)
            return [trouble]


def _next_lane(job: Job, answer: Answer, tools: Tools) -> Lane | None:
    """The lane of the step that may follow at once, or None."""
    if not isinstance(answer, Advance) or answer.after:
        return None
    state = table_of(job.kind)[answer.to]
    if state.end or state.decide is not None:
        return None
    return state.lane_of(job, tools) if state.lane_of else state.lane
