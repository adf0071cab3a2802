"""One simulated interaction: everything that is shown of it follows from the clock and from the fate it was given."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from typing import Any

from tests.simulators.replicate_prediction import stamp

GOOGLE = "https://generativelanguage.googleapis.com"
FATES = (
    "nsfw_failed",
    "failed",
    "filtered",
    "filtered_with_reason",
    "cancelled",
    "incomplete",
    "budget_exceeded",
    "stuck",
    "unknown_status",
    "requires_continuation",
    "backwards",
    "inline",
    "foreign_uri",
)
ERRORS = {
    "nsfw_failed": ("SAFETY", "The generated video was blocked by the safety filters."),
    "failed": ("INTERNAL", "Internal error. See https://internal.example/trace?key=AIzaSecret"),
    "filtered_with_reason": ("PROHIBITED_CONTENT", "Output was filtered."),
}
EVENTS = {"completed": "interaction.completed", "failed": "interaction.failed", "cancelled": "interaction.cancelled"}


@dataclass(kw_only=True)
class Interaction:
    """`accepted_at` is seconds since 1970, `seconds` how long generating takes; `request` the body that was accepted."""

    id: str
    request: dict[str, Any]
    accepted_at: float
    seconds: float
    fate: str | None = None
    cancelled_at: float | None = None
    looks: int = 0

    @property
    def file(self) -> str:
        """The id of its result: small letters and digits, as the library expects."""
        return hashlib.sha256(self.id.encode()).hexdigest()[:12]

    @property
    def ends_at(self) -> float:
        """When it ends, one way or another."""
        natural = float("inf") if self.fate == "stuck" else self.accepted_at + self.seconds
        return min(x for x in (natural, self.cancelled_at) if x is not None)

    def status(self, now: float) -> str:
        """The status word at that moment."""
        if now < self.ends_at:
            if self.fate in ("unknown_status", "requires_continuation"):
                return {"unknown_status": "warming_up"}.get(self.fate, self.fate)
            return "queued" if self.fate == "backwards" and self.looks % 2 else "in_progress"
        if self.ends_at == self.cancelled_at:
            return "cancelled"
        if self.fate in ("cancelled", "incomplete", "budget_exceeded"):
            return self.fate
        return "failed" if self.fate in ("nsfw_failed", "failed") else "completed"

    def view(self, now: float, film: bytes) -> dict[str, Any]:
        """The object as the service would show it; results carry Google's own host, as the real ones do."""
        word = self.status(now)
        steps: list[Any] = [{"type": "thought", "signature": "c2ln"}]
        if word == "completed":
            steps.append({"type": "model_output", "content": self._content(film)})
        shown: dict[str, Any] = {
            "id": self.id,
            "object": "interaction",
            "model": self.request["model"],
            "status": word,
            "created": stamp(self.accepted_at),
            "updated": stamp(min(now, self.ends_at)),
            "steps": steps,
        }
        if word in ("completed", "failed") and self.fate in ERRORS:
            code, message = ERRORS[self.fate]
            shown["errors"] = [{"code": code, "message": message}]
        return shown

    def event(self, now: float) -> dict[str, Any]:
        """The thin event of its end."""
        word = self.status(now)
        metadata = self.request["webhook_config"].get("user_metadata", {})
        kind = EVENTS.get(word, "interaction.failed")
        data = {"id": self.id, "user_metadata": metadata}
        return {"type": kind, "version": "v1", "timestamp": stamp(now), "data": data}

    def _content(self, film: bytes) -> list[Any]:
        if self.fate in ("filtered", "filtered_with_reason"):
            return [{"type": "text", "text": "I cannot make this."}]
        if self.fate == "inline":
            return [{"type": "video", "mime_type": "video/mp4", "data": base64.b64encode(film).decode()}]
        base = "https://elsewhere.example" if self.fate == "foreign_uri" else f"{GOOGLE}/v1beta"
        return [{"type": "video", "mime_type": "video/mp4", "uri": f"{base}/files/{self.file}:download?alt=media"}]
