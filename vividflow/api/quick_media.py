"""The bytes of a file by the short way: what a player asks for again and again, answered without the framework."""

from __future__ import annotations

import re
from typing import Literal, cast
from urllib.parse import parse_qsl
from wsgiref.types import WSGIEnvironment

from vividflow.api.caller import Caller
from vividflow.api.house import House
from vividflow.api.media_answer import MediaAnswer, StoredFile, media_answer
from vividflow.api.videos import file_name
from vividflow.records import assets, renditions
from vividflow.records.assets import Stored
from vividflow.storage.signed_links import PREFIX, LinkRefused, verify
from vividflow.timing import now

_HEIGHT = re.compile(r"quality=([1-9][0-9]{1,4})p", re.ASCII).fullmatch


def quick_link(house: House, environ: WSGIEnvironment) -> MediaAnswer | None:
    """The file that a signed link stands for; None where the view has to look closer, or to refuse."""
    key, query, moment = environ["PATH_INFO"].removeprefix(PREFIX), dict(parse_qsl(environ["QUERY_STRING"])), now()
    try:
        grant = verify(house.tools.secret, key, query, now=moment)
    except LinkRefused:
        return None
    with house.tools.db.reading() as connection:
        found = assets.linked(connection, key) or renditions.linked(connection, key)
    if found is None:
        return None
    disposition = cast(Literal["inline", "attachment"], grant.disposition)
    age = int(grant.expires_at - moment)
    return _send(house, environ, found, key.rpartition("/")[2], disposition=disposition, max_age=age)


def quick_download(house: House, caller: Caller, environ: WSGIEnvironment, job_id: str) -> MediaAnswer | None:
    """The original of one's own finished job; None where the view has to refuse."""
    with house.tools.db.reading() as connection:
        found = assets.made(connection, caller.user.id, job_id)
    return (
        None if found is None else _send(house, environ, found, file_name(job_id, found.mime), disposition="attachment")
    )


def quick_stream(house: House, caller: Caller, environ: WSGIEnvironment, job_id: str) -> MediaAnswer | None:
    """One size of one's own finished video, for a query that names a height and nothing else; None as above."""
    asked = _HEIGHT(environ["QUERY_STRING"])
    if asked is None:
        return None
    side = int(asked[1])
    with house.tools.db.reading() as connection:
        found = renditions.streamed(connection, caller.user.id, job_id, f"{side}p")
        found = found or assets.sized(connection, caller.user.id, job_id, side)
    return None if found is None else _send(house, environ, found, file_name(job_id, found.mime), disposition="inline")


def _send(
    house: House,
    environ: WSGIEnvironment,
    found: Stored,
    name: str,
    *,
    disposition: Literal["inline", "attachment"],
    max_age: int = 0,
) -> MediaAnswer:
    file = StoredFile(
        key=found.storage_key,
        size=found.size,
        sha256=found.sha256,
        mime=found.mime,
        filename=name,
        disposition=disposition,
        created_at=found.created_at,
        max_age=max_age,
    )
    return media_answer(environ, house.tools.storage, file)
