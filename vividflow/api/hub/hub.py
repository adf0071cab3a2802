"""`Hub`: what views and commits call, from any thread."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from wsgiref.types import WSGIEnvironment

from flask import Response

from vividflow.api.hub.blocking import BlockingWaits
from vividflow.api.hub.desk import Desk
from vividflow.api.hub.hand_over import may_take, take
from vividflow.api.hub.held import Held
from vividflow.api.hub.streams import HEADERS, RETRY, Event, Stream, Subscription, frame
from vividflow.api.hub.waits import Answer, Wait
from vividflow.errors import Problem

log = logging.getLogger(__name__)

OTHER_DESCRIPTORS = 200  # files, database connections, request threads
LONGEST_WAIT = 60.0  # seconds


class Hub:
    """All open event streams and held answers of this process.

    `load(subscription, after_id)` answers the events after an id in rising order; it runs in a thread of the hub,
    without Flask's context. It may answer the first 100 or more of many, the hub then asks for the rest. Ids must
    become visible in rising order per person. `cap` is the most connections held at once, `cap_per_user` the most of
    one person, `beat_seconds` the time between two comment lines, `life_seconds` how long a stream lives before its
    client is asked to come again.
    """

    def __init__(
        self,
        *,
        load: Callable[[Subscription, int], list[Event]],
        cap: int = 5000,
        cap_per_user: int = 2500,
        beat_seconds: float = 15.0,
        life_seconds: float = 600.0,
    ) -> None:
        self.load = load
        self.cap = cap
        self.cap_per_user = cap_per_user
        self.beat_seconds = beat_seconds
        self.life_seconds = life_seconds
        self.stopping = False
        self._lock = threading.Condition()
        self._open: Counter[str] = Counter()
        self._desk: Desk | None = None
        self._blocking = BlockingWaits()

    def start(self) -> None:
        """Start the hub's thread, once, in the process that serves: never before a fork."""
        with self._lock:
            if self._desk is None:
                self.cap = min(self.cap, _descriptors(self.cap + OTHER_DESCRIPTORS) - OTHER_DESCRIPTORS)
                self._desk = Desk(
                    load=self.load,
                    released=self._release,
                    beat_seconds=self.beat_seconds,
                    life_seconds=self.life_seconds,
                )

    def stop(self, deadline: float = 1.0) -> None:
        """Answer every wait with the present state, end every stream with `retry: 1000`; done within `deadline` s.

        From the first call on new requests get an ordinary short answer. May be called more than once, from any
        thread, and without `start`.
        """
        end = time.monotonic() + deadline
        with self._lock:
            self.stopping = True
        self._blocking.stop()
        if self._desk is not None:
            self._desk.leave()
            with self._lock:
                self._lock.wait_for(lambda: not self._open, timeout=end - time.monotonic())
            self._desk.end(end - time.monotonic())

    @property
    def n(self) -> int:
        """How many connections the hub holds."""
        with self._lock:
            return self._open.total()

    def stream(
        self,
        environ: WSGIEnvironment,
        *,
        head: Mapping[str, str],
        user_id: str,
        job_id: str | None,
        first: list[Event],
        last_event_id: int,
    ) -> Response:
        """Hand this request over as an event stream of one job or, with `job_id` None, of all jobs of `user_id`.

        `first` is written at once, then everything after `last_event_id` (or after the newest of `first`), as it
        happens. `head` adds headers to those of an event stream; its X-Request-ID goes into the log. Where the
        connection cannot be handed over (test client, `flask run`, TLS in gunicorn, HEAD, a stopping server) the
        answer is an ordinary finite one with what there is now and `retry: 1000`. To be the last act of a view.
        Raises `Problem` 503 when full and 429 when this person holds too many.
        """
        subscription = Subscription(user_id=user_id, job_id=job_id)
        position = max([last_event_id, *(event.id for event in first)])
        if not self._admits(environ, user_id):
            return self._finite(subscription, head, first, position)
        return self._hand_over(
            environ,
            user_id,
            lambda desk: Stream(
                desk,
                subscription=subscription,
                head=head,
                first=first,
                position=position,
                path=environ.get("PATH_INFO", ""),
                request_id=head.get("X-Request-ID", ""),
            ),
        )

    def wait(
        self,
        environ: WSGIEnvironment,
        *,
        user_id: str,
        job_id: str,
        seconds: float,
        until: Callable[[], bool],
        render: Callable[[], Answer],
        request_id: str = "",
    ) -> Response:
        """Hold this answer until `until()` is true or `seconds` (at most 60) have passed, then answer `render()`.

        `until` is asked now, and again after every `notify` of the job. `render` gives status, headers and body of
        the whole answer. Both may run in a thread of the hub, so they must not touch Flask's request. Where the
        connection cannot be handed over this request thread waits itself, at most 8 at once; the next is answered at
        once. To be the last act of a view. Raises `Problem` 503 when full and 429 when this person holds too many.
        """
        seconds = min(seconds, LONGEST_WAIT)
        held = seconds > 0 and not self.stopping and environ.get("REQUEST_METHOD") != "HEAD" and not until()
        if not held or not self._admits(environ, user_id):
            if held:
                self._blocking.wait(job_id, seconds, until)
            status, headers, body = render()
            return Response(body, status, dict(headers))
        return self._hand_over(
            environ,
            user_id,
            lambda desk: Wait(
                desk,
                user_id=user_id,
                job_id=job_id,
                seconds=seconds,
                until=until,
                render=render,
                path=environ.get("PATH_INFO", ""),
                request_id=request_id,
            ),
        )

    def notify(self, user_id: str, job_id: str) -> None:
        """A commit changed this job of this person. From any thread; microseconds when nobody listens."""
        self._blocking.notify(job_id)
        if self._desk is not None:
            self._desk.news(user_id, job_id)

    def _admits(self, environ: WSGIEnvironment, user_id: str) -> bool:
        if self._desk is None or not may_take(environ):
            return False
        with self._lock:
            if self.stopping:
                return False
            if self._open.total() >= self.cap:
                raise Problem(503, "too_many_streams", "All streams are taken. Try again in a moment.", retry_after=5)
            if self._open[user_id] >= self.cap_per_user:
                detail = f"You hold {self.cap_per_user} open streams and waits. Close some, then try again."
                raise Problem(429, "too_many_streams", detail, retry_after=5)
            self._open[user_id] += 1
        return True

    def _release(self, user_id: str) -> None:
        with self._lock:
            self._open[user_id] -= 1
            if not self._open[user_id]:
                del self._open[user_id]
            if not self._open:
                self._lock.notify_all()

    def _hand_over(self, environ: WSGIEnvironment, user_id: str, make: Callable[[Desk], Held]) -> Response:
        assert self._desk is not None
        try:
            held = make(self._desk)
            ours = take(environ)
        except OSError as error:
            self._release(user_id)
            log.error("no descriptor left for a stream", exc_info=error)
            raise Problem(503, "too_many_streams", "All streams are taken. Try again.", retry_after=5) from error
        except ValueError:
            self._release(user_id)
            raise
        self._desk.receive(ours, held)
        return Response("")

    def _finite(
        self, subscription: Subscription, head: Mapping[str, str], first: list[Event], position: int
    ) -> Response:
        events = first + self.load(subscription, position)
        ended = subscription.job_id is not None and any(event.name == "done" for event in events)
        body = b"".join(map(frame, events)) + (b"" if ended else RETRY)
        return Response(body, headers=HEADERS | dict(head))


def _descriptors(wanted: int) -> int:
    """How many files this process may have open, after raising the soft limit towards `wanted`."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft != resource.RLIM_INFINITY and soft < wanted:
        log.warning("only %d descriptors: raise the limit of open files to %d", soft, wanted)
        return soft
    return wanted
