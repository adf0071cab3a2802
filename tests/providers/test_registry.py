"""models.toml itself, and how a registry file is refused or merged."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from tests.providers.contract import PNG
from tests.simulators.replicate_models import complaints, described
from vividflow.errors import Complaints
from vividflow.providers.base import GenerationRequest, Picture
from vividflow.providers.model import Limits
from vividflow.providers.registry import PictureLimits, Registry, load_registry
from vividflow.providers.replicate_by_schema import input_by_schema
from vividflow.providers.replicate_inputs import INPUTS, frames, model_input
from vividflow.providers.replicate_open import describe

RETIRED = {
    "sora-2": "2026-09-24",
    "sora-2-pro": "2026-09-24",
    "imagen-4": "2026-08-17",
    "veo2": "2026-06-30",
    "veo3": "2026-06-30",
    "veo-3.1-generate-preview": "2026-10-22",
    "veo-3.1-fast-generate-preview": "2026-10-22",
    "veo-3.1-lite-generate-preview": "2026-10-22",
    "gemini-omni-flash-preview": "2026-09-30",
}
PROMISED = {
    "wan2.1", "wan2.2", "wan2.5", "wan2.5-fast", "veo3.1", "veo3.1-fast", "local", "flux-schnell", "nano-banana-pro",
    "local-still",
}  # fmt: skip


def with_file(tmp_path: Path, text: str) -> Registry:
    own = tmp_path / "own.toml"
    own.write_text(text, encoding="utf-8")
    return load_registry(own)


def refusals(tmp_path: Path, text: str) -> list[str]:
    with pytest.raises(Complaints) as caught:
        with_file(tmp_path, text)
    return caught.value.complaints


def test_the_packaged_registry_has_no_mistake_and_the_promised_models() -> None:
    registry = load_registry()
    living = [model for model in registry.models if not model.retired()]
    assert {model.id for model in living} >= PROMISED
    assert living[0].id == "wan2.2"
    assert [model.id for model in living if model.kind == "video"][-1] == "local"
    assert [model.id for model in living if model.kind == "image"][-1] == "local-still"
    assert registry.model("nothing") is None


@pytest.mark.parametrize(("name", "day"), RETIRED.items())
def test_a_retired_model_has_its_day_and_a_successor(name: str, day: str) -> None:
    registry = load_registry()
    model = registry.model(name)
    assert model is not None
    assert model.retired()
    assert model.shutdown_date == date.fromisoformat(day)
    assert registry.successor(model)


def test_the_successor_is_one_that_is_offered_here_if_there_is_one() -> None:
    registry = load_registry()
    sora, imagen = registry.model("sora-2"), registry.model("imagen-4")
    assert sora is not None
    assert imagen is not None
    assert registry.successor(sora) == "veo3.1"
    assert registry.successor(sora, lambda model: model.id != "veo3.1") == "wan2.2"
    assert registry.successor(sora, lambda _: False) == "veo3.1"
    assert registry.successor(imagen) == "nano-banana-pro"


def test_a_model_retires_on_its_day_in_utc() -> None:
    model = load_registry().model("sora-2")
    assert model is not None
    assert model.shutdown_date is not None
    assert model.retired(model.shutdown_date)
    assert not model.retired(model.shutdown_date - timedelta(days=1))


def test_the_default_is_the_first_usable_model_and_local_when_nothing_else_is() -> None:
    registry = load_registry()
    assert registry.default(lambda _: True).id == "wan2.2"
    assert registry.default(lambda model: model.id != "wan2.2").id == "wan2.1"
    assert registry.default(lambda model: model.routes[0].provider == "local").id == "local"
    with pytest.raises(LookupError):
        registry.default(lambda _: False)


def test_local_takes_everything_api_md_promises() -> None:
    local = load_registry().model("local")
    assert local is not None
    assert local.takes == {"image", "last_image", "seed", "audio", "cfg", "negative_prompt", "steps"}
    limits = local.limits
    assert (limits.duration_range, limits.default_duration) == ((1, 60), 4)
    assert limits.resolutions == ("360p", "480p", "720p", "1080p", "4k")
    assert limits.aspect_ratios == ("16:9", "9:16", "1:1", "4:3", "3:4", "21:9")
    assert all(limits.takes_duration(each) for each in (1, 1.5, 33.3, 60))
    assert not any(limits.takes_duration(each) for each in (0.9, 60.1))
    assert load_registry().vendors["local"].lane == "media"


def test_replicate_is_described_as_its_documents_do() -> None:
    facts = load_registry().vendors["replicate"]
    assert (facts.submits_per_minute, facts.reads_per_minute) == (600, 3000)
    assert (facts.cancel, facts.cancel_billed, facts.retention_seconds) == (True, True, 3600)
    assert facts.result_hosts == ("replicate.delivery",)
    assert (facts.lane, facts.looks[0], facts.looks[-1]) == ("calls", 2, 30)


def test_only_wan21_has_guidance_and_says_what_is_really_sent() -> None:
    registry = load_registry()
    wan21, wan22 = registry.model("wan2.1"), registry.model("wan2.2")
    assert wan21 is not None
    assert wan22 is not None
    assert (wan21.limits.cfg, wan21.limits.cfg_sent_max) == ((1, 20), 10)
    assert not {"cfg", "steps", "audio", "negative_prompt"} & wan22.takes
    assert "last_image" in wan22.takes
    assert "last_image" not in wan21.takes


def replicate_orders() -> list[tuple[str, str, float, str, str, bool]]:
    found = []
    for model in load_registry().models:
        for route in (each for each in model.routes if each.provider == "replicate"):
            shapes, sizes = model.limits.aspect_ratios, model.limits.resolutions
            for has_image, size, shape, length in product((False, True), sizes, shapes, model.limits.durations or (0,)):
                name = route.provider_model(has_image=has_image, resolution=size)
                if name is not None:
                    found.append((model.id, name, length, size, shape, has_image))
    return found


def test_there_is_an_order_for_every_model_of_replicate() -> None:
    assert {model for model, *_ in replicate_orders()} == PROMISED - {"local", "local-still"}


@pytest.mark.parametrize(("model", "name", "length", "size", "shape", "has_image"), replicate_orders())
def test_every_order_the_registry_allows_is_one_the_vendor_accepts(
    model: str, name: str, length: float, size: str, shape: str, has_image: bool
) -> None:
    known = load_registry().model(model)
    assert known is not None
    request = GenerationRequest(
        model=model,
        provider_model=name,
        prompt="a lighthouse",
        duration=length,
        resolution=size,
        aspect_ratio=shape,
        seed=2**31 - 1 if "seed" in known.takes else None,
        negative_prompt="rain" if "negative_prompt" in known.takes else None,
        audio=True if "audio" in known.takes else None,
        image=PNG if has_image else None,
        last_image=PNG if has_image and "last_image" in known.takes else None,
    )
    given = asked(request)
    assert complaints(name, given, ()) == []
    if (counted := known.routes[0].frames(length)) is not None:
        assert given["num_frames"] == counted == frames(length)
        assert counted % 4 == 1


def asked(request: GenerationRequest) -> dict[str, Any]:
    def place(picture: Picture) -> str:
        return "https://files.example/a.png"

    if request.provider_model in INPUTS:
        return model_input(request, place)
    return input_by_schema(
        request, describe(request.provider_model, described(request.provider_model) or {}).schema, place
    )


def test_a_shutdown_is_announced_thirty_days_before_and_names_who_follows(tmp_path: Path) -> None:
    today = datetime.now(UTC).date()
    for days, told in ((31, False), (30, True), (1, True), (0, False)):
        entry = f'[[models]]\nid = "wan2.1"\nshutdown_date = {today + timedelta(days=days)}\nsuccessors = ["wan2.2"]\n'
        registry = with_file(tmp_path, entry)
        model = registry.model("wan2.1")
        assert model is not None
        assert (registry.notice(model) is not None) == told, days
        assert model.retired() == (days == 0)
        if told:
            assert f"{today + timedelta(days=days)}. Use wan2.2" in str(registry.notice(model))


def test_an_operators_file_adds_before_and_overrides_by_key(tmp_path: Path) -> None:
    registry = with_file(
        tmp_path,
        """
        [providers.replicate]
        submits_per_minute = 6
        [[models]]
        id = "house-wan"
        title = "House Wan"
        kind = "video"
        durations = [5]
        default_duration = 5
        resolutions = ["480p"]
        aspect_ratios = ["16:9"]
        [[models.routes]]
        provider = "replicate"
        text = "wan-video/wan-2.2-t2v-fast"
        price_date = 2026-11-01
        price_source = "our contract"
        prices = [{ usd = 0.01, per_seconds = 1 }]
        [[models]]
        id = "wan2.2"
        title = "Wan of the house"
        """,
    )
    assert [model.id for model in registry.models][:3] == ["house-wan", "wan2.2", "wan2.1"]
    changed = registry.model("wan2.2")
    assert changed is not None
    assert (changed.title, changed.limits.durations) == ("Wan of the house", (5, 6, 7))
    facts = registry.vendors["replicate"]
    assert (facts.submits_per_minute, facts.reads_per_minute) == (6, 3000)


def test_kling_is_described_as_its_documents_do() -> None:
    registry = load_registry()
    facts = registry.vendors["kling"]
    assert (facts.cancel, facts.cancel_billed, facts.callbacks_signed) == (False, True, False)
    assert (facts.retention_seconds, facts.result_hosts, facts.unit_usd) == (30 * 86400, (), Decimal("0.14"))
    new, old = registry.model("kling3"), registry.model("kling2.6")
    assert new is not None
    assert old is not None
    assert new.takes == old.takes == {"image", "last_image", "audio", "negative_prompt"}
    assert new.limits.durations == tuple(range(3, 16))
    assert old.limits.durations == (5, 10)
    assert (new.limits.resolutions, old.limits.resolutions) == (("720p", "1080p", "4k"), ("720p", "1080p"))
    assert [old.limits.takes_at("audio", size) for size in old.limits.resolutions] == [False, True]
    for route in (*new.routes, *old.routes):
        assert (route.picture.min_side, route.picture.max_bytes, route.picture.ratio) == (300, 10_000_000, (0.4, 2.5))
        assert not route.price_verified


def test_rules_about_combinations_name_only_what_there_is(tmp_path: Path) -> None:
    told = refusals(
        tmp_path,
        """
        [[models]]
        id = "kling3"
        only_at = { audio = ["480p"], seed = ["720p"] }
        apart = [["audio"], ["audio", "seed"]]
        [[models]]
        id = "kling2.6"
        only_at = { audio = "1080p" }
        apart = ["audio"]
        """,
    )
    assert [line.partition(": ")[2] for line in told if "kling3" in line] == [
        "only_at audio must be something it takes, at resolutions it makes",
        "only_at seed must be something it takes, at resolutions it makes",
        "apart must name two or more things it takes, not audio",
        "apart must name two or more things it takes, not audio, seed",
    ]
    text = "\n".join(line for line in told if "kling2.6" in line)
    assert "only_at must be a table of lists of strings" in text
    assert "apart must be a list of lists of strings" in text


def test_an_extension_says_all_that_the_video_must_be_and_goes_with_takes(tmp_path: Path) -> None:
    told = refusals(
        tmp_path,
        """
        [[models]]
        id = "veo3.1"
        extend = { adds = [7], takes = [1, 30], seconds = 7 }
        [[models]]
        id = "veo3.1-lite"
        takes = ["image", "last_image", "seed", "audio", "negative_prompt"]
        """,
    )
    assert [line for line in told if "takes extend" in line or "extend:" in line] == [
        "model veo3.1 extend: needs adds, takes, resolutions and max_bytes",
        "model veo3.1 extend: unknown key 'seconds'",
        "model veo3.1-lite: takes extend and the limit of extend go together",
    ]


def test_a_size_at_which_there_is_no_sound_needs_no_price_for_it(tmp_path: Path) -> None:
    told = refusals(tmp_path, '[[models]]\nid = "kling2.6"\nonly_at = {}\n')
    assert told == [
        f"model kling2.6: routes[0] has no price for 720p, {each} input, audio on" for each in ("text", "image")
    ]


def test_every_mistake_is_told_at_once(tmp_path: Path) -> None:
    told = refusals(
        tmp_path,
        """
        surprise = 1
        [providers.nobody]
        title = "Nobody"
        [providers.replicate]
        submits_per_minute = "many"
        lane = "motorway"
        [[models]]
        id = "odd"
        title = "Odd"
        kind = "smell"
        takes = ["image", "temperature", "cfg"]
        durations = [8, 4]
        default_duration = true
        resolutions = ["480p", "480p"]
        aspect_ratios = ["16:9"]
        shutdown_date = "soon"
        speed = 9
        [[models.routes]]
        provider = "acme"
        text = 5
        price_date = 2026-11-01
        usual = { base = -1, per_second = { "480p" = "slow" }, lunch = 1 }
        prices = [{ usd = -1, per_seconds = 1, per_frames = 4, resolution = "1080p", audio = "yes" }]
        picture = { formats = ["tiff"], ratio = [0, 2], min_side = 9, max_side = 8, colour = "red" }
        [[models]]
        title = "Nameless"
        kind = "video"
        """,
    )
    text = "\n".join(told)
    for part in (
        "unknown key 'surprise'",
        "provider nobody: unknown provider",
        "submits_per_minute must be a number",
        "lane must be one of calls, media",
        "kind must be one of video, image",
        "not temperature",
        "durations must be a rising list",
        "default_duration must be a number",
        "resolutions must be a list of different strings",
        "shutdown_date must be a date",
        "unknown key 'speed'",
        "unknown provider 'acme'",
        "text must be a string or a table",
        "formats knows jpeg, png, webp, not tiff",
        "both numbers are above 0",
        "min_side is larger than max_side",
        "unknown key 'colour'",
        "needs the provider's id for text or for image",
        "price_source is missing",
        "base must be a number of at least 0",
        "per_second must be a table of numbers",
        "unknown key 'lunch'",
        "usd must be an amount",
        "per_seconds (above 0) or per_frames, not both",
        "needs frames_per_second",
        "audio must be true or false",
        "takes cfg and the limit of cfg go together",
        "id is missing",
        "has no routes",
    ):
        assert part in text, part


@pytest.mark.parametrize("days", [-1, 400])
def test_a_shutdown_date_past_or_to_come_needs_a_successor(tmp_path: Path, days: int) -> None:
    day = datetime.now(UTC).date() + timedelta(days=days)
    told = refusals(tmp_path, f'[[models]]\nid = "wan2.1"\nshutdown_date = {day}\n')
    assert told == ["model wan2.1: has a shutdown_date, so it must name its successors"]


def test_a_model_cannot_follow_itself_near_or_far(tmp_path: Path) -> None:
    told = refusals(tmp_path, '[[models]]\nid = "wan2.1"\nsuccessors = ["wan2.1"]\n')
    assert told == ["model wan2.1: successors: it cannot be its own successor"]
    told = refusals(
        tmp_path,
        '[[models]]\nid = "wan2.1"\nsuccessors = ["wan2.2"]\n[[models]]\nid = "wan2.2"\nsuccessors = ["wan2.1"]\n',
    )
    assert told == [
        "model wan2.2: successors: they lead in a circle: wan2.2 → wan2.1 → wan2.2",
        "model wan2.1: successors: they lead in a circle: wan2.1 → wan2.2 → wan2.1",
    ]


def test_a_successor_must_live_and_be_of_the_same_kind(tmp_path: Path) -> None:
    for named in ("wan2.22", "flux-schnell"):
        told = refusals(tmp_path, f'[[models]]\nid = "wan2.1"\nshutdown_date = 2026-01-01\nsuccessors = ["{named}"]\n')
        assert told == [f"model wan2.1: successors: none of them ({named}) is a living video model"]


def test_a_successor_that_is_shut_down_hands_on_to_its_own(tmp_path: Path) -> None:
    registry = with_file(tmp_path, '[[models]]\nid = "wan2.1"\nshutdown_date = 2026-01-01\nsuccessors = ["sora-2"]\n')
    model = registry.model("wan2.1")
    assert model is not None
    assert registry.successor(model) == "veo3.1"


def test_an_id_cannot_be_there_twice_known_or_new(tmp_path: Path) -> None:
    new = '[[models]]\nid = "x"\ntitle = "X"\nkind = "video"\nshutdown_date = 2026-01-01\nsuccessors = ["local"]\n'
    for text in (new * 2, '[[models]]\nid = "wan2.1"\n' * 2):
        assert any("is there twice" in each for each in refusals(tmp_path, text)), text


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ('id = "wan2.2"\nresolutions = ["720"]', "resolutions are written like 720p, not '720'"),
        ('id = "wan2.2"\naspect_ratios = ["wide"]', "aspect_ratios are written like 16:9, not 'wide'"),
        ('id = "flux-schnell"\ndurations = [4]\ndefault_duration = 4', "is a picture, so it has no durations"),
        ('id = "flux-schnell"\ntakes = ["seed", "image"]', "no route has the provider's id for image input"),
        ('id = "flux-schnell"\ntakes = ["seed", "last_image"]', "takes last_image, so it must take image too"),
        ('id = "wan2.2"\ncfg_sent_max = 4', "cfg_sent_max needs cfg"),
        ('id = "Wan 3"\ntitle = "W"\nkind = "video"', "id is of small letters"),
    ],
)
def test_an_entry_that_contradicts_itself_is_named_with_what_is_wrong(
    tmp_path: Path, entry: str, complaint: str
) -> None:
    told = refusals(tmp_path, f"[[models]]\n{entry}\n")
    assert any(complaint in each and each.startswith("model ") for each in told), told


def test_a_model_without_a_price_for_what_it_offers_is_refused(tmp_path: Path) -> None:
    told = refusals(tmp_path, '[[models]]\nid = "wan2.2"\nresolutions = ["480p", "1080p"]\n')
    assert any("has no price for 1080p, text input, audio off" in each for each in told)


@pytest.mark.parametrize("text", ["models = 3", "providers = []", "[[models]]\nid = 7", "dated = 1", "models = [1]"])
def test_sections_of_the_wrong_kind_are_complaints_not_crashes(tmp_path: Path, text: str) -> None:
    assert refusals(tmp_path, text)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"a = ", b"[[models"])
def test_a_file_that_is_no_toml_is_named(tmp_path: Path, content: bytes) -> None:
    own = tmp_path / "own.toml"
    own.write_bytes(content)
    with pytest.raises(Complaints, match=r"own\.toml"):
        load_registry(own)
    with pytest.raises(Complaints, match="missing"):
        load_registry(tmp_path / "missing.toml")


def test_the_shortest_length_that_covers_a_scene_is_found() -> None:
    listed, free = Limits(durations=(4, 6, 8)), Limits(duration_range=(1, 60))
    assert [listed.duration_covering(each) for each in (0.5, 4, 4.1, 8, 8.1)] == [4, 4, 6, 8, None]
    assert [free.duration_covering(each) for each in (0.5, 4.2, 61)] == [1, 4.2, None]


def test_a_route_says_what_pictures_it_takes() -> None:
    registry = load_registry()
    wan, local = registry.model("wan2.2"), registry.model("local")
    assert wan is not None
    assert local is not None
    assert (wan.routes[0].picture.formats, wan.routes[0].picture.max_side) == (("jpeg", "png"), 2048)
    assert "webp" in local.routes[0].picture.formats
    assert PictureLimits().formats == ("jpeg", "png")  # what a route takes that says nothing
