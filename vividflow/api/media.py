"""Signed local links: whoever holds one may fetch the file until it ends, without a key."""

from __future__ import annotations

from typing import Literal, cast

from flask import Response

from vividflow.api.address import Call
from vividflow.api.media_answer import StoredFile, send_file
from vividflow.errors import Problem
from vividflow.records import assets, renditions
from vividflow.records.assets import Asset
from vividflow.records.renditions import Rendition
from vividflow.storage.signed_links import LinkRefused, verify
from vividflow.timing import now


def fetch(call: Call) -> Response:
    """The file a link stands for. Raises `Problem` 404 for a link that is not ours, 410 for one that has ended."""
    key, moment = call.ids["key"], now()
    try:
        grant = verify(call.house.tools.secret, key, call.request.args, now=moment, method=call.request.method)
    except LinkRefused as refused:
        if refused.expired:
            raise Problem(
                410, "link_expired", "This link has ended. Ask for the status again to get a new one."
            ) from None
        raise _nothing() from None
    found = _stored(call, key)
    if found is None:
        raise _nothing()
    file = StoredFile(
        key=key,
        size=found.size,
        sha256=found.sha256,
        mime=found.mime,
        filename=key.rpartition("/")[2],
        disposition=cast(Literal["inline", "attachment"], grant.disposition),
        created_at=found.created_at,
        max_age=int(grant.expires_at - moment),
    )
    return send_file(call.house.tools.storage, file)


def _stored(call: Call, key: str) -> Asset | Rendition | None:
    """What lies under a key, unless it, or what it was made from, is in the trash."""
    with call.house.tools.db.reading() as connection:
        asset = assets.by_storage_key(connection, key)
        made = renditions.by_storage_key(connection, key) if asset is None else None
        source = asset if made is None else assets.by_any_id(connection, made.asset_id)
    return None if source is None or source.deleted_at is not None else made or asset


def _nothing() -> Problem:
    return Problem(404, "not_found", "There is nothing at this address.")
