"""Event streams: what a client subscribed to, its connection, and the channel that loads once for all its streams."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from vividflow.api.hub.hand_over import head_bytes
from vividflow.api.hub.held import Held

if TYPE_CHECKING:
    from vividflow.api.hub.desk import Desk

log = logging.getLogger(__name__)

RETRY = b"retry: 1000\n\n"
BEAT = b": beat\n\n"
PAUSE_SECONDS = 0.01  # notifications that come closer together than this share one load
AGAIN_SECONDS = 1.0  # after a load that failed
PAGE = 100  # a load that answers this many events is asked for more
HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store, no-transform",
    "X-Accel-Buffering": "no",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Event:
    """One event of a stream: `id` rises, `name` is status, progress or done, `data` is one JSON object."""

    id: int
    name: str
    data: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Subscription:
    """What a stream is about: one job of a person, or all of them (`job_id` None)."""

    user_id: str
    job_id: str | None


def frame(event: Event) -> bytes:
    """`event` as Server-Sent Events write it (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""
    data = b"\ndata: ".join(event.data.splitlines() or [b""])
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (event.id, event.name.encode(), data)


class Stream(Held):
    """One open event stream. A single job's stream closes after `done`."""

    __slots__ = ("_greeting", "position", "subscription")

    def __init__(
        self,
        desk: Desk,
        *,
        subscription: Subscription,
        head: Mapping[str, str],
        first: list[Event],
        position: int,
        path: str,
        request_id: str,
    ) -> None:
        super().__init__(desk, user_id=subscription.user_id, path=path, request_id=request_id)
        self.subscription = subscription
        self.position = position
        self._greeting: tuple[bytes, list[Event]] | None = (head_bytes(200, HEADERS | dict(head)), first)

    def opened(self) -> None:
        assert self._greeting is not None
        head, first = self._greeting
        self._greeting = None
        self.send(head)
        self._write([(event, frame(event)) for event in first])
        # Only now that the channel knows this stream is the state read again: nothing between is lost.
        if not self.ending:
            self.desk.channel(self.subscription).join(self)

    def deliver(self, frames: list[tuple[Event, bytes]]) -> None:
        """Write what is newer than the last event this client got."""
        news = [pair for pair in frames if pair[0].id > self.position]
        if news:
            self.position = news[-1][0].id
            self._write(news)

    def _write(self, frames: list[tuple[Event, bytes]]) -> None:
        if frames:
            self.send(b"".join(data for _, data in frames))
        if self.subscription.job_id is not None and any(event.name == "done" for event, _ in frames):
            self.close("done")

    def beat(self, now: float) -> None:
        if self.cut_if_stuck(now):
            return
        if now - self.since >= self.desk.life_seconds:
            self.send(RETRY)
            self.close("end of life")
        else:
            self.send(BEAT)

    def leave(self) -> None:
        self.send(RETRY)
        self.close("stopping")

    def resume_writing(self) -> None:
        super().resume_writing()
        if not self.ending:
            self.desk.channel(self.subscription).touch()

    def gone(self) -> None:
        if channel := self.desk.channels.get(self.subscription):
            channel.part(self)


class Channel:
    """All streams of one subscription: however many notifications and streams, one load at a time."""

    __slots__ = ("_again", "_busy", "desk", "streams", "subscription")

    def __init__(self, desk: Desk, subscription: Subscription) -> None:
        self.desk = desk
        self.subscription = subscription
        self.streams: set[Stream] = set()
        self._busy = False
        self._again = False

    def join(self, stream: Stream) -> None:
        """A stream more, brought up to date at once."""
        self.streams.add(stream)
        self.touch()

    def part(self, stream: Stream) -> None:
        """A stream less."""
        self.streams.discard(stream)
        if not self.streams:
            self.desk.channels.pop(self.subscription, None)

    def touch(self) -> None:
        """Something may have happened: load now, or once more after the load that is running."""
        if self._busy:
            self._again = True
        else:
            self._busy = True
            self._load()

    def _load(self) -> None:
        self._again = False
        # A stream whose client is behind waits; resume_writing touches the channel again.
        positions = [stream.position for stream in self.streams if stream.stuck_since is None]
        if not positions:
            self._busy = False
            return
        after = min(positions)
        self.desk.read(partial(self._loaded, after), self.desk.load, self.subscription, after)

    def _loaded(self, after: int, events: list[Event] | None, error: Exception | None) -> None:
        if events is None:
            log.error("loading events failed, trying again", exc_info=error)
            self.desk.loop.call_later(AGAIN_SECONDS, self._load)
            return
        frames = [(event, frame(event)) for event in events]
        for stream in list(self.streams):
            # One that joined meanwhile from further back would miss what lies between; the next load serves it.
            if stream.stuck_since is None and stream.position >= after:
                stream.deliver(frames)
        if self._again or len(events) >= PAGE:
            self.desk.loop.call_later(PAUSE_SECONDS, self._load)
        else:
            self._busy = False
