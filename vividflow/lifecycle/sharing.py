"""A public link to one video: made, changed and switched off by its owner, opened by whoever holds it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import uuid
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection

from vividflow.errors import Problem
from vividflow.lifecycle.orders import Once, missing, reply_of
from vividflow.lifecycle.refunds import thing
from vividflow.lifecycle.tools import Tools
from vividflow.records import assets, idempotency, jobs, renditions, shares, users
from vividflow.records.assets import Asset
from vividflow.records.jobs import COMPLETED, Job
from vividflow.records.renditions import Rendition
from vividflow.records.shares import Share
from vividflow.records.users import User
from vividflow.storage.signed_links import sign
from vividflow.timing import iso, new_id, now

log = logging.getLogger(__name__)
DAYS = (1, 7, 30)
USUAL_DAYS = 30
DAY_SECONDS = 86400.0
# How long the files behind a link can still be fetched after the link has ended: a browser that plays holds such a link.
FILE_SECONDS = 300
_STEP_SECONDS = 60
_ID_BYTES = _PROOF_BYTES = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Terms:
    """What a link allows: `days` until it ends by itself (None: never), and whether name and prompt are shown.

    With `keep` a link that lives goes on ending when it would.
    """

    days: int | None = USUAL_DAYS
    keep: bool = False
    show_name: bool = False
    show_prompt: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """What a living link leads to. `posters` are by name; `maker` and `prompt` are None where they are not to be seen."""

    share: Share
    job: Job
    asset: Asset
    posters: dict[str, Rendition]
    maker: str | None
    prompt: str | None


def switch_on(
    tools: Tools, user: User, job_id: str, terms: Terms, *, once: Once | None = None
) -> tuple[int, dict[str, Any]]:
    """Share a video: 201 and the new link, or 200 and the one that lives, under these terms from now on.

    Raises `Problem` 404 for a job that is missing, somebody else's, in the trash, or without anything to show.
    """
    moment = now()
    expires_at = None if terms.days is None else moment + terms.days * DAY_SECONDS
    shown = {"show_name": terms.show_name, "show_prompt": terms.show_prompt}
    with tools.db.transaction() as connection:
        job = _own(connection, user, job_id)
        if job.status != COMPLETED or "asset_id" not in job.result:
            raise Problem(404, "no_result", f"There is no {thing(job)} to share: the job is {job.status}.")
        old = shares.of_job(connection, user.id, job.id)
        if old is not None and old.alive(moment):
            status, share = 200, replace(old, expires_at=old.expires_at if terms.keep else expires_at, **shown)
            shares.change(connection, share.id, expires_at=share.expires_at, **shown)
        else:
            status = 201
            share = Share(
                id=new_id(), job_id=job.id, user_id=user.id, created_at=moment, expires_at=expires_at, **shown
            )
            shares.insert(connection, share)
        body = share_object(tools, share)
        if once is not None:
            idempotency.insert(connection, reply_of(user.id, once, status, body, moment))
    _note("public link on", user, job, {"ends": share.expires_at, **shown})
    return status, body


def current(connection: Connection, user: User, job_id: str) -> Share | None:
    """The living link of one's own video, if it is shared. Raises `Problem` 404 for a job that is not there."""
    job = _own(connection, user, job_id)
    share = shares.of_job(connection, user.id, job.id)
    return share if share is not None and share.alive(now()) else None


def switch_off(tools: Tools, user: User, job_id: str) -> bool:
    """End every link of one's own video at once; whether one was alive. Raises `Problem` 404 for a job that is not there."""
    with tools.db.transaction() as connection:
        job = _own(connection, user, job_id)
        share = shares.of_job(connection, user.id, job.id)
        was_alive = share is not None and share.alive(now())
        shares.end(connection, user.id, job.id, now())
    if was_alive:
        _note("public link off", user, job, {})
    return was_alive


def share_object(tools: Tools, share: Share) -> dict[str, Any]:
    """A link as the API shows it."""
    return {
        "url": address(tools, share),
        "expires_at": iso(share.expires_at),
        "show_name": share.show_name,
        "show_prompt": share.show_prompt,
        "created_at": iso(share.created_at),
    }


def address(tools: Tools, share: Share) -> str:
    """Where everybody can open it."""
    return f"{tools.settings.public}/s/{token_of(tools.secret, share.id)}"


def token_of(secret: str, share_id: str) -> str:
    """The public name of a link, 43 characters: its id and a proof that this installation made it."""
    own_key = hmac.new(secret.encode(), b"vividflow shares 1", hashlib.sha256).digest()
    raw = uuid.UUID(share_id).bytes
    proof = hmac.new(own_key, raw, hashlib.sha256).digest()[:_PROOF_BYTES]
    return base64.urlsafe_b64encode(raw + proof).rstrip(b"=").decode()


def open_link(tools: Tools, token: str) -> Shown | None:
    """What a token leads to; None, always the same, for one that is unknown, ended, switched off, or whose video is gone."""
    share_id, moment = _share_id(tools.secret, token), now()
    if share_id is None:
        return None
    with tools.db.reading() as connection:
        share = shares.by_id(connection, share_id)
        if share is None or not share.alive(moment):
            return None
        job = jobs.own(connection, share.user_id, share.job_id)
        maker = users.by_id(connection, share.user_id)
        if job is None or job.deleted_at is not None or maker is None or maker.suspended_at is not None:
            return None
        asset = assets.by_id(connection, share.user_id, job.result["asset_id"])
        if asset is None:
            return None
        made = renditions.of_asset(connection, asset.id)
    return Shown(
        share=share,
        job=job,
        asset=asset,
        posters={each.name: each for each in made if each.name.startswith("poster")},
        maker=maker.name if share.show_name else None,
        prompt=job.prompt if share.show_prompt else None,
    )


def file_link(tools: Tools, share: Share, key: str, moment: float) -> str:
    """An address of one stored file for four to five minutes, and never longer than the link itself."""
    expires_at = moment // _STEP_SECONDS * _STEP_SECONDS + FILE_SECONDS
    if share.expires_at is not None:
        expires_at = min(expires_at, share.expires_at)
    return tools.storage.signed_url(key, expires_at=expires_at, disposition="inline") or sign(
        tools.secret, key, expires_at
    )


def _share_id(secret: str, token: str) -> str | None:
    try:
        raw = base64.urlsafe_b64decode(f"{token}=")
        share_id = str(uuid.UUID(bytes=raw[:_ID_BYTES]))
    except ValueError:
        return None
    # The whole text is compared: base64 has several spellings of the same bytes.
    genuine = hmac.compare_digest(token_of(secret, share_id).encode(), token.encode())
    return share_id if genuine else None


def _own(connection: Connection, user: User, job_id: str) -> Job:
    job = jobs.own(connection, user.id, job_id)
    if job is None or job.deleted_at is not None:
        raise missing()
    return job


def _note(what: str, user: User, job: Job, more: dict[str, Any]) -> None:
    log.info(what, extra={"user_id": user.id, "job_id": job.id, **more})
