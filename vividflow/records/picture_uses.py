"""Which of a person's jobs begin or end with a picture, or look at one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Text, cast, or_, select

from vividflow.records.jobs import HIDDEN_KINDS, PROCESSING, QUEUED, jobs

_c = jobs.c
_FIRST, _LAST = _c.params["image_id"].as_string(), _c.params["last_image_id"].as_string()
# Most jobs name no picture; to look for the letters costs far less than to read JSON.
_NAMES_ONE = cast(_c.params, Text).like("%!_id%", escape="!")
_OTHERS = _c.params["reference_ids"].as_string()  # a list, as JSON text


@dataclass(frozen=True, kw_only=True, slots=True)
class Use:
    """One job that a picture goes into; `active` while it is under way."""

    job_id: str
    active: bool


def uses(connection: Connection, user_id: str, picture_ids: Sequence[str], since: float) -> dict[str, list[Use]]:
    """The jobs of each of these pictures, newest first, without those in the trash.

    `since` is when the oldest of the pictures came: no older job can have used one, and none is read.
    """
    given = list(picture_ids)
    found: dict[str, list[Use]] = {each: [] for each in given}
    if not given:
        return found
    rows = connection.execute(
        select(_c.id, _c.status, _FIRST.label("first"), _LAST.label("last"), _OTHERS.label("others"))
        .where(_c.user_id == user_id, _c.created_at >= since)
        .where(_c.deleted_at.is_(None), _c.kind.not_in(HIDDEN_KINDS))
        .where(_NAMES_ONE)
        .where(or_(_FIRST.in_(given), _LAST.in_(given), _OTHERS.like("%-%")))
        .order_by(_c.created_at.desc(), _c.id.desc())
    )
    for row in rows:
        use = Use(job_id=row.id, active=row.status in (QUEUED, PROCESSING))
        for each in given:
            if each in (row.first, row.last) or each in (row.others or ""):
                found[each].append(use)
    return found
