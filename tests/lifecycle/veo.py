"""A stage for whole lives of Veo jobs: a simulated Veo with a bucket of its own, and Google's own client on our side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.lifecycle.stage import FAST, Stage
from tests.people import make_user
from tests.simulators.vertex import PROJECT, TOKEN, VertexSimulator
from vividflow.lifecycle.tools import Tools

BUCKET = "gs://films/veo"


@dataclass(kw_only=True)
class VeoStage(Stage):
    """The same stage, with the simulated Veo."""

    simulator: VertexSimulator  # type: ignore[assignment]

    def place(self, **wish: object) -> str:
        """Place a job for Veo; its id."""
        values: dict[str, object] = {"model": "veo3.1", "resolution": "720p", "duration": 4.0}
        return super().place(**(values | wish))

    def charged(self) -> int:
        """Most payments for one order."""
        return max(self.simulator.by_place.values(), default=0)


def make_veo_stage(tools_for: Callable[..., Tools], simulator: VertexSimulator, **settings: object) -> VeoStage:
    """A stage whose tools point at the simulator and its bucket."""
    given = FAST | {
        "google_cloud_project": PROJECT,
        "google_oauth_access_token": TOKEN,
        "google_vertex_base_url": simulator.url,
        "storage_emulator_host": simulator.url,
        "vertex_output_uri": BUCKET,
        "media_hands": 2,
    }
    tools = tools_for(**(given | settings))
    return VeoStage(tools=tools, user=make_user(tools), simulator=simulator)
