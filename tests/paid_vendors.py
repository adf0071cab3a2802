"""The vendors that can be paid, as one table: how each is simulated, set up, ordered from, and who was paid for what there.

A new vendor adds a row here; the chaos matrix, the worst moments and their tests then run for it.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from tests.simulators.gemini import KEY as GEMINI_KEY
from tests.simulators.gemini import GeminiSimulator
from tests.simulators.kling import API_KEY, KlingSimulator
from tests.simulators.openai_videos import KEY as OPENAI_KEY
from tests.simulators.openai_videos import VideosSimulator
from tests.simulators.replicate import TOKEN as REPLICATE_TOKEN
from tests.simulators.replicate import ReplicateSimulator
from tests.simulators.server import Request
from tests.simulators.vertex import PROJECT, VertexSimulator
from tests.simulators.vertex import TOKEN as ACCESS_TOKEN

SUBMIT, LOOK, FIND, FETCH = "submit", "look", "find", "fetch"


class Asked(StrEnum):
    """What can be learned of an order whose answer was lost: yes or no, only a yes, or only a yes by its callback."""

    YES_AND_NO = "yes and no"
    YES = "yes"
    CALLBACK = "by callback"


@dataclass(frozen=True, kw_only=True)
class PaidVendor:
    """One row. `wish` asks for the cheapest clip, without a prompt; `settings` are by their names in lower case.

    `runs` are all runs that were accepted, that is paid; `prompt_of`, `id_of` and `film_of` tell of one. `phase` is what a
    request is about, None for what is none of these. `running` makes a look at a run that goes on: the word for it (or
    the one before it) and a percentage. `calls_back` is whether it tells us by itself.
    """

    name: str
    simulator: Callable[..., Any]
    settings: Callable[[Any], dict[str, str]]
    wish: Mapping[str, object]
    runs: Callable[[Any], Iterable[Any]]
    prompt_of: Callable[[Any], str]
    id_of: Callable[[Any], str]
    film_of: Callable[[Any, Any], bytes]
    phase: Callable[[Request], str | None]
    running: Callable[[bool, int], dict[str, Any]]
    asked: Asked
    calls_back: bool = False
    secret: str

    def paid(self, simulator: Any) -> Counter[str]:
        """Payments by prompt: what is there more than once was paid twice."""
        return Counter(self.prompt_of(run) for run in list(self.runs(simulator)))

    def films(self, simulator: Any) -> set[str]:
        """SHA-256 of every film that was paid."""
        return {hashlib.sha256(self.film_of(simulator, run)).hexdigest() for run in list(self.runs(simulator))}

    def ids(self, simulator: Any) -> list[str]:
        """The ids of all runs, as the vendor says them."""
        return [self.id_of(run) for run in list(self.runs(simulator))]


def _openai(**given: Any) -> VideosSimulator:
    return VideosSimulator(dialect="vllm_omni", **given)


def _rule(*rules: tuple[str, str, str]) -> Callable[[Request], str | None]:
    """The phase of the first rule (phase, method, path) that fits."""
    known = [(phase, method, re.compile(path).fullmatch) for phase, method, path in rules]

    def phase_of(request: Request) -> str | None:
        fits = (phase for phase, method, path in known if request.method == method and path(request.path))
        return next(fits, None)

    return phase_of


def _vertex_phase(request: Request) -> str | None:
    if request.path.endswith(":predictLongRunning"):
        return SUBMIT
    if request.path.endswith(":fetchPredictOperation"):
        return LOOK
    if re.fullmatch(r"/storage/v1/b/[^/]+/o/?", request.path):
        return FIND
    return FETCH if request.query.get("alt") == "media" else None


PAID_VENDORS: dict[str, PaidVendor] = {
    "replicate": PaidVendor(
        name="replicate",
        simulator=ReplicateSimulator,
        settings=lambda at: {"replicate_api_token": REPLICATE_TOKEN, "replicate_base_url": at.url},
        wish={"model": "wan2.2", "resolution": "480p", "duration": 5},
        runs=lambda at: at.predictions.values(),
        prompt_of=lambda run: run.input["prompt"],
        id_of=lambda run: run.id,
        film_of=lambda at, run: at.film(run),
        phase=_rule(
            (SUBMIT, "POST", r"/v1/(models/.+/)?predictions"),
            (LOOK, "GET", r"/v1/predictions/[^/]+"),
            (FIND, "GET", r"/v1/predictions"),
            (FETCH, "GET", r"/outputs/.+"),
        ),
        running=lambda begun, percent: {
            "status": "processing" if begun else "starting",
            "output": None,
            "logs": f" {percent}%|####",
        },
        asked=Asked.YES_AND_NO,
        calls_back=True,
        secret=REPLICATE_TOKEN,
    ),
    "vertex": PaidVendor(
        name="vertex",
        simulator=VertexSimulator,
        settings=lambda at: {
            "google_cloud_project": PROJECT,
            "google_oauth_access_token": ACCESS_TOKEN,
            "google_vertex_base_url": at.url,
            "storage_emulator_host": at.url,
            "vertex_output_uri": "gs://films/veo",
        },
        wish={"model": "veo3.1", "resolution": "720p", "duration": 4},
        runs=lambda at: at.operations.values(),
        prompt_of=lambda run: run.instance["prompt"],
        id_of=lambda run: run.name,
        film_of=lambda at, run: at.film(run.name),
        phase=_vertex_phase,
        running=lambda begun, percent: {"done": False, "response": None, "metadata": {"progressPercentage": percent}},
        asked=Asked.YES,
        secret=ACCESS_TOKEN,
    ),
    "gemini": PaidVendor(
        name="gemini",
        simulator=GeminiSimulator,
        settings=lambda at: {"gemini_api_key": GEMINI_KEY, "google_gemini_base_url": at.url},
        wish={"model": "omni1.2", "resolution": "360p", "duration": 3},
        runs=lambda at: at.interactions.values(),
        prompt_of=lambda run: run.request["input"][0]["content"][0]["text"],
        id_of=lambda run: run.id,
        film_of=lambda at, run: at.film(run),
        phase=_rule(
            (SUBMIT, "POST", r"/v1/interactions"),
            (LOOK, "GET", r"/v1/interactions/[^/]+"),
            (FETCH, "GET", r"/v1/files/.+:download"),
        ),
        running=lambda begun, percent: {
            "status": "in_progress" if begun else "queued",
            "steps": [],
            "progress": percent,
        },
        asked=Asked.CALLBACK,
        calls_back=True,
        secret=GEMINI_KEY,
    ),
    "kling": PaidVendor(
        name="kling",
        simulator=KlingSimulator,
        settings=lambda at: {"kling_api_key": API_KEY, "kling_base_url": at.url},
        wish={"model": "kling3", "resolution": "720p", "duration": 3},
        runs=lambda at: at.tasks.values(),
        prompt_of=lambda run: run.body["prompt"],
        id_of=lambda run: run.id,
        film_of=lambda at, run: at.film(run),
        phase=_rule(
            (SUBMIT, "POST", r"/v1/videos/[^/]+"),
            (LOOK, "GET", r"/v1/videos/[^/]+/\d+"),
            (FIND, "GET", r"/v1/videos/[^/]+/[^/]+"),
            (FETCH, "GET", r"/outputs/.+"),
        ),
        running=lambda begun, percent: {
            "task_status": "processing" if begun else "submitted",
            "task_result": None,
            "progress": percent,
        },
        asked=Asked.YES_AND_NO,
        calls_back=True,
        secret=API_KEY,
    ),
    "openai": PaidVendor(
        name="openai",
        simulator=_openai,
        settings=lambda at: {"openai_base_url": f"{at.dialect}+{at.base}", "openai_api_key": OPENAI_KEY},
        wish={"model": "openai/default/wan", "resolution": "480p", "duration": 2},
        runs=lambda at: at.made,  # those too that were deleted since
        prompt_of=lambda run: run.fields["prompt"],
        id_of=lambda run: run.id,
        film_of=lambda at, run: at.film(run),
        phase=_rule(
            (SUBMIT, "POST", r"/v1/videos"),
            (LOOK, "GET", r"/v1/videos/[^/]+"),
            (FIND, "GET", r"/v1/videos"),
            (FETCH, "GET", r"/v1/videos/[^/]+/content"),
        ),
        running=lambda begun, percent: {"status": "in_progress" if begun else "queued", "progress": percent},
        asked=Asked.YES_AND_NO,
        secret=OPENAI_KEY,
    ),
}
