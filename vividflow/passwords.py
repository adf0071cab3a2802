"""Passwords: Argon2id, with as much memory as the settings say. Only the hash is ever kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vividflow.config import Settings
from vividflow.errors import Problem

if TYPE_CHECKING:
    from pwdlib import PasswordHash

SHORTEST = 10
# Argon2 reads all of it: an endless password would be a way to keep the server busy.
LONGEST = 1024


def accept_password(text: str) -> str:
    """`text` if it may become a password: 10 to 1,024 characters. Raises `Problem` 422 `invalid_password`."""
    if not SHORTEST <= len(text) <= LONGEST:
        raise Problem(
            422, "invalid_password", f"A password has {SHORTEST} to {LONGEST:,} characters.", param="password"
        )
    return text


def hash_password(settings: Settings, text: str) -> str:
    """The Argon2id hash to keep, with its salt and parameters in it. Takes tens of milliseconds by intent."""
    return _hasher(settings).hash(text)


def check_password(settings: Settings, text: str, hashed: str | None) -> bool:
    """Whether `text` is the password behind `hashed`.

    Costs the same when there is no hash (no such account, or one without a password), and then answers False.
    """
    from pwdlib.exceptions import UnknownHashError

    hasher = _hasher(settings)
    if len(text) > LONGEST:
        text = ""
    if hashed is None:
        hasher.hash(text)
        return False
    try:
        return hasher.verify(text, hashed)
    except UnknownHashError:
        return False


def _hasher(settings: Settings) -> PasswordHash:
    from pwdlib import PasswordHash
    from pwdlib.hashers.argon2 import Argon2Hasher

    return PasswordHash((Argon2Hasher(time_cost=3, memory_cost=settings.password_memory_kib, parallelism=1),))
