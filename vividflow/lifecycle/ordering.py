"""What the steps of an order share: the order at hand, the request it stands for, and what an adapter gets to see of it."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from vividflow.errors import LeaseLost
from vividflow.lifecycle.answers import Write
from vividflow.lifecycle.extending import load_film
from vividflow.lifecycle.pictures import load_picture, load_references
from vividflow.lifecycle.tools import Tools
from vividflow.providers.base import GenerationRequest, Operation, Order
from vividflow.records import orders
from vividflow.records.jobs import Job
from vividflow.records.orders import OrderRow

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def order_of(job: Job, tools: Tools) -> OrderRow:
    """The job's newest order. Raises `LeaseLost` when the job was removed under our hands."""
    with tools.db.reading() as connection:
        order = orders.newest_of(connection, owner_of(job))
    if order is None:
        raise LeaseLost
    return order


def owner_of(job: Job) -> str:
    """The id of the job that the orders are placed for: a hidden one looks for the result of another."""
    return (job.parent_id or job.id) if job.kind == "late" else job.id


def request_of(job: Job, tools: Tools, *, asking: bool = False) -> GenerationRequest:
    """The job's wish in the words of the provider contract, pictures loaded; `asking` about an order that may be placed."""
    params = job.params
    return GenerationRequest(
        model=job.model or "local",
        provider_model=job.provider_model or "local",
        prompt=job.prompt or "",
        duration=params.get("duration", 0.0),
        resolution=params.get("resolution", ""),
        aspect_ratio=params.get("aspect_ratio", ""),
        seed=params.get("seed"),
        negative_prompt=params.get("negative_prompt"),
        cfg=params.get("cfg_sent", params.get("cfg")),
        steps=params.get("steps"),
        audio=params.get("audio"),
        image=load_picture(job, tools, "image", asking=asking),
        last_image=load_picture(job, tools, "last_image", asking=asking),
        references=load_references(job, tools, asking=asking),
        extend=load_film(job, tools, asking=asking),
    )


def shown(order: OrderRow, tools: Tools, job: Job, **more: Any) -> Order:
    """The order as an adapter sees it."""
    values: dict[str, Any] = {
        "id": order.id,
        "token": order.token,
        "intent_at": order.intent_at,
        "accepted_at": order.accepted_at,
        "provider_model": order.provider_model,
        "callback_url": callback_url(tools, order),
        "request": order.request,
        "operation_id": order.operation_id,
        "fault": job.params.get("fault"),
    }
    return Order(**(values | more))


def callback_url(tools: Tools, order: OrderRow) -> str | None:
    """Where the provider may tell us, if it could reach us: over https, or when both of us are on this machine."""
    here = urlsplit(tools.settings.public)
    bases = tools.provider(order.provider).own_netlocs()
    near = bool(bases) and all(urlsplit(f"//{base}").hostname in _LOOPBACK for base in bases)
    if here.scheme == "https" or (near and here.hostname in _LOOPBACK):
        return f"{tools.settings.public}/api/callbacks/{order.provider}/{order.token}"
    return None


def accepted(order: OrderRow, operation: Operation, moment: float, request: dict[str, Any] | None = None) -> Write:
    """The write that binds an order to the provider's operation."""
    columns: dict[str, Any] = {"state": orders.ACCEPTED, "operation_id": operation.id, "accepted_at": moment}
    if request is not None:
        columns["request"] = request
    return lambda connection: orders.change(connection, order.id, **columns)


def closed(order: OrderRow, state: str, moment: float, **columns: Any) -> Write:
    """The write that ends an order: refused (never bought) or done."""
    return lambda connection: orders.change(connection, order.id, state=state, ended_at=moment, **columns)
