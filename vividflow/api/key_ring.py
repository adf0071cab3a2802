"""API keys that were verified a moment ago, and the marks of when keys and sessions were last used."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass

from vividflow.api.caller import Caller
from vividflow.db.database import Database
from vividflow.records import api_keys, sessions, users
from vividflow.timing import monotonic, now

REMEMBERED_SECONDS = 5.0
MOST = 4096


@dataclass(frozen=True, slots=True)
class _Known:
    """A verified key: whose, until when it holds (wall clock), and until when we need not ask again (monotonic)."""

    caller: Caller
    key_id: str
    expires_at: float
    fresh_until: float


class KeyRing:
    """Verifies API keys against the database, and believes a verified one for five seconds without asking again.

    A revoke in this process must call `forget`; one by another process takes effect within the five seconds.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[bytes, _Known] = {}
        self._lock = threading.Lock()
        self._used: dict[str, float] = {}
        self._seen: dict[str, float] = {}

    def find(self, bare: str) -> Caller | None:
        """Who this key belongs to; None for a malformed, wrong, revoked or expired one. The mark of its use is kept."""
        digest = hashlib.sha256(bare.encode("utf-8", "replace")).digest()
        known = self._known.get(digest)
        moment = now()
        if known is None or monotonic() >= known.fresh_until:
            known = self._ask(bare, digest, moment)
        if known is None or moment >= known.expires_at:
            return None
        self._used[known.key_id] = moment
        return known.caller

    def recall(self, bare: str) -> Caller | None:
        """As `find`, but only from memory: None says nothing about the key."""
        known = self._known.get(hashlib.sha256(bare.encode("utf-8", "replace")).digest())
        if known is None or monotonic() >= known.fresh_until or (moment := now()) >= known.expires_at:
            return None
        self._used[known.key_id] = moment
        return known.caller

    def forget(self) -> None:
        """Ask the database again for every key: one was revoked, or a person was changed."""
        with self._lock:
            self._known.clear()

    def session_seen(self, hashed: str) -> None:
        """Note that a session (by its hash) was used just now."""
        self._seen[hashed] = now()

    def flush(self) -> bool:
        """Write down the marks; False when there are none, and then nothing is committed."""
        used, self._used = self._used, {}
        seen, self._seen = self._seen, {}
        if not used and not seen:
            return False
        with self._database.transaction() as connection:
            api_keys.touch(connection, used)
            sessions.touch(connection, seen)
        return True

    def _ask(self, bare: str, digest: bytes, moment: float) -> _Known | None:
        with self._database.reading() as connection:
            key = api_keys.by_bare_key(connection, bare)
            user = users.by_id(connection, key.user_id) if key and key.usable(moment) else None
        if key is None or user is None:
            with self._lock:
                self._known.pop(digest, None)
            return None
        known = _Known(
            caller=Caller(user=user, key_id=key.id),
            key_id=key.id,
            expires_at=key.expires_at if key.expires_at is not None else float("inf"),
            fresh_until=monotonic() + REMEMBERED_SECONDS,
        )
        with self._lock:
            if len(self._known) >= MOST:
                self._known.clear()
            self._known[digest] = known
        return known
