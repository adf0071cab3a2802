"""A stage with two routes to one model: Veo by Google Cloud, and Veo by Replicate, each simulated and counting payments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.lifecycle.stage import FAST, Stage
from tests.lifecycle.veo import BUCKET
from tests.people import make_user
from tests.simulators.replicate import TOKEN as REPLICATE_TOKEN
from tests.simulators.replicate import ReplicateSimulator
from tests.simulators.vertex import PROJECT, TOKEN, VertexSimulator
from vividflow.lifecycle.tools import Tools
from vividflow.providers.replicate import ReplicateProvider


@dataclass(kw_only=True)
class TwoRoutes(Stage):
    """`first` is Google Cloud, `second` (also `simulator`) Replicate: of equal price, and the first one quicker."""

    first: VertexSimulator

    @property
    def second(self) -> ReplicateSimulator:
        """The other route's simulator."""
        return self.simulator

    @property
    def paid(self) -> tuple[int, int]:
        """Payments by the first and by the second route."""
        return self.first.paid_since, self.second.paid

    def place(self, **wish: object) -> str:
        """Place a job for Veo; its id."""
        values: dict[str, object] = {"model": "veo3.1", "resolution": "720p", "duration": 4.0}
        return super().place(**(values | wish))


def make_two_routes(
    tools_for: Callable[..., Tools], first: VertexSimulator, second: ReplicateSimulator, **settings: object
) -> TwoRoutes:
    """A stage whose tools have keys for both."""
    given = FAST | {
        "google_cloud_project": PROJECT,
        "google_oauth_access_token": TOKEN,
        "google_vertex_base_url": first.url,
        "storage_emulator_host": first.url,
        "vertex_output_uri": BUCKET,
        "replicate_api_token": REPLICATE_TOKEN,
        "replicate_base_url": second.url,
        "media_hands": 2,
    }
    tools = tools_for(**(given | settings))
    tools._built["provider:replicate"] = ReplicateProvider(tools.settings, certain_no_seconds=1.0)
    return TwoRoutes(tools=tools, user=make_user(tools), simulator=second, first=first)
