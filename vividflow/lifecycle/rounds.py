"""The rounds of a worker: signs of life, leases held on to, the dead set free, what waited too long given up, tidying,
and files that wait on this machine carried up to the bucket.
"""

from __future__ import annotations

from collections.abc import Callable

from vividflow.lifecycle import housekeeping
from vividflow.lifecycle.carrying import LOOK_SECONDS, Carrier
from vividflow.lifecycle.diversions import DIVERT_SECONDS, Diversions, Divert
from vividflow.lifecycle.held import Held
from vividflow.lifecycle.lead import Lead
from vividflow.lifecycle.tools import Tools
from vividflow.records import due
from vividflow.timing import monotonic, now

TOUCH_SECONDS, RENEW_SECONDS, RESCUE_SECONDS, TIDY_SECONDS = 5.0, 15.0, 2.0, 3600.0
RENEW_PATIENCE_SECONDS = 0.012
POISONED = ("crashed_three_times", "It brought the worker down three times and was stopped. You were not charged.")
OVERDUE = ("queue_deadline_exceeded", "It waited too long for its turn. You were not charged.")


class Rounds:
    """What a leading worker does again and again beside its jobs; `give_up(job id, code, sentence)` fails a job of nobody,
    `divert` sends a page of queued jobs by another route."""

    def __init__(
        self,
        tools: Tools,
        owner: int,
        lead: Lead,
        held: Held,
        carrier: Carrier,
        give_up: Callable[[str, str, str], None],
        divert: Divert,
    ) -> None:
        self._tools = tools
        self._owner = owner
        self._lead = lead
        self._held = held
        self._give_up = give_up
        self._diversions = Diversions(tools, divert)
        lease = tools.settings.lease_seconds
        self._acts: tuple[tuple[float, Callable[[], object]], ...] = (
            (TOUCH_SECONDS, lead.touch),
            (min(lease / 3, RENEW_SECONDS), self._renew),
            (min(lease / 3, RESCUE_SECONDS), self._rescue),
            (TIDY_SECONDS, lambda: housekeeping.tidy(tools)),
            (LOOK_SECONDS, carrier.look),
            (DIVERT_SECONDS, self._diversions.go_on),
        )
        self._next = [0.0] * len(self._acts)

    def make(self) -> None:
        """Do whatever its time has come for."""
        for number, (seconds, act) in enumerate(self._acts):
            if monotonic() >= self._next[number]:
                self._next[number] = monotonic() + seconds
                act()

    def _renew(self) -> None:
        if not (fences := self._held.fences()):
            return
        with self._tools.db.transaction(RENEW_PATIENCE_SECONDS) as connection:
            lost = due.renew(connection, fences, self._owner, now() + self._tools.settings.lease_seconds)
        for job_id in lost:
            self._held.lose(job_id, fences[job_id])

    def _rescue(self) -> None:
        self._lead.free_the_dead()
        moment = now()
        with self._tools.db.reading() as connection:
            poisoned = due.poisoned(connection, moment)
            overdue = due.late_in_queue(connection, moment - self._tools.settings.queue_deadline_seconds)
        for job_id in poisoned:
            self._give_up(job_id, *POISONED)
        for job_id in overdue:
            self._give_up(job_id, *OVERDUE)
