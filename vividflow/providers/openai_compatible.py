"""Any server that speaks `/v1/videos` (vLLM-Omni, SGLang, LiteLLM, resellers): several side by side, each by its name.

The provider's id of a model is `<server>/<the server's own name of it>`. What a server takes and answers is in
`openai_dialects.py`; that each keeps its key to itself is why an order is always dealt with by the place it was made for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from vividflow.config import Settings
from vividflow.errors import Refused, Transient
from vividflow.providers.base import CancelOutcome, CannotAsk, GenerationRequest, Operation, Order
from vividflow.providers.model import Limits, Model, Price, Route
from vividflow.providers.openai_place import ServerPlace
from vividflow.providers.openai_search import CERTAIN_NO_SECONDS
from vividflow.providers.openai_servers import read_servers
from vividflow.providers.registry import load_registry

SHORTEST_SECONDS, LONGEST_SECONDS, USUAL_LENGTH = 1.0, 60.0, 4.0
RESOLUTIONS = ("480p", "720p", "1080p", "4k")
SHAPES = ("16:9", "9:16", "1:1", "4:3", "3:4", "21:9")
CFG, STEPS, SEED_MAX = (1.0, 20.0), (1.0, 200.0), 2**31 - 1
USUAL_SECONDS = 60.0
_MODEL = re.compile(r"[\x21-\x7e]{1,200}").fullmatch


class OpenAIProvider:
    """The servers of OPENAI_BASE_URL and OPENAI_SERVERS. Raises `Complaints` when those cannot be read."""

    name = "openai"

    def __init__(self, settings: Settings, *, certain_no_seconds: float = CERTAIN_NO_SECONDS) -> None:
        servers = read_servers(settings)
        self._places = {
            name: ServerPlace(server, certain_no_seconds=certain_no_seconds) for name, server in servers.items()
        }
        registry = load_registry(settings.models_file)
        self._dated = registry.dated
        self._rows = {
            (model.id, route.provider_model(has_image=has_image, resolution=resolution)): route
            for model in registry.models
            for route in model.routes
            for has_image in (False, True)
            for resolution in model.limits.resolutions
            if route.provider == self.name
        }

    # ---- several places

    def at(self, provider_model: str) -> ServerPlace:
        """The server of an order. Raises `Transient` when it is not among the settings (now)."""
        name = provider_model.partition("/")[0]
        if name not in self._places:
            raise Transient("server_not_set_up", f"The server “{name}” is not set up here just now.")
        return self._places[name]

    def model(self, name: str) -> Model:
        """The model `<server>/<name>` as its server's dialect takes it, free of charge. Raises `Refused` (model_not_found)."""
        server, _, own = name.partition("/")
        place = self._places.get(server)
        if place is None:
            known = ", ".join(self._places)
            raise Refused("model_not_found", f"There is no server called “{server[:40]}” here. There are: {known}.")
        if not _MODEL(own):
            raise Refused("model_not_found", f"A model of this server is named openai/{server}/<name>.")
        takes = place.server.dialect.takes
        limits = Limits(
            duration_range=(SHORTEST_SECONDS, LONGEST_SECONDS),
            default_duration=USUAL_LENGTH,
            resolutions=RESOLUTIONS,
            aspect_ratios=SHAPES,
            cfg=CFG if "cfg" in takes else None,
            steps=STEPS if "steps" in takes else None,
            seed_max=SEED_MAX if "seed" in takes else None,
        )
        route = Route(
            provider=self.name,
            text=name,
            image=name,
            shape_from_picture=True,
            usual_base=USUAL_SECONDS,
            prices=(Price(usd=Decimal(0)),),
            price_date=self._dated,
            price_source="your own server",
        )
        title = f"openai/{name}"
        return Model(id=title, title=title, kind="video", takes=takes, limits=limits, routes=(route,))

    # ---- the contract: each act is done by the place of the order

    def prepare(self, request: GenerationRequest) -> dict[str, Any]:
        """The fields of the order. Raises `Refused` when its server is not set up here."""
        route = self._rows.get((request.model, request.provider_model))
        return self._open(request.provider_model).prepare(request, route)

    def uploads(self, request: GenerationRequest) -> bool:
        """Never: a picture goes with the order."""
        return False

    def submit(self, request: GenerationRequest, order: Order) -> Operation:
        """One POST to the order's server."""
        return self._open(order.provider_model).submit(request, order)

    def poll(self, operation_id: str, order: Order) -> Operation:
        """One GET from the order's server."""
        return self.at(order.provider_model).poll(operation_id, order)

    def find(self, order: Order) -> Operation | CannotAsk | None:
        """Look through the list of the order's server."""
        return self.at(order.provider_model).find(order)

    def cancel(self, operation_id: str, order: Order) -> CancelOutcome:
        """Stop it where the order's server can."""
        return self.at(order.provider_model).cancel(operation_id, order)

    def look_through(self, orders: Sequence[Order]) -> Mapping[str, Operation]:
        """The newest hundred jobs of the server of `orders`."""
        return self.at(orders[0].provider_model).look_through(orders)

    def result_hosts(self) -> Sequence[str]:
        """None: `at(…)` knows the one host of an order."""
        return ()

    def result_headers(self) -> dict[str, str]:
        """None: `at(…)` knows the one key that may be sent."""
        return {}

    def own_netlocs(self) -> Sequence[str]:
        """The `host:port` of every server."""
        return tuple(place.server.netloc for place in self._places.values())

    def verify_callback(self, headers: Mapping[str, str], raw_body: bytes) -> str | None:
        """Never: such servers call nobody."""
        return None

    def close(self) -> None:
        """Let go of all clients."""
        for place in self._places.values():
            place.close()

    def _open(self, provider_model: str) -> ServerPlace:
        """As `at`, for an order that is not placed yet: nothing was sent, so it need not be waited for."""
        try:
            return self.at(provider_model)
        except Transient as absent:
            raise Refused(absent.code, absent.message) from absent
