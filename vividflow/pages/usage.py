"""What was used and what it cost: a month by day, model and key, the ledger, and the level at which one wants to be told."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

from flask import Response, request
from sqlalchemy import Connection

from vividflow import timing
from vividflow.lifecycle import usage as used
from vividflow.lifecycle.variance import too_far, variance
from vividflow.pages import session
from vividflow.pages.shell import fields, house, render, to
from vividflow.pages.usage_chart import Chart, chart
from vividflow.pages.words import MICRO
from vividflow.records import ledger, ledger_lines, usage, users
from vividflow.records.usage import DAY_SECONDS, Sums

LINES = 25
MOST_USD = 1_000_000
_MONTH = re.compile(r"(20[0-9]{2})-(0[1-9]|1[0-2])").fullmatch
_WRONG_LEVEL = "Give an amount in US dollars from 0.01 to 1,000,000, or leave it empty."


def show() -> Response:
    """The page of a month (`?month=2026-10`), this one unless told otherwise."""
    return _page()


def alert() -> Response:
    """Keep the level above which a month's spending is told; an empty one switches that off."""
    given = fields("level")["level"]
    level = _level(given)
    if given and level is None:
        return _page(given, _WRONG_LEVEL)
    with house().tools.db.transaction() as connection:
        users.change(connection, session.signed_in().id, usage_alert=level)
    return to("/usage", said="alert" if level is not None else "no_alert")


def _page(given: str | None = None, error: str | None = None) -> Response:
    user, tools = session.signed_in(), house().tools
    this = used.month_of(timing.now())
    since = min(_month(request.args.get("month", "")) or this, this)
    until = _next_month(since)
    with tools.db.reading() as connection:
        balance = ledger.account(connection, user.id)
        lines = ledger_lines.page(connection, user.id, limit=LINES + 1, before=_before(request.args.get("before", "")))
        drawn = _chart(connection, user.id, since, until)
    days = used.rows(tools, user, since, until, "day")
    whole = sum((row.sums for row in days), start=Sums())
    return render(
        "usage/page.html",
        422 if error else 200,
        month=since,
        earlier=used.day_of(since - 1)[:7],
        later=used.day_of(until)[:7] if until <= this else None,
        first=used.day_of(since),
        last=used.day_of(until - 1),
        balance=balance if tools.settings.credits else None,
        whole=whole,
        days=days,
        models=used.rows(tools, user, since, until, "model"),
        keys=used.rows(tools, user, since, until, "key"),
        chart=drawn[0],
        priced=drawn[1],
        lines=lines[:LINES],
        before=lines[LINES - 1].id if len(lines) > LINES else None,
        level=_shown(user.usage_alert) if given is None else given,
        error=error,
        variance=variance,
        too_far=too_far,
    )


def _chart(connection: Connection, user_id: str, since: float, until: float) -> tuple[Chart, bool]:
    """The chart, and whether it tells money; jobs are counted where nothing cost anything."""
    found = usage.grouped(connection, user_id, since, until, "day", "model")
    priced = any(sums.actual for _, sums in found)
    days = [used.day_of(since + number * DAY_SECONDS) for number in range(round((until - since) / DAY_SECONDS))]
    amounts = [
        (used.day_of(day), model or "None", sums.actual if priced else sums.jobs) for (day, model), sums in found
    ]
    return chart(days, amounts), priced


def _month(text: str) -> float | None:
    found = _MONTH(text)
    return datetime(int(found[1]), int(found[2]), 1, tzinfo=UTC).timestamp() if found else None


def _next_month(since: float) -> float:
    return used.month_of(since + 31 * DAY_SECONDS)


def _before(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _level(text: str) -> int | None:
    try:
        amount = Decimal(text.removeprefix("$").replace(",", ""))
    except InvalidOperation:
        return None
    return int(amount * MICRO) if amount.is_finite() and Decimal("0.01") <= amount <= MOST_USD else None


def _shown(micro: int | None) -> str:
    return "" if micro is None else f"{micro / MICRO:.2f}"
