"""The draft of the form on Create: kept a moment after the last key, given back at the next visit, never overwritten unseen."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import Response, jsonify, request
from sqlalchemy.exc import IntegrityError

from vividflow.errors import Problem
from vividflow.pages import session
from vividflow.pages.shell import house
from vividflow.pages.values import Values, values_from
from vividflow.records import drafts
from vividflow.records.drafts import Draft
from vividflow.records.users import User
from vividflow.timing import now

PAGE = "create"


def save() -> tuple[Response, int]:
    """Keep the fields in `{"version", "fields"}`: the version that they have now, or 409 when another window was faster."""
    body: Any = request.get_json(silent=True)
    version = body.get("version") if isinstance(body, dict) else None
    if not isinstance(version, int) or isinstance(version, bool) or not isinstance(body.get("fields"), dict):
        raise Problem(422, "invalid_draft", "A draft is a version and fields. Nothing was kept.")
    user, values, version = session.signed_in(), values_from(body["fields"]), max(0, version)
    if _kept(user, values, version + 1):
        return jsonify({"version": version + 1}), 200
    there = found(user)
    known = there.version if there else 0
    if there is not None and restored(there) == values:  # our own save, whose answer got lost
        return jsonify({"version": known}), 200
    return jsonify({"code": "draft_changed", "version": known}), 409


def found(user: User) -> Draft | None:
    """A person's draft, if there is one."""
    with house().tools.db.reading() as connection:
        return drafts.find(connection, user.id, PAGE)


def keep(user: User, values: Values) -> None:
    """Keep what was just sent without script, whatever was kept before: it is what this person wants to see next."""
    there = found(user)
    _kept(user, values, (there.version if there else 0) + 1)


def restored(draft: Draft) -> Values:
    """The fields of a draft."""
    return values_from(draft.fields)


def _kept(user: User, values: Values, version: int) -> bool:
    draft = Draft(user_id=user.id, page=PAGE, fields=asdict(values), version=version, updated_at=now())
    try:
        with house().tools.db.transaction() as connection:
            return drafts.save(connection, draft)
    except IntegrityError:
        return False
