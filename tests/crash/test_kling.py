"""The server is killed for real while Kling takes its orders: each is found again by our own number, and paid once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import databases
from tests.crash.provider import HalfAndKill, Last
from tests.crash.server import Server
from tests.simulators.clips import clip
from tests.simulators.kling import API_KEY, KlingSimulator
from tests.simulators.server import Close, Reply, Request

MOMENTS = ("accepted_unanswered", "half_answer", "answer_sent")


class MurderousKling(KlingSimulator):
    """At the next order that it takes it kills the server, once, at the moment that is set."""

    kill: Callable[[], None]

    def arm(self, moment: str) -> threading.Event:
        """Kill at the next order; the event is set when it is done."""
        self.struck = threading.Event()
        self._moment: str | None = moment
        return self.struck

    def handle(self, request: Request) -> Reply:
        answer = super().handle(request)
        if request.method != "POST" or not request.path.startswith("/v1/"):
            return answer
        moment, self._moment = self._moment, None
        match moment:
            case "accepted_unanswered":
                self._strike()
                return Close()
            case "half_answer":
                return HalfAndKill(body=answer.body, headers=answer.headers, kill=self._strike)
            case "answer_sent":
                return Last(body=answer.body, headers=answer.headers, kill=self._strike)
        return answer

    def _strike(self) -> None:
        self.kill()
        self.struck.set()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("database", databases.KINDS)
def test_a_kill_between_acceptance_and_commit_is_paid_once(database: str, tmp_path: Path) -> None:
    provider = MurderousKling(movie=clip(0.5), generation_seconds=0.5)
    (tmp_path / "data").mkdir()
    environment = {
        "DATABASE_URL": databases.fresh(database, tmp_path),
        "KLING_API_KEY": API_KEY,
        "KLING_BASE_URL": provider.url,
        "POLL_FIRST_SECONDS": "0.5",
        "POLL_MAX_SECONDS": "0.5",
        "LEASE_SECONDS": "5",
        "LIMIT_API": "off",
        "LIMIT_READS": "off",
    }
    server = Server(folder=tmp_path, environment=environment)
    provider.kill = server.kill
    server.command("create-user", "house@example.com", "--generate")
    key = server.command("create-key", "house@example.com")
    provider.start()
    server.start()
    try:
        ids = []
        for moment in MOMENTS:
            armed = provider.arm(moment)
            wish = {"model": "kling3", "duration": 3, "resolution": "720p", "prompt": f"killed at {moment}"}
            ids.append(server.insist("POST", "/api/v1/generate", wish, key)["job_id"])
            assert armed.wait(60)
            server.start()
        _until_completed(server, key, ids)
        assert (provider.paid, provider.state()["paid_twice"], provider.state()["submits"]) == (3, 0, 3)
        assert server.term()[0] == 0
    finally:
        if server.process is not None and server.process.poll() is None:
            server.kill()
        provider.stop()


def _until_completed(server: Server, key: str, ids: list[str], within: float = 150.0) -> None:
    end = time.monotonic() + within
    while True:
        found = [server.call("GET", f"/api/v1/status/{job_id}", key=key)[1]["status"] for job_id in ids]
        if set(found) == {"completed"}:
            return
        assert "failed" not in found, found
        assert time.monotonic() < end, found
        time.sleep(0.2)
