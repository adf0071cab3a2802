"""Which other orders could be mistaken for one whose answer was lost."""

from __future__ import annotations

import pytest

from tests.people import make_user
from vividflow.lifecycle import orders as placing
from vividflow.lifecycle.tools import Tools
from vividflow.lifecycle.wish import Wish
from vividflow.records import orders
from vividflow.records.orders import OrderRow
from vividflow.timing import new_id, now


def placed(tools: Tools, prompt: str, **given: object) -> OrderRow:
    """An order of a job of its own."""
    user = make_user(tools)
    _, body = placing.place(tools, user, Wish(prompt=prompt, model="local"))
    values: dict[str, object] = {
        "id": new_id(),
        "job_id": body["job_id"],
        "n": 1,
        "provider": "openai",
        "provider_model": "den/wan",
        "state": orders.UNKNOWN,
        "token": new_id(),
        "request": {},
        "request_hash": new_id(),
        "fence": 1,
        "quoted": 0,
        "intent_at": now(),
    }
    order = OrderRow(**values | given)  # type: ignore[arg-type]
    with tools.db.transaction() as connection:
        orders.insert(connection, order)
    return order


@pytest.mark.parametrize(
    ("prompt", "given", "mistaken"),
    [
        ("a lighthouse", {"state": orders.INTENT}, True),
        ("a lighthouse", {"state": orders.UNKNOWN}, True),
        ("a lighthouse", {"state": orders.ACCEPTED}, False),
        ("a lighthouse", {"state": orders.REFUSED}, False),
        ("a lighthouse", {"provider_model": "lab/wan"}, False),
        ("a lighthouse", {"provider": "replicate"}, False),
        ("a harbour", {}, False),
    ],
)
def test_a_namesake_has_the_prompt_and_the_model_and_awaits_its_answer(
    tools: Tools, prompt: str, given: dict[str, object], mistaken: bool
) -> None:
    order = placed(tools, "a lighthouse")
    placed(tools, prompt, **given)
    with tools.db.reading() as connection:
        assert orders.namesakes_open(connection, order) is mistaken
        assert orders.siblings_open(connection, order) is False


def test_bound_is_what_was_accepted_lately_whatever_was_asked_for(tools: Tools) -> None:
    order = placed(tools, "a lighthouse", request_hash="h")
    moment = order.intent_at
    for name, hash_, accepted_at in (
        ("same-long-ago", "h", moment - 9e5),
        ("other-lately", "x", moment - 60),
        ("other-since", "y", moment + 60),
        ("other-long-ago", "z", moment - 9e5),
    ):
        given = {"operation_id": name, "request_hash": hash_, "accepted_at": accepted_at, "state": orders.DONE}
        placed(tools, "another prompt", **given)
    placed(tools, "a lighthouse", provider="replicate", operation_id="elsewhere", accepted_at=moment)
    with tools.db.reading() as connection:
        assert orders.bound_operations(connection, order) == {"same-long-ago", "other-lately", "other-since"}
