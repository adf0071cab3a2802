"""An operator's browser, and what waits for one: jobs in review, providers that stand badly."""

from __future__ import annotations

from typing import Any

from tests.api.desk import Desk
from tests.installation import a_job, a_user
from tests.pages.browser import Browser
from vividflow.db.database import Database
from vividflow.records import audit, orders, users
from vividflow.records.audit import Entry
from vividflow.records.jobs import Job
from vividflow.records.orders import OrderRow
from vividflow.records.users import User
from vividflow.timing import new_id, now


def promote(db: Database, email: str) -> User:
    """Make an account an administrator's."""
    with db.transaction() as connection:
        user = users.by_email(connection, email)
        assert user is not None
        users.change(connection, user.id, role="admin")
    return user


def operator(desk: Desk) -> Browser:
    """A browser with an administrator signed in."""
    browser = Browser(desk.app)
    promote(desk.tools.db, browser.sign_up())
    return browser


def an_order(db: Database, job: Job, **more: Any) -> OrderRow:
    """The last order of a job, of which nothing was heard unless told otherwise."""
    values: dict[str, Any] = {
        "id": new_id(),
        "job_id": job.id,
        "n": 1,
        "provider": job.provider or "local",
        "provider_model": job.provider_model or "local",
        "state": orders.UNKNOWN,
        "token": new_id(),
        "request": {},
        "request_hash": "",
        "fence": 1,
        "quoted": job.quoted,
        "intent_at": now() - 900,
        "error_code": "outcome_unknown",
        "error_message": "The connection broke before the answer came.",
    }
    order = OrderRow(**(values | more))
    with db.transaction() as connection:
        orders.insert(connection, order)
    return order


def in_doubt(db: Database, user: User | None = None, **more: Any) -> Job:
    """A job in needs_review, with its order."""
    values: dict[str, Any] = {
        "state": "needs_review",
        "status": "failed",
        "stage": "failed",
        "due_at": None,
        "model": "local",
        "provider": "local",
        "provider_model": "local",
        "prompt": "A lake at dawn",
        "params": {"duration": 1.0, "resolution": "480p", "aspect_ratio": "16:9", "seed": 7},
        "failures": 12,
        "finished_at": now(),
        "error_code": "outcome_unknown",
        "error_message": "We could not learn whether it ran. You were not charged.",
        "charged": False,
    }
    owner = user or a_user(db, f"{new_id()}@example.com")
    job = a_job(db, owner, **(values | more))
    an_order(db, job)
    return job


def acts(db: Database, about: str) -> list[Entry]:
    """The audit log, newest first."""
    with db.reading() as connection:
        return audit.newest(connection, about, 100)
