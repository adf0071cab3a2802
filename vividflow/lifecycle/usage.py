"""What a person used in a stretch of time: in all, and by day, model, provider or key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from vividflow.lifecycle.tools import Tools
from vividflow.lifecycle.variance import too_far, variance
from vividflow.providers.price import usd
from vividflow.records import api_keys, usage
from vividflow.records.usage import DAY_SECONDS, Sums
from vividflow.records.users import User

PAGES = "Pages"


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """The figures of one group: `group` is its day, model, provider or key id (None: the pages, or none), `name` for people."""

    group: str | None
    name: str
    sums: Sums


def rows(tools: Tools, user: User, since: float, until: float, by: str) -> list[Row]:
    """The groups that had jobs from `since` to before `until` (seconds since 1970): days in order, others dearest first."""
    with tools.db.reading() as connection:
        found = usage.grouped(connection, user.id, since, until, by)
        names = _key_names(connection, user.id) if by == "key" else {}
    if by == "day":
        return [Row(group=day_of(group), name=day_of(group), sums=sums) for (group,), sums in found]
    made = [Row(group=group, name=_name(group, by, names), sums=sums) for (group,), sums in found]
    return sorted(made, key=lambda row: (-row.sums.actual, -row.sums.jobs, row.name))


def total(tools: Tools, user: User, since: float, until: float) -> Sums:
    """Everything from `since` to before `until`."""
    with tools.db.reading() as connection:
        return usage.total(connection, user.id, since, until)


def figures(sums: Sums) -> dict[str, Any]:
    """The figures as the API tells them: seconds of film, US dollars, the variance as a share of the estimate."""
    apart = variance(sums.estimate, sums.actual)
    return {
        "jobs": sums.jobs,
        "completed": sums.completed,
        "failed": sums.failed,
        "cancelled": sums.cancelled,
        "seconds": sums.made_ms / 1000,
        "estimated_cost": usd(sums.estimate),
        "actual_cost": usd(sums.actual),
        "variance": apart,
        "variance_alert": too_far(apart),
        "charged": usd(sums.charged),
        "refunded": usd(sums.refunded),
    }


def day_of(moment: float) -> str:
    """The UTC day of a moment: "2026-11-25"."""
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m-%d}"


def month_of(moment: float) -> float:
    """When the UTC month of a moment began."""
    return datetime.fromtimestamp(moment, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0).timestamp()


def day_after(moment: float) -> float:
    """When the UTC day after that of a moment begins."""
    return moment - moment % DAY_SECONDS + DAY_SECONDS


def over_alert(tools: Tools, user: User, moment: float) -> int | None:
    """Micro-dollars that were charged in this UTC month, if they are over the level at which the person wants to be told."""
    if user.usage_alert is None:
        return None
    spent = total(tools, user, month_of(moment), day_after(moment)).charged
    return spent if spent > user.usage_alert else None


def _name(group: str | None, by: str, names: dict[str, str]) -> str:
    if by == "key":
        return PAGES if group is None else names.get(group, f"vf_{group}_…")
    return group or "None"


def _key_names(connection: Any, user_id: str) -> dict[str, str]:
    return {key.id: key.name for key in api_keys.of_user(connection, user_id)}
