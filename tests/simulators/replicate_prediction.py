"""One simulated prediction: everything that is shown of it follows from the clock and from the fate it was given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.simulators.replicate_models import LISTS_OUTPUT, PICTURE_MODELS

START_SHARE = 0.2
FATES = (
    "nsfw_failed",
    "oom_failed",
    "failed",
    "aborted",
    "canceled",
    "stuck",
    "unknown_status",
    "backwards",
    "no_output",
    "list_output",
    "rewritten_input",
)
ERRORS = {
    "nsfw_failed": "NSFW content detected. Try running it again, or try a different prompt. (E005)",
    "oom_failed": "CUDA out of memory (E1001). See https://internal.example/trace?key=r8_secret",
    "failed": "Prediction interrupted; please retry (code: PA). Bearer r8_secret",
}


@dataclass(kw_only=True)
class Prediction:
    """`accepted_at` and `deadline` are seconds since 1970, `seconds` how long generating takes."""

    id: str
    model: str
    input: dict[str, Any]
    accepted_at: float
    seconds: float
    webhook: str | None = None
    events: tuple[str, ...] = ()
    fate: str | None = None
    deadline: float | None = None
    retention: float = 3600
    cancelled_at: float | None = None
    looks: int = 0

    @property
    def starts_at(self) -> float:
        """When it leaves the queue."""
        return self.accepted_at + START_SHARE * self.seconds

    @property
    def ends_at(self) -> float:
        """When it ends, one way or another; infinite for a stuck one without a deadline."""
        natural = float("inf") if self.fate == "stuck" else self.accepted_at + self.seconds
        return min(x for x in (natural, self.deadline, self.cancelled_at) if x is not None)

    @property
    def ending(self) -> str:
        """How the name of its result ends."""
        if self.model not in PICTURE_MODELS:
            return "mp4"
        return self.input.get("output_format", "webp" if self.model in LISTS_OUTPUT else "jpg")

    def status(self, now: float) -> str:
        """The status word at that moment."""
        if now < self.ends_at:
            if self.fate == "unknown_status":
                return "warming_up"
            if self.fate == "backwards" and self.looks % 2:
                return "starting"
            return "processing" if now >= self.starts_at or self.fate == "backwards" else "starting"
        if self.ends_at in (self.cancelled_at, self.deadline):
            return "canceled" if self.ends_at >= self.starts_at else "aborted"
        if self.fate in ("aborted", "canceled"):
            return self.fate
        return "failed" if self.fate in ERRORS else "succeeded"

    def view(self, base: str, output_base: str, now: float) -> dict[str, Any]:
        """The prediction object as the service would show it."""
        word = self.status(now)
        ended = now >= self.ends_at
        removed = ended and now >= self.ends_at + self.retention
        done = word == "succeeded" and not removed and self.fate != "no_output"
        link = f"{output_base}/outputs/{self.id}/out.{self.ending}"
        shown = dict(self.input)
        if self.fate == "rewritten_input" and "image" in shown:
            shown["image"] = f"https://replicate.delivery/inputs/{self.id}.png"
        percent = min(99, max(0, int(100 * (now - self.accepted_at) / self.seconds))) if self.seconds else 99
        return {
            "id": self.id,
            "model": self.model,
            "version": "hidden",
            "status": word,
            "input": {} if removed else shown,
            "output": ([link] if self.fate == "list_output" or self.model in LISTS_OUTPUT else link) if done else None,
            "error": ERRORS.get(self.fate or "") if word == "failed" else None,
            "logs": ""
            if removed or word == "starting"
            else f"Seed: 1\n {percent}%|####      | {percent}/100 [00:01<00:01]\n",
            "metrics": {"predict_time": round(self.ends_at - self.starts_at, 3)} if ended and word != "aborted" else {},
            "created_at": stamp(self.accepted_at),
            "started_at": stamp(self.starts_at) if now >= self.starts_at else None,
            "completed_at": stamp(self.ends_at) if ended else None,
            "source": "api",
            "data_removed": removed,
            "deadline": stamp(self.deadline) if self.deadline else None,
            "urls": {
                "get": f"{base}/v1/predictions/{self.id}",
                "cancel": f"{base}/v1/predictions/{self.id}/cancel",
                "web": f"https://replicate.com/p/{self.id}",
            },
        }


def stamp(moment: float) -> str:
    """ISO 8601 with milliseconds and Z."""
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
