"""A provider's callback: verified, then treated as a hint to look now. The poll stays the only judge."""

from __future__ import annotations

from collections.abc import Mapping

from vividflow.errors import Outcome, Problem
from vividflow.lifecycle.ending import LATE_SECONDS, adopt_late, settle
from vividflow.lifecycle.tools import Tools
from vividflow.records import jobs, orders
from vividflow.timing import now


def receive(tools: Tools, provider_name: str, token: str, headers: Mapping[str, str], raw_body: bytes) -> bool:
    """Take a callback in; False when the token names no order. Raises `Problem` 401 for a signature that does not hold."""
    with tools.db.reading() as connection:
        order = orders.by_token(connection, provider_name, token)
    if order is None:
        return False
    operation_id = _verified(tools, provider_name, headers, raw_body)
    moment = now()
    signed = tools.registry.vendors[provider_name].callbacks_signed
    with tools.db.transaction() as connection:
        order = orders.by_token(connection, provider_name, token)
        job = jobs.by_id(connection, order.job_id) if order else None
        if order is None or job is None:
            return True
        unanswered = order.state in (orders.INTENT, orders.UNKNOWN, orders.LOST) and order.operation_id is None
        if signed and unanswered and operation_id:
            # The answer to our order was lost or is still on its way: this is how we learn the provider's id.
            orders.change(connection, order.id, operation_id=operation_id, state=orders.ACCEPTED, accepted_at=moment)
            if job.over:
                kept = tools.registry.vendors[provider_name].retention_seconds or LATE_SECONDS
                adopt_late(connection, job, moment, kept)
                settle(connection, job, moment)
        if not job.over:
            jobs.nudge(connection, job.id, moment)
    tools.nudge()
    return True


def _verified(tools: Tools, provider_name: str, headers: Mapping[str, str], raw_body: bytes) -> str | None:
    provider = tools.provider(provider_name)
    try:
        operation_id = provider.verify_callback(headers, raw_body)
    except Outcome as trouble:
        raise Problem(
            503, "callback_unverifiable", "The callback cannot be verified just now.", retry_after=30
        ) from trouble
    if operation_id is None:
        raise Problem(401, "bad_signature", "The signature of this callback does not hold.")
    return operation_id
