"""What is sent to Kling: its own words and types, held against the strict simulator for every order the registry allows."""

from __future__ import annotations

import base64
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.providers.contract import clip_by_kling, order_for
from tests.providers.kling_orders import from_picture, picture, submitted
from tests.simulators.kling import KlingSimulator
from tests.simulators.kling_pictures import complaint
from tests.simulators.kling_rules import complaints, units
from vividflow.errors import Refused
from vividflow.providers.base import GenerationRequest
from vividflow.providers.kling import KlingProvider
from vividflow.providers.kling_inputs import video_body, with_pictures
from vividflow.providers.model import PictureLimits
from vividflow.providers.price import quote
from vividflow.providers.registry import load_registry

LIMITS = PictureLimits(min_side=300, max_bytes=10_000_000, ratio=(0.4, 2.5))
PLAIN = {"prompt": "a lighthouse at dawn", "mode": "std", "duration": "5", "sound": "off"}
REGISTRY = load_registry()
PICTURE = picture()
SIZES = [
    (model.id, size) for model in REGISTRY.models if model.id.startswith("kling") for size in model.limits.resolutions
]


def sent(request: GenerationRequest) -> dict[str, Any]:
    """The body as it leaves the house."""
    return with_pictures(video_body(request, LIMITS), request)


def test_words_and_types_are_the_vendors() -> None:
    assert sent(clip_by_kling()) == PLAIN | {"model_name": "kling-v3", "aspect_ratio": "16:9"}
    assert sent(clip_by_kling(negative_prompt="rain", audio=True, resolution="1080p", duration=10.0)) == {
        "model_name": "kling-v3",
        "prompt": "a lighthouse at dawn",
        "negative_prompt": "rain",
        "mode": "pro",
        "duration": "10",
        "sound": "on",
        "aspect_ratio": "16:9",
    }


def test_a_clip_from_pictures_sends_them_as_bare_base64_and_follows_their_shape() -> None:
    request = from_picture(last_image=picture(800, 450))
    body = sent(request)
    assert request.image is not None
    assert request.last_image is not None
    assert base64.b64decode(body.pop("image")) == request.image.data
    assert base64.b64decode(body.pop("image_tail")) == request.last_image.data
    assert body == PLAIN | {"model_name": "kling-v3"}


def test_what_is_kept_of_an_order_is_small_and_names_its_pictures() -> None:
    kept = video_body(from_picture(), LIMITS)
    assert len(str(kept)) < 400
    assert kept != video_body(from_picture(image=picture(641, 360)), LIMITS)


@pytest.mark.parametrize("name", ["seed", "cfg", "steps"])
def test_what_kling_does_not_take_is_not_sent(name: str) -> None:
    assert sent(clip_by_kling(**{name: 7})) == sent(clip_by_kling())


@pytest.mark.parametrize(("model", "size"), SIZES)
def test_every_order_the_registry_allows_is_taken_and_costs_what_was_quoted(model: str, size: str) -> None:
    known = REGISTRY.model(model)
    unit = REGISTRY.vendors["kling"].unit_usd
    assert known is not None
    assert unit is not None
    (route,) = known.routes
    pictures = [(False, False), (True, False), (True, True)][: 3 if known.limits.takes_at("last_image", size) else 2]
    audios = (False, True) if known.limits.takes_at("audio", size) else (False,)
    limits = known.limits
    for length, shape, audio, (first, last) in product(limits.durations, limits.aspect_ratios, audios, pictures):
        if audio and last and limits.apart:
            continue
        name = str(route.provider_model(has_image=first, resolution=size))
        request = clip_by_kling(
            model=model,
            provider_model=name,
            duration=length,
            resolution=size,
            aspect_ratio=shape,
            audio=audio,
            negative_prompt="rain",
            image=PICTURE if first else None,
            last_image=PICTURE if last else None,
        )
        body = sent(request)
        assert complaints(name.partition("/")[0], body) == []
        quoted = quote(known, route, duration=length, resolution=size, audio=audio, has_image=first)
        assert quoted == round(units(body) * float(unit) * 1_000_000)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"provider_model": "kling-v3"}, "model_not_mapped"),
        ({"provider_model": "omni-video/kling-v3"}, "model_not_mapped"),
        ({"provider_model": "text2video/"}, "model_not_mapped"),
        ({"provider_model": "image2video/kling-v3"}, "image_required"),
        ({"resolution": "480p"}, "invalid_resolution"),
        ({"duration": 5.5}, "invalid_duration"),
        ({"duration": 0}, "invalid_duration"),
        ({"prompt": "x" * 2501}, "prompt_too_long"),
        ({"negative_prompt": "x" * 2501}, "prompt_too_long"),
    ],
)
def test_what_cannot_be_asked_is_refused_before_anything_is_sent(given: dict[str, Any], code: str) -> None:
    with pytest.raises(Refused) as caught:
        video_body(clip_by_kling(**given), LIMITS)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("width", "height", "flaw"),
    [
        (299, 400, "at least 300 px"),
        (300, 300, None),
        (750, 300, None),
        (751, 300, "shapes from 0.4 to 2.5"),
        (300, 750, None),
        (300, 751, "shapes from 0.4 to 2.5"),
    ],
)
def test_pictures_are_held_against_the_registrys_limits(
    kling: KlingProvider, width: int, height: int, flaw: str | None
) -> None:
    given = picture(width, height)
    assert (complaint(base64.b64encode(given.data).decode()) is None) == (flaw is None)
    for request in (from_picture(image=given), from_picture(last_image=given)):
        if flaw is None:
            kling.prepare(request)
        else:
            with pytest.raises(Refused, match=flaw) as caught:
                kling.prepare(request)
            assert caught.value.code == "image_unsuitable"


def test_a_picture_of_another_kind_or_too_many_bytes_is_refused(kling: KlingProvider) -> None:
    with pytest.raises(Refused, match="jpeg or png, not image/webp"):
        kling.prepare(from_picture(image=picture(mime="image/webp")))
    with pytest.raises(Refused, match=r"at most 0\.0001 MB"):
        video_body(from_picture(), PictureLimits(max_bytes=100))


def test_pictures_travel_whole(kling: KlingProvider, kling_simulator: KlingSimulator) -> None:
    submitted(kling, from_picture(last_image=picture()))
    (body,) = kling_simulator.submitted
    assert complaints("image2video", body) == []
    assert kling_simulator.paid == 1


def test_our_id_and_the_callback_address_go_along(kling: KlingProvider, kling_simulator: KlingSimulator) -> None:
    _, order = submitted(kling, callback_url="http://127.0.0.1:9/hook/tok")
    (body,) = kling_simulator.submitted
    assert (body["external_task_id"], body["callback_url"]) == (order.id, "http://127.0.0.1:9/hook/tok")
    assert "external_task_id" not in order.request


def test_the_model_is_named_so_that_no_older_one_is_made(kling: KlingProvider, kling_simulator: KlingSimulator) -> None:
    submitted(kling)
    assert kling_simulator.state()["models"] == {"kling-v3": 1}


@settings(max_examples=60, deadline=None)
@given(
    prompt=st.text(min_size=1, max_size=2500),
    negative=st.none() | st.text(max_size=2500),
    duration=st.integers(3, 15),
    resolution=st.sampled_from(["720p", "1080p", "4k"]),
    audio=st.none() | st.booleans(),
)
def test_whatever_is_asked_for_is_an_order_that_is_taken(
    prompt: str, negative: str | None, duration: int, resolution: str, audio: bool | None
) -> None:
    request = clip_by_kling(
        prompt=prompt, negative_prompt=negative, duration=float(duration), resolution=resolution, audio=audio
    )
    assert complaints("text2video", sent(request)) == []


def test_orders_are_prepared_alike_each_time(kling: KlingProvider) -> None:
    request = from_picture()
    assert order_for(kling, request).request == kling.prepare(request)
