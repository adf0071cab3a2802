"""What each vendor offers, by the registry (or, where it describes its models itself, by that), and the least order for it."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from tests.providers.contract import settings
from tests.simulators.kling_pictures import png
from vividflow.providers.base import GenerationRequest, OpenProvider, Picture
from vividflow.providers.catalog import PROVIDERS
from vividflow.providers.model import Model, Route
from vividflow.providers.registry import load_registry


@cache
def offers(vendor: str) -> tuple[tuple[Model, Route], ...]:
    """The models of a vendor, each with its route there; of a vendor without a row in the registry what it says itself."""
    rows = [(model, route) for model in load_registry().models for route in model.routes if route.provider == vendor]
    living = [(model, route) for model, route in rows if not model.retired() and model.kind == "video"]
    if living or not PROVIDERS[vendor].opens:
        return tuple(living)
    with tempfile.TemporaryDirectory() as folder:
        own: OpenProvider = PROVIDERS[vendor].build(  # pyright: ignore[reportAssignmentType]
            settings(Path(folder), openai_base_url="vllm_omni+http://127.0.0.1:9/v1")
        )
    model = own.model("default/wan")
    return ((model, model.routes[0]),)


def taking(vendor: str, *names: str) -> tuple[Model, Route] | None:
    """The first model of a vendor whose route takes all of that, or None."""
    for model, route in offers(vendor):
        takes = model.takes - route.lacks
        source = route.image if "image" in names else route.text
        if source is not None and set(names) <= takes:
            return model, route
    return None


def asked_for(vendor: str, *names: str) -> GenerationRequest:
    """The least that such an order can be, in the limits of the registry; its pictures are real ones."""
    found = taking(vendor, *names)
    assert found is not None, (vendor, names)
    model, route = found
    limits = model.limits
    with_references = "references" in names and limits.reference_durations
    resolution = next(each for each in limits.resolutions if all(limits.takes_at(name, each) for name in names))
    fields: dict[str, Any] = {
        name: tuple(_picture(10 + number) for number in range(limits.references or 1))
        if name == "references"
        else _picture(number)
        for number, name in enumerate(names)
    }
    return GenerationRequest(
        model=model.id,
        provider_model=route.provider_model(has_image="image" in names, resolution=resolution) or "",
        prompt="a lighthouse at dawn",
        duration=limits.reference_durations[0] if with_references else limits.default_duration,
        resolution=resolution,
        aspect_ratio=limits.aspect_ratios[0],
        seed=7 if "seed" in model.takes else None,
        audio=True if model.audio_always else None,
        **fields,
    )


def _picture(number: int) -> Picture:
    """A picture of its own, 16:9, as every vendor takes it."""
    data = png(640 + 16 * number, 360 + 9 * number)
    return Picture(data=data, mime="image/png", width=640 + 16 * number, height=360 + 9 * number)
