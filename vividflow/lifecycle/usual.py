"""How long a clip usually takes here: this installation's own history, else the registry's word."""

from __future__ import annotations

import threading

from vividflow.lifecycle.answers import Write
from vividflow.lifecycle.tools import Tools
from vividflow.providers.registry import Model, Route
from vividflow.records import usual_times
from vividflow.records.jobs import Job
from vividflow.records.usual_times import Sort
from vividflow.timing import monotonic

LEAST_RUNS, REMEMBERED_SECONDS = 5, 10.0
MOST_SORTS = 200
# A first look that finds a clip ready tells only that it took no longer: without this what is usual could never fall.
FOUND_READY = 0.95
_known: dict[tuple[int, Sort], tuple[float, tuple[float, ...]]] = {}
_lock = threading.Lock()


def usual_seconds(tools: Tools, model: Model, route: Route, *, duration: float, resolution: str) -> float:
    """Seconds from order to result of a clip of this model, length and size; the median of the last runs if there are five."""
    times = _times(tools, Sort(model.id, route.provider, duration, resolution))
    return times[len(times) // 2] if times else route.usual_seconds(duration, resolution)


def times_like(tools: Tools, job: Job) -> tuple[float, ...]:
    """How many seconds each of the last clips like this one took, shortest first; none where there are fewer than five."""
    return _times(tools, _sort(job))


def learned(job: Job, moment: float, took: float | None = None) -> tuple[Write, ...]:
    """The write that remembers how long a clip took which is ready at `moment`, `took` by the vendor's own clock.

    Nothing for a job that looks for a late result: when its order began is not in its row.
    """
    if job.generating_at is None or job.kind == "late":
        return ()
    seen = moment - job.generating_at
    called = job.nudged_at is not None and job.nudged_at >= job.generating_at
    if took is None or not 0 < took <= seen + 1:
        took = seen if job.looks or called else seen * FOUND_READY
    return (lambda connection: usual_times.add(connection, _sort(job), max(0.0, took)),)


def _sort(job: Job) -> Sort:
    params = job.params
    size = params.get("resolution") or ""
    return Sort(job.model or "", job.provider or "local", float(params.get("duration") or 0.0), size)


def _times(tools: Tools, sort: Sort) -> tuple[float, ...]:
    key = (id(tools.db), sort)
    known = _known.get(key)
    if known is None or monotonic() >= known[0]:
        with tools.db.reading() as connection:
            seconds = usual_times.of(connection, sort)
        known = (monotonic() + REMEMBERED_SECONDS, tuple(sorted(seconds)) if len(seconds) >= LEAST_RUNS else ())
        with _lock:
            if len(_known) >= MOST_SORTS:
                _known.clear()
            _known[key] = known
    return known[1]
