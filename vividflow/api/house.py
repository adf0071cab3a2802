"""The house: what one server process has open, and the threads it starts and stops."""

from __future__ import annotations

import gc
import logging
import threading

from job_queue import JobQueue, Worker
from vividflow import logs
from vividflow.api import event_feed
from vividflow.api.headers import SecurityHeaders
from vividflow.api.hub import Hub
from vividflow.api.key_ring import KeyRing
from vividflow.api.limits import Limits
from vividflow.api.problems import answer_of
from vividflow.api.running import Running
from vividflow.api.status_answers import StatusAnswers
from vividflow.api.uploads import sweep
from vividflow.config import Settings
from vividflow.db.migrate import ensure_schema
from vividflow.errors import Problem
from vividflow.lifecycle.carrying import Carrier
from vividflow.lifecycle.tools import Tools
from vividflow.storage.base import StorageFull, StorageGone

log = logging.getLogger(__name__)

FLUSH_SECONDS = 10.0
LISTEN_SECONDS = 0.25


class House:
    """Everything the counters share. Building it opens nothing; `start` does, in the process that serves."""

    def __init__(self, settings: Settings, tools: Tools, limits: Limits) -> None:
        self.settings = settings
        self.tools = tools
        self.limits = limits
        self.queue = JobQueue(tools)
        self.worker = Worker(tools)
        self._carrier = None if settings.embedded_worker else Carrier(tools)  # else the worker carries
        self.hub = Hub(load=lambda about, after: event_feed.load(tools, about, after))
        self.keys = KeyRing(tools.db)
        self.running = Running()
        self.statuses = StatusAnswers(tools)
        self.headers = SecurityHeaders(settings)
        self._ending = threading.Event()
        self._keeper: threading.Thread | None = None

    def told(self, problem: Problem, request_id: str) -> tuple[int, dict[str, str], bytes]:
        """A problem as status, headers and body, for answers that do not come from a view."""
        return answer_of(problem, public=self.settings.public, request_id=request_id)

    def start(self) -> None:
        """Bring the database up to date, then start hub, worker (unless it runs elsewhere) and keeper.

        Raises `SchemaOutOfDate` for a PostgreSQL that needs `flask db upgrade`.
        """
        ensure_schema(self.tools.db, self.settings.data_dir)
        sweep(self.settings.scratch)
        self._check_storage()
        logs.hide(self.tools.secret)
        self.hub.start()
        self.tools.ears.changed = self.hub.notify
        self._keeper = threading.Thread(target=self._keep, name="keeper", daemon=True)
        self._keeper.start()
        if self.settings.embedded_worker:
            self.worker.start()
        gc.collect()
        gc.freeze()  # what was loaded stays; looking through it again at every full collection would hold up requests
        log.info("serving", extra={"address": self.settings.public, "database": self.tools.db.version()})

    def stop(self, seconds: float = 10.0) -> None:
        """End waits and streams, let the worker put its work down within `seconds`, write down the last marks."""
        self._ending.set()
        self.hub.stop()
        if self.worker.alive:
            self.worker.stop(seconds)
        if self._keeper is not None:
            self._keeper.join(1.0)
        if self._carrier is not None:
            self._carrier.stop()
        self._flush()

    def close(self) -> None:
        """Give back what is open: the decoder's child and every database connection."""
        self.tools.decoder.close()
        self.tools.db.close()

    def _check_storage(self) -> None:
        try:
            self.tools.storage.sweep()
            self.tools.storage.check()
        except (StorageGone, StorageFull) as trouble:  # jobs wait for it; a server that does not start helps nobody
            log.warning("the storage does not work: %s", trouble)

    def _keep(self) -> None:
        """Flush marks every 10 s; while somebody listens, notice what workers and servers elsewhere did."""
        last, rest = self._listen(None), FLUSH_SECONDS
        while not self._ending.wait(LISTEN_SECONDS):
            rest -= LISTEN_SECONDS
            if rest <= 0:
                self._flush()
                self._carry()
            if rest <= 0 or self.hub.n:
                last = self._listen(last)
            rest = rest if rest > 0 else FLUSH_SECONDS

    def _carry(self) -> None:
        try:
            if self._carrier is not None:
                self._carrier.look()
        except Exception:  # what waits here waits on
            log.warning("could not look at what waits for the bucket", exc_info=True)

    def _flush(self) -> None:
        try:
            self.keys.flush()
        except Exception:  # marks are a nicety: a full disk must not end this thread
            log.warning("could not write when keys were last used", exc_info=True)

    def _listen(self, last: int | None) -> int | None:
        try:
            newest, changed = event_feed.since(self.tools, last)
        except Exception:  # a lost connection is only a lost hint: ask again in a moment
            log.warning("could not look for events", exc_info=True)
            return last
        for user_id, job_id in changed:
            self.hub.notify(user_id, job_id)
        return newest
