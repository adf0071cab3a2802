"""The hub's one asyncio thread: what arrives, beats, hears news and leaves there."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import socket
import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from vividflow.api.hub.held import Held
from vividflow.api.hub.streams import Channel, Event, Subscription
from vividflow.api.hub.waits import Wait

log = logging.getLogger(__name__)

READERS = 2  # threads that load and render
SLOTS = 15  # a beat is spread over so many ticks


class Desk:
    """Owns every held connection. Except for `receive`, `tell` and `news` everything here is called in the loop."""

    def __init__(
        self,
        *,
        load: Callable[[Subscription, int], list[Event]],
        released: Callable[[str], None],
        beat_seconds: float,
        life_seconds: float,
    ) -> None:
        self.load = load
        self.life_seconds = life_seconds
        self.channels: dict[Subscription, Channel] = {}
        self.waits: dict[str, set[Wait]] = {}
        self._released = released
        self._tick_seconds = beat_seconds / SLOTS
        self._slots: list[set[Held]] = [set() for _ in range(SLOTS)]
        self._slot = 0
        self._ticking = False
        self._leaving = False
        self._ended = False
        self._adopting: set[asyncio.Task[None]] = set()
        self._news: deque[tuple[str, str]] = deque()
        self._called = False
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="hub-reader")
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="hub", daemon=True)
        self._thread.start()

    # ---- from any thread

    def tell(self, callback: Callable[..., object], *args: Any) -> bool:
        """Run `callback` in the loop; False when the loop is over.

        In an empty context: else each stream would keep the Flask request that opened it alive.
        """
        try:
            self.loop.call_soon_threadsafe(callback, *args, context=contextvars.Context())
        except RuntimeError:  # the loop is closed
            return False
        return True

    def receive(self, ours: socket.socket, held: Held) -> None:
        """Take over a connection."""
        if not self.tell(self._adopt, ours, held):
            ours.close()
            self._released(held.user_id)

    def news(self, user_id: str, job_id: str) -> None:
        """A job of this person changed; many calls in a row wake the loop once."""
        if not (
            job_id in self.waits
            or Subscription(user_id=user_id, job_id=None) in self.channels
            or Subscription(user_id=user_id, job_id=job_id) in self.channels
        ):
            return
        self._news.append((user_id, job_id))
        if not self._called:
            self._called = True
            self.tell(self._spread)

    def leave(self) -> None:
        """Let everyone who is here, and everyone still on the way, say goodbye."""
        self.tell(self._leave)

    def end(self, seconds: float) -> None:
        """Cut off who is left and end the thread."""
        self.tell(self._end)
        self._thread.join(max(0.1, seconds))

    # ---- in the loop

    def read(self, then: Callable[[Any, Exception | None], None], work: Callable[..., Any], *args: Any) -> None:
        """Do blocking `work` in a reading thread, `then(result, error)` in the loop."""

        def run() -> None:
            try:
                result, error = work(*args), None
            except Exception as raised:  # noqa: BLE001 - `then` logs it with its trace, and the hub lives on
                result, error = None, raised
            self.tell(then, result, error)

        if not self._ended:
            self._readers.submit(run)

    def channel(self, subscription: Subscription) -> Channel:
        """The channel of a subscription, made when it is the first."""
        channel = self.channels.get(subscription)
        if channel is None:
            channel = self.channels[subscription] = Channel(self, subscription)
        return channel

    def welcome(self, held: Held) -> None:
        """A connection has arrived."""
        held.since = self.loop.time()
        held.slot = min(range(SLOTS), key=lambda slot: len(self._slots[slot]))
        self._slots[held.slot].add(held)
        held.opened()
        if self._leaving:
            held.leave()
        if not self._ticking:
            self._ticking = True
            self.loop.call_later(self._tick_seconds, self._tick)

    def farewell(self, held: Held) -> None:
        """A connection is closed."""
        self._slots[held.slot].discard(held)
        self._released(held.user_id)
        seconds = round(self.loop.time() - held.since, 3)
        extra = {"request_id": held.request_id, "path": held.path, "seconds": seconds}
        log.info("%s ended: %s", type(held).__name__.lower(), held.ending, extra=extra)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_forever()
        finally:
            for held in self._everyone():
                held.abort("stopping")
            self.loop.run_until_complete(asyncio.sleep(0))
            self.loop.close()

    def _adopt(self, ours: socket.socket, held: Held) -> None:
        task = self.loop.create_task(self._connect(ours, held))
        self._adopting.add(task)
        task.add_done_callback(self._adopting.discard)

    async def _connect(self, ours: socket.socket, held: Held) -> None:
        try:
            await self.loop.connect_accepted_socket(lambda: held, ours)
        except OSError as error:
            ours.close()
            self._released(held.user_id)
            log.info("a client was gone before its stream began", exc_info=error)

    def _spread(self) -> None:
        self._called = False
        while self._news:
            user_id, job_id = self._news.popleft()
            for about in (None, job_id):
                if channel := self.channels.get(Subscription(user_id=user_id, job_id=about)):
                    channel.touch()
            for wait in list(self.waits.get(job_id, ())):
                wait.touch()

    def _tick(self) -> None:
        now = self.loop.time()
        self._slot = (self._slot + 1) % SLOTS
        for held in list(self._slots[self._slot]):
            held.beat(now)
        self._ticking = any(self._slots)
        if self._ticking:
            self.loop.call_later(self._tick_seconds, self._tick)

    def _leave(self) -> None:
        self._leaving = True
        for held in self._everyone():
            held.leave()

    def _end(self) -> None:
        self._ended = True
        self._readers.shutdown(wait=False, cancel_futures=True)
        self.loop.stop()

    def _everyone(self) -> list[Held]:
        return [held for slot in self._slots for held in slot]
