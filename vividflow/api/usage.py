"""What one used and what it cost: figures for programs, and a table for spreadsheets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response

from vividflow import timing
from vividflow.api.address import Call
from vividflow.api.csv_text import csv_text
from vividflow.errors import Problem
from vividflow.lifecycle import usage
from vividflow.lifecycle.usage import Row
from vividflow.records.usage import DAY_SECONDS, Sums
from vividflow.timing import iso

LONGEST_DAYS = 366


def show(call: Call) -> Response | tuple[int, Mapping[str, Any]]:
    """One's own usage: this month's by day, or what the query names."""
    tools, user, query = call.house.tools, call.caller.user, call.query
    by = query.group_by or "day"
    since, until = _period(query.since, query.until)
    found = usage.rows(tools, user, since, until, by)
    if _as_csv(call):
        return _table(by, found, f"usage-{usage.day_of(since)}-{usage.day_of(until - 1)}.csv")
    return 200, {
        "period": {"from": iso(since), "to": iso(until)},
        "group_by": by,
        "totals": usage.figures(sum((row.sums for row in found), start=Sums())),
        "rows": [{"group": row.group, "name": row.name, **usage.figures(row.sums)} for row in found],
    }


def _period(since: float | None, until: float | None) -> tuple[float, float]:
    """From and (exclusive) to, in seconds since 1970. Raises `Problem` 422 `invalid_period`."""
    end = usage.day_after(timing.now()) if until is None else until
    begin = usage.month_of(end - 1) if since is None else since
    if not 0 < end - begin <= LONGEST_DAYS * DAY_SECONDS:
        detail = f"from lies before to, and at most {LONGEST_DAYS} days lie between them."
        raise Problem(422, "invalid_period", detail, param="from")
    return begin, end


def _as_csv(call: Call) -> bool:
    if call.query.format is not None:
        return call.query.format == "csv"
    return call.request.accept_mimetypes.best_match(("application/json", "text/csv")) == "text/csv"


def _table(by: str, found: list[Row], name: str) -> Response:
    columns = list(usage.figures(Sums()))
    rows = [[row.group or "", row.name, *usage.figures(row.sums).values()] for row in found]
    answer = Response(
        csv_text([by, "name", *columns], rows), 200, content_type="text/csv; charset=utf-8; header=present"
    )
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
