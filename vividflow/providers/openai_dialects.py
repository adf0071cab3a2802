"""How servers that speak `/v1/videos` differ, as one table (providers.md 4.3): to see what a dialect does, read its row.

Established from the sources of SGLang and vLLM-Omni and from OpenAI's own description of August 2026.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType


class Body(StrEnum):
    """How an order is sent."""

    FORM = "form"
    JSON_WITHOUT_FILE = "json_without_file"


class Length(StrEnum):
    """How the length of a clip is said: as the text of the seconds, or as a number of frames with their rate beside it."""

    SECONDS = "seconds"
    FRAMES = "frames"


class Listing(StrEnum):
    """What a list of jobs is worth when an answer was lost.

    `WHOLE`: what it does not show is not there. `HINT`: what it shows is there, but an absence proves nothing. `NONE`:
    it is not asked.
    """

    WHOLE = "whole"
    HINT = "hint"
    NONE = "none"


# Our words, and what servers call them where they take them at all.
FIELDS = MappingProxyType(
    {
        "seed": "seed",
        "negative_prompt": "negative_prompt",
        "steps": "num_inference_steps",
        "cfg": "guidance_scale",
        "audio": "generate_sound",
    }
)


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """One row.

    `takes` is what a model without a row in the registry takes; `frame_rate` frames a second where none is known;
    `sides_of` the number that both sides of a frame must be a multiple of. A status word that is in neither list means
    running. `stops` is whether DELETE ends a run; `linked` whether a finished job may carry the result's address as
    `url`. `lost_after` is how many seconds after the order a 404 means that the server has lost the job.
    """

    body: Body = Body.FORM
    length: Length = Length.SECONDS
    fields: Mapping[str, str] = field(default_factory=lambda: FIELDS)
    takes: frozenset[str] = frozenset({"image"})
    frame_rate: int = 24
    sides_of: int = 2
    done: frozenset[str] = frozenset({"completed"})
    failed: frozenset[str] = frozenset({"failed"})
    stopped: frozenset[str] = frozenset({"cancelled", "canceled"})
    stops: bool = False
    listing: Listing = Listing.HINT
    linked: bool = False
    lost_after: float = 120.0


DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {
        # OpenAI's description, word for word. DELETE is for finished jobs; nobody promises that a list is whole.
        "openai": Dialect(),
        # Jobs live in memory. A list shows no prompts. DELETE drops the record and lets the run go on.
        "sglang": Dialect(
            body=Body.JSON_WITHOUT_FILE,
            length=Length.FRAMES,
            takes=frozenset({"image", "seed", "negative_prompt", "steps", "cfg"}),
            sides_of=16,
            stopped=frozenset({"cancelled", "canceled", "deleted"}),
            listing=Listing.WHOLE,
            linked=True,
            lost_after=10.0,
        ),
        # Forms only. Jobs live in memory.
        "vllm_omni": Dialect(
            length=Length.FRAMES,
            takes=frozenset({"image", "seed", "negative_prompt", "steps", "cfg", "audio"}),
            sides_of=16,
            stops=True,
            listing=Listing.WHOLE,
            lost_after=10.0,
        ),
        # A proxy: the ids it answers name the vendor behind it, those of its list do not. `processing` is a run that
        # goes on, and `completed` may carry an error.
        "litellm": Dialect(listing=Listing.NONE),
    }
)
DEFAULT_DIALECT = "openai"
