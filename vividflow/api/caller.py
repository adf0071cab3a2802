"""Who asks."""

from __future__ import annotations

from dataclasses import dataclass

from vividflow.records.users import User


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """A person who proved who they are: by an API key (`key_id`), or by the browser's `session`."""

    user: User
    key_id: str | None = None
    session: bool = False
