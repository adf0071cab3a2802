"""How much a person may store: all their bytes count, those in the trash too. A paid result is stored in any case."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from vividflow.config import Settings
from vividflow.errors import Problem
from vividflow.records import quotas, stored_files, users

_HELP = "Delete something and empty the trash, or ask an administrator for more."


@dataclass(frozen=True, kw_only=True)
class Share:
    """Bytes that a person has stored, and may store (None: without end)."""

    used: int
    most: int | None


def share_of(connection: Connection, settings: Settings, user_id: str) -> Share:
    """What one person has of their room."""
    most = quotas.of_user(connection, user_id, settings.user_quota)
    return Share(used=stored_files.used(connection, user_id), most=most)


def check_upload(connection: Connection, settings: Settings, user_id: str, size: int, *, hold: bool = False) -> None:
    """That `size` more bytes have room. Raises `Problem` 413 over_quota.

    With `hold`, in a transaction, no other upload of this person comes between the check and its end.
    """
    most = quotas.of_user(connection, user_id, settings.user_quota)
    if most is None:
        return
    if hold:
        users.hold(connection, user_id)
    used = stored_files.used(connection, user_id)
    if used + size > most:
        detail = f"{_said(used, most)}, and this has {_words(size)}. {_HELP}"
        raise Problem(413, "over_quota", detail, extra={"used_bytes": used, "quota_bytes": most, "size": size})


def check_order(connection: Connection, settings: Settings, user_id: str) -> None:
    """That the room is not used up yet. Raises `Problem` 409 over_quota."""
    most = quotas.of_user(connection, user_id, settings.user_quota)
    if most is None:
        return
    used = stored_files.used(connection, user_id)
    if used >= most:
        detail = f"{_said(used, most)}, so nothing more is made. {_HELP} Nothing was charged."
        raise Problem(409, "over_quota", detail, extra={"used_bytes": used, "quota_bytes": most})


def _said(used: int, most: int) -> str:
    return f"You have used {_words(used)} of your {_words(most)}"


def _words(size: int) -> str:
    for unit, name in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if size >= unit:
            return f"{size / unit:.1f} {name}"
    return f"{size} bytes"
