"""The bodies that addresses take: every field with its type, its limits and the sentence that says what is accepted.

What depends on the chosen model (which lengths, which parameters) is checked where the registry is at hand, in
lifecycle/orders.py; here is what holds for every model.
"""

from __future__ import annotations

import re
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field

from vividflow.api.values import Rule, bad_characters, choice, decimal, is_id, refuse, text, truth, whole

LEVELS = ("480p", "720p", "1080p", "4k")
RESOLUTIONS = ("360p", *LEVELS)
SHORTEST_PROMPT, LONGEST_PROMPT = 3, 1000
IMAGES = ("image", "last_image")
MOST_REFERENCES = 10
_SHA256 = re.compile(r"[0-9a-fA-F]{64}").fullmatch
_SHAPE = re.compile(r"[1-9][0-9]?:[1-9][0-9]?").fullmatch
_ID_PATTERN = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"


def _prompt(value: object) -> str:
    if not isinstance(value, str):
        raise refuse("invalid_prompt", "prompt is text of 3 to 1,000 characters.")
    trimmed = value.replace("\r\n", "\n").strip()
    if bad_characters(trimmed):
        raise refuse(
            "prompt_control_characters", "The prompt has control characters or broken Unicode in it. Remove them."
        )
    if not SHORTEST_PROMPT <= len(trimmed) <= LONGEST_PROMPT:
        count = f"{len(trimmed):,}"
        raise refuse("invalid_prompt_length", f"A prompt has 3 to 1,000 characters; this one has {count}.")
    return trimmed


def _negative(value: object) -> str | None:
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > LONGEST_PROMPT or bad_characters(value.replace("\r\n", "\n")):
        sentence = "negative_prompt is text of at most 1,000 characters without control characters."
        raise refuse("invalid_negative_prompt", sentence)
    return value.replace("\r\n", "\n").strip() or None


def _web_address(value: str) -> bool:
    try:
        parts = urlsplit(value)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and " " not in value
    except ValueError:
        return False


def _levels(value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        value = [value]
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        levels = [part.strip() for each in value for part in each.split(",")]
        if levels and len(set(levels)) == len(levels) and set(levels) <= set(LEVELS):
            return tuple(levels)
    raise refuse("invalid_quality_levels", f"quality_levels is a list of {', '.join(LEVELS)}, each at most once.")


def _references(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    given = value.split(",") if isinstance(value, str) else value
    if isinstance(given, list) and all(isinstance(each, str) for each in given):
        ids = [part.strip() for each in given for part in each.split(",")]
        if len(ids) <= MOST_REFERENCES and len(set(ids)) == len(ids) and all(is_id(each) for each in ids):
            return tuple(ids)
    sentence = f"reference_ids is a list of at most {MOST_REFERENCES} ids of pictures that you uploaded before."
    raise refuse("invalid_reference_ids", sentence)


# Three characters after trimming, no control characters but tab and line breaks; what `_prompt` checks, for the document.
_ANY = r"[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]"
_INK = r"[^\s\x00-\x1f\x7f-\x9f]"
_PROMPT_SCHEMA = {
    "type": "string",
    "minLength": SHORTEST_PROMPT,
    "maxLength": LONGEST_PROMPT,
    "pattern": rf"^{_ANY}*{_INK}{_ANY}+{_INK}\s*$",
    "description": "What the video shows: 3 to 1,000 characters after trimming, no control characters but line breaks.",
}
_DAYS_SENTENCE = "expires_in_days is 1, 7 or 30, or null for a link that does not end by itself."
_DAYS_SCHEMA = {
    "anyOf": [
        {"type": "integer", "enum": [1, 7, 30]},
        {"type": "string", "pattern": r"^(1|7|30)(\.0{1,30})?$"},
        {"type": "null"},
    ],
    "description": _DAYS_SENTENCE,
}
_ANY_DAYS = whole("invalid_expires_in_days", 1, 30, _DAYS_SENTENCE)


def _days(value: object) -> int | None:
    number = _ANY_DAYS.read(value)
    if number not in (None, 1, 7, 30):
        raise refuse("invalid_expires_in_days", _DAYS_SENTENCE)
    return number


_NEGATIVE_SCHEMA = {
    "anyOf": [{"type": "string", "maxLength": LONGEST_PROMPT}, {"type": "null"}],
    "description": "What the video must not show; for models that take one.",
}
_LEVELS_SCHEMA = {
    "anyOf": [
        {"type": "array", "items": {"type": "string", "enum": list(LEVELS)}, "minItems": 1, "uniqueItems": True},
        {"type": "string", "pattern": "^[0-9kp, ]+$"},
    ],
    "description": "The sizes that are made for streaming.",
}

_REFERENCES_SCHEMA = {
    "anyOf": [
        {
            "type": "array",
            "items": {"type": "string", "pattern": _ID_PATTERN},
            "maxItems": MOST_REFERENCES,
            "uniqueItems": True,
        },
        {"type": "null"},
    ],
    "description": "Pictures that show what a thing or a person looks like; for models that take them, without a start image.",
}

Prompt = Annotated[str, Rule(read=_prompt, schema=_PROMPT_SCHEMA)]
Negative = Annotated[str | None, Rule(read=_negative, schema=_NEGATIVE_SCHEMA)]
ModelId = Annotated[
    str | None, text("invalid_model", 200, "model is the id of a model, such as local; GET /api/v1/models lists them.")
]
ImageId = Annotated[
    str | None,
    text(
        "invalid_image_id",
        36,
        "image_id is the id of a picture that you uploaded before.",
        check=is_id,
        schema={"pattern": _ID_PATTERN},
    ),
]
ExtendId = Annotated[
    str | None,
    text(
        "invalid_extend_id",
        36,
        "extend_id is the job id of a finished video of yours, which goes on; for models that take one.",
        check=is_id,
        schema={"pattern": _ID_PATTERN},
    ),
]
ImageUrl = Annotated[
    str | None,
    text(
        "invalid_image_url",
        2048,
        "A picture address is gs://bucket/path or https://storage.googleapis.com/bucket/path; other hosts only where listed.",
    ),
]
Duration = Annotated[
    float | None, decimal("invalid_duration", 0.1, 3600, "duration is seconds, such as 4, 6 or 8; per model.")
]
Resolution = Annotated[
    str | None,
    choice(
        "invalid_resolution", RESOLUTIONS, "resolution is 360p, 480p, 720p, 1080p or 4k, the shorter side; per model."
    ),
]
Shape = Annotated[
    str | None,
    text(
        "invalid_aspect_ratio",
        5,
        "aspect_ratio is a shape such as 16:9, 9:16 or 1:1; per model.",
        check=lambda value: _SHAPE(value) is not None,
        schema={"pattern": "^[1-9][0-9]?:[1-9][0-9]?$"},
    ),
]
Cfg = Annotated[
    float | None, decimal("invalid_cfg", 1, 20, "cfg is a number from 1.0 to 20.0, for models that take guidance.")
]
Seed = Annotated[
    int | None,
    whole("invalid_seed", 0, 4294967295, "seed is a whole number from 0 to 4294967295, for models that take one."),
]
Audio = Annotated[bool | None, truth("invalid_audio", "audio is true or false, for models that make sound.")]
Steps = Annotated[
    int | None, whole("invalid_steps", 1, 1000, "steps is a whole number from 1 up, for models that take it.")
]
Priority = Annotated[int | None, whole("invalid_priority", -10, 10, "priority is a whole number from -10 to 10.")]
WebhookUrl = Annotated[
    str | None,
    text(
        "invalid_webhook_url",
        2048,
        "webhook_url is an https address of at most 2,048 characters.",
        check=_web_address,
        schema={"format": "uri"},
    ),
]
MaxCost = Annotated[float | None, decimal("invalid_max_cost", 0, 1_000_000, "max_cost is US dollars, 0 or more.")]
ProviderName = Annotated[
    str | None,
    text(
        "invalid_provider",
        40,
        "provider is the name of a provider that the model has, such as vertex; GET /api/v1/models lists them.",
    ),
]
References = Annotated[tuple[str, ...], Rule(read=_references, schema=_REFERENCES_SCHEMA)]
Levels = Annotated[tuple[str, ...], Rule(read=_levels, schema=_LEVELS_SCHEMA)]


_NAME = "name is what the file is called: 1 to 255 characters."
_SIZE = "size is how many bytes the file has: a whole number from 1."
_HASH = "sha256 is the SHA-256 of the whole file: 64 hexadecimal digits."


def _file_name(value: object) -> str:
    if not isinstance(value, str) or not 1 <= len(value) <= 255:
        raise refuse("invalid_name", _NAME)
    # Names come from people's disks: what cannot be shown is shown as such, and nobody has to rename a file for us.
    return "".join("\N{REPLACEMENT CHARACTER}" if bad_characters(each, allowed="") else each for each in value)


_any_size = whole("invalid_size", 1, 2**53, _SIZE)


def _file_size(value: object) -> int:
    size = _any_size.read(value)
    if size is None:
        raise refuse("invalid_size", _SIZE)
    return size


def _hash(value: object) -> str | None:
    if value is not None and not (isinstance(value, str) and _SHA256(value)):
        raise refuse("invalid_sha256", _HASH)
    return value.lower() if isinstance(value, str) else None


FileName = Annotated[
    str,
    Rule(read=_file_name, schema={"type": "string", "minLength": 1, "maxLength": 255, "description": _NAME}),
]
FileSize = Annotated[int, Rule(read=_file_size, schema={"type": "integer", "minimum": 1, "description": _SIZE})]
FileHash = Annotated[
    str | None,
    Rule(
        read=_hash,
        schema={
            "anyOf": [{"type": "string", "pattern": "^[0-9a-fA-F]{64}$"}, {"type": "null"}],
            "description": _HASH,
        },
    ),
]


class UploadBegin(BaseModel):
    """A file that will come in pieces."""

    model_config = ConfigDict(extra="forbid")

    name: FileName = Field(examples=["photo.jpg"])
    size: FileSize = Field(examples=[9_100_000])
    sha256: FileHash = None


class ImageUpload(BaseModel):
    """A picture for one's library: the file `image`, and nothing else."""

    model_config = ConfigDict(extra="forbid")


class Nothing(BaseModel):
    """A body without fields."""

    model_config = ConfigDict(extra="forbid")


class JobChanges(BaseModel):
    """What its owner calls a job, and whether it is a favourite; what is left out stays as it is."""

    model_config = ConfigDict(extra="forbid")

    title: Annotated[
        str | None,
        text("invalid_title", 120, "title is text of at most 120 characters on one line; null takes it away."),
    ] = Field(None, examples=["Lighthouse, second try"])
    favourite: Annotated[bool | None, truth("invalid_favourite", "favourite is true or false.")] = Field(
        None, examples=[True]
    )


class ShareTerms(BaseModel):
    """How a video is shared: the days until the link ends by itself (null: never), and what its page shows."""

    model_config = ConfigDict(extra="forbid")

    expires_in_days: Annotated[int | None, Rule(read=_days, schema=_DAYS_SCHEMA)] = 30
    show_name: Annotated[bool | None, truth("invalid_show_name", "show_name is true or false.")] = None
    show_prompt: Annotated[bool | None, truth("invalid_show_prompt", "show_prompt is true or false.")] = None


class Enhance(BaseModel):
    """A prompt to be made richer."""

    model_config = ConfigDict(extra="forbid")

    prompt: Prompt


class Generate(BaseModel):
    """What a video is made from. Only the prompt must be given."""

    model_config = ConfigDict(extra="forbid")

    prompt: Prompt
    model: ModelId = Field(None, examples=["local"])
    image_url: ImageUrl = None
    image_id: ImageId = None
    last_image_url: ImageUrl = None
    last_image_id: ImageId = None
    reference_ids: References = ()
    extend_id: ExtendId = None
    duration: Duration = Field(None, examples=[4])
    resolution: Resolution = None
    aspect_ratio: Shape = None
    cfg: Cfg = None
    seed: Seed = None
    negative_prompt: Negative = None
    audio: Audio = None
    steps: Steps = None
    priority: Priority = None
    webhook_url: WebhookUrl = None
    max_cost: MaxCost = None
    provider: ProviderName = None


class GenerateVideo(Generate):
    """The same, and which sizes are made for streaming."""

    quality_levels: Levels = ("720p", "1080p")


def field_names(body: type[BaseModel]) -> frozenset[str]:
    """The names of a body's fields."""
    return frozenset(body.model_fields)


def list_fields(body: type[BaseModel]) -> frozenset[str]:
    """The fields of a body that a form may send several times."""
    return frozenset(name for name in body.model_fields if name in ("quality_levels", "reference_ids"))


def files_of(body: type[BaseModel]) -> tuple[str, ...]:
    """The files that may come with this body."""
    if issubclass(body, Generate):
        return IMAGES
    return ("image",) if body is ImageUpload else ()


def files_needed(body: type[BaseModel]) -> tuple[str, ...]:
    """The files that must come with it."""
    return ("image",) if body is ImageUpload else ()


def as_plain(body: BaseModel) -> dict[str, Any]:
    """The fields that were given, as plain values: what an idempotency fingerprint is made of."""
    return body.model_dump(exclude_unset=True)
