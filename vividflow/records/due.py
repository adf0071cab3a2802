"""Which jobs are due, whose turn it is, and whose worker died: the queue's queries. Only job_queue.py calls them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, Double, Row, Select, Update, bindparam, case, func, literal, select, update

from vividflow.records.jobs import HIDDEN_KINDS, PROCESSING, Job, from_row, jobs

_c = jobs.c
_ADVISORY_PICK = 7_031_101
ADVISORY_WORKER = 7_031_102
CRASHES_TO_FAIL = 3
LANES = ("loop", "calls", "media")
# Statements without a value in them are built once: the loop asks these at every turn, and building costs more than asking.
_moment, _limit = bindparam("moment"), bindparam("most")
_free = _c.lease_owner.is_(None)
# Asked like this the index on (lane, due_at) of what is due answers with its first entries.
_NEXT_DUE = select(
    *(select(func.min(_c.due_at)).where(_c.lane == lane, _c.due_at.is_not(None)).scalar_subquery() for lane in LANES),
    select(func.min(_c.due_at)).where(_c.company.is_not(None), _free).scalar_subquery(),
)
SUSPECT = "suspect"
_IN_LANE = (
    select(_c.id, _c.provider, _c.state, _c.provider_model, _c.generating_at)
    .where(_c.lane == bindparam("lane"), _c.due_at <= _moment, _free, _c.company.is_(None))
    .order_by(_c.due_at)
    .limit(_limit)
)
_EXPIRED = select(_c.id).where(_c.lease_owner.is_not(None), _c.lease_until <= _moment).limit(1)
_WAITING = select(_c.provider).where(_c.lane == "loop", _c.due_at <= _moment, _free).distinct()
_FREE = select(jobs).where(_c.id.in_(bindparam("ids", expanding=True)), _c.due_at <= _moment, _free)
_SUSPECTS = (
    select(_c.id, _c.company)
    .where(_c.company.is_not(None), _c.due_at <= _moment, _free, _c.crashes < bindparam("crashes"))
    .order_by(_c.company, _c.due_at)
    .limit(64)
)
_RUNNING_ON = select(func.count()).where(_c.status == PROCESSING, _c.provider == bindparam("provider"))
_RUNNING_HERE = _RUNNING_ON.where(func.coalesce(_c.lease_owner, bindparam("owner")) == bindparam("owner"))


class Due(NamedTuple):
    """A job that is due, as little of it as deciding needs."""

    id: str
    provider: str | None
    state: str
    provider_model: str | None = None
    generating_at: float | None = None


def due_in_lane(connection: Connection, lane: str, now: float, limit: int) -> list[Due]:
    """The jobs that have been due longest in a lane where order is by time alone."""
    return [Due(*row) for row in connection.execute(_IN_LANE, {"lane": lane, "moment": now, "most": limit})]


def any_expired(connection: Connection, now: float) -> bool:
    """Whether a lease has run out."""
    return connection.execute(_EXPIRED, {"moment": now}).first() is not None


def fair_turn(connection: Connection, provider: str | None, now: float, limit: int, cap: int | None) -> list[str]:
    """Ids of the jobs whose turn it is to start: priority first, then whoever has the fewest running, then age.

    `provider` None picks the jobs that need none. `cap` is the most a person may have running.
    """
    if connection.dialect.name == "postgresql":  # two workers must not both fill the last place
        connection.execute(select(func.pg_advisory_xact_lock(_ADVISORY_PICK)))
    values = {"provider": provider, "moment": now, "most": limit, "cap": cap}
    statement = _ranked(with_provider=provider is not None, capped=cap is not None)
    return list(connection.execute(statement, values).scalars())


@cache
def _ranked(*, with_provider: bool, capped: bool) -> Select[Any]:
    running = (
        select(_c.user_id, func.count().label("n"))
        .where(_c.status == PROCESSING, _c.kind.not_in(HIDDEN_KINDS))
        .group_by(_c.user_id)
        .subquery("running")
    )
    place = func.row_number().over(partition_by=_c.user_id, order_by=(_c.priority.desc(), _c.front, _c.created_at))
    ready = (
        select(_c.id, _c.user_id, _c.priority, _c.created_at, place.label("place"))
        .where(_c.lane == "loop", _c.due_at <= _moment, _free, _c.company.is_(None))
        .where(_c.provider == bindparam("provider") if with_provider else _c.provider.is_(None))
        .subquery("ready")
    )
    turn = func.coalesce(running.c.n, 0) + ready.c.place
    statement = select(ready.c.id).select_from(ready.outerjoin(running, running.c.user_id == ready.c.user_id))
    if capped:
        statement = statement.where(turn <= bindparam("cap"))
    return statement.order_by(ready.c.priority.desc(), turn, ready.c.created_at).limit(_limit)


def waiting_providers(connection: Connection, now: float) -> list[str | None]:
    """The providers that due jobs wait to start on (None: no provider needed)."""
    return list(connection.execute(_WAITING, {"moment": now}).scalars())


def queued_on(connection: Connection, provider: str, after: tuple[float, str], limit: int) -> list[Job]:
    """Free jobs that wait to start on a provider, due or not, oldest first from behind `after` (created at, id)."""
    statement = (
        select(jobs)
        .where(_c.lane == "loop", _c.due_at.is_not(None), _free, _c.company.is_(None), _c.provider == provider)
        .where((_c.created_at > after[0]) | ((_c.created_at == after[0]) & (_c.id > after[1])))
        .order_by(_c.created_at, _c.id)
        .limit(limit)
    )
    if connection.dialect.name == "postgresql":
        statement = statement.with_for_update(skip_locked=True)
    return [from_row(row) for row in connection.execute(statement)]


def running_on(connection: Connection, provider: str, owner: int | None = None) -> int:
    """How many jobs are under way on a provider; with `owner`, leaving out what other workers hold."""
    statement = _RUNNING_ON if owner is None else _RUNNING_HERE
    return connection.execute(statement, {"provider": provider, "owner": owner}).scalar_one()


def free(connection: Connection, ids: list[str], now: float) -> list[Job]:
    """Those of `ids` that are still free and due, in the order of `ids`; nobody else can take them before the commit."""
    if not ids:
        return []
    statement = _FREE
    if connection.dialect.name == "postgresql":
        statement = statement.with_for_update(skip_locked=True)
    return _in_order(connection.execute(statement, {"ids": ids, "moment": now}), ids)


def lease(connection: Connection, ids: list[str], owner: int, until: float, now: float) -> list[Job]:
    """Take the lease of those of `ids` that are still free and due; the jobs as they are now, in the order of `ids`."""
    if not ids:
        return []
    values = {"ids": ids, "moment": now, "owner": owner, "until": until}
    return _in_order(connection.execute(_leasing(connection.dialect.name), values), ids)


@cache
def _leasing(dialect: str) -> Update:
    wanted = _c.id.in_(bindparam("ids", expanding=True)) & (_c.due_at <= _moment) & _free
    if dialect == "postgresql":
        wanted = _c.id.in_(select(_c.id).where(wanted).with_for_update(skip_locked=True))
    until = bindparam("until", type_=Double)
    return (
        update(jobs)
        .where(wanted)
        .values(lease_owner=bindparam("owner"), lease_until=until, due_at=until, fence=_c.fence + 1)
        .returning(*jobs.columns)
    )


def renew(connection: Connection, held: dict[str, int], owner: int, until: float) -> set[str]:
    """Hold on to leases (job id to fence) until later; the ids that are lost."""
    kept: set[str] = set()
    for job_id, fence in held.items():
        statement = update(jobs).where(_c.id == job_id, _c.fence == fence, _c.lease_owner == owner)
        if connection.execute(statement.values(lease_until=until, due_at=until)).rowcount:
            kept.add(job_id)
    return set(held) - kept


def next_due(connection: Connection) -> dict[str, float | None]:
    """When the next job of each lane is due (a lease's end counts as due), and under SUSPECT the next suspect of a crash."""
    return dict(zip((*LANES, SUSPECT), connection.execute(_NEXT_DUE).one(), strict=True))


def suspects(connection: Connection, now: float, settled: bool = True) -> tuple[list[str], int]:
    """Jobs that a crash made suspect and that are due, most suspect first, and how many of them may run together.

    Those whose worker died while they ran alone are left out until the worker has `settled`: in a run of kills from
    outside nobody should be blamed for having been at hand again and again.
    """
    most = CRASHES_TO_FAIL if settled else 1
    rows = connection.execute(_SUSPECTS, {"moment": now, "crashes": most}).all()
    company = rows[0].company if rows else 0
    return [row.id for row in rows[: max(1, company)]], company


def set_free(connection: Connection, now: float, *, owner: int | None = None, expired: bool = False) -> int:
    """Free the leases of a dead worker (`owner`; None: of all) or only the `expired` ones, and remember who was held.

    Of several held jobs each may have been the culprit: they run in ever smaller company until one dies alone, and only
    that counts against it (docs/adr/0005). Returns how many were freed.
    """
    condition = _c.lease_owner.is_not(None)
    if owner is not None:
        condition = condition & (_c.lease_owner == owner)
    if expired:
        condition = condition & (_c.lease_until <= now)
    held = connection.execute(select(func.count()).where(condition)).scalar_one()
    if not held:
        return 0
    known = func.coalesce(_c.company, literal(held))
    smaller = case((known > held, held), else_=known) // 2
    connection.execute(
        update(jobs)
        .where(condition)
        .values(
            lease_owner=None,
            lease_until=None,
            due_at=now,
            fence=_c.fence + 1,
            crashes=_c.crashes + (1 if held == 1 else 0),
            company=1 if held == 1 else case((smaller < 1, 1), else_=smaller),
        )
    )
    return held


def poisoned(connection: Connection, now: float) -> list[str]:
    """Ids of free jobs that took their process down alone, three times."""
    statement = select(_c.id).where(_c.crashes >= CRASHES_TO_FAIL, _c.due_at <= now, _c.lease_owner.is_(None))
    return list(connection.execute(statement).scalars())


def late_in_queue(connection: Connection, before: float, limit: int = 100) -> list[str]:
    """Ids of jobs that have been queued since before a moment."""
    statement = select(_c.id).where(_c.lane == "loop", _c.due_at.is_not(None), _c.created_at < before)
    return list(connection.execute(statement.where(_c.lease_owner.is_(None)).limit(limit)).scalars())


def owners(connection: Connection) -> list[int]:
    """The workers that hold leases."""
    return [n for n in connection.execute(select(_c.lease_owner).distinct()).scalars() if n is not None]


def claim_liveness(connection: Connection, owner: int) -> bool:
    """PostgreSQL: hold the advisory lock that says this worker lives, on a connection kept for that; False if taken."""
    return bool(connection.execute(select(func.pg_try_advisory_lock(ADVISORY_WORKER, owner))).scalar())


def give_liveness(connection: Connection, owner: int) -> None:
    """PostgreSQL: let go of a liveness lock taken by `claim_liveness`."""
    connection.execute(select(func.pg_advisory_unlock(ADVISORY_WORKER, owner)))


def _in_order(rows: Iterable[Row[Any]], ids: list[str]) -> list[Job]:
    place = {job_id: number for number, job_id in enumerate(ids)}
    return sorted(map(from_row, rows), key=lambda job: place[job.id])
