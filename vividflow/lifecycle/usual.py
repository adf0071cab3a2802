"""How long a clip usually takes here: this installation's own history, else the registry's word."""

from __future__ import annotations

import threading

from sqlalchemy import select

from vividflow.lifecycle.tools import Tools
from vividflow.providers.registry import Model, Route
from vividflow.records.jobs import COMPLETED, jobs
from vividflow.timing import monotonic

LEAST_RUNS, RUNS, REMEMBERED_SECONDS = 5, 40, 60.0
_known: dict[tuple[int, str, str], tuple[float, list[tuple[float, float]]]] = {}
_lock = threading.Lock()


def usual_seconds(tools: Tools, model: Model, route: Route, *, duration: float, resolution: str) -> float:
    """Seconds from order to result of a clip of this model, length and size; the median of the last runs if there are five."""
    runs = [seconds for length, seconds in _runs(tools, model.id, resolution) if length == duration]
    if len(runs) < LEAST_RUNS:
        return route.usual_seconds(duration, resolution)
    return sorted(runs)[len(runs) // 2]


def _runs(tools: Tools, model: str, resolution: str) -> list[tuple[float, float]]:
    key = (id(tools.db), model, resolution)
    known = _known.get(key)
    if known is not None and monotonic() < known[0]:
        return known[1]
    column = jobs.c
    statement = (
        select(column.params, column.provider_done_at - column.generating_at)
        .where(
            column.model == model,
            column.status == COMPLETED,
            column.kind.in_(("video", "image")),
            column.generating_at.is_not(None),
        )
        .order_by(column.finished_at.desc())
        .limit(RUNS)
    )
    with tools.db.reading() as connection:
        rows = connection.execute(statement).all()
    found = [
        (params.get("duration", 0.0), seconds)
        for params, seconds in rows
        if seconds and params.get("resolution", "") == resolution
    ]
    with _lock:
        if len(_known) > 200:
            _known.clear()
        _known[key] = (monotonic() + REMEMBERED_SECONDS, found)
    return found
