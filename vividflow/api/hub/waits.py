"""Held answers: a request that asked to wait is answered when its job changed or its time is over."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from vividflow.api.hub.hand_over import head_bytes
from vividflow.api.hub.held import Held

if TYPE_CHECKING:
    from vividflow.api.hub.desk import Desk

log = logging.getLogger(__name__)

Answer = tuple[int, Mapping[str, str], bytes]
FAILED: Answer = (
    500,
    {"Content-Type": "application/problem+json"},
    b'{"title": "Internal Server Error", "status": 500, "code": "internal_error", "detail": "Please ask again."}',
)
BODILESS = (204, 304)


def answer_bytes(answer: Answer) -> bytes:
    """A whole HTTP answer; Content-Length is ours, and 204 and 304 have no body."""
    status, headers, body = answer
    kept = {name: value for name, value in headers.items() if name.lower() != "content-length"}
    if status in BODILESS:
        return head_bytes(status, kept)
    return head_bytes(status, kept | {"Content-Length": str(len(body))}) + body


class Wait(Held):
    """One held answer. `until` and `render` run in the hub's reading threads, never in its loop."""

    __slots__ = ("_again", "_asking", "_over", "_render", "_seconds", "_timer", "_until", "job_id")

    def __init__(
        self,
        desk: Desk,
        *,
        user_id: str,
        job_id: str,
        seconds: float,
        until: Callable[[], bool],
        render: Callable[[], Answer],
        path: str,
        request_id: str,
    ) -> None:
        super().__init__(desk, user_id=user_id, path=path, request_id=request_id)
        self.job_id = job_id
        self._seconds = seconds
        self._until = until
        self._render = render
        self._timer: asyncio.TimerHandle | None = None
        self._asking = False
        self._again = False
        self._over = False

    def opened(self) -> None:
        self._timer = self.desk.loop.call_later(self._seconds, self.leave)
        self.desk.waits.setdefault(self.job_id, set()).add(self)
        self.touch()

    def touch(self) -> None:
        """The job may have changed: look, or look once more after the look that is running."""
        if self._asking:
            self._again = True
        elif not self.ending:
            self._asking = True
            self._again = False
            self.desk.read(self._looked, self._look, self._over)

    def leave(self) -> None:
        """Time is over: answer with whatever is true now."""
        self._over = True
        self.touch()

    def _look(self, over: bool) -> bytes | None:
        return answer_bytes(self._render()) if over or self._until() else None

    def _looked(self, answer: bytes | None, error: Exception | None) -> None:
        self._asking = False
        if error is not None:
            log.error("a held answer failed", exc_info=error, extra={"request_id": self.request_id, "path": self.path})
            answer = answer_bytes(FAILED)
        if answer is not None:
            self.send(answer)
            self.close("answered")
        elif self._again or self._over:
            self.touch()

    def beat(self, now: float) -> None:
        self.cut_if_stuck(now)

    def gone(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        waiting = self.desk.waits.get(self.job_id)
        if waiting is not None:
            waiting.discard(self)
            if not waiting:
                del self.desk.waits[self.job_id]
