"""A strict Veo on loopback that counts payments (providers.md 2.3), for tests, benchmarks and tours by hand.

`python -m tests.simulators.vertex --port 0 --generation-seconds 2` prints its base URL, for GOOGLE_VERTEX_BASE_URL and
STORAGE_EMULATOR_HOST alike: results are written into a GCS-shaped store of its own, or with `--bucket-at` into an
emulator. `GET /__sim/state` shows the counters; `POST /__sim/faults` with `[{"name": …, "times": 1, …}]` orders faults.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import json
import re
import secrets
import signal
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.simulators.clips import clip, tagged
from tests.simulators.server import FaultBox, Reply, Request, Server, SimFault, json_reply
from tests.simulators.vertex_bucket import EmulatedBucket, OwnBucket, headers_of
from tests.simulators.vertex_faults import (
    NOT_ACCEPTED,
    STAGES,
    bad_list,
    bad_look,
    bad_object,
    problem,
    refusal,
    spoiled,
)
from tests.simulators.vertex_schema import MODELS, complaint

TOKEN = "ya29.simulated"
PROJECT = "simulated-project"
MODEL = re.compile(
    r"/(v1|v1beta1)/projects/([^/]+)/locations/([^/]+)/publishers/google/models/([^/:]+):(\w+)"
).fullmatch
LISTED = re.compile(r"/storage/v1/b/([^/]+)/o/?").fullmatch
OBJECT = re.compile(r"/(?:download/)?storage/v1/b/([^/]+)/o/(.+)").fullmatch
PLACE = re.compile(r"gs://([^/]+)/(.*)").fullmatch
FILTERED = (
    "Veo could not generate videos because the input image violates our usage guidelines. Support codes: 17301594"
)


@dataclass(kw_only=True)
class Made:
    """One accepted, that is paid, operation: `place` is its storageUri (None: inline), `fate` and `trouble` what befalls it."""

    name: str
    model: str
    instance: dict[str, Any]
    parameters: dict[str, Any]
    accepted_at: float
    seconds: float
    place: str | None
    fate: str | None
    trouble: SimFault | None
    written: bool = False
    looks: int = 0

    @property
    def ends_at(self) -> float:
        """When it is done, seconds since 1970."""
        return float("inf") if self.fate == "never_done" else self.accepted_at + self.seconds


class VertexSimulator(Server):
    """`generation_seconds` is what each clip takes; results go to `bucket_at` (an emulator's URL) or a store of its own."""

    def __init__(
        self,
        *,
        port: int = 0,
        latency: float = 0.0,
        generation_seconds: float = 0.0,
        token: str = TOKEN,
        project: str = PROJECT,
        movie: bytes | None = None,
        bucket_at: str | None = None,
    ) -> None:
        super().__init__(port=port, latency=latency)
        self.generation_seconds = generation_seconds
        self.token = token
        self.project = project
        self.movie = movie
        self.faults = FaultBox(STAGES)
        self.bucket = OwnBucket()
        self._emulator = EmulatedBucket(bucket_at) if bucket_at else None
        self.operations: dict[str, Made] = {}
        self.requests: Counter[str] = Counter()
        self.by_place: Counter[str] = Counter()
        self.by_input: Counter[str] = Counter()
        self.submitted: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self._before = 0
        self._guard = threading.Lock()
        self._maker = threading.Thread(target=self._make, name="veo", daemon=True)

    def start(self) -> VertexSimulator:
        """Begin to accept."""
        super().start()
        self._maker.start()
        return self

    @property
    def paid(self) -> int:
        """How many orders were accepted, that is, paid."""
        return len(self.operations)

    @property
    def paid_since(self) -> int:
        """How many of them since the counters were last set to zero."""
        return len(self.operations) - self._before

    def reset_counts(self) -> None:
        """Set the counters to zero; what was made stays."""
        with self._guard:
            self._before = len(self.operations)
            for each in (self.requests, self.by_place, self.by_input):
                each.clear()

    def state(self) -> dict[str, Any]:
        """The counters, as `/__sim/state` shows them."""
        with self._guard:
            return {
                "url": self.url,
                "submits": len(self.submitted),
                "paid": len(self.operations),
                "paid_twice": sum(count - 1 for count in self.by_place.values()),
                "by_place": dict(self.by_place),
                "by_input": dict(self.by_input),
                "done": sum(each.written for each in self.operations.values()),
                "requests": dict(self.requests),
                "faults": dict(self.faults.taken),
                "objects": self.bucket.names(),
            }

    def reset(self) -> None:
        """Forget all operations, objects and counters; faults too."""
        with self._guard:
            kept: list[Any] = [self.operations, self.requests, self.by_place, self.by_input, self.submitted]
            for each in [*kept, self.headers]:
                each.clear()
            self._before = 0
        self.bucket.clear()
        self.faults.clear()

    def film(self, name: str) -> bytes:
        """The very bytes that are made for an operation."""
        seconds = self.operations[name].parameters.get("durationSeconds", 8)
        return tagged(self.movie or clip(seconds), name.rpartition("/")[2])

    def handle(self, request: Request) -> Reply:
        """Answer one request."""
        if request.path.startswith("/__sim/"):
            return self._control(request, request.path.removeprefix("/__sim/"))
        if found := MODEL(request.path):
            return self._model(request, *found.groups())
        self._settle()
        if found := LISTED(request.path):
            return self._list(request, found[1])
        if found := OBJECT(request.path):
            return self._object(request, found[1], found[2])
        if re.fullmatch(r"/storage/v1/b/[^/]+", request.path):
            return json_reply({"kind": "storage#bucket", "name": request.path.rpartition("/")[2]})
        return problem(404, "The requested URL was not found on this server.")

    # ---- Veo

    def _model(self, request: Request, _version: str, project: str, location: str, model: str, act: str) -> Reply:
        self._count(act)
        with self._guard:
            self.headers.append(request.headers)
        if request.method != "POST":
            return problem(404, "Method not found.")
        if request.headers.get("authorization") != f"Bearer {self.token}":
            return problem(401, "Request had invalid authentication credentials. Expected OAuth 2 access token.")
        if project != self.project:
            return problem(403, f"Permission denied on resource project {project}.")
        if model not in MODELS:
            return problem(404, f"Publisher Model `{model}` was not found or your project does not have access to it.")
        base = f"projects/{project}/locations/{location}/publishers/google/models/{model}"
        match act:
            case "predictLongRunning":
                return self._submit(request, base, model)
            case "fetchPredictOperation":
                return self._look(request, base)
        return problem(404, "Method not found.")

    def _submit(self, request: Request, base: str, model: str) -> Reply:
        body = request.json()
        with self._guard:
            self.submitted.append(body)
        fault = self.faults.take("submit")
        if fault and fault.name in NOT_ACCEPTED:
            return refusal(fault)
        if wrong := complaint(model, body) or self._unseen(body["instances"][0].get("video", {})):
            return problem(400, wrong)
        made = self._buy(base, model, body)
        answer = json_reply({"name": made.name})
        if fault is None:
            return answer
        other = next(iter(self.operations))
        return spoiled(fault, answer, other if other != made.name else f"{base}/operations/{secrets.token_hex(8)}")

    def _unseen(self, video: dict[str, Any]) -> str | None:
        """That a video to go on from is not in the bucket of the simulator's own, where it can know."""
        found = PLACE(video.get("gcsUri", ""))
        if found is None or self._emulator is not None or self.bucket.get(found[1], found[2]) is not None:
            return None
        return f"instances[0].video: {found[0]} cannot be read."

    def _buy(self, base: str, model: str, body: dict[str, Any]) -> Made:
        fate = self.faults.take("fate")
        parameters = body.get("parameters", {})
        place = parameters.get("storageUri")
        made = Made(
            name=f"{base}/operations/{secrets.token_hex(16)}",
            model=model,
            instance=body["instances"][0],
            parameters=parameters,
            accepted_at=time.time(),
            seconds=self.generation_seconds,
            place=place,
            fate=fate.name if fate else None,
            trouble=self.faults.take("place"),
        )
        canonical = json.dumps(body, sort_keys=True)
        with self._guard:
            self.operations[made.name] = made
            self.by_input[hashlib.sha256(canonical.encode()).hexdigest()] += 1
            if place:
                self.by_place[place] += 1
        return made

    def _look(self, request: Request, base: str) -> Reply:
        body = request.json()
        if not isinstance(body, dict) or body.keys() != {"operationName"}:
            return problem(400, "operationName is required and nothing else.")
        name = str(body["operationName"])
        made = self.operations.get(name) if name.startswith(f"{base}/operations/") else None
        fault = self.faults.take("poll")
        if made is None:
            return problem(404, "Operation was not found.")
        made.looks += 1
        self._settle()
        operation = self._operation(made)
        answer = json_reply(operation)
        other = next((each for each in self.operations if each != name), f"{base}/operations/other")
        return bad_look(fault, answer, operation, other) if fault else answer

    def _operation(self, made: Made) -> dict[str, Any]:
        if time.time() < made.ends_at:
            return {"name": made.name}
        kind = {"@type": "type.googleapis.com/cloud.ai.large_models.vision.GenerateVideoResponse"}
        match made.fate:
            case "filtered":
                response = kind | {"raiMediaFilteredCount": 1, "raiMediaFilteredReasons": [FILTERED]}
            case "no_video":
                response = kind
            case "failed" | "failed_busy" | "failed_policy":
                return {"name": made.name, "done": True, "error": _error(made.fate)}
            case _ if made.place is None:
                inline = base64.b64encode(self.film(made.name)).decode()
                response = kind | {"videos": [{"bytesBase64Encoded": inline, "mimeType": "video/mp4"}]}
            case _:
                response = kind | {"raiMediaFilteredCount": 0, "videos": [_video(made)]}
        return {"name": made.name, "done": True, "response": response}

    def _make(self) -> None:
        while not self.stopping.wait(0.02):
            self._settle()

    def _settle(self) -> None:
        """Write the films that are due into the bucket."""
        now = time.time()
        for made in list(self.operations.values()):
            if made.written or made.place is None or made.fate is not None or now < made.ends_at:
                continue
            trouble = made.trouble
            late = trouble.more.get("seconds", 0.5) if trouble and trouble.name == "object_late" else 0.0
            if (trouble and trouble.name == "object_missing") or now < made.ends_at + late:
                continue
            with self._guard:
                if made.written:
                    continue
                made.written = True
            found = PLACE(made.place)
            assert found is not None
            name = f"{found[2].rstrip('/')}/{_number(made)}/sample_0.mp4"
            (self._emulator or self.bucket).put(found[1], name, self.film(made.name))

    # ---- the bucket

    def _list(self, request: Request, bucket: str) -> Reply:
        self._count("list")
        fault = self.faults.take("list")
        return bad_list(fault) if fault else self.bucket.list(bucket, request.query)

    def _object(self, request: Request, bucket: str, name: str) -> Reply:
        media = request.query.get("alt") == "media"
        self._count("object" if media else "facts")
        data = self.bucket.get(bucket, name)
        fault = self.faults.take("object") if media and data is not None else None
        if fault and data is not None:
            return bad_object(fault, data, headers_of(data))
        return self.bucket.read(request, bucket, name)

    # ---- by hand

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

    def _count(self, what: str) -> None:
        with self._guard:
            self.requests[what] += 1


def _video(made: Made) -> dict[str, Any]:
    place = str(made.place).rstrip("/")
    match made.trouble.name if made.trouble else None:
        case "elsewhere":
            place = "gs://somebody-else/films"
        case "traversal":
            place = f"{place}/.."
    return {"gcsUri": f"{place}/{_number(made)}/sample_0.mp4", "mimeType": "video/mp4"}


def _number(made: Made) -> str:
    return str(int(made.name.rpartition("/")[2][:12], 16))


def _error(fate: str) -> dict[str, Any]:
    match fate:
        case "failed_busy":
            return {"code": 8, "message": "The service is currently experiencing high load. Please try again later."}
        case "failed_policy":
            return {
                "code": 3,
                "message": "The prompt violates Google's Responsible AI practices. Support codes: 58061214",
            }
    return {"code": 13, "message": "Video generation failed due to an internal server issue."}


def main() -> None:
    """Serve until SIGINT or SIGTERM."""
    parser = argparse.ArgumentParser(description="A simulated Veo on loopback.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency-ms", type=float, default=0)
    parser.add_argument("--generation-seconds", type=float, default=2)
    parser.add_argument("--token", default=TOKEN)
    parser.add_argument("--project", default=PROJECT)
    parser.add_argument("--clip", type=Path, help="an MP4 to serve instead of test pictures")
    parser.add_argument("--bucket-at", help="the URL of an emulator of Google Cloud Storage to write results into")
    given = parser.parse_args()
    simulator = VertexSimulator(
        port=given.port,
        latency=given.latency_ms / 1000,
        generation_seconds=given.generation_seconds,
        token=given.token,
        project=given.project,
        movie=given.clip.read_bytes() if given.clip else None,
        bucket_at=given.bucket_at,
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
