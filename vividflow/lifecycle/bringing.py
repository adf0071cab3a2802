"""A wish whose pictures come with it, as files or by address: refused before anything is read, kept only with its job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from sqlalchemy.exc import IntegrityError

from vividflow.lifecycle import orders
from vividflow.lifecycle.intake import Intake
from vividflow.lifecycle.orders import Once
from vividflow.lifecycle.picture_links import Address
from vividflow.lifecycle.tools import Tools
from vividflow.lifecycle.wish import Wish
from vividflow.records.users import User


@dataclass(frozen=True, kw_only=True)
class Brought:
    """Pictures by the name of their field, `image` or `last_image`: scratch files of the caller's, and addresses."""

    files: Mapping[str, Path] = field(default_factory=dict)
    links: Mapping[str, Address] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.files or self.links)


def estimate(tools: Tools, user: User, wish: Wish, brought: Brought) -> dict[str, Any]:
    """`orders.estimate` of a wish with its pictures, which are read and not kept. Raises `Problem`."""
    found = orders.estimate(tools, user, _expecting(wish, brought))
    if not brought:
        return found
    with Intake(tools, user.id) as intake:
        _read(intake, brought)
        found = orders.estimate(tools, user, replace(wish, brought=intake.proved))
    found["params"] = {
        name: value for name, value in found["params"].items() if name.removesuffix("_id") not in intake.proved
    }
    return found


def place(
    tools: Tools,
    user: User,
    wish: Wish,
    brought: Brought,
    *,
    request_id: str | None = None,
    once: Once | None = None,
    count: int = 1,
    key_id: str | None = None,
) -> tuple[int, dict[str, Any]]:
    """`orders.place` of a wish, or `count` of them, with its pictures, kept in the jobs' own transaction. Raises `Problem`."""
    if not brought:
        return orders.place(tools, user, wish, request_id=request_id, once=once, count=count, key_id=key_id)
    orders.estimate(tools, user, _expecting(wish, brought))
    with Intake(tools, user.id) as intake:
        _read(intake, brought)
        orders.estimate(tools, user, replace(wish, brought=intake.proved))
        intake.upload()
        while True:
            whole = replace(wish, brought=dict(intake.proved))
            try:
                return orders.place(
                    tools,
                    user,
                    whole,
                    request_id=request_id,
                    once=once,
                    along=intake.write,
                    count=count,
                    key_id=key_id,
                )
            except IntegrityError:
                if not intake.overtaken():
                    raise


def _expecting(wish: Wish, brought: Brought) -> Wish:
    return replace(wish, brought=dict.fromkeys([*brought.files, *brought.links]))


def _read(intake: Intake, brought: Brought) -> None:
    for name, path in brought.files.items():
        intake.prove(name, path)
    for name, address in brought.links.items():
        intake.fetch(name, address)
