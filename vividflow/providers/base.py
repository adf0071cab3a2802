"""The contract of a provider adapter: four short acts, and the plain values that go in and out of them.

An adapter translates; it decides nothing, waits for nothing, stores nothing and downloads nothing. Errors are those of
`vividflow.errors`: `Refused`, `Transient`, `Permanent`, `Unknown`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from vividflow.providers.model import Model


@dataclass(frozen=True, kw_only=True)
class Picture:
    """An input picture as bytes, with its real MIME type and size in pixels."""

    data: bytes = field(repr=False)
    mime: str
    width: int
    height: int


@dataclass(frozen=True, kw_only=True)
class Film:
    """A finished video that a clip goes on from: its SHA-256, MIME type and size in bytes.

    `gs_uri` is where it lies in Google's storage, if it does. `read` gives its bytes; raises `Permanent` when they are gone
    and `Transient` while the storage is away.
    """

    sha256: str
    mime: str
    size: int
    gs_uri: str | None = None
    read: Callable[[], bytes] = field(repr=False, compare=False)


@dataclass(frozen=True, kw_only=True)
class GenerationRequest:
    """What one order asks for, in our words; every value was checked against the registry before.

    `duration` is seconds, `resolution` the shorter side ("720p"), `aspect_ratio` "16:9"; 0 and "" where the model takes none.
    `references` show what a thing or a person looks like; they are not frames of the clip. With `extend` the clip goes on
    from that video, and `duration` is what is added to it.
    """

    model: str
    provider_model: str
    prompt: str
    duration: float
    resolution: str
    aspect_ratio: str
    seed: int | None = None
    negative_prompt: str | None = None
    cfg: float | None = None
    steps: int | None = None
    audio: bool | None = None
    image: Picture | None = None
    last_image: Picture | None = None
    references: tuple[Picture, ...] = ()
    extend: Film | None = None


@dataclass(frozen=True, kw_only=True)
class Order:
    """The paid submission at hand: `id` is ours, `token` unguessable, `intent_at` and `accepted_at` seconds since 1970.

    `callback_url` is where the provider may tell us, or None when it could not reach us.
    `request` is what was sent (as `prepare` returned it), for `find`; `bound` the operation ids that other orders own;
    `siblings_submitting` is True while another order with equal input still awaits its answer, `namesakes_submitting`
    while one with an equal prompt does, whatever else differs: for vendors whose list shows little more than prompts.
    """

    id: str
    token: str
    intent_at: float
    provider_model: str
    callback_url: str | None = None
    request: dict[str, Any] = field(default_factory=dict)
    bound: frozenset[str] = frozenset()
    siblings_submitting: bool = False
    namesakes_submitting: bool = False
    accepted_at: float | None = None
    operation_id: str | None = None
    fault: str | None = None


@dataclass(frozen=True, kw_only=True)
class Output:
    """One result: `url` (fetched through the outbound door with `headers`), `gs_uri` (an object, fetched with the storage
    client), `data` (the bytes themselves) or `path` (a local file)."""

    url: str | None = None
    gs_uri: str | None = None
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    data: bytes | None = field(default=None, repr=False)
    path: str | None = None


class OperationStatus(StrEnum):
    """The three things an operation can be, whatever words the provider uses."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True, kw_only=True)
class Operation:
    """The provider's handle and what was last seen of it.

    `progress` is 0-100 or None; `error_code` and `error_message` are ours and clean (FAILED only); `charged` is whether
    a failure was billed (None: not known); `cost_usd` the provider's own figure where it reports one; `cancelled` that
    it ended by a cancel. `seconds` is how long the vendor worked, `took` how long the order took from its making to its
    end, both by the vendor's own clock.
    """

    id: str
    status: OperationStatus
    progress: int | None = None
    outputs: tuple[Output, ...] = ()
    error_code: str | None = None
    error_message: str | None = None
    charged: bool | None = None
    cancelled: bool = False
    cost_usd: float | None = None
    seconds: float | None = None
    took: float | None = None


class CannotAsk(StrEnum):
    """Why `find` has no answer: not ever, or not yet (ask again in a while)."""

    NEVER = "never"
    NOT_YET = "not_yet"


class CancelOutcome(StrEnum):
    """What a cancel brought: it stopped, it was asked to stop, it had ended before, or it cannot be stopped."""

    STOPPED = "stopped"
    ASKED = "asked"
    ENDED = "ended"
    IMPOSSIBLE = "impossible"


class OpenProvider(Protocol):
    """A vendor that describes models by itself, besides those of the registry."""

    def model(self, name: str) -> Model:
        """The model of that id at the vendor. Raises `Refused` when there is none that can be asked, or `Transient`."""
        ...


class Provider(Protocol):
    """One vendor. Instances are cheap, hold their own client, and may be called from many threads."""

    name: str

    def prepare(self, request: GenerationRequest) -> dict[str, Any]:
        """The free part before the intent: uploads if needed, and the body that `submit` will send, as plain JSON values.

        May be repeated. Raises `Transient` or `Refused`.
        """
        ...

    def uploads(self, request: GenerationRequest) -> bool:
        """Whether `prepare` has to upload something, so that its body cannot be made a second time."""
        ...

    def submit(self, request: GenerationRequest, order: Order) -> Operation:
        """Send `order.request` as one paid POST, once. Raises `Refused`, `Transient` (certainly not accepted) or `Unknown`."""
        ...

    def poll(self, operation_id: str, order: Order) -> Operation:
        """What has become of it. Raises `Transient` when no answer could be had, `Permanent` when the provider lost it."""
        ...

    def find(self, order: Order) -> Operation | CannotAsk | None:
        """Was this lost order accepted? The operation, None for a certain no, or why it cannot be told."""
        ...

    def cancel(self, operation_id: str, order: Order) -> CancelOutcome:
        """Ask the provider to stop it. Raises `Transient` when no answer could be had."""
        ...

    def result_hosts(self) -> Sequence[str]:
        """Hosts (`replicate.delivery` covers its subdomains) that may get `Output.headers`, besides the base host."""
        ...

    def result_headers(self) -> dict[str, str]:
        """The headers (with the key) that fetching a result may need; given to `result_hosts` and the base host alone."""
        ...

    def verify_callback(self, headers: Mapping[str, str], raw_body: bytes) -> str | None:
        """The operation that a genuine callback is about, None for one that is not. Raises `Transient` when it cannot be told."""
        ...

    def own_netlocs(self) -> Sequence[str]:
        """The `host:port` of the configured base URL, allowed by the outbound door for this provider's results only."""
        ...


@runtime_checkable
class ManyPlaces(Protocol):
    """A provider of several servers: which key may be sent where depends on the order's."""

    def at(self, provider_model: str) -> Provider:
        """The server that orders of this provider id go to. Raises `Transient` when it is not set up."""
        ...


@runtime_checkable
class ManyAtOnce(Protocol):
    """A provider whose lists show many orders in one answer; which list an order stands in is `Vendor.lists`."""

    def look_through(self, orders: Sequence[Order]) -> Mapping[str, Operation]:
        """One request for the one list that all of `orders` stand in: what it shows of each, by operation id.

        Left out is what it does not show, shows twice, or shows in any way that `poll` would not believe: that is polled
        alone. Raises `Transient` when no answer could be had.
        """
        ...
