"""Looking for an order whose answer was lost, in a server's list of jobs.

A list shows neither seed nor picture, so a find is believed only when the prompt is shown, nothing else could be meant, and
no other order with this prompt is still in the air; an absence only where the dialect's list is whole.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime

from vividflow import timing
from vividflow.providers.answer import Answer
from vividflow.providers.base import CannotAsk, Order
from vividflow.providers.openai_dialects import Listing
from vividflow.providers.openai_runs import Job, identity, is_it, made_at, may_belong
from vividflow.providers.openai_servers import VideoServer

MOST_PAGES = 50
PAGE = 100
CLOCK_SKEW_SECONDS = 60.0
CERTAIN_NO_SECONDS = 60.0
REMEMBERED = 10_000


class NoList(Exception):
    """The server has no list of jobs."""


class Search:
    """`ask` brings a page by its query (raises `Transient`, `NoList`); a POST may be in the air for `submit_seconds`.

    `certain_no_seconds` is the rest between two looks that find nothing before that is believed.
    """

    def __init__(
        self,
        server: VideoServer,
        ask: Callable[[Mapping[str, str]], Answer],
        *,
        submit_seconds: float,
        certain_no_seconds: float,
    ) -> None:
        self._server = server
        self._ask = ask
        self._submit_seconds = submit_seconds
        self._rest = certain_no_seconds
        self._first_absence: dict[str, float] = {}
        self._lock = threading.Lock()

    def find(self, order: Order) -> Job | CannotAsk | None:
        """The order's own job, None for a certain no, NOT_YET for everything between, NEVER where there is no list.

        Raises `Transient`.
        """
        listing = self._server.dialect.listing
        if listing is Listing.NONE:
            return CannotAsk.NEVER
        try:
            jobs = self._jobs_since(order.intent_at)
        except NoList:
            return CannotAsk.NEVER
        if jobs is None:
            return CannotAsk.NOT_YET
        free = [job for job in jobs if may_belong(job, self._server, order)]
        alone = len(free) == 1 and not order.siblings_submitting and not order.namesakes_submitting
        if alone and is_it(free[0], order):
            return free[0]
        absent = not free and listing is Listing.WHOLE and self._absent_long_enough(order)
        return None if absent else CannotAsk.NOT_YET

    def _jobs_since(self, moment: float) -> list[Job] | None:
        """All jobs created since `moment` (our clock), newest first; None when the list has no end in sight."""
        found: dict[str, Job] = {}
        query = {"limit": str(PAGE), "order": "desc"}
        since = moment - CLOCK_SKEW_SECONDS
        for _ in range(MOST_PAGES):
            answer = self._ask(query)
            page = answer.object()
            since = min(since, moment - CLOCK_SKEW_SECONDS - _behind(answer))
            known = [job for job in page["data"] if isinstance(job, dict) and identity(job)]
            fresh = {identity(job): job for job in known if identity(job) not in found}
            recent = {name: job for name, job in fresh.items() if (made_at(job) or moment) >= since}
            found |= recent
            more = page.get("has_more", len(known) >= PAGE)
            if not known or not more or len(recent) < len(fresh):
                return list(found.values())
            if not fresh:  # the server pays no heed to `after`: there may be more that it does not show
                return None
            query = query | {"after": identity(known[-1])}
        return None

    def _absent_long_enough(self, order: Order) -> bool:
        """Two looks with a rest between, or one so late that the POST's own time-out and the rest are over."""
        now = timing.monotonic()
        with self._lock:
            first = self._first_absence.setdefault(order.id, now)
            while len(self._first_absence) > REMEMBERED:
                del self._first_absence[next(iter(self._first_absence))]
        return now - first >= self._rest or timing.now() - order.intent_at >= self._submit_seconds + self._rest


def _behind(answer: Answer) -> float:
    """By how many seconds the server's clock is behind ours: it is that clock which says when a job was created."""
    try:
        theirs = parsedate_to_datetime(answer.headers["date"]).timestamp()
    except (KeyError, TypeError, ValueError):
        return 0.0
    return max(0.0, timing.now() - theirs)
