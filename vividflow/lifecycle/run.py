"""Running one step, and turning whatever it raises into an answer."""

from __future__ import annotations

import errno
import logging

from vividflow.errors import LeaseLost, Outcome, Permanent, Refused, Transient, Unknown
from vividflow.lifecycle.answers import Advance, Answer, Wait
from vividflow.lifecycle.kinds import table_of
from vividflow.lifecycle.states import State
from vividflow.lifecycle.tools import Tools
from vividflow.records.jobs import Job
from vividflow.timing import backoff

log = logging.getLogger(__name__)


def run_step(job: Job, tools: Tools) -> Answer:
    """Run the step of the job's state. Raises `LeaseLost` only; every other failure becomes an answer."""
    state = table_of(job.kind)[job.state]
    assert state.step is not None, job.state
    try:
        return state.step(job, tools)
    except LeaseLost:
        raise
    except Outcome as outcome:
        if not isinstance(outcome, Transient) or outcome.counts:
            log.info("step gave %s: %s", outcome.code, outcome.message)
        return answer_to(job, tools, state, outcome)
    except OSError as error:
        log.warning("step failed: %s", error)
        return answer_to(job, tools, state, _trouble(error))
    except (
        Exception
    ):  # a mistake of ours must not kill the worker, nor lose the job: it is logged whole and borne a few times
        log.exception("step broke")
        return answer_to(job, tools, state, Transient("internal_error", "Something went wrong on our side."))


def _trouble(error: OSError) -> Transient:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Transient("disk_full", "There is no room left on this machine; the job goes on when there is.")
    return Transient("machine_trouble", f"This machine had trouble: {error.strerror}.")


def answer_to(job: Job, tools: Tools, state: State, outcome: Outcome) -> Answer:
    """What a state makes of an outcome: its own answer where it has one, else patience and then giving up."""
    if state.on_error is not None:
        return state.on_error(job, tools, outcome)
    return bear(job, state, outcome)


def bear(job: Job, state: State, outcome: Outcome, first: float = 2.0, most: float = 60.0) -> Answer:
    """Patience for `Transient`, giving up for all else."""
    match outcome:
        case Transient(retry_after=seconds, counts=counts):
            if counts and state.tries is not None and job.failures + 1 >= state.tries:
                return give_up(state, outcome)
            wait = seconds if seconds is not None else backoff(job.failures + 1, first, most)
            return Wait(seconds=wait, failed=counts, changes={"note": outcome.message})
        case Permanent(charged=charged):
            return give_up(state, outcome, charged=charged)
        case Refused() | Unknown() | Outcome():
            return give_up(state, outcome)


def give_up(state: State, outcome: Outcome, *, charged: bool = False) -> Advance:
    """The end that a state gives up to, with the reason on the row."""
    reason = {"error_code": outcome.code, "error_message": outcome.message, "charged": charged}
    return Advance(to=state.gives_up, changes=reason)
