"""The bare clients beside which adapters are measured: the vendor's own as anybody would use it, plain HTTP where there is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from tests.simulators.gemini import KEY as GEMINI_KEY
from tests.simulators.kling import API_KEY as KLING_KEY
from tests.simulators.openai_videos import KEY as SERVER_KEY
from tests.simulators.replicate import TOKEN
from tests.simulators.vertex import PROJECT
from tests.simulators.vertex import TOKEN as ACCESS_TOKEN
from vividflow.timing import new_id

WAN, OMNI, VEO = "wan-video/wan-2.2-t2v-fast", "gemini-omni-1.2-flash", "veo-3.1-generate-001"
Body = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Bare:
    """The vendor's own client: `submit` takes what `prepare` made and gives what `poll` takes."""

    submit: Callable[[Body], Any]
    poll: Callable[[Any], Any]


def replicate(url: str) -> Bare:
    """Replicate's client."""
    from replicate.client import Client

    client = Client(api_token=TOKEN, base_url=url)
    return Bare(
        submit=lambda body: client.models.predictions.create(WAN, input=body["input"]).id,
        poll=client.predictions.get,
    )


def gemini(url: str) -> Bare:
    """Google's client with an API key."""
    from google.genai import Client, types

    client: Any = Client(api_key=GEMINI_KEY, vertexai=False, http_options=types.HttpOptions(base_url=url))
    return Bare(
        submit=lambda body: client.interactions.create(**body, model=OMNI, background=True, store=True).id,
        poll=client.interactions.get,
    )


def vertex(url: str) -> Bare:
    """Google's client in Vertex mode; results go to a bucket."""
    from google.genai import Client, types
    from google.oauth2.credentials import Credentials

    client = Client(
        vertexai=True,
        credentials=Credentials(token=ACCESS_TOKEN),
        project=PROJECT,
        location="us-central1",
        http_options=types.HttpOptions(base_url=url),
    )

    def submit(body: Body) -> Any:
        config = types.GenerateVideosConfig(**body["parameters"], output_gcs_uri="gs://films/bare/")
        source = types.GenerateVideosSource(prompt=body["prompt"])
        return client.models.generate_videos(model=VEO, source=source, config=config)

    return Bare(submit=submit, poll=client.operations.get)


def kling(url: str) -> Bare:
    """Plain HTTP on a kept connection."""
    client = httpx.Client(headers={"Authorization": f"Bearer {KLING_KEY}"})
    path = f"{url}/v1/videos/text2video"
    return Bare(
        submit=lambda body: (
            client.post(path, json=body | {"external_task_id": new_id()}).raise_for_status().json()["data"]["task_id"]
        ),
        poll=lambda task: client.get(f"{path}/{task}").raise_for_status().json()["data"]["task_status"],
    )


def openai(base: str) -> Bare:
    """Plain HTTP on a kept connection, an order as the form that ours sends."""
    client = httpx.Client(headers={"Authorization": f"Bearer {SERVER_KEY}"})

    def submit(body: Body) -> Any:
        form = {name: (None, str(value)) for name, value in body["fields"].items()}
        return client.post(f"{base}/videos", files=form).raise_for_status().json()["id"]

    return Bare(submit=submit, poll=lambda job: client.get(f"{base}/videos/{job}").raise_for_status().json()["status"])
