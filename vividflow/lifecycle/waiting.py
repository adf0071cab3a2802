"""When to look: as seldom as is enough, by how long the last clips of this sort took (docs/adr/0020)."""

from __future__ import annotations

import math
import random
from bisect import bisect_right

from vividflow.lifecycle.states import Lane
from vividflow.lifecycle.tools import Tools
from vividflow.lifecycle.usual import times_like
from vividflow.providers.catalog import PROVIDERS
from vividflow.records.jobs import Job
from vividflow.timing import now

# Each look comes when this share of those that took longer than now were ready. Measured (docs/adr/0020): fewer looks
# are late, more are requests that find nothing.
READY_SHARE = 0.3
# Where a look has just shared its request with others, closer looks cost next to nothing.
SHARE_IN_COMPANY = 0.15
# Below this many no share can be told any more; from there on each look comes a tenth of the time passed later.
FEWEST_LEFT, TENTH = 3, 0.1
# Looks are not closer than this share of the median, nor than half a second.
CLOSEST_SHARE, CLOSEST_SECONDS = 0.03, 0.5
# A vendor that has called about this order will call again: a look before all are usually ready would ask for nothing.
CALLED_SHARE = 1.25
UNKNOWN_SECONDS = 10.0


def first_look(job: Job, tools: Tools) -> float:
    """Seconds from the order to the first look: POLL_FIRST_SECONDS, else by this installation's history, else the usual time."""
    if lane_of_generating(job, tools) is Lane.MEDIA:
        return 0.0
    first = tools.settings.poll_first_seconds
    if first is not None:
        return first * random.uniform(0.95, 1.05)
    times = times_like(tools, job)
    if (wait := _by_history(times, 0.0)) is not None:
        return _in_company(wait, times, job, tools)
    return (job.usual_seconds or UNKNOWN_SECONDS) * random.uniform(0.95, 1.05)


def next_look(job: Job, tools: Tools) -> float:
    """Seconds from one look to the next: by history, else the vendor's steps; at most POLL_MAX_SECONDS, with jitter.

    Longer only where the vendor has called about this order, and so will tell the end of it.
    """
    most = tools.settings.poll_max_seconds
    steps = tools.registry.vendors[job.provider or "local"].looks
    step = steps[min(job.looks, len(steps) - 1)]
    past = max(0.0, now() - (job.generating_at or now()))
    times = times_like(tools, job) if tools.settings.poll_first_seconds is None else ()
    if has_called(job):
        slowest = times[-1] if times else job.usual_seconds or UNKNOWN_SECONDS
        return max(most, slowest * CALLED_SHARE - past) * random.uniform(0.9, 1.1)
    if times:
        share = SHARE_IN_COMPANY if tools.seen else READY_SHARE
        wait = _by_history(times, past, share) or max(steps[0], TENTH * past)
        return _in_company(min(wait, most), times, job, tools)
    return min(step, most) * random.uniform(0.9, 1.1)


def has_called(job: Job) -> bool:
    """Whether the vendor has called about this order, so that its calls do reach us."""
    return job.nudged_at is not None and job.started_at is not None and job.nudged_at >= job.started_at


def lane_of_generating(job: Job, tools: Tools) -> Lane:
    """Media for a vendor that is made on this machine, calls for all others."""
    return Lane(tools.registry.vendors[job.provider or "local"].lane)


def _by_history(times: tuple[float, ...], past: float, share: float = READY_SHARE) -> float | None:
    """Seconds until that `share` of those that took longer than `past` were ready; None where too few did."""
    left = times[bisect_right(times, past) :]
    if len(left) < FEWEST_LEFT:
        return None
    return max(left[int(share * len(left))] - past, _closest(times))


def _closest(times: tuple[float, ...]) -> float:
    return max(CLOSEST_SECONDS, CLOSEST_SHARE * times[len(times) // 2])


def _in_company(wait: float, times: tuple[float, ...], job: Job, tools: Tools) -> float:
    """About `wait`: where one request answers for many, looks fall on the ticks of a clock that all share."""
    lists = PROVIDERS[job.provider or "local"].lists
    if lists(tools.settings, job.provider_model or "") is None:
        return wait * random.uniform(0.97, 1.03)
    tick = 2.0 ** math.floor(math.log2(_closest(times)))
    moment = now()
    return max(CLOSEST_SECONDS, round((moment + wait) / tick) * tick - moment)
