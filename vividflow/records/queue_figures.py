"""The queue in figures: what monitor.py judges and /metrics shows. Only questions, never a write."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, case, func, select, text

from vividflow.records.assets import assets
from vividflow.records.due import ADVISORY_WORKER
from vividflow.records.jobs import CANCELLED, COMPLETED, FAILED, HIDDEN_KINDS, PROCESSING, QUEUED, jobs
from vividflow.records.jobs import in_review as of_review
from vividflow.records.orders import orders
from vividflow.records.users import users

STATUSES = (QUEUED, PROCESSING, COMPLETED, FAILED, CANCELLED)
# A lease is renewed long before its end; a clock that was set forward may make one look over for a moment.
TOLERANCE_SECONDS = 5.0

_c = jobs.c
_shown = _c.kind.not_in(HIDDEN_KINDS)
_IN_REVIEW = select(func.count()).select_from(jobs).where(of_review)


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelFigures:
    """How one model did in a stretch of time. Times are seconds, averaged over what was completed; None without any.

    `success_rate` is completed ÷ (completed + failed), 0-1; a cancel counts on neither side.
    """

    completed: int
    failed: int
    cancelled: int
    success_rate: float | None
    queue_seconds: float | None
    generation_seconds: float | None
    processing_seconds: float | None
    total_seconds: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class QueueFigures:
    """The queue at one moment. `by_status` counts what people see (not the trash), `deliveries` webhook messages.

    `oldest_due_seconds` is how long the longest waiting job has been due (None: nothing is), `stuck` counts the leases
    that are past their end.
    """

    by_status: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STATUSES, 0))
    deliveries: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STATUSES, 0))
    oldest_due_seconds: float | None = None
    stuck: int = 0


def queue_figures(connection: Connection, now: float) -> QueueFigures:
    """The queue as it is at `now`."""
    kind = case((_shown, "shown"), else_=_c.kind).label("sort")
    rows = connection.execute(
        select(kind, _c.status, func.count()).where(_c.deleted_at.is_(None)).group_by(kind, _c.status)
    )
    figures = QueueFigures(oldest_due_seconds=_oldest_due(connection, now), stuck=_stuck(connection, now))
    for sort, status, number in rows:
        counts = {"shown": figures.by_status, "delivery": figures.deliveries}.get(sort)
        if counts is not None:
            counts[status] = number
    return figures


def model_figures(connection: Connection, since: float) -> dict[str, ModelFigures]:
    """How each model did with the jobs that ended since a moment, by the model's name."""

    def number(status: str) -> Any:
        return func.sum(case((_c.status == status, 1), else_=0)).label(status)

    def average(name: str, start: Any, end: Any) -> Any:
        return func.avg(case((_c.status == COMPLETED, end - start))).label(name)

    rows = connection.execute(
        select(
            _c.model,
            number(COMPLETED),
            number(FAILED),
            number(CANCELLED),
            average("queue_seconds", _c.created_at, _c.started_at),
            average("generation_seconds", _c.generating_at, _c.provider_done_at),
            average("processing_seconds", _c.provider_done_at, _c.finished_at),
            average("total_seconds", _c.created_at, _c.finished_at),
        )
        .where(_c.finished_at >= since, _shown, _c.model.is_not(None))
        .group_by(_c.model)
        .order_by(_c.model)
    ).mappings()
    return {row["model"]: _model(dict(row)) for row in rows}


@dataclass(frozen=True, kw_only=True, slots=True)
class InReview:
    """A job of which nobody knows whether its order ran. Times are seconds since 1970, `quoted` micro-dollars.

    `provider_model`, `order_state` and `why` (what was heard instead of an answer) are of its last order; `asked` is how
    often the provider was asked about it, `given_up_at` when that ended.
    """

    job_id: str
    user_id: str
    email: str
    title: str | None
    prompt: str | None
    params: dict[str, Any]
    model: str | None
    provider: str | None
    provider_model: str | None
    order_id: str | None
    order_state: str | None
    operation_id: str | None
    intent_at: float | None
    why: str | None
    asked: int
    given_up_at: float | None
    quoted: int


def count_in_review(connection: Connection) -> int:
    """How many jobs are in needs_review."""
    return connection.execute(_IN_REVIEW).scalar_one()


def in_review(connection: Connection, limit: int | None = None) -> list[InReview]:
    """The jobs in needs_review with their last order, oldest first."""
    every = orders.alias()
    last = select(func.max(every.c.n)).where(every.c.job_id == _c.id).correlate(jobs).scalar_subquery()
    rows = connection.execute(
        select(
            _c.id.label("job_id"),
            _c.user_id,
            users.c.email,
            _c.title,
            _c.prompt,
            _c.params,
            _c.model,
            orders.c.provider,
            orders.c.provider_model,
            orders.c.id.label("order_id"),
            orders.c.state.label("order_state"),
            orders.c.operation_id,
            orders.c.intent_at,
            orders.c.error_message.label("why"),
            _c.failures.label("asked"),
            _c.finished_at.label("given_up_at"),
            _c.quoted,
        )
        .select_from(jobs)
        .join(users, users.c.id == _c.user_id)
        .outerjoin(orders, (orders.c.job_id == _c.id) & (orders.c.n == last))
        .where(of_review)
        .order_by(_c.created_at)
        .limit(limit)
    ).mappings()
    return [InReview(**row) for row in rows]


def newest_file(connection: Connection) -> str | None:
    """The storage key of what was stored last, or None when nothing is."""
    statement = select(assets.c.storage_key).where(assets.c.deleted_at.is_(None))
    return connection.execute(statement.order_by(assets.c.created_at.desc()).limit(1)).scalar()


def live_workers(connection: Connection) -> int:
    """PostgreSQL: how many workers hold the advisory lock that says they live (records/due.py takes it)."""
    statement = text(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = :ours AND objsubid = 2"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    return connection.execute(statement, {"ours": ADVISORY_WORKER}).scalar_one()


def _oldest_due(connection: Connection, now: float) -> float | None:
    statement = select(func.min(_c.due_at)).where(_c.due_at <= now, _c.lease_owner.is_(None))
    oldest = connection.execute(statement).scalar()
    return None if oldest is None else round(now - oldest, 3)


def _stuck(connection: Connection, now: float) -> int:
    statement = select(func.count()).where(_c.lease_owner.is_not(None), _c.lease_until < now - TOLERANCE_SECONDS)
    return connection.execute(statement).scalar_one()


def _model(row: dict[str, Any]) -> ModelFigures:
    completed, failed, cancelled = (int(row[status]) for status in (COMPLETED, FAILED, CANCELLED))
    ended = completed + failed
    return ModelFigures(
        completed=completed,
        failed=failed,
        cancelled=cancelled,
        success_rate=round(completed / ended, 4) if ended else None,
        **{name: None if row[name] is None else round(row[name], 2) for name in row if name.endswith("_seconds")},
    )
