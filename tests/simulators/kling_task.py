"""One simulated task: everything that is shown of it follows from the clock and from the fate it was given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

START_SHARE = 0.2
FATES = (
    "policy_failed",
    "failed",
    "failed_charged",
    "stuck",
    "unknown_status",
    "backwards",
    "over_hundred",
    "no_output",
    "no_units",
    "odd_units",
)
MESSAGES = {
    "policy_failed": "Failure to pass the risk control system",
    "failed": "Internal error at https://internal.example/trace, Bearer eyJhbGciOi.eyJpc3MiOi.sig",
    "failed_charged": "Service busy",
}


@dataclass(kw_only=True)
class Task:
    """`accepted_at` is seconds since 1970, `seconds` how long generating takes, `units` what it costs."""

    id: str
    kind: str
    model: str
    body: dict[str, Any]
    accepted_at: float
    seconds: float
    units: float
    fate: str | None = None
    retention: float = 30 * 86400.0
    looks: int = 0

    @property
    def external_id(self) -> str:
        """The caller's own id, "" when there is none."""
        return self.body.get("external_task_id", "")

    @property
    def ends_at(self) -> float:
        """When it ends; infinite for a stuck one."""
        return float("inf") if self.fate == "stuck" else self.accepted_at + self.seconds

    def status(self, now: float) -> str:
        """The status word at that moment."""
        started = now >= self.accepted_at + START_SHARE * self.seconds
        if now < self.ends_at:
            if self.fate == "unknown_status":
                return "warming_up"
            if self.fate == "backwards":
                return "submitted" if self.looks % 2 else "processing"
            return "processing" if started else "submitted"
        return "failed" if self.fate in MESSAGES else "succeed"

    def view(self, output_base: str, now: float) -> dict[str, Any]:
        """The task object as the service shows it; times are milliseconds."""
        word = self.status(now)
        shown: dict[str, Any] = {
            "task_id": self.id,
            "task_status": word,
            "task_status_msg": MESSAGES.get(self.fate or "", "") if word == "failed" else "",
            "task_info": {"external_task_id": self.external_id} if self.external_id else {},
            "created_at": int(self.accepted_at * 1000),
            "updated_at": int(min(now, self.ends_at) * 1000),
        }
        if self.fate == "over_hundred":
            shown["progress"] = 140
        if word == "failed":
            shown["final_unit_deduction"] = f"{self.units:g}" if self.fate == "failed_charged" else "0"
        if word == "succeed":
            shown |= self._ended(output_base, now)
        return shown

    def _ended(self, output_base: str, now: float) -> dict[str, Any]:
        link = f"{output_base}/outputs/{self.id}/out.mp4"
        video = {"id": f"v{self.id}", "url": link, "watermark_url": f"{link}?wm=1", "duration": "5.1"}
        gone = self.fate == "no_output" or now > self.ends_at + self.retention
        ended: dict[str, Any] = {"task_result": {"videos": [] if gone else [video]}}
        if self.fate != "no_units":
            ended["final_unit_deduction"] = "-1e400" if self.fate == "odd_units" else f"{self.units:g}"
        return ended
