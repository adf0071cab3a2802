"""One simulated job of `/v1/videos`: everything that is shown of it follows from the clock and from its fate."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.simulators.openai_dialects import Rules

START_SHARE = 0.2
FATES = (
    "failed",
    "failed_without_code",
    "nsfw_failed",
    "oom_failed",
    "completed_with_error",
    "processing_word",
    "strange_progress",
    "stuck",
    "linked",
)
ERRORS: dict[str, Any] = {
    "failed": {"code": "RuntimeError", "message": "worker died at http://10.0.0.1/trace?key=sk-secret"},
    "failed_without_code": {"message": "worker died"},
    "nsfw_failed": {"code": "moderation_blocked", "message": "The output was blocked."},
    "oom_failed": {"code": 500, "message": "CUDA out of memory"},
    "completed_with_error": {"code": 13, "message": "the operation ended in an error"},
}


@dataclass(kw_only=True)
class VideoJob:
    """`made_at` is seconds since 1970 by the server's clock, `seconds` how long generating takes."""

    id: str
    fields: dict[str, Any]
    made_at: float
    seconds: float
    fate: str | None = None
    link: str | None = None
    looks: int = field(default=0)

    def ends_at(self) -> float:
        """When generating is over."""
        return float("inf") if self.fate == "stuck" else self.made_at + self.seconds

    def status(self, now: float) -> str:
        """The word for it at `now`."""
        if now < self.ends_at():
            if self.fate == "processing_word":
                return "processing"
            return "queued" if now < self.made_at + self.seconds * START_SHARE else "in_progress"
        return "failed" if self.fate in ERRORS and self.fate != "completed_with_error" else "completed"

    def view(self, now: float, rules: Rules) -> dict[str, Any]:
        """The job object."""
        status = self.status(now)
        done = status in ("completed", "failed")
        shown: dict[str, Any] = {
            "id": self.id,
            "object": "video",
            "model": self.fields.get("model"),
            "status": status,
            "progress": 100 if done else self._progress(now),
            "created_at": int(self.made_at),
            "completed_at": int(self.ends_at()) if done else None,
            "expires_at": None,
            "size": self.fields.get("size"),
            "seconds": str(self.fields.get("seconds", "4")),
            "remixed_from_video_id": None,
            "error": ERRORS.get(self.fate or "") if done else None,
        }
        if rules.prompts_listed:
            shown["prompt"] = self.fields["prompt"]
        if self.fate == "linked" and status == "completed":
            shown["url"] = self.link
        return shown

    def _progress(self, now: float) -> Any:
        if self.fate == "strange_progress":
            return (-5, 250, "half", True, None)[self.looks % 5]
        return int(99 * (now - self.made_at) / self.seconds) if self.seconds else 0
