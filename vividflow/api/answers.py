"""What addresses answer, as models: only the OpenAPI document reads this, answers themselves are made of plain dicts."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

StatusWord = Literal["queued", "processing", "completed", "failed", "cancelled"]


class Shape(BaseModel):
    """A JSON object; further members may be added in later versions."""

    model_config = ConfigDict(extra="allow")


class FieldProblem(Shape):
    """One thing wrong with one field."""

    param: str
    code: str
    detail: str


class Problem(Shape):
    """A refusal (RFC 9457)."""

    type: str = Field(examples=["http://127.0.0.1:8000/docs/errors#invalid_duration"])
    title: str = Field(examples=["Invalid duration"])
    status: int = Field(examples=[422])
    code: str = Field(examples=["invalid_duration"])
    detail: str = Field(examples=["Local preview takes 1 to 60 seconds, not 90."])
    param: str | None = Field(None, examples=["duration"])
    errors: list[FieldProblem] | None = None
    request_id: str


class Placed(Shape):
    """A job that was accepted: it is on disk, and will be done once."""

    job_id: str
    status: StatusWord
    created_at: str
    status_url: str
    estimated_cost: float | None
    estimated_seconds: float
    warnings: list[str]
    message: str


class CancelOffer(Shape):
    """Whether a job can be cancelled now, and what comes back."""

    possible: bool
    refund_usd: float
    reason: str | None


class RouteTaken(Shape):
    """A provider that a job went by: one that it `left` with `code` and `reason`, `at` that moment, or the one it is at now.

    `state` of the last one says what became of it: it is the `current` one, it `made` the result, or it `ended` without one.
    """

    provider: str
    state: Literal["left", "current", "made", "ended"]
    code: str | None
    reason: str | None
    at: str | None


class Metrics(Shape):
    """How long it took, what it cost in US dollars, how often it was tried and looked at."""

    queue_seconds: float | None
    generation_seconds: float | None
    processing_seconds: float | None
    total_seconds: float | None
    cost: float | None
    estimated_cost: float | None
    actual_cost: float | None
    variance: float | None
    variance_alert: bool
    attempts: int
    polls: int
    routes: list[RouteTaken]
    bytes: int | None


class Status(Shape):
    """A job as it is now."""

    job_id: str
    status: StatusWord
    kind: str
    created_at: str
    updated_at: str
    progress: int | None = Field(ge=0, le=100)
    stage: str
    eta_seconds: int | None
    queue_position: int | None
    model: str | None
    provider: str | None
    title: str | None
    favourite: bool
    message: str
    result_url: str | None
    thumbnail_url: str | None
    result: dict[str, Any]
    late_result_url: str | None
    cancel: CancelOffer
    error_message: str | None
    error_code: str | None
    metrics: Metrics


class Stage(Shape):
    """One stage of a job."""

    stage: str
    state: str
    started_at: str | None
    ended_at: str | None
    percentage: int | None


class StatusWithStages(Status):
    """A job as it is now, with every stage."""

    stages: list[Stage]


class JobList(Shape):
    """A page of jobs, newest first."""

    data: list[Status]
    has_more: bool
    next: str | None


class Figures(Shape):
    """What jobs made (`seconds` of film) and cost in US dollars.

    `estimated_cost` and `actual_cost` (what providers took) are of the jobs whose cost is known, `variance` the difference
    as a share of the estimate; `charged` is what was paid, `refunded` what came back of the reserves.
    """

    jobs: int
    completed: int
    failed: int
    cancelled: int
    seconds: float
    estimated_cost: float
    actual_cost: float
    variance: float | None
    variance_alert: bool
    charged: float
    refunded: float


class UsageRow(Figures):
    """The figures of one group: its day, model, provider or key id (null: not by a key), and its name."""

    group: str | None
    name: str


class Period(Shape):
    """From, and to what it does not reach any more."""

    since: str = Field(alias="from")
    until: str = Field(alias="to")


class Usage(Shape):
    """What one used in a period, in all and by group."""

    period: Period
    group_by: Literal["day", "model", "provider", "key"]
    totals: Figures
    rows: list[UsageRow]


class Cancelled(Shape):
    """What a cancel brought."""

    job_id: str
    status: StatusWord
    cancel_requested: bool
    message: str
    cancel: CancelOffer | None = None


class Fronted(Shape):
    """A job that is first among its owner's queued ones."""

    job_id: str
    status: StatusWord
    message: str


class ModelPrice(Shape):
    """One line of a price list: US dollars for so many seconds or frames, or (neither) for the whole; null means any."""

    usd: float
    per_seconds: float | None
    per_frames: int | None
    resolution: str | None
    audio: bool | None
    image: bool | None


class ModelRoute(Shape):
    """One provider of a model, with its price list; `unit_prices` are for a second, of a picture for one, by resolution.

    `state` is whether orders may go there just now: open, trying (one is finding out) or shut, with `state_reason`, and
    `state_until` where it is known when that may change.
    """

    provider: str
    usable: bool
    reason: str | None
    state: Literal["open", "trying", "shut"]
    state_reason: str | None
    state_until: str | None
    unit_prices: dict[str, float]
    prices: list[ModelPrice]
    price_date: str | None
    price_source: str
    price_verified: bool


class ModelLimits(Shape):
    """What values a model takes."""

    durations: list[float]
    duration_range: list[float] | None
    default_duration: float | None
    resolutions: list[str]
    aspect_ratios: list[str]
    cfg: list[float] | None
    steps: list[float] | None
    seed_max: int | None


class Model(Shape):
    """One model. `state` is how it stands by the best of its routes, with the sentence behind it.

    In the states paused, stopped and resting it can be ordered, and the order waits.
    """

    id: str
    title: str
    kind: str
    note: str
    usable: bool
    reason: str | None
    state: Literal["usable", "ending", "paused", "stopped", "resting", "gone", "not_set_up", "shut_down"]
    state_reason: str | None
    state_until: str | None
    routes: list[ModelRoute]
    takes: list[str]
    limits: ModelLimits
    price_per_second: dict[str, float] | None
    price_per_image: dict[str, float] | None
    price_date: str | None
    price_source: str | None
    price_verified: bool | None
    shutdown_date: str | None
    successor: str | None
    warnings: list[str]


class ModelPattern(Shape):
    """A name under which any model of a server can be asked for: `openai/den/<name>`."""

    pattern: str
    provider: str


class ModelList(Shape):
    """All models, in order of preference, and names that take any model of a server."""

    data: list[Model]
    patterns: list[ModelPattern]


class Estimate(Shape):
    """What a body would cost (US dollars; null: not known) and how long it would take (seconds)."""

    model: str
    estimated_cost: float | None
    estimated_seconds: float
    warnings: list[str]


class Enhanced(Shape):
    """A prompt made richer, beside the one it was made from; `source` is what made it."""

    prompt: str
    original: str
    source: Literal["gemini", "rules"]


class Exif(Shape):
    """What is kept of EXIF: how the picture was turned (1 to 8), and whether a place was in it, which was removed."""

    orientation: int = Field(ge=1, le=8)
    location_removed: bool


class Moderation(Shape):
    """What the checks of this installation thought of a picture."""

    verdict: Literal["allowed", "flagged", "not_checked"]
    checks: dict[str, Any]


class Image(Shape):
    """A picture in one's library. `sha256` is of the bytes that were sent; the links work without a key."""

    id: str
    image_id: str
    url: str
    thumbnail_url: str
    mime_type: str
    size: int
    width: int
    height: int
    sha256: str
    given_mime_type: str
    exif: Exif
    moderation: Moderation
    created_at: str


class ImageList(Shape):
    """A page of pictures, newest first."""

    data: list[Image]
    has_more: bool
    next: str | None


class Upload(Shape):
    """A file on its way: `received` of `size` bytes are on disk; `image_id` is there once it became a picture."""

    upload_id: str
    name: str
    size: int
    received: int
    chunk_bytes: int
    image_id: str | None
    expires_at: str


class Piece(Shape):
    """How many bytes of a file are here; with the last piece the members of the picture stand beside it."""

    received: int


class WebhookSecret(Shape):
    """The secret that signs one's webhooks."""

    secret: str = Field(examples=["whsec_…"])


class Metadata(Shape):
    """The facts of a finished video."""

    job_id: str
    video_urls: dict[str, str]
    thumbnail_urls: list[str]
    technical_metadata: dict[str, Any]
    findings: list[dict[str, Any]] | None
    streaming_info: dict[str, Any]
    storage_keys: list[str]
    s3_keys: list[str]
    storage_state: Literal["stored", "waiting"]
    file_size: int
    duration: float | None
    dimensions: list[int | None]
    sha256: str
    created_at: str
    provenance: dict[str, Any]


class Signer(Shape):
    """Whose certificate signed; `ours` for one of this installation."""

    name: str | None
    organisation: str | None
    algorithm: str | None
    serial: str | None
    ours: bool


class Provenance(Shape):
    """What the manifest of a file says, and whether it holds. `trusted` is null where nobody here can know."""

    job_id: str
    asset_id: str
    sha256: str
    state: Literal["valid", "invalid", "none", "unread"]
    valid: bool
    trusted: bool | None
    checked: Literal["file", "manifest", "nothing"]
    signer: Signer | None
    claim_generator: str | None
    ai_generated: bool
    digital_source_type: str | None
    model: str | None
    provider: str | None
    provider_model: str | None
    prompt: str | None
    note: str | None
    made_at: str | None
    actions: list[dict[str, Any]]
    ingredients: list[dict[str, Any]]
    problems: list[str]
    provider_manifest: dict[str, Any] | None
    trouble: str | None
    manifest_url: str | None


class Share(Shape):
    """The public link of a video. `expires_at` is null for one that does not end by itself."""

    url: str
    expires_at: str | None
    show_name: bool
    show_prompt: bool
    created_at: str


class Received(Shape):
    """A callback was taken in."""

    received: bool


class Alive(Shape):
    """The process is up."""

    status: str
    version: str


class Ready(Shape):
    """Database, storage and worker answer."""

    status: str
    checks: dict[str, str]


class Services(Shape):
    """Each dependency with its state."""

    status: str
    version: str
    services: dict[str, Any]


MODELS: tuple[type[BaseModel], ...] = (
    Problem,
    Placed,
    Status,
    StatusWithStages,
    JobList,
    Cancelled,
    Fronted,
    ModelList,
    Estimate,
    Usage,
    Enhanced,
    Image,
    ImageList,
    Upload,
    Piece,
    WebhookSecret,
    Metadata,
    Provenance,
    Share,
    Received,
    Alive,
    Ready,
    Services,
)
