"""What stands in the fields of the form on Create, as text: from a form, from a draft, from a job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from vividflow.records.jobs import Job

NAMES = (
    "prompt",
    "model",
    "duration",
    "aspect_ratio",
    "resolution",
    "cfg",
    "seed",
    "steps",
    "negative_prompt",
    "webhook_url",
    "image_id",
    "last_image_id",
)
# What is the form's own, and no field of a job.
ASIDE = ("variations", "original")
SWITCHES = ("audio", "enhance")
LONGEST = 4000


@dataclass(frozen=True, kw_only=True)
class Values:
    """What stands in the fields. `original` is the prompt before it was enhanced, for Revert."""

    prompt: str = ""
    model: str = ""
    duration: str = ""
    aspect_ratio: str = "16:9"
    resolution: str = "720p"
    cfg: str = ""
    seed: str = ""
    steps: str = ""
    negative_prompt: str = ""
    webhook_url: str = ""
    image_id: str = ""
    last_image_id: str = ""
    variations: str = "1"
    original: str = ""
    audio: bool = False
    enhance: bool = False

    @property
    def count(self) -> int:
        """How many clips are wanted."""
        return int(self.variations) if self.variations in ("2", "3", "4") else 1


def values_of(job: Job, *, seed: bool = True) -> Values:
    """The fields as they were for a job. `seed` False leaves it random: the job may have got its seed from us."""
    params = job.params
    text: dict[str, Any] = {
        name: _plain(params.get(name)) for name in NAMES if name not in ("prompt", "model", "webhook_url")
    }
    if not seed:
        text["seed"] = ""
    return Values(
        prompt=job.prompt or "",
        model=job.model or "",
        webhook_url=job.webhook_url or "",
        audio=bool(params.get("audio")),
        original=str(params.get("original_prompt") or ""),
        **text,
    )


def values_from(fields: Mapping[str, Any]) -> Values:
    """The fields as a form or a draft has them; whatever else is in it is left out."""
    text: dict[str, Any] = {
        name: str(fields[name])[:LONGEST] for name in (*NAMES, *ASIDE) if fields.get(name) is not None
    }
    audio, enhance = (fields.get(name) in ("true", True) for name in SWITCHES)
    return Values(**text, audio=audio, enhance=enhance)


def _plain(value: Any) -> str:
    return f"{value:.15g}" if isinstance(value, float) else "" if value is None else str(value)
