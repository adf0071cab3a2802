"""What every connection held by the hub has in common, whether it streams events or waits for one answer."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vividflow.api.hub.desk import Desk

FLOOD_BYTES = 64 * 1024  # a client that sends this much after its request is no client of ours
STUCK_SECONDS = 5.0  # how long 64 KiB may lie unread in our buffer before the client is cut off


class Held(asyncio.Protocol):
    """One connection that left its request thread; lives in the hub's loop, about 2 KB."""

    __slots__ = (
        "_got",
        "_transport",
        "desk",
        "ending",
        "path",
        "request_id",
        "since",
        "slot",
        "stuck_since",
        "user_id",
    )

    def __init__(self, desk: Desk, *, user_id: str, path: str, request_id: str) -> None:
        self.desk = desk
        self.user_id = user_id
        self.path = path
        self.request_id = request_id
        self.slot = 0
        self.since = 0.0
        self.ending = ""
        self.stuck_since: float | None = None
        self._got = 0
        self._transport: asyncio.Transport | None = None

    def opened(self) -> None:
        """The connection is ours now."""
        raise NotImplementedError

    def beat(self, now: float) -> None:
        """Called every 15 s (loop time `now`)."""
        raise NotImplementedError

    def leave(self) -> None:
        """The server stops: say what there is to say and close."""
        raise NotImplementedError

    def gone(self) -> None:
        """The connection is closed, for whatever reason."""
        raise NotImplementedError

    def send(self, data: bytes) -> None:
        """Write, unless the connection is on its way out."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def close(self, ending: str) -> None:
        """Close once everything written has left; `ending` says why, for the log."""
        self.ending = self.ending or ending
        self.stuck_since = self.stuck_since or self.desk.loop.time()
        if self._transport is not None:
            self._transport.close()

    def abort(self, ending: str) -> None:
        """Close now and forget what was not yet sent."""
        self.ending = self.ending or ending
        if self._transport is not None:
            self._transport.abort()

    def cut_if_stuck(self, now: float) -> bool:
        """Cut the client off if it has not read what was written for it; True if so, or if it is closing anyway."""
        if self.stuck_since is not None and now - self.stuck_since >= STUCK_SECONDS:
            self.abort("too slow")
        return self.ending != ""

    # ---- what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.desk.welcome(self)

    def data_received(self, data: bytes) -> None:
        self._got += len(data)
        if self._got > FLOOD_BYTES:
            self.abort("flood")

    def pause_writing(self) -> None:
        self.stuck_since = self.desk.loop.time()

    def resume_writing(self) -> None:
        self.stuck_since = self.desk.loop.time() if self.ending else None

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self.ending = self.ending or "client left"
        self.gone()
        self.desk.farewell(self)
