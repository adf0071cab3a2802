"""Models by their own schema: how it is read, what may be asked, how often it is looked up."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.providers.conftest import Clock
from tests.providers.contract import PNG, wish
from tests.simulators.replicate import ReplicateSimulator
from tests.simulators.replicate_models import SCHEMAS, VERSIONS, complaints, described
from vividflow.errors import Refused, Transient
from vividflow.providers.base import GenerationRequest, Picture
from vividflow.providers.replicate import ReplicateProvider
from vividflow.providers.replicate_by_schema import input_by_schema
from vividflow.providers.replicate_open import describe, model_of
from vividflow.providers.replicate_schema import NAMES, read_schema

DREAM = wish(provider_model="house/dream", duration=3, resolution="480p", aspect_ratio="16:9")


def place(picture: Picture) -> str:
    return "https://files.example/a.png"


def of(name: str) -> Any:
    return describe(name, described(name) or {})


def told(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    schema = {"components": {"schemas": {"Input": {"properties": properties}}}}
    return {"latest_version": {"id": "hidden", "openapi_schema": schema}} | more


def test_a_model_is_described_in_the_registrys_words() -> None:
    model = model_of(of("house/dream"))
    assert (model.id, model.kind) == ("replicate/house/dream", "video")
    assert model.takes == {"image", "audio", "cfg", "seed"}
    limits = model.limits
    assert (limits.duration_range, limits.default_duration) == ((2, 12), 4)
    assert (limits.resolutions, limits.aspect_ratios) == (("480p", "1080p"), ("16:9", "1:1"))
    assert (limits.cfg, limits.seed_max) == ((1, 15), 2**31 - 1)
    (route,) = model.routes
    assert (route.text, route.image, route.prices, route.price_date) == ("house/dream", "house/dream", (), None)


def test_frames_become_seconds_and_a_model_without_an_address_gets_its_version() -> None:
    model = model_of(of("someone/moving-pictures"))
    assert model.limits.duration_range == (2, 8)
    (route,) = model.routes
    assert (route.text, route.image) == (None, f"someone/moving-pictures:{VERSIONS['someone/moving-pictures']}")


def test_sizes_in_pixels_become_resolutions_and_shapes() -> None:
    limits = model_of(of("wan-video/wan-2.5-t2v")).limits
    assert (limits.resolutions, limits.aspect_ratios) == (("480p", "720p", "1080p"), ("16:9", "9:16"))
    assert limits.durations == (5, 10)


@pytest.mark.parametrize(
    ("properties", "more", "kind"),
    [
        ({"prompt": {"type": "string"}, "fps": {"type": "integer"}}, {}, "video"),
        ({"prompt": {"type": "string"}}, {}, "image"),
        ({"prompt": {"type": "string"}}, {"default_example": {"output": ["https://x.example/a.webp?b=1"]}}, "image"),
        ({"prompt": {"type": "string"}}, {"default_example": {"output": "https://x.example/a.mp4"}}, "video"),
        (
            {"prompt": {"type": "string"}, "fps": {}},
            {"default_example": {"output": "https://x.example/a.png"}},
            "image",
        ),
        ({"prompt": {"type": "string"}}, {"default_example": None}, "image"),
    ],
)
def test_what_a_model_makes_is_told_by_its_example_or_by_whether_it_has_a_length(
    properties: dict[str, Any], more: dict[str, Any], kind: str
) -> None:
    assert model_of(describe("a/b", told(properties, **more))).kind == kind


@pytest.mark.parametrize("name", [name for name in SCHEMAS if "prompt" in SCHEMAS[name]["properties"]])
def test_every_schema_can_be_asked_by_itself(name: str) -> None:
    model = model_of(of(name))
    limits, route = model.limits, model.routes[0]
    spans = limits.durations or limits.duration_range or (0.0,)
    for length in spans:
        for size in limits.resolutions or ("",):
            for shape in limits.aspect_ratios or ("",):
                request = GenerationRequest(
                    model=model.id,
                    provider_model=name,
                    prompt="a lighthouse",
                    duration=length,
                    resolution=size,
                    aspect_ratio=shape,
                    image=PNG if route.text is None else None,
                    seed=7 if "seed" in model.takes else None,
                    cfg=limits.cfg[1] if limits.cfg else None,
                    steps=int(limits.steps[1]) if limits.steps else None,
                )
                assert complaints(name, input_by_schema(request, of(name).schema, place), ()) == []


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"duration": 13}, "at most 12"),
        ({"resolution": "720p"}, "480P, 1080P, not 720p"),
        ({"aspect_ratio": "9:16"}, "16:9, 1:1, not 9:16"),
        ({"negative_prompt": "rain"}, "does not take negative_prompt; it takes prompt, image, seed"),
        ({"last_image": PNG}, "does not take last_image"),
    ],
)
def test_what_a_schema_has_no_room_for_is_refused_with_what_it_has(changed: dict[str, Any], says: str) -> None:
    with pytest.raises(Refused) as caught:
        input_by_schema(replace(DREAM, **changed), of("house/dream").schema, place)
    assert caught.value.code == "provider_refused_input"
    assert says in caught.value.message


def test_what_must_be_given_and_is_not_is_named() -> None:
    with pytest.raises(Refused, match="needs image"):
        input_by_schema(
            wish(seed=None, resolution="", aspect_ratio="", image=None), of("someone/moving-pictures").schema, place
        )
    with pytest.raises(Refused) as caught:
        model_of(of("someone/upscaler"))
    assert caught.value.code == "model_not_mapped"
    assert "needs video" in caught.value.message


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["string", "5", "720p", "16:9", "1280*720", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "enum", "minimum", "maximum", "default", "$ref", "allOf"]), inner)
    ),
    max_leaves=8,
)


@given(properties=st.dictionaries(st.sampled_from([name for names in NAMES.values() for name in names]), JSON))
def test_no_schema_breaks_the_reading_of_it(properties: dict[str, Any]) -> None:
    try:
        model = model_of(describe("a/b", told(properties | {"prompt": {"type": "string"}})))
    except Refused:
        return
    limits = model.limits
    assert not limits.timed or limits.takes_duration(limits.default_duration) or not limits.default_duration


@pytest.mark.parametrize("broken", [{}, {"components": []}, {"components": {"schemas": {"Input": {"properties": []}}}}])
def test_a_schema_that_is_none_cannot_be_read(broken: dict[str, Any]) -> None:
    assert read_schema(broken) is None


def test_a_model_is_looked_up_once_in_ten_minutes(
    simulator: ReplicateSimulator, provider: ReplicateProvider, clock: Clock
) -> None:
    for _ in range(3):
        provider.model("house/dream")
        provider.prepare(DREAM)
    assert simulator.requests == {"model": 1}
    clock.ahead = 601
    provider.model("house/dream")
    assert simulator.requests == {"model": 2}


def test_a_no_is_believed_for_a_minute_and_no_answer_is_not_remembered(
    simulator: ReplicateSimulator, provider: ReplicateProvider, clock: Clock
) -> None:
    simulator.faults.add("model_missing")
    for _ in range(2):
        with pytest.raises(Refused) as caught:
            provider.model("house/dream")
        assert caught.value.code == "model_not_found"
    assert simulator.requests == {"model": 1}
    clock.ahead = 61
    assert provider.model("house/dream").id == "replicate/house/dream"
    simulator.token = "r8_another"
    with pytest.raises(Transient):
        provider.model("google/veo-3.1")


@pytest.mark.parametrize("name", ["nobody", "a/b/c", "../predictions", "a/b?c", "a/b#c", "a b/c", "/", "a/..", "ä/b"])
def test_what_is_no_id_never_reaches_the_vendor(
    simulator: ReplicateSimulator, provider: ReplicateProvider, name: str
) -> None:
    with pytest.raises(Refused):
        provider.model(name)
    assert simulator.requests == {}
