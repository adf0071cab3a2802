"""A strict Kling on loopback that counts payments (providers.md 5), for tests, benchmarks and tours by hand.

`python -m tests.simulators.kling --port 0 --generation-seconds 2` prints its base URL and serves until it is stopped.
`GET /__sim/state` shows the counters; `POST /__sim/faults` with `[{"name": …, "times": 1, …}]` orders faults.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import signal
import threading
import time
from collections import Counter
from email.utils import formatdate
from functools import partial
from pathlib import Path
from typing import Any

from tests.simulators.clips import clip, tagged
from tests.simulators.kling_faults import NOT_ACCEPTED, STAGES, bad_look, coded, refusal, spoiled
from tests.simulators.kling_rules import DEFAULT_MODEL, KINDS, KNOWN, complaints, units
from tests.simulators.kling_task import Task
from tests.simulators.kling_tokens import Account
from tests.simulators.kling_tokens import refusal as token_refusal
from tests.simulators.list_faults import WRONG_ENTRIES, wrong_entries
from tests.simulators.replicate_faults import bad_output
from tests.simulators.server import Close, FaultBox, Reply, Request, Server, json_reply, ranged
from tests.simulators.webhooks import WebhookSender

API_KEY, ACCESS_KEY, SECRET_KEY = "kl-simulated", "AKsimulated", "SKsimulated"
ACCOUNT = Account(api_key=API_KEY, access_key=ACCESS_KEY, secret_key=SECRET_KEY)


class KlingSimulator(Server):
    """`generation_seconds` is what each task takes (give or take `jitter`); `places` how many may run at once.

    `ahead` is how far the vendor's clock is ahead of ours, in seconds; `output_base` where results are said to be.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        latency: float = 0.0,
        generation_seconds: float = 0.0,
        jitter: float = 0.0,
        places: int | None = None,
        account: Account = ACCOUNT,
        movie: bytes | None = None,
        output_base: str | None = None,
        state_file: Path | None = None,
    ) -> None:
        super().__init__(port=port, latency=latency)
        self.generation_seconds = generation_seconds
        self.jitter = jitter
        self.places = places
        self.account = account
        self.movie = movie
        self.output_base = output_base or self.url
        self.ahead = 0.0
        self.faults = FaultBox(STAGES)
        self.webhooks = WebhookSender(None)
        self.tasks: dict[str, Task] = {}
        self.requests: Counter[str] = Counter()
        self.by_input: Counter[str] = Counter()
        self.submitted: list[Any] = []
        self.authorizations: list[str | None] = []
        self.output_authorizations: list[str | None] = []
        self._guard = threading.Lock()
        self._state_file = state_file
        if state_file and state_file.exists():
            for line in state_file.read_text().splitlines():
                self._keep(Task(**json.loads(line)))

    def stop(self) -> None:
        """Close everything."""
        super().stop()
        self.webhooks.stop()

    @property
    def paid(self) -> int:
        """How many tasks were accepted, that is, paid."""
        return len(self.tasks)

    def state(self) -> dict[str, Any]:
        """The counters, as `/__sim/state` shows them."""
        now = time.time()
        with self._guard:
            return {
                "url": self.url,
                "submits": len(self.submitted),
                "paid": len(self.tasks),
                "paid_twice": sum(count - 1 for count in self.by_input.values()),
                "units": round(sum(task.units for task in self.tasks.values()), 3),
                "statuses": dict(Counter(task.status(now) for task in self.tasks.values())),
                "models": dict(Counter(task.model for task in self.tasks.values())),
                "requests": dict(self.requests),
                "webhooks": dict(self.webhooks.counts),
                "faults": dict(self.faults.taken),
                "output_authorizations": dict(Counter(str(each) for each in self.output_authorizations)),
            }

    def reset(self) -> None:
        """Forget all tasks and counters; faults too."""
        with self._guard:
            counters: list[Any] = [self.tasks, self.requests, self.by_input, self.submitted]
            for each in [*counters, self.authorizations, self.output_authorizations]:
                each.clear()
        self.faults.clear()
        self.faults.taken.clear()

    # ---- the routes

    def handle(self, request: Request) -> Reply:
        answer = self._answer(request)
        answer.headers = {"Date": formatdate(time.time() + self.ahead, usegmt=True)} | answer.headers
        return answer

    def _answer(self, request: Request) -> Reply:
        route = request.path.strip("/").split("/")
        match route:
            case ["__sim", act]:
                return self._control(request, act)
            case ["outputs", identity, _]:
                self._count("output")
                return self._output(request, identity)
        fault, given = self.faults.take("token"), request.headers.get("authorization")
        self.authorizations.append(given)
        refused = (
            fault.more.get("code", 1004) if fault else token_refusal(given, self.account, time.time() + self.ahead)
        )
        if refused:
            self._count("unauthenticated")
            return coded(refused)
        match (request.method, *route):
            case ("POST", "v1", "videos", kind) if kind in KINDS:
                self._count("submit")
                return self._submit(request, kind)
            case ("GET", "v1", "videos", kind, identity) if kind in KINDS:
                return self._look(kind, identity)
            case ("GET", "v1", "videos", kind) if kind in KINDS:
                self._count("list")
                return self._list(kind, request.query)
            case (_, "v1", "videos", kind, *_) if kind in KINDS:
                return coded(1202)
        return coded(1203)

    def _submit(self, request: Request, kind: str) -> Reply:
        with self._guard:
            self.submitted.append(request.json())
        fault = self.faults.take("submit")
        if fault and fault.name == "accept_late":
            self.stopping.wait(fault.more.get("seconds", 1))
            if not self._refusal(request, kind):
                self._buy(request, kind)
            return Close()
        if fault and fault.name in NOT_ACCEPTED:
            return refusal(fault)
        trouble = self._refusal(request, kind)
        if trouble:
            return trouble
        answer = _good(self._buy(request, kind).view(self.output_base, time.time()))
        return spoiled(fault, answer) if fault else answer

    def _refusal(self, request: Request, kind: str) -> Reply | None:
        body = request.json()
        if not request.headers.get("content-type", "").startswith("application/json") or not isinstance(body, dict):
            return coded(1200, "The body must be a JSON object.")
        name = body.get("model_name", DEFAULT_MODEL)
        if isinstance(name, str) and name not in KNOWN:
            return coded(1203, "model is not supported")
        found = complaints(kind, body)
        if found:
            return coded(1201, "; ".join(found))
        now = time.time()
        with self._guard:
            if any(task.external_id == body.get("external_task_id", task) for task in self.tasks.values()):
                return coded(1201, "external_task_id must not be used twice")
            running = sum(now < task.ends_at for task in self.tasks.values())
        return coded(1303) if self.places is not None and running >= self.places else None

    def _buy(self, request: Request, kind: str) -> Task:
        body, fate = request.json(), self.faults.take("fate")
        task = Task(
            id=str(random.randrange(10**17, 10**18)),
            kind=kind,
            model=body.get("model_name", DEFAULT_MODEL),
            body=body,
            accepted_at=time.time(),
            seconds=self.generation_seconds * (1 + random.uniform(-self.jitter, self.jitter)),
            units=units(body),
            fate=fate.name if fate else None,
        )
        self._keep(task)
        if self._state_file:
            with self._guard, self._state_file.open("a") as out:
                out.write(json.dumps(vars(task)) + "\n")
        if body.get("callback_url"):
            self._announce(task)
        return task

    def _keep(self, task: Task) -> None:
        asked = {name: value for name, value in task.body.items() if name not in ("external_task_id", "callback_url")}
        canonical = json.dumps([task.kind, asked], sort_keys=True)
        with self._guard:
            self.tasks[task.id] = task
            self.by_input[hashlib.sha256(canonical.encode()).hexdigest()] += 1

    def _announce(self, task: Task) -> None:
        """Every change of status is told, unsigned, when it is due."""
        for moment in (task.accepted_at, task.ends_at):
            fault = self.faults.take("webhook")
            others = bool(fault and fault.name == "webhook_others_task")
            if moment < float("inf"):
                name = fault.name if fault else None
                self.webhooks.at(moment + 0.001, task.body["callback_url"], partial(self._told, task, others), name)

    def _told(self, task: Task, others: bool) -> dict[str, Any]:
        shown = task.view(self.output_base, time.time())
        return shown | {"task_id": "3"} if others else shown

    def _look(self, kind: str, identity: str) -> Reply:
        with self._guard:
            task = self.tasks.get(identity)
            known = task or next((each for each in self.tasks.values() if each.external_id == identity), None)
        stage = "poll" if task else "ask"
        self._count(stage)
        fault = self.faults.take(stage)
        if known is None or known.kind != kind:
            answer = coded(1203)
        else:
            known.looks += 1
            answer = _good(known.view(self.output_base, time.time()))
        return bad_look(fault, answer) if fault else answer

    def _list(self, kind: str, query: dict[str, str]) -> Reply:
        page, size = query.get("pageNum", "1"), query.get("pageSize", "30")
        fits = page.isdigit() and size.isdigit() and 1 <= int(page) <= 1000 and 1 <= int(size) <= 500
        if query.keys() - {"pageNum", "pageSize"} or not fits:
            return coded(1201)
        with self._guard:
            newest = [task for task in reversed(self.tasks.values()) if task.kind == kind]
        first = (int(page) - 1) * int(size)
        entries = [task.view(self.output_base, time.time()) for task in newest[first : first + int(size)]]
        fault = self.faults.take("list")
        if fault:
            entries = wrong_entries(fault, entries, "task_id", "task_status", "failed")
        answer = _good(entries)
        return answer if fault is None or fault.name in WRONG_ENTRIES else bad_look(fault, answer)

    def _output(self, request: Request, identity: str) -> Reply:
        self.output_authorizations.append(request.headers.get("authorization"))
        task, now = self.tasks.get(identity), time.time()
        fault = self.faults.take("output")
        if task is None or task.status(now) != "succeed":
            return Reply(status=404)
        movie, headers = self.film(task), {"Content-Type": "video/mp4", "ETag": f'"{identity}"'}
        return bad_output(fault, movie, headers) if fault else ranged(request, movie, headers)

    def film(self, task: Task) -> bytes:
        """The very bytes that are served for a task."""
        return tagged(self.movie or clip(float(task.body.get("duration", "5"))), task.id)

    def _count(self, what: str) -> None:
        with self._guard:
            self.requests[what] += 1

    def _control(self, request: Request, act: str) -> Reply:
        match (request.method, act):
            case ("GET", "state"):
                return json_reply(self.state())
            case ("POST", "reset"):
                self.reset()
            case ("POST", "faults"):
                try:
                    for each in request.json() or []:
                        self.faults.add(**each)
                except (TypeError, ValueError) as error:
                    return json_reply({"error": str(error)}, 422)
            case ("DELETE", "faults"):
                self.faults.clear()
            case _:
                return json_reply({"error": "GET state, POST reset, POST or DELETE faults"}, 404)
        return json_reply({"ok": True})


def _good(data: Any) -> Reply:
    return json_reply({"code": 0, "message": "SUCCEED", "request_id": "sim", "data": data})


def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(description="A simulated Kling on loopback.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency-ms", type=float, default=0)
    parser.add_argument("--generation-seconds", type=float, default=2)
    parser.add_argument("--jitter", type=float, default=0, help="share by which generation times differ")
    parser.add_argument("--places", type=int, help="how many tasks may run at once")
    parser.add_argument("--clip", type=Path, help="an MP4 to serve instead of test pictures")
    parser.add_argument("--state", type=Path, help="keep accepted tasks in this file")
    given = parser.parse_args()
    simulator = KlingSimulator(
        port=given.port,
        latency=given.latency_ms / 1000,
        generation_seconds=given.generation_seconds,
        jitter=given.jitter,
        places=given.places,
        movie=given.clip.read_bytes() if given.clip else None,
        state_file=given.state,
    )
    simulator.start()
    print(simulator.url, flush=True)
    ended = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: ended.set())
    ended.wait()
    simulator.stop()


if __name__ == "__main__":
    main()
