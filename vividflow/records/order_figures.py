"""What orders came to lately, for each of a provider's models: how many, how many errors, what was paid, how long it took."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, case, func, select

from vividflow.records.jobs import COMPLETED, HIDDEN_KINDS, jobs
from vividflow.records.orders import DONE, orders

DAY_SECONDS = 86400.0
# So many of the last runs of each model say what is usual.
RUNS = 101
# Ends of an order that say nothing of the provider.
_NO_ERROR = ("cancelled", "put_down")

_o, _j = orders.c, jobs.c


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderFigures:
    """`placed` and `errors` of a stretch of time, `cost` of the day in micro-dollars, `seconds` of single runs of a day."""

    placed: int = 0
    errors: int = 0
    cost: int = 0
    seconds: tuple[float, ...] = ()

    @property
    def median_seconds(self) -> float | None:
        """The median time from order to result; None without a run."""
        return sorted(self.seconds)[len(self.seconds) // 2] if self.seconds else None


def order_figures(connection: Connection, *, since: float, now: float) -> dict[tuple[str, str], OrderFigures]:
    """The figures by provider and provider's id of the model.

    Orders and errors count from `since`, what was paid counts from the UTC midnight before `now`, runs from a day before.
    """
    midnight = now - now % DAY_SECONDS
    times = _seconds(connection, now - DAY_SECONDS)
    lately = _o.intent_at >= since
    wrong = lately & _o.error_code.is_not(None) & _o.error_code.not_in(_NO_ERROR)
    # An order that ended well is paid, and one that did not where the provider said so.
    charged = _o.charged.is_(True) | (_o.error_code.is_(None) & _o.charged.is_not(False))
    paid = (_o.ended_at >= midnight) & (_o.state == DONE) & charged
    statement = (
        select(_o.provider, _o.provider_model, _number(lately), _number(wrong), _sum_paid(paid))
        .where(_o.intent_at >= min(since, midnight - DAY_SECONDS))
        .group_by(_o.provider, _o.provider_model)
    )
    found = {
        (provider, model): OrderFigures(
            placed=int(placed), errors=int(errors), cost=int(cost), seconds=times.get((provider, model), ())
        )
        for provider, model, placed, errors, cost in connection.execute(statement)
    }
    return {key: OrderFigures(seconds=runs) for key, runs in times.items()} | found


def together(some: Iterable[OrderFigures]) -> OrderFigures:
    """The figures of several models as one."""
    each = list(some)
    return OrderFigures(
        placed=sum(one.placed for one in each),
        errors=sum(one.errors for one in each),
        cost=sum(one.cost for one in each),
        seconds=tuple(seconds for one in each for seconds in one.seconds),
    )


def _number(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, 1), else_=0))


def _sum_paid(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((condition, func.coalesce(_o.cost, _o.quoted)), else_=0))


def _seconds(connection: Connection, since: float) -> dict[tuple[str, str], tuple[float, ...]]:
    newest = func.row_number().over(partition_by=(_j.provider, _j.provider_model), order_by=_j.finished_at.desc())
    runs = (
        select(
            _j.provider,
            _j.provider_model,
            (_j.provider_done_at - _j.generating_at).label("seconds"),
            newest.label("place"),
        )
        .where(
            _j.finished_at >= since,
            _j.status == COMPLETED,
            _j.kind.not_in(HIDDEN_KINDS),
            _j.provider_model.is_not(None),
            _j.provider_done_at.is_not(None),
            _j.generating_at.is_not(None),
        )
        .subquery("runs")
    )
    found: dict[tuple[str, str], tuple[float, ...]] = {}
    for provider, model, seconds in connection.execute(
        select(runs.c.provider, runs.c.provider_model, runs.c.seconds).where(runs.c.place <= RUNS)
    ):
        found[provider, model] = (*found.get((provider, model), ()), seconds)
    return found
