"""The trash: a finished job, or an upload, can be taken back for thirty days, or removed with its files for good."""

from __future__ import annotations

import logging

from sqlalchemy import Connection

from vividflow.errors import Problem
from vividflow.lifecycle.orders import missing
from vividflow.lifecycle.tools import Tools
from vividflow.records import assets, deliveries, job_events, jobs, past_jobs, renditions, shares
from vividflow.records.jobs import Job
from vividflow.records.users import User
from vividflow.storage.base import StorageGone
from vividflow.timing import now

log = logging.getLogger(__name__)
KEPT_SECONDS = 30 * 86400.0


def remove(tools: Tools, user: User, job_id: str, *, purge: bool = False) -> None:
    """Put a finished job into the trash, or (`purge`) remove it with its files. Raises `Problem` 404, 409 job_not_finished."""
    with tools.db.transaction() as connection:
        job = jobs.own(connection, user.id, job_id)
        if job is None or (job.deleted_at is not None and not purge):
            raise missing()
        if not job.over:
            raise Problem(409, "job_not_finished", "This job is still at work. Cancel it first.")
        keys = forget(connection, job) if purge else []
        if not purge:
            jobs.change(connection, job.id, deleted_at=now())
    drop(tools, keys)


def restore(tools: Tools, user: User, job_id: str) -> Job:
    """Take a job back from the trash. Raises `Problem` 404 (also when its thirty days are over), 409 not_in_trash."""
    with tools.db.transaction() as connection:
        job = jobs.own(connection, user.id, job_id)
        if job is None or (job.deleted_at is not None and job.deleted_at <= now() - KEPT_SECONDS):
            raise missing()
        if job.deleted_at is None:
            raise Problem(409, "not_in_trash", "This job is not in the trash.")
        jobs.change(connection, job.id, deleted_at=None, restored_at=now())
        return jobs.own(connection, user.id, job_id) or job


def empty(tools: Tools, moment: float) -> int:
    """Remove for good what has lain in the trash for thirty days; how many jobs and uploads that were."""
    gone = 0
    while some := _empty_some(tools, moment - KEPT_SECONDS):
        gone += some
    return gone


def _empty_some(tools: Tools, before: float) -> int:
    with tools.db.transaction() as connection:
        old = jobs.in_trash_since(connection, before)
        keys = [key for job in old for key in forget(connection, job)]
        uploads = assets.in_trash_since(connection, before)
        keys += [key for asset in uploads for key in forget_upload(connection, asset)]
    drop(tools, keys)
    return len(old) + len(uploads)


def forget(connection: Connection, job: Job) -> list[str]:
    """Remove a job's rows for good, all but the figures that usage keeps; the storage keys to delete."""
    keys: list[str] = []
    for asset in assets.all_of_job(connection, job.id):
        keys += renditions.delete_of_asset(connection, asset.id)
    keys += assets.delete_of_job(connection, job.id)
    job_events.delete_of_job(connection, job.id)
    deliveries.delete_about(connection, job.id)
    shares.delete_of_job(connection, job.id)
    past_jobs.keep(connection, job)
    jobs.delete_hidden_of(connection, job.id)
    jobs.delete(connection, job.id)
    return keys


def forget_upload(connection: Connection, asset: assets.Asset) -> list[str]:
    """Remove an upload's rows for good; the storage keys to delete."""
    keys = [asset.storage_key, *renditions.delete_of_asset(connection, asset.id)]
    assets.delete(connection, asset.id)
    return keys


def drop(tools: Tools, keys: list[str]) -> None:
    """Delete stored files whose rows are gone; what the storage does not do now is left for its own check to find."""
    for key in keys:
        try:
            tools.storage.delete(key)
        except StorageGone:
            log.warning("could not delete %s: the storage is away; storage verify will find it", key)
