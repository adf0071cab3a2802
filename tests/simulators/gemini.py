"""A strict Gemini on loopback (providers.md 2.4, 2.5): interactions that make videos and count payments, and text.

`python -m tests.simulators.gemini --port 0 --generation-seconds 2` prints its base URL and serves until it is stopped.
`GET /__sim/state` shows the counters; `POST /__sim/faults` with `[{"name": …, "times": 1, …}]` orders faults.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import secrets
import signal
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from tests.simulators.clips import clip, tagged
from tests.simulators.gemini_faults import REFUSED, STAGES, bad_look, error, refusal, spoiled
from tests.simulators.gemini_interaction import Interaction
from tests.simulators.gemini_strict import OMNI, WRITERS, text_complaints, video_complaints
from tests.simulators.gemini_writer import reply
from tests.simulators.google_signer import Signer
from tests.simulators.replicate_faults import HTML, bad_output
from tests.simulators.server import Close, FaultBox, Reply, Request, Server, json_reply, ranged
from tests.simulators.webhooks import WebhookSender

KEY = "AIzaSimulated"


class GeminiSimulator(Server):
    """`generation_seconds` is what each run takes; `movie` the film that is served; `signed_event` puts events into tokens."""

    def __init__(
        self,
        *,
        port: int = 0,
        latency: float = 0.0,
        generation_seconds: float = 0.0,
        key: str = KEY,
        movie: bytes | None = None,
        signed_event: bool = True,
    ) -> None:
        super().__init__(port=port, latency=latency)
        self.generation_seconds = generation_seconds
        self.key = key
        self.movie = movie
        self.signed_event = signed_event
        self.faults = FaultBox(STAGES)
        self.signer = Signer()
        self.interactions: dict[str, Interaction] = {}
        self.requests: Counter[str] = Counter()
        self.by_input: Counter[str] = Counter()
        self.submitted: list[dict[str, Any]] = []
        self.written: list[tuple[str, dict[str, Any]]] = []
        self.output_keys: list[str | None] = []
        self.webhooks = WebhookSender(self._sign)
        self._guard = threading.Lock()

    def stop(self) -> None:
        """Close everything."""
        super().stop()
        self.webhooks.stop()

    @property
    def paid(self) -> int:
        """How many interactions were accepted, that is, paid."""
        return len(self.interactions)

    def state(self) -> dict[str, Any]:
        """The counters, as `/__sim/state` shows them."""
        now = time.time()
        with self._guard:
            return {
                "url": self.url,
                "submits": len(self.submitted),
                "paid": len(self.interactions),
                "paid_twice": sum(count - 1 for count in self.by_input.values()),
                "statuses": dict(Counter(each.status(now) for each in self.interactions.values())),
                "requests": dict(self.requests),
                "webhooks": dict(self.webhooks.counts),
                "faults": dict(self.faults.taken),
            }

    def reset(self) -> None:
        """Forget all interactions and counters; faults too."""
        with self._guard:
            kept: list[Any] = [self.interactions, self.requests, self.by_input, self.submitted, self.written]
            for each in [*kept, self.output_keys]:
                each.clear()
        self.faults.clear()
        self.faults.taken.clear()

    def film(self, run: Interaction) -> bytes:
        """The very bytes that are served for an interaction."""
        seconds = float(run.request["response_format"]["duration"].removesuffix("s"))
        return tagged(self.movie or clip(seconds), run.id)

    # ---- the routes

    def handle(self, request: Request) -> Reply:
        route = request.path.strip("/").split("/")
        match (request.method, *route):
            case (_, "__sim", act):
                return self._control(request, act)
            case ("GET", ".well-known", "jwks.json"):
                self._count("keys")
                return self._key_set()
        if request.headers.get("x-goog-api-key") != self.key:
            self._count("unauthenticated")
            return error(403, "PERMISSION_DENIED", "Method doesn't allow unregistered callers.")
        match (request.method, *route):
            case ("POST", "v1", "interactions"):
                self._count("submit")
                return self._submit(request)
            case ("GET", "v1", "interactions", identity):
                self._count("poll")
                return self._poll(identity)
            case ("POST", "v1", "interactions", identity, "cancel"):
                self._count("cancel")
                return self._cancel(identity)
            case ("GET" | "HEAD", "v1", "files", name) if name.endswith(":download"):
                self._count("output")
                return self._output(request, name.removesuffix(":download"))
            case ("POST", "v1", "models", name) if name.endswith(":generateContent"):
                self._count("text")
                return self._write(request, name.removesuffix(":generateContent"))
        return error(404, "NOT_FOUND", "Requested entity was not found.")

    def _submit(self, request: Request) -> Reply:
        with self._guard:
            self.submitted.append(request.json())
        fault = self.faults.take("submit")
        if fault and fault.name == "accept_late":
            self.stopping.wait(fault.more.get("seconds", 1))
            if not self._refusal(request):
                self._buy(request)
            return Close()
        if fault and fault.name in REFUSED:
            return refusal(fault)
        trouble = self._refusal(request)
        if trouble:
            return trouble
        answer = json_reply(self._shown(self._buy(request)))
        return spoiled(fault, answer) if fault else answer

    def _refusal(self, request: Request) -> Reply | None:
        body = request.json()
        if isinstance(body, dict) and body.get("model") not in OMNI:
            return error(404, "NOT_FOUND", f"models/{body.get('model')} is not found.")
        found = video_complaints(body)
        return error(400, "INVALID_ARGUMENT", "; ".join(found)) if found else None

    def _buy(self, request: Request) -> Interaction:
        fate = self.faults.take("fate")
        run = Interaction(
            id=f"v1_{secrets.token_urlsafe(24)}",
            request=request.json(),
            accepted_at=time.time(),
            seconds=self.generation_seconds,
            fate=fate.name if fate else None,
        )
        asked = {name: run.request[name] for name in ("model", "input", "generation_config", "response_format")}
        with self._guard:
            self.interactions[run.id] = run
            self.by_input[hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()] += 1
        if run.ends_at < float("inf"):
            self._announce(run, run.ends_at)
        return run

    def _announce(self, run: Interaction, moment: float) -> None:
        for uri in run.request.get("webhook_config", {}).get("uris", []):
            fault = self.faults.take("webhook")
            self.webhooks.at(moment, uri, lambda: run.event(time.time()), fault.name if fault else None)

    def _sign(self, _identity: str, _sent_at: int, body: bytes, forged: bool) -> str:
        return self.signer.token(json.loads(body) if self.signed_event else {}, forged=forged)

    def _shown(self, run: Interaction) -> dict[str, Any]:
        return run.view(time.time(), self.film(run) if run.fate == "inline" else b"")

    def _poll(self, identity: str) -> Reply:
        run, fault = self.interactions.get(identity), self.faults.take("poll")
        if run is None:
            return error(404, "NOT_FOUND", "Requested entity was not found.")
        run.looks += 1
        answer = json_reply(self._shown(run))
        return bad_look(fault, answer) if fault else answer

    def _cancel(self, identity: str) -> Reply:
        if self.faults.take("cancel"):
            return error(500, "INTERNAL", "Internal error encountered.")
        run, now = self.interactions.get(identity), time.time()
        if run is None:
            return error(404, "NOT_FOUND", "Requested entity was not found.")
        if now >= run.ends_at:
            return error(400, "FAILED_PRECONDITION", "The interaction is not running.")
        run.cancelled_at = now
        self._announce(run, now)
        return json_reply(self._shown(run))

    def _output(self, request: Request, file: str) -> Reply:
        self.output_keys.append(request.headers.get("x-goog-api-key"))
        run = next((each for each in self.interactions.values() if each.file == file), None)
        fault = self.faults.take("output")
        if run is None or run.status(time.time()) != "completed" or request.query != {"alt": "media"}:
            return error(404, "NOT_FOUND", "Requested entity was not found.")
        movie, headers = self.film(run), {"Content-Type": "video/mp4", "ETag": f'"{file}"'}
        return bad_output(fault, movie, headers) if fault else ranged(request, movie, headers)

    def _write(self, request: Request, model: str) -> Reply:
        body = request.json()
        with self._guard:
            self.written.append((model, body))
        found = text_complaints(body)
        if model not in WRITERS:
            return error(404, "NOT_FOUND", f"models/{model} is not found.")
        if found:
            return error(400, "INVALID_ARGUMENT", "; ".join(found))
        return reply(body, self.faults.take("text"))

    def _key_set(self) -> Reply:
        match self.faults.take("keys"):
            case None:
                return json_reply(self.signer.key_set())
            case fault if fault.name == "keys_garbage":
                return Reply(body=b"<html>", headers=HTML)
        return error(500, "INTERNAL", "Internal error encountered.")

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
                except (TypeError, ValueError) as trouble:
                    return json_reply({"error": str(trouble)}, 422)
            case ("DELETE", "faults"):
                self.faults.clear()
            case _:
                return json_reply({"error": "GET state, POST reset, POST or DELETE faults"}, 404)
        return json_reply({"ok": True})


def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(description="A simulated Gemini on loopback.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency-ms", type=float, default=0)
    parser.add_argument("--generation-seconds", type=float, default=2)
    parser.add_argument("--key", default=KEY)
    parser.add_argument("--clip", type=Path, help="an MP4 to serve instead of test pictures")
    given = parser.parse_args()
    simulator = GeminiSimulator(
        port=given.port,
        latency=given.latency_ms / 1000,
        generation_seconds=given.generation_seconds,
        key=given.key,
        movie=given.clip.read_bytes() if given.clip else None,
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
