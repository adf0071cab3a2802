"""Making videos: placing a job, asking what it would cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vividflow.api.address import Call
from vividflow.api.bodies import IMAGES, Generate, GenerateVideo
from vividflow.lifecycle import bringing, orders
from vividflow.lifecycle.bringing import Brought
from vividflow.lifecycle.picture_links import read_address
from vividflow.lifecycle.wish import Wish

FAULT_HEADER = "X-Local-Fault"
_SAME = ("model", "duration", "resolution", "aspect_ratio", "cfg", "seed", "negative_prompt", "audio", "steps")


def create(call: Call) -> tuple[int, Mapping[str, Any]]:
    """Place a job: 202, or the first answer again under the same Idempotency-Key."""
    user, tools = call.caller.user, call.house.tools
    with call.house.running.alone(user.id, call.once):
        if call.once is not None and (known := orders.replay(tools, user.id, call.once)) is not None:
            return known
        wish, brought = wish_of(call), _brought(call)
        ways = {"request_id": call.request_id, "once": call.once, "key_id": call.caller.key_id}
        return bringing.place(tools, user, wish, brought, **ways)


def estimate(call: Call) -> tuple[int, Mapping[str, Any]]:
    """Price and expected time of the same body; creates and keeps nothing."""
    return 200, bringing.estimate(call.house.tools, call.caller.user, wish_of(call), _brought(call))


def wish_of(call: Call) -> Wish:
    """The wish in a body, without the pictures that come with it."""
    body = call.body
    assert isinstance(body, Generate)
    return Wish(
        prompt=body.prompt,
        **{name: getattr(body, name) for name in _SAME},
        image_id=body.image_id,
        last_image_id=body.last_image_id,
        reference_ids=body.reference_ids,
        extend_id=body.extend_id,
        priority=body.priority or 0,
        webhook_url=body.webhook_url,
        max_cost=body.max_cost,
        provider=body.provider,
        quality_levels=body.quality_levels if isinstance(body, GenerateVideo) else (),
        fault=call.request.headers.get(FAULT_HEADER) if call.house.settings.local_faults_header else None,
    )


def _brought(call: Call) -> Brought:
    """The pictures that come with the request. Raises `Problem` 422 for an address that is never read."""
    settings, user_id = call.house.settings, call.caller.user.id
    given = {name: getattr(call.body, f"{name}_url") for name in IMAGES}
    return Brought(
        files={name: upload.path for name, upload in call.files.items()},
        links={
            name: read_address(settings, user_id, url, param=f"{name}_url")
            for name, url in given.items()
            if url is not None
        },
    )
