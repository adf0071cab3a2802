"""The public link of one's own video: on, as it is, off."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vividflow.api.address import Call
from vividflow.api.bodies import ShareTerms
from vividflow.api.values import is_id
from vividflow.errors import Problem
from vividflow.lifecycle import orders, sharing
from vividflow.lifecycle.sharing import Terms


def switch_on(call: Call) -> tuple[int, Mapping[str, Any]]:
    """Share it: 201 and a new link, or 200 and the one there is, under these terms."""
    user, tools, job_id, body = call.caller.user, call.house.tools, _id(call), call.body
    assert isinstance(body, ShareTerms)
    terms = Terms(days=body.expires_in_days, show_name=bool(body.show_name), show_prompt=bool(body.show_prompt))
    with call.house.running.alone(user.id, call.once):
        if call.once is not None and (known := orders.replay(tools, user.id, call.once)) is not None:
            return known
        return sharing.switch_on(tools, user, job_id, terms, once=call.once)


def show(call: Call) -> tuple[int, Mapping[str, Any]]:
    """The link as it is. Raises `Problem` 404 when it is off."""
    tools = call.house.tools
    with tools.db.reading() as connection:
        share = sharing.current(connection, call.caller.user, _id(call))
    if share is None:
        raise _off()
    return 200, sharing.share_object(tools, share)


def switch_off(call: Call) -> tuple[int, Mapping[str, Any]]:
    """End it at once. Raises `Problem` 404 when it was off."""
    if not sharing.switch_off(call.house.tools, call.caller.user, _id(call)):
        raise _off()
    return 204, {}


def _id(call: Call) -> str:
    if not is_id(call.ids["job_id"]):
        raise orders.missing()
    return call.ids["job_id"]


def _off() -> Problem:
    return Problem(404, "not_shared", "This video has no public link now.")
