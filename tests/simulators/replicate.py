"""A strict Replicate on loopback that counts payments (providers.md 3), for tests, benchmarks and tours by hand.

`python -m tests.simulators.replicate --port 0 --generation-seconds 2` prints its base URL and serves until it is
stopped. `GET /__sim/state` shows the counters; `POST /__sim/faults` with `[{"name": …, "times": 1, …}]` orders faults.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import heapq
import json
import random
import re
import secrets
import signal
import threading
import time
from collections import Counter
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from tests.simulators.clips import clip, still, tagged
from tests.simulators.list_faults import WRONG_ENTRIES, wrong_entries
from tests.simulators.replicate_faults import (
    NOT_ACCEPTED,
    NOT_FOUND,
    STAGES,
    bad_look,
    bad_output,
    problem,
    refusal,
    spoiled,
)
from tests.simulators.replicate_models import PICTURE_MODELS, SCHEMAS, VERSIONS, complaints, described
from tests.simulators.replicate_prediction import Prediction, stamp
from tests.simulators.server import Close, FaultBox, Reply, Request, Server, json_reply, ranged
from tests.simulators.webhooks import WebhookSender, standard

TOKEN = "r8_simulated"
PAGE = 100
EVENTS = ("start", "output", "logs", "completed")
MIMES = {"mp4": "video/mp4", "png": "image/png", "jpg": "image/jpeg", "webp": "image/webp"}
BODY_FIELDS = {"input", "webhook", "webhook_events_filter", "stream"}


class ReplicateSimulator(Server):
    """`generation_seconds` is what each run takes (give or take `jitter`); `output_base` where results are said to be."""

    def __init__(
        self,
        *,
        port: int = 0,
        latency: float = 0.0,
        generation_seconds: float = 0.0,
        jitter: float = 0.0,
        token: str = TOKEN,
        movie: bytes | None = None,
        output_base: str | None = None,
        retention: float = 3600.0,
        state_file: Path | None = None,
    ) -> None:
        super().__init__(port=port, latency=latency)
        self.generation_seconds = generation_seconds
        self.jitter = jitter
        self.token = token
        self.movie = movie
        self.output_base = output_base or self.url
        self.retention = retention
        self.faults = FaultBox(STAGES)
        self.webhook_secret = "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
        self.predictions: dict[str, Prediction] = {}
        self.files: dict[str, int] = {}
        self.requests: Counter[str] = Counter()
        self.by_input: Counter[str] = Counter()
        self.by_webhook: Counter[str] = Counter()
        self.submitted: list[dict[str, Any]] = []
        self.submit_headers: list[dict[str, str]] = []
        self.output_authorizations: list[str | None] = []
        self.most_in_flight = 0
        self._running: list[float] = []
        self._guard = threading.Lock()
        self._state_file = state_file
        self.webhooks = WebhookSender(standard(lambda: self.webhook_secret))
        if state_file and state_file.exists():
            for line in state_file.read_text().splitlines():
                self._keep(Prediction(**json.loads(line)))

    def stop(self) -> None:
        """Close everything."""
        super().stop()
        self.webhooks.stop()

    @property
    def paid(self) -> int:
        """How many predictions were accepted, that is, paid."""
        return len(self.predictions)

    def state(self) -> dict[str, Any]:
        """The counters, as `/__sim/state` shows them."""
        now = time.time()
        with self._guard:
            statuses = Counter(prediction.status(now) for prediction in self.predictions.values())
            return {
                "url": self.url,
                "submits": len(self.submitted),
                "paid": len(self.predictions),
                "paid_twice": sum(count - 1 for count in self.by_input.values()),
                "by_input": dict(self.by_input),
                "by_webhook": dict(self.by_webhook),
                "statuses": dict(statuses),
                "most_in_flight": self.most_in_flight,
                "requests": dict(self.requests),
                "webhooks": dict(self.webhooks.counts),
                "faults": dict(self.faults.taken),
                "output_authorizations": dict(Counter(str(each) for each in self.output_authorizations)),
            }

    def reset(self) -> None:
        """Forget all predictions and counters; faults too."""
        with self._guard:
            kept: list[Any] = [self.predictions, self.files, self.requests, self.by_input, self.by_webhook]
            for each in [*kept, self.submitted, self.submit_headers, self.output_authorizations, self._running]:
                each.clear()
            self.most_in_flight = 0
        self.faults.clear()
        self.faults.taken.clear()

    def _shown(self, prediction: Prediction) -> dict[str, Any]:
        return prediction.view(self.url, self.output_base, time.time())

    def _count(self, what: str) -> None:
        with self._guard:
            self.requests[what] += 1

    # ---- the routes

    def handle(self, request: Request) -> Reply:
        route = request.path.strip("/").split("/")
        match route:
            case ["__sim", act]:
                return self._control(request, act)
            case ["outputs", identity, _]:
                self._count("output")
                return self._output(request, identity)
        if request.headers.get("authorization") != f"Bearer {self.token}":
            self._count("unauthenticated")
            return problem(401, "Unauthenticated", "You did not pass a valid authentication token")
        match (request.method, *route):
            case ("POST", "v1", "models", owner, name, "predictions"):
                self._count("submit")
                return self._submit(request, f"{owner}/{name}")
            case ("POST", "v1", "predictions"):
                self._count("submit")
                return self._submit(request, None)
            case ("GET", "v1", "predictions", identity):
                self._count("poll")
                return self._poll(identity)
            case ("GET", "v1", "predictions"):
                self._count("list")
                return self._list(request.query)
            case ("POST", "v1", "predictions", identity, "cancel"):
                self._count("cancel")
                return self._cancel(identity)
            case ("POST", "v1", "files"):
                self._count("files")
                return self._upload(request)
            case ("GET", "v1", "models", owner, name):
                self._count("model")
                found = None if self.faults.take("model") else described(f"{owner}/{name}")
                return json_reply(found) if found else problem(404, "Not found", NOT_FOUND)
            case ("GET", "v1", "webhooks", "default", "secret"):
                self._count("secret")
                failing = self.faults.take("secret")
                return problem(500, "Internal error", "") if failing else json_reply({"key": self.webhook_secret})
        return problem(404, "Not found", NOT_FOUND)

    def _submit(self, request: Request, named: str | None) -> Reply:
        if named is None:
            version = (request.json() or {}).get("version")
            model = next((name for name, each in VERSIONS.items() if each == version), "")
        else:
            model = named if named not in VERSIONS else ""
        with self._guard:
            self.submitted.append(request.json())
            self.submit_headers.append(request.headers)
        fault = self.faults.take("submit")
        if fault and fault.name == "accept_late":
            self.stopping.wait(fault.more.get("seconds", 1))
            if not self._refusal(request, model):
                self._buy(request, model)
            return Close()
        if fault and fault.name in NOT_ACCEPTED:
            return refusal(fault)
        trouble = self._refusal(request, model)
        if trouble:
            return trouble
        answer = json_reply(self._shown(self._buy(request, model)), 201)
        return spoiled(fault, answer) if fault else answer

    def _refusal(self, request: Request, model: str) -> Reply | None:
        if model not in SCHEMAS:
            return problem(404, "Not found", NOT_FOUND)
        body, fields = request.json(), BODY_FIELDS | ({"version"} if model in VERSIONS else set())
        if not request.headers.get("content-type", "").startswith("application/json") or not isinstance(body, dict):
            return problem(400, "Bad request", "The body must be a JSON object.")
        found = [f"{name}: additional property is not allowed" for name in body.keys() - fields]
        found += complaints(model, body.get("input"), self.files.keys())
        hook = body.get("webhook")
        if hook is not None and not _reachable(hook):
            found.append("webhook: must be an HTTPS address")
        if not set(body.get("webhook_events_filter", ())) <= set(EVENTS):
            found.append(f"webhook_events_filter: must be of {EVENTS}")
        limit = request.headers.get("cancel-after")
        if limit is not None and (_seconds(limit) or 0) < 5:
            found.append("Cancel-After: must be a duration of at least 5 seconds")
        return problem(422, "Input validation failed", "; ".join(found)) if found else None

    def _buy(self, request: Request, model: str) -> Prediction:
        body, now = request.json(), time.time()
        fate = self.faults.take("fate")
        limit = _seconds(request.headers.get("cancel-after", ""))
        prediction = Prediction(
            id=secrets.token_hex(13),
            model=model,
            input=body["input"],
            accepted_at=now,
            seconds=self.generation_seconds * (1 + random.uniform(-self.jitter, self.jitter)),
            webhook=body.get("webhook"),
            events=tuple(body.get("webhook_events_filter", EVENTS)),
            fate=fate.name if fate else None,
            deadline=now + limit if limit else None,
            retention=self.retention,
        )
        self._keep(prediction)
        if self._state_file:
            with self._guard, self._state_file.open("a") as out:
                out.write(json.dumps(vars(prediction)) + "\n")
        if prediction.webhook:
            self._announce(prediction)
        return prediction

    def _keep(self, prediction: Prediction) -> None:
        canonical = json.dumps([prediction.model, prediction.input], sort_keys=True)
        with self._guard:
            self.predictions[prediction.id] = prediction
            self.by_input[hashlib.sha256(canonical.encode()).hexdigest()] += 1
            if prediction.webhook:
                self.by_webhook[prediction.webhook] += 1
            while self._running and self._running[0] <= prediction.accepted_at:
                heapq.heappop(self._running)
            heapq.heappush(self._running, prediction.ends_at)
            self.most_in_flight = max(self.most_in_flight, len(self._running))

    def _announce(self, prediction: Prediction) -> None:
        """Events are sent when they are due; a cancel sends its own."""

        url, view = prediction.webhook or "", partial(self._shown, prediction)
        if "start" in prediction.events:
            fault = self.faults.take("webhook")
            self.webhooks.at(prediction.starts_at, url, view, fault.name if fault else None)
        if "completed" in prediction.events and prediction.ends_at < float("inf"):
            fault = self.faults.take("webhook")
            self.webhooks.at(prediction.ends_at + 0.001, url, view, fault.name if fault else None)

    def _poll(self, identity: str) -> Reply:
        prediction = self.predictions.get(identity)
        fault = self.faults.take("poll")
        if prediction is None:
            return problem(404, "Not found", NOT_FOUND)
        prediction.looks += 1
        answer = json_reply(self._shown(prediction))
        return bad_look(fault, answer) if fault else answer

    def _list(self, query: dict[str, str]) -> Reply:
        unknown = query.keys() - {"created_after", "created_before", "source", "cursor"}
        if unknown:
            return problem(422, "Validation failed", f"unknown parameters {sorted(unknown)}")
        after, before = _moment(query.get("created_after"), 0.0), _moment(query.get("created_before"), float("inf"))
        with self._guard:
            newest = list(reversed(self.predictions.values()))
        shown = [each for each in newest if after <= each.accepted_at < before]
        first = next((place for place, each in enumerate(shown) if each.id == query.get("cursor")), 0)
        page, rest = shown[first : first + PAGE], shown[first + PAGE :]
        following = f"{self.url}/v1/predictions?{urlencode(query | {'cursor': rest[0].id})}" if rest else None
        entries, fault = [self._shown(each) for each in page], self.faults.take("list")
        if fault:
            entries = wrong_entries(fault, entries, "id", "status", "failed")
        answer = json_reply({"previous": None, "next": following, "results": entries})
        return answer if fault is None or fault.name in WRONG_ENTRIES else bad_look(fault, answer)

    def _cancel(self, identity: str) -> Reply:
        if self.faults.take("cancel"):
            return problem(500, "Internal error", "")
        prediction, now = self.predictions.get(identity), time.time()
        if prediction is None:
            return problem(404, "Not found", NOT_FOUND)
        if now < prediction.ends_at:
            prediction.cancelled_at = now
        return json_reply(self._shown(prediction))

    def _upload(self, request: Request) -> Reply:
        fault = self.faults.take("files")
        if fault:
            return problem(429 if fault.name == "files_rate_limited" else 500, "Trouble", "")
        if b'name="content"' not in request.body:
            return problem(422, "Validation failed", "content: is required")
        identity = secrets.token_urlsafe(12)
        link = f"{self.url}/v1/files/{identity}"
        self.files[link] = len(request.body)
        expires = stamp(time.time() + 86400)
        return json_reply(
            {"id": identity, "size": len(request.body), "expires_at": expires, "urls": {"get": link}}, 201
        )

    def _output(self, request: Request, identity: str) -> Reply:
        self.output_authorizations.append(request.headers.get("authorization"))
        prediction, now = self.predictions.get(identity), time.time()
        fault = self.faults.take("output")
        if prediction is None or prediction.status(now) != "succeeded" or now > prediction.ends_at + self.retention:
            return Reply(status=404)
        mime = MIMES[prediction.ending]
        movie, headers = self.film(prediction), {"Content-Type": mime, "ETag": f'"{identity}"'}
        return bad_output(fault, movie, headers) if fault else ranged(request, movie, headers)

    def film(self, prediction: Prediction) -> bytes:
        """The very bytes that are served for a prediction."""
        if prediction.model in PICTURE_MODELS:
            return tagged(still(prediction.ending), prediction.id)
        frames, rate = prediction.input.get("num_frames", 81), prediction.input.get("frames_per_second", 16)
        return tagged(self.movie or clip(round(frames / rate, 3)), prediction.id)

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


def _reachable(hook: Any) -> bool:
    parts = urlsplit(hook) if isinstance(hook, str) else urlsplit("")
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1"))


def _moment(text: str | None, default: float) -> float:
    return datetime.fromisoformat(text).timestamp() if text else default


def _seconds(text: str) -> int | None:
    found = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?", text.strip())
    if not found or not text.strip():
        return None
    hours, minutes, rest = (int(part or 0) for part in found.groups())
    return hours * 3600 + minutes * 60 + rest


def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(description="A simulated Replicate on loopback.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency-ms", type=float, default=0)
    parser.add_argument("--generation-seconds", type=float, default=2)
    parser.add_argument("--jitter", type=float, default=0, help="share by which generation times differ")
    parser.add_argument("--token", default=TOKEN)
    parser.add_argument("--clip", type=Path, help="an MP4 to serve instead of test pictures")
    parser.add_argument("--state", type=Path, help="keep accepted predictions in this file")
    given = parser.parse_args()
    simulator = ReplicateSimulator(
        port=given.port,
        latency=given.latency_ms / 1000,
        generation_seconds=given.generation_seconds,
        jitter=given.jitter,
        token=given.token,
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
