"""Turning a wish into a row: check, price, reserve and insert, in one transaction with the answer that a replay gets."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from vividflow.errors import Problem, Transient
from vividflow.lifecycle import quota
from vividflow.lifecycle.answers import Write
from vividflow.lifecycle.tools import Tools
from vividflow.lifecycle.variations import seeded
from vividflow.lifecycle.wish import Plan, Wish, plan
from vividflow.outbound import DoorRefused
from vividflow.providers.price import MICRO, credits, usd
from vividflow.records import enhancements, idempotency, job_events, jobs, ledger
from vividflow.records.jobs import FAILED, QUEUED, Job
from vividflow.records.users import User
from vividflow.timing import iso, monotonic, new_id, now

DAY = 86400.0


@dataclass(frozen=True, kw_only=True)
class Once:
    """An idempotency key at an address; `fingerprint` is a SHA-256 over the parsed fields and each file's hash."""

    address: str
    key: str
    fingerprint: str


def estimate(tools: Tools, user: User, wish: Wish) -> dict[str, Any]:
    """Price in US dollars (None: not known) and expected seconds of a wish, creating nothing. Raises `Problem` as `place` would."""
    made = plan(tools, user, wish)
    _check_ceilings(tools, wish, made)
    _check_room(tools, user)
    return {
        "model": made.model.id,
        "provider": made.route.provider,
        "estimated_cost": None if made.quoted is None else usd(made.quoted),
        "estimated_credits": None if made.quoted is None else credits(made.quoted),
        "estimated_seconds": round(made.usual, 1),
        "price_date": str(made.route.price_date) if made.route.price_date else None,
        "params": {name: value for name, value in made.params.items() if name not in ("seed", "crop", "cfg_sent")},
        "warnings": list(made.warnings),
    }


def place(
    tools: Tools,
    user: User,
    wish: Wish,
    *,
    request_id: str | None = None,
    once: Once | None = None,
    along: Write | None = None,
    count: int = 1,
    key_id: str | None = None,
    job_id: str | None = None,
) -> tuple[int, dict[str, Any]]:
    """Make a job of a wish, of the kind that its model makes: HTTP status and body, the same ones for a replay under `once`.

    `along` writes further rows in the same transaction. When this returns, the job, its reserve and the answer are on disk.
    With a `count` it is that many jobs whose seeds follow on each other, all or none of them; `max_cost` is for all
    together, and the answer is that of the first with `job_ids`. `key_id` is the key that orders (None: a page), `job_id`
    the id of a single job, for what `along` writes.
    Raises `Problem`: what `plan` refuses, 409 over_quota, 402 over a ceiling, without credit or without a known price
    under one, 422 idempotency_key_reused, 429 with a full queue.
    """
    if once is not None and (known := replay(tools, user.id, once)) is not None:
        return known
    made = plan(tools, user, wish)
    _check_ceilings(tools, wish, made, count)
    _check_room(tools, user)
    if wish.webhook_url is not None:
        _check_webhook(tools, wish.webhook_url)
    moment = now()
    with tools.db.reading() as connection:
        original = enhancements.original_of(connection, user.id, wish.prompt)
    more = {} if original is None else {"original_prompt": original}
    rows = [_row(user, wish, each, request_id, moment, more).but(key_id=key_id) for each in seeded(made, count)]
    if job_id is not None and count == 1:
        rows = [replace(rows[0], id=job_id)]
    body = _answer(rows[0], made, _waiting(tools))
    if count > 1:
        body["job_ids"] = [job.id for job in rows]
    try:
        with tools.db.transaction() as connection:
            for number, job in enumerate(rows):
                rows[number] = _reserved(connection, tools, user, job, made, moment, beside=(count, rows[:number]))
                jobs.insert(connection, rows[number])
            if along is not None:
                along(connection)
            job_events.insert_many(connection, [queued_event(job) for job in rows])
            if once is not None:
                idempotency.insert(connection, reply_of(user.id, once, 202, body, moment))
    except IntegrityError:
        if once is not None and (known := replay(tools, user.id, once)) is not None:
            return known
        raise
    tools.nudge()
    for job in rows:
        tools.changed(user.id, job.id)
    return 202, body


def replay(tools: Tools, user_id: str, once: Once) -> tuple[int, dict[str, Any]] | None:
    """The first answer under this key, or None. Raises `Problem` 422 when the key came with other content before."""
    with tools.db.reading() as connection:
        known = idempotency.find(connection, user_id, once.address, once.key, now())
    if known is None:
        return None
    if known.fingerprint != once.fingerprint:
        detail = "This Idempotency-Key was used before with other content. Use a new key for a new request."
        raise Problem(422, "idempotency_key_reused", detail, param="Idempotency-Key")
    return known.status, json.loads(known.body) | {"__replayed__": True}


def retry(
    tools: Tools,
    user: User,
    job_id: str,
    *,
    request_id: str | None = None,
    once: Once | None = None,
    key_id: str | None = None,
) -> tuple[int, dict[str, Any]]:
    """A failed job's wish again as a new job. Raises `Problem` 404, 409 not_failed, and what `place` raises."""
    with tools.db.reading() as connection:
        job = jobs.own(connection, user.id, job_id)
        if job is None and user.is_admin:
            job = jobs.by_id(connection, job_id)
    if job is None or job.kind in jobs.HIDDEN_KINDS:
        raise missing()
    if job.status != FAILED:
        raise Problem(409, "not_failed", f"Only a failed job can be tried again; this one is {job.status}.")
    return place(tools, user, wish_of(job), request_id=request_id, once=once, key_id=key_id)


def wish_of(job: Job) -> Wish:
    """The wish that a job came from, seed and all."""
    params = job.params
    names = (
        "duration",
        "resolution",
        "aspect_ratio",
        "cfg",
        "seed",
        "negative_prompt",
        "audio",
        "steps",
        "image_id",
        "last_image_id",
        "extend_id",
        "provider",
    )
    given: dict[str, Any] = {name: params.get(name) for name in names}
    return Wish(
        prompt=job.prompt or "",
        model=job.model,
        priority=min(0, job.priority),
        webhook_url=job.webhook_url,
        quality_levels=tuple(params.get("quality_levels", ())),
        reference_ids=tuple(params.get("reference_ids", ())),
        **given,
    )


def missing() -> Problem:
    """The answer for a job that is not there, or not yours: the same in every way."""
    return Problem(404, "job_not_found", "There is no job with this id.")


def queued_event(job: Job) -> dict[str, Any]:
    """The first event of a job."""
    data = {"status": job.status, "stage": job.stage, "progress": job.progress, "state": job.state, "note": None}
    return {"job_id": job.id, "user_id": job.user_id, "at": job.created_at, "name": "status", "data": data}


def _row(user: User, wish: Wish, made: Plan, request_id: str | None, moment: float, given: dict[str, Any]) -> Job:
    more = given | ({"warnings": list(made.warnings)} if made.warnings else {})
    if made.quoted is None:
        more["price_unknown"] = True
    if made.quoted is not None and made.held != made.quoted:
        more["estimate"] = made.quoted
    left = [
        {"provider": way.provider, "code": way.stand.code, "reason": way.stand.reason, "at": iso(moment)}
        for way in made.left
    ]
    return Job(
        id=new_id(),
        user_id=user.id,
        kind=made.model.kind,
        state="queued",
        status=QUEUED,
        stage="queued",
        lane="loop",
        model=made.model.id,
        provider=made.route.provider,
        provider_model=made.provider_model,
        prompt=wish.prompt,
        params=made.params | more,
        priority=wish.priority,
        created_at=moment,
        updated_at=moment,
        due_at=moment,
        quoted=made.held,
        result={"routes": left} if left else {},
        usual_seconds=made.usual,
        webhook_url=wish.webhook_url,
        request_id=request_id,
    )


def _answer(job: Job, made: Plan, ahead: int) -> dict[str, Any]:
    return {
        "job_id": job.id,
        "status": job.status,
        "created_at": iso(job.created_at),
        "status_url": f"/api/v1/status/{job.id}",
        "estimated_cost": None if made.quoted is None else usd(made.quoted),
        "estimated_seconds": round(made.usual, 1),
        "warnings": list(made.warnings),
        "message": f"Queued. {ahead} {'job' if ahead == 1 else 'jobs'} ahead of you.",
    }


def reply_of(user_id: str, once: Once, status: int, body: dict[str, Any], moment: float) -> idempotency.Reply:
    """An answer as it is kept for a replay."""
    return idempotency.Reply(
        user_id=user_id,
        address=once.address,
        key=once.key,
        fingerprint=once.fingerprint,
        status=status,
        body=json.dumps(body),
        created_at=moment,
    )


def _check_room(tools: Tools, user: User) -> None:
    with tools.db.reading() as connection:
        quota.check_order(connection, tools.settings, user.id)


def _check_ceilings(tools: Tools, wish: Wish, made: Plan, count: int = 1) -> None:
    if made.quoted is None:
        _check_unpriced(tools, wish, made)
        return
    cost, whole = usd(made.quoted), usd(made.quoted * count)
    if wish.max_cost is not None and whole > wish.max_cost:
        detail = f"This would cost ${whole:.2f}, more than your max_cost of ${wish.max_cost:.2f}. Nothing was charged."
        raise Problem(402, "over_max_cost", detail, param="max_cost", extra={"estimated_cost": whole})
    most = tools.settings.max_job_usd
    if most is not None and cost > most:
        detail = f"This would cost ${cost:.2f}; a job here may cost ${most:.2f} at most. Nothing was charged."
        raise Problem(402, "over_budget", detail, extra={"estimated_cost": cost})


def _check_unpriced(tools: Tools, wish: Wish, made: Plan) -> None:
    """Nobody can promise to stay below a ceiling at a price that nobody knows (docs/adr/0015)."""
    settings = tools.settings
    capped = settings.credits or any(
        cap is not None for cap in (settings.max_job_usd, settings.user_daily_usd, settings.daily_usd)
    )
    if wish.max_cost is None and not capped:
        return
    ceiling = "your max_cost" if wish.max_cost is not None else "a budget of this installation"
    detail = (
        f"The price of {made.model.id} is not known here, so it cannot be kept below {ceiling}. An operator can give it a "
        "price in MODELS_FILE. Nothing was charged."
    )
    raise Problem(402, "price_unknown", detail, param="model", extra={"estimated_cost": None})


def _reserved(
    connection: Connection,
    tools: Tools,
    user: User,
    job: Job,
    made: Plan,
    moment: float,
    beside: tuple[int, list[Job]],
) -> Job:
    """The job with its reserve made. Where there is not enough for a dearer second route, only the quoted is reserved.

    `beside` is how many are placed together, and those of them that have their reserve.
    """
    quoted = made.quoted or 0
    try:
        return _held(connection, tools, user, job, moment, beside)
    except Problem as problem:
        if problem.status != 402 or job.quoted == quoted:
            raise
    params = {name: value for name, value in job.params.items() if name != "estimate"}
    return _held(connection, tools, user, replace(job, quoted=quoted, params=params), moment, beside)


def _held(
    connection: Connection, tools: Tools, user: User, job: Job, moment: float, beside: tuple[int, list[Job]]
) -> Job:
    _check_caps(connection, tools, user, job.quoted, moment)
    if not ledger.reserve(connection, user.id, job.id, job.quoted, moment, guarded=tools.settings.credits):
        count, before = beside
        raise _no_credit(connection, user, whole=job.quoted * count, held=sum(each.quoted for each in before))
    return job


def _check_caps(connection: Connection, tools: Tools, user: User, quoted: int, moment: float) -> None:
    settings, day = tools.settings, moment - moment % DAY
    # Whoever asks what is left under a cap waits until those before them have reserved theirs: the installation's before
    # the person's, always in this order.
    if settings.daily_usd is not None:
        ledger.one_at_a_time(connection)
    if settings.user_daily_usd is not None or settings.user_queued is not None:
        ledger.one_at_a_time(connection, user.id)
    if settings.user_queued is not None and jobs.count_waiting(connection, user.id) >= settings.user_queued:
        detail = f"You have {settings.user_queued} jobs queued, the most that fit. Wait for one to start."
        raise Problem(429, "queue_full", detail, retry_after=30)
    if settings.user_daily_usd is not None:
        spent = ledger.promised_since(connection, day, user.id)
        if spent + quoted > settings.user_daily_usd * MICRO:
            detail = f"You have used ${spent / MICRO:.2f} of your ${settings.user_daily_usd:.2f} for today (UTC)."
            raise Problem(402, "over_daily_budget", detail)
    if settings.daily_usd is not None:
        spent = ledger.promised_since(connection, day)
        if spent + quoted > settings.daily_usd * MICRO:
            raise Problem(402, "over_installation_budget", "This installation's budget for today (UTC) is used up.")


def _no_credit(connection: Connection, user: User, *, whole: int, held: int) -> Problem:
    """The refusal of what costs `whole`, of which `held` was reserved in this very transaction."""
    has = ledger.account(connection, user.id).available + held
    detail = f"This costs {credits(whole)} credits and you have {max(0, has) // 10_000}. Nothing was charged."
    return Problem(402, "insufficient_credit", detail)


def _check_webhook(tools: Tools, url: str) -> None:
    try:
        tools.door.check(url)
    except DoorRefused as refused:
        raise Problem(
            422, "invalid_webhook_url", f"The webhook_url was refused: {refused.message}", param="webhook_url"
        ) from None
    except Transient:
        return  # a name that does not resolve now may do so when the job ends; every delivery is checked again


class _Waiting:
    """How many jobs wait, asked at most twice a second: every submit says it, and counting a long queue is not free."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[int, tuple[float, int]] = {}

    def __call__(self, tools: Tools) -> int:
        key, moment = id(tools.db), monotonic()
        known = self._known.get(key)
        if known is None or moment > known[0]:
            with self._lock, tools.db.reading() as connection:
                known = (moment + 0.5, jobs.count_queued(connection))
                self._known[key] = known
        return known[1]


_waiting = _Waiting()
