"""Prices: whole micro-dollars, for what is really ordered."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vividflow.providers.model import Limits, Model, Price, Route
from vividflow.providers.price import credits, micro, quote, unit_prices, usd
from vividflow.providers.registry import load_registry


def packaged(name: str) -> Model:
    model = load_registry().model(name)
    assert model is not None
    return model


def made_up(*prices: Price) -> tuple[Model, Route]:
    route = Route(provider="local", text="x", image="x", prices=prices, price_date=date(2026, 1, 1), price_source="x")
    limits = Limits(durations=(4, 6, 8), default_duration=8, resolutions=("720p", "1080p"))
    return Model(id="m", title="M", kind="video", limits=limits, routes=(route,)), route


@pytest.mark.parametrize(
    ("name", "duration", "resolution", "expected"),
    [
        ("wan2.2", 5, "480p", 50_000),  # 81 frames, the unit of the list
        ("wan2.2", 5, "720p", 110_000),
        ("wan2.2", 6, "480p", 59_877),  # 97 frames: 0.05 x 97 / 81, rounded up
        ("wan2.2", 7, "720p", 153_457),  # 113 frames
        ("wan2.1", 5, "480p", 455_625),  # 81 frames at 16 a second are 5.0625 s
        ("wan2.1", 5, "720p", 1_265_625),
        ("wan2.1", 3, "480p", 275_625),  # 49 frames
        ("kling3", 5, "720p", 420_000),
        ("kling3", 15, "4k", 6_300_000),
        ("kling2.6", 10, "1080p", 700_000),
        ("local", 60, "4k", 0),
    ],
)
def test_a_clip_costs_the_frames_that_are_ordered(name: str, duration: float, resolution: str, expected: int) -> None:
    model = packaged(name)
    for has_image in (False, True):
        found = quote(model, model.routes[0], duration=duration, resolution=resolution, has_image=has_image)
        assert found == expected


def test_lines_are_chosen_by_resolution_audio_and_picture_the_first_that_fits() -> None:
    model, route = made_up(
        Price(usd=Decimal("0.40"), per_seconds=1, resolution="720p", audio=True),
        Price(usd=Decimal("0.20"), per_seconds=1, resolution="720p", audio=False),
        Price(usd=Decimal("0.003"), resolution="1080p", image=True),
    )
    assert quote(model, route, duration=8, resolution="720p", audio=True) == 3_200_000
    assert quote(model, route, duration=8, resolution="720p", audio=False) == 1_600_000
    assert quote(model, route, duration=8, resolution="720p") == 1_600_000
    assert quote(model, route, duration=8, resolution="1080p", has_image=True) == 3_000
    with pytest.raises(LookupError, match="m has no price for 1080p"):
        quote(model, route, duration=8, resolution="1080p", has_image=False)


def test_sound_has_a_price_of_its_own_where_the_vendor_says_so() -> None:
    for name, size, silent, sounding in (
        ("kling3", "1080p", 112_000, 168_000),
        ("kling3", "720p", 84_000, 126_000),
        ("kling3", "4k", 420_000, 420_000),
        ("kling2.6", "1080p", 70_000, 140_000),
    ):
        model = packaged(name)
        found = [
            quote(model, model.routes[0], duration=5, resolution=size, audio=audio) for audio in (None, False, True)
        ]
        assert found == [5 * silent, 5 * silent, 5 * sounding]


@pytest.mark.parametrize("duration", [4, 6, 8, 4.35])
def test_a_quote_never_falls_short_of_the_price_and_never_exceeds_it_by_a_micro_dollar(duration: float) -> None:
    model, route = made_up(Price(usd=Decimal("0.1234567"), per_seconds=1))
    exact = Decimal("0.1234567") * Decimal(str(duration)) * 1_000_000
    assert 0 <= quote(model, route, duration=duration, resolution="720p") - exact < 1


def test_lists_show_a_price_a_second_or_a_picture_by_resolution() -> None:
    def shown(name: str) -> dict[str, float]:
        return unit_prices(packaged(name), packaged(name).routes[0])

    assert set(shown("local").values()) == {0}
    assert shown("wan2.2") == {"480p": 0.01, "720p": 0.022}
    assert shown("flux-schnell") == {"720p": 0.003}
    assert shown("nano-banana-pro") == {"720p": 0.15, "1080p": 0.15, "4k": 0.3}


def test_amounts_change_their_unit_exactly() -> None:
    assert usd(1_265_625) == 1.265625
    assert micro(0.1) == 100_000
    assert micro(Decimal("0.0000001")) == 1
    assert [credits(each) for each in (0, 1, 10_000, 10_001)] == [0, 1, 1, 2]


AMOUNTS = st.decimals(min_value=0, max_value=100, places=7)
UNITS = st.sampled_from([{}, {"per_seconds": 1.0}, {"per_seconds": 5.0}, {"per_frames": 81}])


@given(usd=AMOUNTS, unit=UNITS, shorter=st.floats(0.1, 60), longer=st.floats(0, 60))
def test_a_price_is_never_negative_and_a_longer_clip_is_never_cheaper(
    usd: Decimal, unit: dict[str, float], shorter: float, longer: float
) -> None:
    model, route = made_up(Price(usd=usd, **unit))  # pyright: ignore[reportArgumentType]
    if "per_frames" in unit:
        route = replace(route, frames_per_second=16, extra_frames=1)
    amounts = [quote(model, route, duration=each, resolution="720p") for each in (shorter, shorter + longer)]
    assert 0 <= amounts[0] <= amounts[1]


@given(st.data())
def test_every_order_that_the_registry_offers_has_a_price(data: st.DataObject) -> None:
    model = data.draw(st.sampled_from([each for each in load_registry().models if not each.retired()]))
    route = data.draw(st.sampled_from(model.routes))
    limits, inputs = model.limits, [False, True] if "image" in model.takes else [False]
    length = data.draw(st.sampled_from(limits.durations or limits.duration_range or (0.0,)))
    resolution, has_image = data.draw(st.sampled_from(limits.resolutions)), data.draw(st.sampled_from(inputs))
    heard = "audio" in model.takes and limits.takes_at("audio", resolution)
    audio = data.draw(st.booleans()) if heard else False
    if route.provider_model(has_image=has_image, resolution=resolution) is not None:
        found = quote(model, route, duration=length, resolution=resolution, audio=audio, has_image=has_image)
        assert (found == 0) == (route.provider == "local")
        if heard:
            louder = quote(model, route, duration=length, resolution=resolution, audio=True, has_image=has_image)
            assert found <= louder


def test_sound_is_priced_as_it_is_ordered_and_as_the_model_makes_it_when_nothing_is_said() -> None:
    veo = packaged("veo3.1")
    for route in veo.routes:
        spoken = [quote(veo, route, duration=8, resolution="720p", audio=each) for each in (True, False, None)]
        assert spoken == [3_200_000, 1_600_000, 3_200_000], route.provider
