"""A person's pictures: sending one, listing, looking, deleting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Response

from vividflow.api.address import Call
from vividflow.api.media_answer import StoredFile, send_file
from vividflow.api.values import is_id
from vividflow.lifecycle import library, orders

DEFAULT_LIMIT = 20
THUMBNAIL_AGE_SECONDS = 3600


def create(call: Call) -> tuple[int, Mapping[str, Any]]:
    """Keep a picture: 201, or 200 when the same bytes were there already."""
    user, tools = call.caller.user, call.house.tools
    with call.house.running.alone(user.id, call.once):
        if call.once is not None and (known := orders.replay(tools, user.id, call.once)) is not None:
            return known
        return library.keep(tools, user.id, call.files["image"].path, once=call.once)


def listing(call: Call) -> tuple[int, Mapping[str, Any]]:
    """Own pictures, newest first."""
    query = call.query
    limit = DEFAULT_LIMIT if query is None or query.limit is None else query.limit
    data, more, last = library.page(
        call.house.tools, call.caller.user.id, limit=limit, after=None if query is None else query.after
    )
    return 200, {"data": data, "has_more": more, "next": last}


def show(call: Call) -> tuple[int, Mapping[str, Any]]:
    """One picture."""
    tools = call.house.tools
    with tools.db.reading() as connection:
        asset = library.own(connection, call.caller.user.id, _id(call))
    return 200, library.image_object(tools, asset)


def remove(call: Call) -> tuple[int, Mapping[str, Any]]:
    """A picture to the trash, or with `purge` away for good."""
    purge = bool(call.query is not None and call.query.purge)
    library.remove(call.house.tools, call.caller.user.id, _id(call), purge=purge)
    return 204, {}


def thumbnail(call: Call) -> Response:
    """512 × 512 of the picture's middle, as JPEG."""
    image_id = _id(call)
    made = library.thumbnail(call.house.tools, call.caller.user.id, image_id)
    file = StoredFile(
        key=made.storage_key,
        size=made.size,
        sha256=made.sha256,
        mime=made.mime,
        filename=f"{image_id}-{made.name}.jpg",
        created_at=made.created_at,
        max_age=THUMBNAIL_AGE_SECONDS,
    )
    return send_file(call.house.tools.storage, file)


def _id(call: Call) -> str:
    if not is_id(call.ids["image_id"]):
        raise library.missing()
    return call.ids["image_id"]
