"""A strict server of `/v1/videos` on loopback, in the dialects of providers.md 4.3, that counts what it accepts.

`python -m tests.simulators.openai_videos --dialect vllm_omni --generation-seconds 5` prints its base URL (for
OPENAI_BASE_URL, or for OPENAI_SERVERS with `vllm_omni+` before it) and serves until it is stopped. `GET /__sim/state`
shows the counters; `POST /__sim/faults` with `[{"name": …, "times": 1, …}]` orders faults; `POST /__sim/forget` is a
restart that loses all jobs.
"""

from __future__ import annotations

import argparse
import secrets
import signal
import threading
import time
from collections import Counter
from email.utils import formatdate
from typing import Any

from tests.simulators.clips import clip, tagged
from tests.simulators.list_faults import WRONG_ENTRIES, wrong_entries
from tests.simulators.openai_dialects import RULES, Sent, canonical, complaints, read_body
from tests.simulators.openai_faults import NOT_ACCEPTED, STAGES, bad_look, bad_output, refusal, spoiled, trouble
from tests.simulators.openai_job import VideoJob
from tests.simulators.server import Close, FaultBox, Reply, Request, Server, json_reply, ranged

KEY = "sk-simulated-0123456789"
PREFIX = "/v1"
NOT_FOUND = {"detail": "Video not found"}


class VideosSimulator(Server):
    """`generation_seconds` is what each run takes; `behind` by how much the server's clock is late; `key` None takes any."""

    def __init__(
        self,
        *,
        dialect: str = "openai",
        port: int = 0,
        latency: float = 0.0,
        generation_seconds: float = 0.0,
        key: str | None = KEY,
        movie: bytes | None = None,
        behind: float = 0.0,
    ) -> None:
        super().__init__(port=port, latency=latency)
        self.base = f"{self.url}{PREFIX}"
        self.dialect, self.rules = dialect, RULES[dialect]
        self.generation_seconds = generation_seconds
        self.key = key
        self.movie = movie
        self.behind = behind
        self.link: str | None = None
        self.faults = FaultBox(STAGES)
        self.jobs: dict[str, VideoJob] = {}
        self.made: list[VideoJob] = []
        self.paid = 0
        self.requests: Counter[str] = Counter()
        self.by_input: Counter[str] = Counter()
        self.sent: list[Sent] = []
        self.submits: list[Request] = []
        self.authorizations: Counter[str | None] = Counter()
        self._guard = threading.Lock()

    def state(self) -> dict[str, Any]:
        """The counters, as `/__sim/state` shows them."""
        now = self.now()
        with self._guard:
            return {
                "url": self.base,
                "dialect": self.dialect,
                "submits": len(self.submits),
                "paid": self.paid,
                "paid_twice": sum(count - 1 for count in self.by_input.values()),
                "statuses": dict(Counter(job.status(now) for job in self.jobs.values())),
                "requests": dict(self.requests),
                "faults": dict(self.faults.taken),
            }

    def now(self) -> float:
        """The server's own clock."""
        return time.time() - self.behind

    def forget(self) -> None:
        """What a restart does to a server that keeps its jobs in memory."""
        with self._guard:
            self.jobs.clear()

    def film(self, job: VideoJob) -> bytes:
        """The very bytes that are served for a job."""
        return tagged(self.movie or clip(), job.id)

    # ---- the routes

    def handle(self, request: Request) -> Reply:
        reply = self._handle(request)
        reply.headers = {"Date": formatdate(self.now(), usegmt=True)} | reply.headers
        return reply

    def _handle(self, request: Request) -> Reply:
        route = request.path.strip("/").split("/")
        if route[0] == "__sim":
            return self._control(request, route[-1])
        with self._guard:
            self.authorizations[request.headers.get("authorization")] += 1
        if self.key is not None and request.headers.get("authorization") != f"Bearer {self.key}":
            self._count("unauthenticated")
            return trouble(401, "Incorrect API key provided", "invalid_api_key")
        match (request.method, *route):
            case ("POST", "v1", "videos"):
                self._count("submit")
                return self._submit(request)
            case ("GET", "v1", "videos") if self.rules.lists:
                self._count("list")
                return self._list(request.query)
            case ("GET", "v1", "videos", identity):
                self._count("poll")
                return self._poll(identity)
            case ("DELETE", "v1", "videos", identity):
                self._count("delete")
                return self._delete(identity)
            case ("GET", "v1", "videos", identity, "content"):
                self._count("output")
                return self._output(request, identity)
        return json_reply({"detail": "Not Found"}, 404)

    def _submit(self, request: Request) -> Reply:
        with self._guard:
            self.submits.append(request)
        fault = self.faults.take("submit")
        sent = read_body(request)
        wrong = complaints(sent, self.rules)
        if fault and fault.name == "accept_late":
            self.stopping.wait(fault.more.get("seconds", 1))
            if sent and not wrong:
                self._buy(sent)
            return Close()
        if fault and fault.name in NOT_ACCEPTED:
            return refusal(fault)
        if sent is None or wrong:
            return trouble(400, " ".join(wrong), "invalid_value")
        answer = json_reply(self._buy(sent).view(self.now(), self.rules))
        return spoiled(fault, answer) if fault else answer

    def _buy(self, sent: Sent) -> VideoJob:
        fate = self.faults.take("fate")
        job = VideoJob(
            id=f"video_{secrets.token_hex(12)}",
            fields=sent.fields,
            made_at=self.now(),
            seconds=self.generation_seconds,
            fate=fate.name if fate else None,
            link=self.link,
        )
        with self._guard:
            self.sent.append(sent)
            self.jobs[job.id] = job
            self.made.append(job)
            self.paid += 1
            self.by_input[canonical(sent)] += 1
        return job

    def _poll(self, identity: str) -> Reply:
        job, fault = self.jobs.get(identity), self.faults.take("poll")
        if job is None:
            return bad_look(fault, json_reply(NOT_FOUND, 404)) if fault else json_reply(NOT_FOUND, 404)
        job.looks += 1
        answer = json_reply(job.view(self.now(), self.rules))
        return bad_look(fault, answer) if fault else answer

    def _list(self, query: dict[str, str]) -> Reply:
        fault = self.faults.take("list")
        if query.keys() - {"limit", "after", "order"} or not 0 < int(query.get("limit", 20)) <= 100:
            return trouble(400, f"unknown or wrong parameters {sorted(query)}")
        with self._guard:
            jobs = sorted(self.jobs.values(), key=lambda job: job.made_at, reverse=query.get("order", "desc") == "desc")
        names = [job.id for job in jobs]
        if "after" in query and not (fault and fault.name == "list_stuck"):
            jobs = jobs[names.index(query["after"]) + 1 :] if query["after"] in names else []
        limit = int(query.get("limit", 20))
        data = [job.view(self.now(), self.rules) for job in jobs[:limit]]
        if fault and fault.name == "list_without_prompts":
            data = [{name: value for name, value in each.items() if name != "prompt"} for each in data]
        if fault and fault.name in WRONG_ENTRIES:
            return json_reply({"object": "list", "data": wrong_entries(fault, data, "id", "status", "failed")})
        page: dict[str, Any] = {"object": "list", "data": data}
        if self.rules.has_more:
            ends = (
                {"first_id": data[0]["id"], "last_id": data[-1]["id"]} if data else {"first_id": None, "last_id": None}
            )
            page |= ends | {"has_more": len(jobs) > limit}
        if fault and fault.name not in ("list_stuck", "list_without_prompts"):
            return bad_look(fault, json_reply(page))
        return json_reply(page)

    def _delete(self, identity: str) -> Reply:
        fault = self.faults.take("delete")
        if fault:
            status = {"delete_busy": 409, "delete_unknown": 405}.get(fault.name, 500)
            return json_reply({"detail": "Cancellation in progress. Please try again later."}, status)
        job = self.jobs.get(identity)
        if job is None:
            return json_reply(NOT_FOUND, 404)
        with self._guard:
            del self.jobs[identity]
        if self.dialect == "sglang":
            return json_reply(job.view(self.now(), self.rules) | {"status": "deleted"})
        return json_reply({"id": identity, "deleted": True, "object": "video.deleted"})

    def _output(self, request: Request, identity: str) -> Reply:
        job, fault = self.jobs.get(identity), self.faults.take("output")
        if job is None or job.status(self.now()) != "completed":
            return json_reply({"detail": "Generation is still in-progress"}, 404)
        movie, headers = self.film(job), {"Content-Type": "video/mp4", "ETag": f'"{identity}"'}
        return bad_output(fault, movie, headers) if fault else ranged(request, movie, headers)

    def _control(self, request: Request, act: str) -> Reply:
        match (request.method, act):
            case ("GET", "state"):
                return json_reply(self.state())
            case ("POST", "forget"):
                self.forget()
            case ("POST", "faults"):
                try:
                    for each in request.json() or []:
                        self.faults.add(**each)
                except (TypeError, ValueError) as error:
                    return json_reply({"error": str(error)}, 422)
            case ("DELETE", "faults"):
                self.faults.clear()
            case _:
                return json_reply({"error": "GET state, POST forget, POST or DELETE faults"}, 404)
        return json_reply({"ok": True})

    def _count(self, what: str) -> None:
        with self._guard:
            self.requests[what] += 1


def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(description="A simulated server of /v1/videos on loopback.")
    parser.add_argument("--dialect", choices=RULES, default="openai")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency-ms", type=float, default=0)
    parser.add_argument("--generation-seconds", type=float, default=2)
    parser.add_argument("--key", default=KEY, help="empty: any key, or none")
    given = parser.parse_args()
    simulator = VideosSimulator(
        dialect=given.dialect,
        port=given.port,
        latency=given.latency_ms / 1000,
        generation_seconds=given.generation_seconds,
        key=given.key or None,
    )
    simulator.start()
    print(simulator.base, flush=True)
    ended = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: ended.set())
    ended.wait()
    simulator.stop()


if __name__ == "__main__":
    main()
