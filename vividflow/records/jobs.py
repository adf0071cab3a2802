"""Jobs: rows of work. `state` is ours, `status` the public word that follows from it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Double,
    ForeignKey,
    Index,
    Integer,
    Row,
    Table,
    Text,
    and_,
    bindparam,
    case,
    func,
    literal_column,
    or_,
    select,
    update,
)

from vividflow.db.prepared import Prepared
from vividflow.db.schema import Json, Moment, Money, metadata
from vividflow.records import job_events

QUEUED, PROCESSING, COMPLETED, FAILED, CANCELLED = "queued", "processing", "completed", "failed", "cancelled"
# Kinds that are our own housekeeping: never shown in lists, never counted against a person.
HIDDEN_KINDS = ("delivery", "late")

jobs = Table(
    "jobs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("user_id", Text, ForeignKey("users.id"), nullable=False),
    Column("parent_id", Text, index=True),
    Column("kind", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("stage", Text, nullable=False),
    Column("lane", Text, nullable=False),
    Column("model", Text),
    Column("provider", Text),
    Column("provider_model", Text),
    Column("prompt", Text),
    Column("params", Json, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("front", Double, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("started_at", Moment),
    Column("generating_at", Moment),
    Column("provider_done_at", Moment),
    Column("finished_at", Moment),
    Column("due_at", Moment),
    Column("nudged_at", Moment),
    Column("lease_until", Moment),
    Column("lease_owner", BigInteger),
    Column("fence", Integer, nullable=False),
    Column("company", Integer),
    Column("crashes", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("looks", Integer, nullable=False),
    Column("deadline_at", Moment),
    Column("progress", Integer),
    Column("note", Text),
    Column("quoted", Money, nullable=False),
    Column("cost", Money),
    Column("usual_seconds", Double),
    Column("error_code", Text),
    Column("error_message", Text),
    Column("charged", Boolean),
    Column("cancel_requested_at", Moment),
    Column("result", Json, nullable=False),
    Column("late_asset_id", Text),
    Column("webhook_url", Text),
    Column("request_id", Text),
    Column("deleted_at", Moment),
    Column("changes", Integer, nullable=False),
    Column("title", Text),
    Column("favourite_at", Moment),
    Column("key_id", Text),
    Column("made_ms", BigInteger),
    Column("actual", Money),
    Column("restored_at", Moment),
)
_c = jobs.c
_waiting = _c.due_at.is_not(None)
_busy = _c.status == PROCESSING
Index("ix_jobs_due", _c.lane, _c.due_at, sqlite_where=_waiting, postgresql_where=_waiting)
Index(
    "ix_jobs_lease",
    _c.lease_until,
    sqlite_where=_c.lease_owner.is_not(None),
    postgresql_where=_c.lease_owner.is_not(None),
)
Index("ix_jobs_busy", _c.user_id, _c.provider, sqlite_where=_busy, postgresql_where=_busy)
_suspect = _c.company.is_not(None)
Index("ix_jobs_suspect", _c.company, _c.due_at, sqlite_where=_suspect, postgresql_where=_suspect)
Index("ix_jobs_own", _c.user_id, _c.created_at)
Index("ix_jobs_finished", _c.finished_at)
_favourite = _c.favourite_at.is_not(None)
Index("ix_jobs_favourite", _c.user_id, _c.favourite_at, sqlite_where=_favourite, postgresql_where=_favourite)
Index("ix_jobs_model", _c.user_id, _c.model)
_trashed = _c.deleted_at.is_not(None)
Index("ix_jobs_trash", _c.user_id, _c.deleted_at, sqlite_where=_trashed, postgresql_where=_trashed)
# Spelled out, not bound: only so does SQLite see that the index is of use.
in_review = _c.state == literal_column("'needs_review'")
Index("ix_jobs_review", _c.created_at, sqlite_where=in_review, postgresql_where=in_review)


@dataclass(frozen=True, kw_only=True)
class Job:
    """One row of work. Times are seconds since 1970, amounts micro-dollars, `progress` 0-100 or None.

    `due_at` None means that nobody needs to look; `fence` rises with every claim and commit; `company` says how many jobs a
    suspect of a crash may run beside; `front` orders a person's own queued jobs, `changes` counts what a watcher could see.
    `title` is the name that a person gave, `favourite_at` when they marked it. `key_id` is the key that ordered it (None: a
    page did), `made_ms` the length of the film that was made, `actual` what its provider took: more or less than its owner
    pays (`cost`), who never pays more than was reserved (`quoted`). `restored_at` is when it last left the trash.
    """

    id: str
    user_id: str
    kind: str
    state: str
    status: str
    stage: str
    lane: str
    created_at: float
    updated_at: float
    parent_id: str | None = None
    model: str | None = None
    provider: str | None = None
    provider_model: str | None = None
    prompt: str | None = None
    params: dict[str, Any] = field(default_factory=dict)
    priority: int = 0
    front: float = 0.0
    started_at: float | None = None
    generating_at: float | None = None
    provider_done_at: float | None = None
    finished_at: float | None = None
    due_at: float | None = None
    nudged_at: float | None = None
    lease_until: float | None = None
    lease_owner: int | None = None
    fence: int = 0
    company: int | None = None
    crashes: int = 0
    attempts: int = 0
    failures: int = 0
    looks: int = 0
    deadline_at: float | None = None
    progress: int | None = None
    note: str | None = None
    quoted: int = 0
    cost: int | None = None
    usual_seconds: float | None = None
    error_code: str | None = None
    error_message: str | None = None
    charged: bool | None = None
    cancel_requested_at: float | None = None
    result: dict[str, Any] = field(default_factory=dict)
    late_asset_id: str | None = None
    webhook_url: str | None = None
    request_id: str | None = None
    deleted_at: float | None = None
    changes: int = 0
    title: str | None = None
    favourite_at: float | None = None
    key_id: str | None = None
    made_ms: int | None = None
    actual: int | None = None
    restored_at: float | None = None

    @property
    def estimate(self) -> int:
        """What it was said to cost: less than is reserved where a dearer route may be taken; 0 when the price is not known."""
        return int(self.params.get("estimate", self.quoted))

    @property
    def over(self) -> bool:
        """Whether the public story of this job has ended."""
        return self.status in (COMPLETED, FAILED, CANCELLED)

    def but(self, **changes: Any) -> Job:
        """This job with some fields changed: `dataclasses.replace` in a tenth of its time, and the queue asks often."""
        assert changes.keys() <= _FIELDS, changes.keys() - _FIELDS
        new = object.__new__(Job)
        new.__dict__.update(self.__dict__)
        new.__dict__.update(changes)
        return new


FIELDS = tuple(Job.__dataclass_fields__)
_FIELDS = frozenset(FIELDS)
_COLUMNS = tuple(column.name for column in jobs.columns)
# Columns that the worker's commit writes. The others belong to people (cancel, trash, order) and may change at any moment.
WRITTEN = (
    "state",
    "status",
    "stage",
    "lane",
    "provider",
    "provider_model",
    "started_at",
    "generating_at",
    "provider_done_at",
    "finished_at",
    "lease_until",
    "lease_owner",
    "fence",
    "company",
    "crashes",
    "attempts",
    "failures",
    "looks",
    "deadline_at",
    "progress",
    "note",
    "cost",
    "made_ms",
    "actual",
    "usual_seconds",
    "error_code",
    "error_message",
    "charged",
    "result",
    "updated_at",
    "changes",
)
_INSERT = Prepared(jobs.insert(), _COLUMNS)
_NEVER = 1e12  # seconds since 1970
_BY_ID = select(jobs).where(_c.id == bindparam("job_id"))
_OWN = select(jobs).where(_c.id == bindparam("job_id"), _c.user_id == bindparam("owner"), _c.kind.not_in(HIDDEN_KINDS))


def from_row(row: Row[Any]) -> Job:
    """A row of `select(jobs)` as a `Job`."""
    job = object.__new__(Job)  # fifty named arguments to a frozen class cost ten times as much
    job.__dict__.update(zip(_COLUMNS, row, strict=True))
    return job


def insert(connection: Connection, new: Job) -> None:
    """Add a job; the queue finds it when it is due."""
    _INSERT.run(connection, new.__dict__)
    announce(connection)


def announce(connection: Connection) -> None:
    """Tell PostgreSQL's listeners that rows changed; SQLite's watchers see it by themselves."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("NOTIFY jobs")


def store(connection: Connection, changed: list[tuple[Job, Job]]) -> int:
    """Write the worker's columns of each (old, new) where state and fence still are the old ones; how many were written.

    `old` is the row as it was read under that fence: only what differs from it is written, for each column named costs.
    """
    alike: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for old, new in changed:
        was, will = old.__dict__, new.__dict__
        names = tuple(name for name in WRITTEN if was[name] != will[name])
        row = {name: will[name] for name in names}
        row["due_at"] = will["due_at"]
        row["own_id"], row["old_state"], row["old_fence"] = old.id, old.state, old.fence
        free = new.due_at is not None and new.lease_owner is None
        row["heard_at"], row["at_once"] = (old.nudged_at or 0.0) if free else _NEVER, new.updated_at
        alike.setdefault(names, []).append(row)
    written = sum(_storing(names).run_many(connection, rows) for names, rows in alike.items())
    announce(connection)
    return written


@cache
def _storing(names: tuple[str, ...]) -> Prepared:
    # A nudge that came while the step ran must not be overwritten by the step's own idea of when to look again.
    unheard = _c.nudged_at > bindparam("heard_at", type_=Double)
    due_at = case((unheard, bindparam("at_once", type_=Double)), else_=bindparam("due_at", type_=Double))
    ours = (_c.id == bindparam("own_id"), _c.state == bindparam("old_state"), _c.fence == bindparam("old_fence"))
    statement = update(jobs).where(*ours).values({name: bindparam(name) for name in names} | {"due_at": due_at})
    return Prepared(statement, (*names, "own_id", "old_state", "old_fence", "heard_at", "at_once", "due_at"))


def by_id(connection: Connection, job_id: str) -> Job | None:
    """Any job, whoever it belongs to."""
    row = connection.execute(_BY_ID, {"job_id": job_id}).first()
    return from_row(row) if row else None


def own(connection: Connection, user_id: str, job_id: str) -> Job | None:
    """A person's own job; somebody else's looks exactly like a missing one. In the trash it is still found."""
    row = connection.execute(_OWN, {"job_id": job_id, "owner": user_id}).first()
    return from_row(row) if row else None


def page(
    connection: Connection,
    user_id: str,
    *,
    limit: int,
    after: Job | None = None,
    status: str | None = None,
    model: str | None = None,
    kind: str | None = None,
    words: str | None = None,
    favourite: bool | None = None,
    trash: bool = False,
) -> list[Job]:
    """A person's jobs that are not in the trash (or only those in it), newest first, from behind `after`."""
    there = _c.deleted_at > 0 if trash else _c.deleted_at.is_(None)  # 0 is what was emptied out of it
    statement = select(jobs).where(_c.user_id == user_id, there, _c.kind.not_in(HIDDEN_KINDS))
    if favourite is not None:
        statement = statement.where(_c.favourite_at.is_not(None) if favourite else _c.favourite_at.is_(None))
    if after is not None:
        statement = statement.where(
            or_(_c.created_at < after.created_at, and_(_c.created_at == after.created_at, _c.id < after.id))
        )
    for column, value in ((_c.status, status), (_c.model, model), (_c.kind, kind)):
        if value is not None:
            statement = statement.where(column == value)
    if words:
        statement = statement.where(_c.prompt.icontains(words, autoescape=True))
    rows = connection.execute(statement.order_by(_c.created_at.desc(), _c.id.desc()).limit(limit))
    return [from_row(row) for row in rows]


def active(connection: Connection, user_id: str) -> list[Job]:
    """A person's jobs that are queued or processing, oldest first."""
    statement = select(jobs).where(
        _c.user_id == user_id,
        _c.status.in_((QUEUED, PROCESSING)),
        _c.kind.not_in(HIDDEN_KINDS),
        _c.deleted_at.is_(None),
    )
    return [from_row(row) for row in connection.execute(statement.order_by(_c.created_at))]


def ahead_of(connection: Connection, job: Job) -> int:
    """How many jobs of this installation will start before this queued one, as the queue stands now."""
    before = or_(
        _c.priority > job.priority,
        and_(
            _c.priority == job.priority,
            or_(_c.front < job.front, and_(_c.front == job.front, _c.created_at < job.created_at)),
        ),
    )
    mine = and_(_c.user_id == job.user_id, before)
    others = and_(
        _c.user_id != job.user_id,
        or_(_c.priority > job.priority, and_(_c.priority == job.priority, _c.created_at < job.created_at)),
    )
    statement = select(func.count()).where(_c.lane == "loop", _c.due_at.is_not(None), _c.status == QUEUED)
    statement = statement.where(_c.kind.not_in(HIDDEN_KINDS), or_(mine, others))
    return connection.execute(statement).scalar_one()


def count_waiting(connection: Connection, user_id: str) -> int:
    """How many of a person's jobs are queued."""
    return connection.execute(
        select(func.count()).where(_c.user_id == user_id, _c.status == QUEUED, _c.kind.not_in(HIDDEN_KINDS))
    ).scalar_one()


def count_queued(connection: Connection) -> int:
    """How many jobs of all people are queued and due."""
    return connection.execute(
        select(func.count()).where(_c.lane == "loop", _c.due_at.is_not(None), _c.kind.not_in(HIDDEN_KINDS))
    ).scalar_one()


def nudge(connection: Connection, job_id: str, now: float) -> None:
    """Make a job due at once; one that is in a worker's hands is looked at again right after."""
    free = case((_c.lease_owner.is_(None), now), else_=_c.due_at)
    connection.execute(update(jobs).where(_c.id == job_id, _c.due_at.is_not(None)).values(nudged_at=now, due_at=free))
    announce(connection)


def report(connection: Connection, job: Job, percent: int, now: float) -> tuple[bool, int]:
    """Write a risen percent and its event while the lease holds: (whether the work is still wanted, how many rows changed)."""
    done = connection.execute(
        update(jobs)
        .where(_c.id == job.id, _c.fence == job.fence)
        .values(progress=percent, updated_at=now, changes=_c.changes + 1)
        .returning(_c.cancel_requested_at)
    ).first()
    if done is None:
        return False, 0
    data = {"status": job.status, "stage": job.stage, "progress": percent, "state": job.state, "note": job.note}
    job_events.insert_many(
        connection, [{"job_id": job.id, "user_id": job.user_id, "at": now, "name": "progress", "data": data}]
    )
    return done.cancel_requested_at is None, 1


def ask_to_cancel(connection: Connection, job_id: str, now: float) -> None:
    """Write down that the person wants it stopped, and make it due."""
    connection.execute(
        update(jobs).where(_c.id == job_id, _c.cancel_requested_at.is_(None)).values(cancel_requested_at=now)
    )
    nudge(connection, job_id, now)


def to_front(connection: Connection, job: Job) -> bool:
    """Put a queued job before its owner's other queued jobs; False when it is queued no longer."""
    first = select(func.min(_c.front) - 1).where(_c.user_id == job.user_id, _c.status == QUEUED).scalar_subquery()
    done = connection.execute(update(jobs).where(_c.id == job.id, _c.status == QUEUED).values(front=first))
    return done.rowcount == 1


def change(connection: Connection, job_id: str, **columns: object) -> None:
    """Write columns that belong to people (trash, late result); never those of the worker."""
    assert not set(columns) & set(WRITTEN)
    connection.execute(update(jobs).where(_c.id == job_id).values(**columns))


def in_trash_since(connection: Connection, before: float, limit: int = 200) -> list[Job]:
    """Jobs that were put into the trash before a moment."""
    statement = select(jobs).where(_c.deleted_at.is_not(None), _c.deleted_at < before).limit(limit)
    return [from_row(row) for row in connection.execute(statement)]


def delete_hidden_of(connection: Connection, job_id: str) -> None:
    """Remove the hidden jobs that worked for a job; a worker that holds one finds its lease lost."""
    connection.execute(jobs.delete().where(_c.parent_id == job_id, _c.kind.in_(HIDDEN_KINDS)))


def delete(connection: Connection, job_id: str) -> None:
    """Remove a job for good."""
    connection.execute(jobs.delete().where(_c.id == job_id))
